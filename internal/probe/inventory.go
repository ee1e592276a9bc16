package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/schema"
)

// use lists and calls in one session. It returns the page of the list that
// failed, nil if none did.
func (j *journey) use(ctx context.Context, s *client.Session, found client.Detection) *client.Exchange {
	if !s.Has("tools") {
		j.reportOnce("list.empty", "the server declares no tools")
		j.step("list", StepWarn, "no tools declared", 0)
		return nil
	}
	s, list, took := j.list(ctx, s)
	if ctx.Err() != nil {
		return nil
	}
	if x := list.Failed(); x != nil {
		return x
	}
	if list.Loop {
		j.decisive = list.Pages[len(list.Pages)-1]
		j.reportOnce("list.pages_loop", fmt.Sprintf("after %d pages the cursor comes round again or never ends", len(list.Pages)))
	}
	first := j.res.Inventory == nil
	tools := j.judgeTools(list, s)
	switch {
	case first:
		j.decisive = list.Pages[0]
		j.setInventory(tools, took)
	case len(tools) == 0 && j.res.Tools > 0:
		j.decisive = list.Pages[0]
		j.partial(s.Era, fmt.Sprintf("%s clients get an empty list, others %d tools", s.Era, j.res.Tools))
	}
	j.speed(ctx, s, list, found)
	if first {
		for _, c := range j.target.Calls {
			j.call(ctx, s, c, list)
		}
	}
	return nil
}

// list reads the tools; when a session is lost it opens one new one.
func (j *journey) list(ctx context.Context, s *client.Session) (*client.Session, client.ToolList, time.Duration) {
	start := time.Now()
	list := j.listOnce(ctx, s)
	x := list.Failed()
	if x == nil || s.Era != mcp.EraLegacy || s.ID == "" || !lostSession(x) {
		return s, list, time.Since(start)
	}
	status := x.Status
	j.decisive = x
	h := j.client.Initialize(ctx, s.Revision)
	j.exchanges = append(j.exchanges, h.Initialize)
	if h.Initialized != nil {
		j.exchanges = append(j.exchanges, h.Initialized)
	}
	if h.Session == nil {
		j.report("session.unusable", fmt.Sprintf("the session is refused with %d and a new one cannot be opened: %s", status, j.answerOf(h.Initialize)))
		return s, list, time.Since(start)
	}
	j.sessions = append(j.sessions, h.Session)
	again := j.listOnce(ctx, h.Session)
	switch x := again.Failed(); {
	case x != nil && lostSession(x):
		j.decisive = x
		j.report("session.unusable", fmt.Sprintf("two sessions in a row are refused with %d on their first request", x.Status))
	case status == http.StatusBadRequest:
		j.report("session.lost_400", "a session was gone at its next request, which is answered 400; a new one works")
	default:
		j.report("session.lost_404", "a session was gone at its next request, which is answered 404; a new one works")
	}
	return h.Session, again, time.Since(start)
}

func (j *journey) listOnce(ctx context.Context, s *client.Session) client.ToolList {
	ctx, cancel := context.WithTimeout(ctx, j.prober.opts.Patience)
	defer cancel()
	list := s.ListTools(ctx)
	j.exchanges = append(j.exchanges, list.Pages...)
	return list
}

// lostSession: what servers answer to a session id they do not know.
func lostSession(x *client.Exchange) bool {
	switch x.Status {
	case http.StatusNotFound:
		return true
	case http.StatusBadRequest:
		e := x.RPCError()
		return e == nil || strings.Contains(strings.ToLower(e.Message), "session") || e.Code == -32000 || e.Code == mcp.CodeInvalidRequest
	default:
		return false
	}
}

