package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/schema"
)

// callResult is the part of a CallToolResult that is judged.
type callResult struct {
	ResultType        string          `json:"resultType"`
	IsError           bool            `json:"isError"`
	StructuredContent json.RawMessage `json:"structuredContent"`
	Content           []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
}

// call runs one tool that the operator named and judges the answer.
func (j *journey) call(ctx context.Context, s *client.Session, c Call, list client.ToolList) {
	raw := findTool(list, c.Tool)
	if raw == nil {
		j.failCall(c, "call.unknown_tool", fmt.Sprintf("the list has no tool %q", j.clip(c.Tool)))
		j.step("call", StepFail, c.Tool+": not in the list", 0)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, j.prober.opts.Patience)
	defer cancel()
	x := s.Call(ctx, c.Tool, c.Args)
	j.exchanges = append(j.exchanges, x)
	before := len(j.res.Findings)
	j.judgeCall(ctx, c, x, raw)
	if len(j.res.Findings) == before {
		j.step("call", StepOK, c.Tool, x.Timing.Total)
		return
	}
	j.decisive = x
	j.step("call", StepFail, c.Tool+": "+j.res.Findings[before].Seen, x.Timing.Total)
}

func findTool(list client.ToolList, name string) json.RawMessage {
	for _, raw := range list.Tools {
		var t listedTool
		if json.Unmarshal(raw, &t) == nil && t.Name != nil && *t.Name == name {
			return raw
		}
	}
	return nil
}

func (j *journey) judgeCall(ctx context.Context, c Call, x *client.Exchange, tool json.RawMessage) {
	switch {
	case x.Status == http.StatusUnauthorized || x.Status == http.StatusForbidden:
		if credentialed(j.target.Endpoint.Header) {
			j.res.Auth = AuthBroken
			j.failCall(c, "auth.rejected", "our credential is refused when the tool is called: "+j.answerOf(x))
			return
		}
		j.res.Auth = AuthGatedAtCall
		j.failCall(c, "auth.call_time", "the list is open, the call is answered "+j.answerOf(x))
	case x.Status == http.StatusTooManyRequests:
		j.judge(ctx, x) // throttled: nothing was learned of the tool
	case x.RPCError() != nil:
		e := x.RPCError()
		j.failCall(c, "call.protocol_error", fmt.Sprintf("the call is answered with error %d: %s", e.Code, j.clip(e.Message)))
	case !x.OK() && isTimeout(x):
		j.failCall(c, "call.timeout", fmt.Sprintf("no result within %s", j.prober.opts.Patience))
	case !x.OK():
		j.failCall(c, "call.protocol_error", "the call is answered "+j.answerOf(x))
	default:
		j.judgeResult(c, x.Response.Result, tool)
	}
}

func (j *journey) judgeResult(c Call, raw, tool json.RawMessage) {
	var r callResult
	if err := json.Unmarshal(raw, &r); err != nil {
		j.failCall(c, "call.protocol_error", "the result is not that of a tool call: "+j.clip(err.Error()))
		return
	}
	switch {
	case r.ResultType == "input_required":
		j.failCall(c, "call.input_required", "the tool asks for input before it answers")
	case r.IsError:
		text := r.text()
		code := j.meaning(c, text)
		j.failCall(c, code, "the tool reports an error: "+j.clip(firstLine(text)))
	default:
		j.judgeOutput(c, r, tool)
	}
}

func (r callResult) text() string {
	var parts []string
	for _, c := range r.Content {
		if c.Type == "text" {
			parts = append(parts, c.Text)
		}
	}
	return strings.Join(parts, "\n")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// judgeOutput holds structuredContent against the tool's outputSchema.
func (j *journey) judgeOutput(c Call, r callResult, tool json.RawMessage) {
	var t listedTool
	if json.Unmarshal(tool, &t) != nil || len(t.OutputSchema) == 0 {
		return
	}
	if len(r.StructuredContent) == 0 || string(r.StructuredContent) == "null" {
		j.failCall(c, "call.output_missing", "the tool has an outputSchema, its result no structuredContent")
		return
	}
	compiled, err := schema.Compile(t.OutputSchema)
	if err != nil {
		return // the schema itself has been reported
	}
	err = compiled.Validate(r.StructuredContent)
	if err != nil && !errors.Is(err, schema.ErrBudget) {
		j.failCall(c, "call.output_invalid", "structuredContent does not fit the tool's outputSchema: "+j.clip(err.Error()))
	}
}

// failCall files a finding about a call, as an error if the call is critical.
func (j *journey) failCall(c Call, name, seen string) {
	j.reportOn(name, c.Tool, seen)
	f := &j.res.Findings[len(j.res.Findings)-1]
	if c.Critical && f.Severity == finding.Warning {
		f.Severity = finding.Error
	}
}

// meaning reads an error text: by the operator's rules, else by our own.
func (j *journey) meaning(c Call, text string) string {
	rules := c.Meanings
	if rules == nil {
		rules = builtinMeanings()
	}
	if len(text) > 8<<10 {
		text = text[:8<<10]
	}
	for _, m := range rules {
		if m.Match.MatchString(text) {
			return m.Code
		}
	}
	return "call.is_error"
}

// builtinMeanings read what upstream services commonly say. They are narrow on
// purpose: a wrong guess sends the person who is paged the wrong way.
func builtinMeanings() []Meaning {
	return []Meaning{
		{regexp.MustCompile(`(?i)\b(401|unauthori[sz]ed|invalid[ _]api[ _]key|api[ _]key (is )?(not valid|invalid|expired)|valid api[ _]key|invalid[ _]token|token (has )?expired|expired (token|credentials?)|authentication (failed|required)|credentials? (have |has )?expired)\b`), "call.upstream_auth"},
		{regexp.MustCompile(`(?i)\b(429|too many requests|rate limit(ed)?|quota (exceeded|exhausted))\b`), "call.quota"},
		{regexp.MustCompile(`(?i)\b(502|503|504|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|connection (refused|reset)|no such host|service unavailable|bad gateway|upstream (timed out|unavailable|error))\b`), "call.upstream_down"},
	}
}