// judgeList names a tools/list that failed.
func (j *journey) judgeList(ctx context.Context, s *client.Session, x *client.Exchange) {
	j.decisive = x
	defer func() {
		j.step("list", StepFail, j.res.Findings[len(j.res.Findings)-1].Seen, x.Timing.Total)
	}()
	if x.Response == nil && x.Status/100 == 4 && s.ID != "" && lostSession(x) && j.broken() {
		return // session.unusable has been said
	}
	before := len(j.res.Findings)
	switch {
	case x.Err != nil && x.Status == 0 && isTimeout(x):
		j.report("list.timeout", fmt.Sprintf("no answer to tools/list within %s", j.prober.opts.Patience))
	case x.OK():
		j.report("list.error", "the result of tools/list holds no array of tools")
	case x.RPCError() != nil && x.Status != http.StatusUnauthorized && x.Status != http.StatusForbidden && x.Status != http.StatusTooManyRequests:
		e := x.RPCError()
		j.report("list.error", fmt.Sprintf("tools/list is answered with error %d: %s", e.Code, j.clip(e.Message)))
	case x.Status >= 500: // the server is there: it has just shaken hands
		j.report("list.error", "tools/list is answered "+j.answerOf(x))
	default:
		j.judge(ctx, x)
	}
	if len(j.res.Findings) == before {
		j.report("list.error", "tools/list is answered "+j.answerOf(x))
	}
}

func isTimeout(x *client.Exchange) bool {
	e, ok := errors.AsType[*egress.Error](x.Err)
	return x.Fault == client.FaultStalled || ok && e.Kind == egress.Timeout || errors.Is(x.Err, context.DeadlineExceeded)
}

// listedTool is the part of a tool that is judged.
type listedTool struct {
	Name         *string         `json:"name"`
	InputSchema  json.RawMessage `json:"inputSchema"`
	OutputSchema json.RawMessage `json:"outputSchema"`
}

// toolName is the recommendation of SEP-986.
var toolName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)

// judgeTools judges each tool alone: one bad one must not hide the others.
func (j *journey) judgeTools(list client.ToolList, s *client.Session) []Tool {
	tools := make([]Tool, 0, len(list.Tools))
	seen := map[string]int{}
	for i, raw := range list.Tools {
		t, name := j.judgeTool(raw, s)
		if name == nil {
			t.Name = fmt.Sprintf("#%d", i+1)
		} else if seen[*name]++; seen[*name] == 2 {
			j.reportOnceOn("list.duplicate", t.Name, "the name stands more than once in the list")
		}
		for _, p := range t.Problems {
			j.reportOnceOn("list.schema_invalid", t.Name, p)
		}
		tools = append(tools, t)
	}
	return tools
}

func (j *journey) judgeTool(raw json.RawMessage, s *client.Session) (t Tool, name *string) {
	var listed listedTool
	if err := json.Unmarshal(raw, &listed); err != nil {
		t.Problems = append(t.Problems, "the entry is not a tool: "+j.clip(err.Error()))
		return t, nil
	}
	hashes, err := j.hash(raw)
	t.Hashes = hashes
	if listed.Name == nil || *listed.Name == "" {
		t.Problems = append(t.Problems, "the entry has no name")
		return t, nil
	}
	t.Name = j.clip(*listed.Name)
	if !toolName.MatchString(*listed.Name) {
		j.reportOnceOn("list.name", t.Name, fmt.Sprintf("the name %q is not 1 to 128 of A-Z a-z 0-9 _ . -", t.Name))
	}
	problems := schema.Judge(listed.InputSchema, schema.Input)
	if len(listed.OutputSchema) > 0 {
		use := schema.OutputObject
		if s.Era == mcp.EraModern {
			use = schema.Output
		}
		problems = append(problems, schema.Judge(listed.OutputSchema, use)...)
	}
	for _, p := range problems {
		if p.Kind == schema.BadHeader && s.Era != mcp.EraModern {
			continue // the annotation means nothing before 2026-07-28
		}
		t.Problems = append(t.Problems, j.clip(p.String()))
	}
	if err != nil && len(t.Problems) == 0 {
		t.Problems = append(t.Problems, "clients may read it differently: "+j.clip(err.Error()))
	}
	return t, listed.Name
}

// hashed is a tool's hashes, or why it has none.
type hashed struct {
	mcp.ToolHashes
	err error
}

// hash remembers: a server of both eras lists the same tools twice.
func (j *journey) hash(raw json.RawMessage) (mcp.ToolHashes, error) {
	h, ok := j.hashes[string(raw)]
	if !ok {
		h.ToolHashes, h.err = mcp.HashTool(raw)
		if j.hashes == nil {
			j.hashes = map[string]hashed{}
		}
		j.hashes[string(raw)] = h
	}
	return h.ToolHashes, h.err
}

// heavyList is where a list costs a model too much context: about 40,000
// tokens at four bytes each.
const heavyList = 160 << 10

func (j *journey) setInventory(tools []Tool, took time.Duration) {
	j.res.Inventory = tools
	j.res.Tools = len(tools)
	hashes := make([]mcp.ToolHashes, len(tools))
	for i, t := range tools {
		hashes[i] = t.Hashes
		if len(t.Problems) > 0 {
			j.res.ToolsInvalid++
		}
	}
	j.res.ToolsHash = mcp.HashTools(hashes)
	j.res.Phases.Total = time.Since(j.start)
	state, detail := StepOK, fmt.Sprintf("%d tools", len(tools))
	switch {
	case len(tools) == 0:
		state = StepWarn
		j.report("list.empty", "tools/list brings no tool")
	case j.res.ToolsInvalid == len(tools):
		state, detail = StepFail, detail+", none of them valid"
		j.raise("list.schema_invalid")
	case j.res.ToolsInvalid > 0:
		state, detail = StepWarn, fmt.Sprintf("%s, %d of them invalid", detail, j.res.ToolsInvalid)
	}
	j.step("list", state, detail, took)
}

// raise makes findings of one name errors: what some clients survive, none does.
func (j *journey) raise(name string) {
	for i := range j.res.Findings {
		if j.res.Findings[i].Name == name {
			j.res.Findings[i].Severity = finding.Error
		}
	}
}

// reportOnce files a finding unless the other era brought it already.
func (j *journey) reportOnce(name, seen string) { j.reportOnceOn(name, j.res.Target, seen) }

func (j *journey) reportOnceOn(name, subject, seen string) {
	for _, f := range j.res.Findings {
		if f.Name == name && f.Subject == subject {
			return
		}
	}
	j.reportOn(name, subject, seen)
}

// speed judges how long the answers took, and whether that was a cold start.
func (j *journey) speed(ctx context.Context, s *client.Session, list client.ToolList, found client.Detection) {
	if list.Bytes > heavyList {
		j.reportOnce("list.tokens", fmt.Sprintf("the tool list is %d KiB, about %d tokens of a model's context", list.Bytes>>10, list.Bytes/4))
	}
	slowest := time.Duration(0)
	for _, x := range slices.Concat(found.Steps, list.Pages) {
		slowest = max(slowest, x.Timing.Total)
	}
	budget := j.prober.opts.Budget
	if slowest <= budget || j.res.Cold {
		return
	}
	again := j.listOnce(ctx, s)
	if len(again.Pages) == 0 || again.Failed() != nil {
		j.reportOnce("slow.p95", fmt.Sprintf("the slowest answer took %s (budget %s), the next none", slowest.Round(time.Millisecond), budget))
		return
	}
	warm := again.Pages[0].Timing.Total
	if warm <= budget {
		j.res.Cold = true
		j.reportOnce("slow.cold_start", fmt.Sprintf("the first answer took %s (budget %s), the next %s", slowest.Round(time.Millisecond), budget, warm.Round(time.Millisecond)))
		return
	}
	j.reportOnce("slow.p95", fmt.Sprintf("answers take %s also when warm (budget %s)", warm.Round(time.Millisecond), budget))
}

// deeper asks what costs the server more; only for one's own servers.
func (j *journey) deeper(ctx context.Context) {
	for _, s := range j.sessions {
		if j.res.Inventory != nil && s.Has("tools") && s.Transport == client.StreamableHTTP {
			j.unstable(ctx, s)
			break
		}
	}
	for _, s := range j.sessions {
		switch {
		case ctx.Err() != nil || s.Transport != client.StreamableHTTP:
		case s.Era == mcp.EraModern:
			j.listen(ctx, s)
		default:
			j.getStream(ctx, s)
		}
	}
	j.echo(ctx)
}

// unstable lists again over fresh connections: two versions behind one balancer
// show as two lists.
func (j *journey) unstable(ctx context.Context, s *client.Session) {
	for range 2 {
		j.http.CloseIdle()
		again := j.listOnce(ctx, s)
		if again.Failed() != nil {
			return
		}
		hashes := make([]mcp.ToolHashes, 0, len(again.Tools))
		for _, raw := range again.Tools {
			h, _ := j.hash(raw) // judged already; an invalid one hashes to zero both times
			hashes = append(hashes, h)
		}
		if mcp.HashTools(hashes) != j.res.ToolsHash {
			j.report("list.unstable", fmt.Sprintf("one list has %d tools, the next over a fresh connection %d, and they differ", j.res.Tools, len(again.Tools)))
			return
		}
	}
}

const (
	ackTimeout = 5 * time.Second
	listenHold = time.Second
)

func (j *journey) listen(ctx context.Context, s *client.Session) {
	if !declaresListChanged(s) {
		return
	}
	l := s.Listen(ctx, ackTimeout, listenHold)
	j.exchanges = append(j.exchanges, l.Exchange)
	switch {
	case l.Acknowledged && l.Ended:
		j.report("listen.broken", "the subscription was acknowledged, then its stream ended by itself")
		j.step("listen", StepWarn, "the stream does not stay open", l.Exchange.Timing.Total)
	case l.Acknowledged:
		j.step("listen", StepOK, "subscription acknowledged", l.Exchange.Timing.FirstByte)
	default:
		j.report("listen.no_ack", "subscriptions/listen brings no acknowledgement: "+j.answerOf(l.Exchange))
		j.step("listen", StepWarn, "no acknowledgement", l.Exchange.Timing.Total)
	}
}

// declaresListChanged: only a server that promises changes has to accept the
// subscription.
func declaresListChanged(s *client.Session) bool {
	var tools struct {
		ListChanged bool `json:"listChanged"`
	}
	return json.Unmarshal(s.Capabilities["tools"], &tools) == nil && tools.ListChanged
}

func (j *journey) getStream(ctx context.Context, s *client.Session) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	x := s.Get(ctx)
	j.exchanges = append(j.exchanges, x)
	switch {
	case x.Status == http.StatusMethodNotAllowed:
		j.step("stream", StepOK, "no stream for unasked messages (405, allowed)", x.Timing.FirstByte)
	case x.Framing == client.FramingStream:
		j.step("stream", StepOK, "stream for unasked messages opens", x.Timing.FirstByte)
	default:
		j.step("stream", StepWarn, "GET is answered "+j.answerOf(x), x.Timing.FirstByte)
	}
}

// echo asks for a revision that never was: an honest server names its own.
func (j *journey) echo(ctx context.Context) {
	for _, s := range j.sessions {
		if s.Era != mcp.EraLegacy || s.Transport == client.HTTPSSE || j.client.URL() == nil {
			continue
		}
		h := j.client.Initialize(ctx, mcp.NeverWas)
		j.exchanges = append(j.exchanges, h.Initialize)
		if mcp.Echoes(h.Version) {
			j.report("version.echo", "initialize agrees to version "+h.Version+", which never was")
		}
		if h.Session != nil {
			j.exchanges = append(j.exchanges, h.Initialized)
			j.sessions = append(j.sessions, h.Session)
		}
		return
	}
}
