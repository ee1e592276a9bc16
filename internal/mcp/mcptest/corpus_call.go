package mcptest

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// says answers every call with one result.
func says(result any) CallFunc {
	return func(context.Context, string, json.RawMessage) (any, *mcp.Error) { return result, nil }
}

// calling declares one call of a tool.
func calling(tool, args string) func(*World, *Host, *Target) {
	return func(_ *World, _ *Host, t *Target) {
		t.Calls = []Call{{Tool: tool, Args: json.RawMessage(args)}}
	}
}

// callCases are tools that fail when they are called, the list being fine.
func callCases() []spec {
	echo := calling("echo", `{"text":"hello"}`)
	forecast := calling("forecast", `{"city":"Oslo"}`)
	answer := func(r any) func() Config { return func() Config { return Config{Call: says(r)} } }
	structured := func(r any) func() Config {
		return func() Config { return Config{Tools: []json.RawMessage{ForecastTool()}, Call: says(r)} }
	}
	upstream := func(name, want, text string) spec {
		return spec{name: name, want: one(want), may: one("call.is_error"), cfg: answer(ErrorResult(text)), target: echo}
	}
	fine := func(name, near, text string) spec {
		return spec{name: name, near: near, cfg: answer(TextResult(text)), target: echo}
	}
	return []spec{
		{name: "call works", eras: Eras(), near: "call.unknown_tool", target: echo},
		{name: "call of a tool that is not there", eras: Eras(), want: one("call.unknown_tool"), near: "call.protocol_error", target: calling("ecco", `{}`)},
		{name: "call answers a protocol error", eras: Eras(), want: one("call.protocol_error"), near: "call.is_error", target: echo, cfg: func() Config {
			return Config{Call: func(context.Context, string, json.RawMessage) (any, *mcp.Error) {
				return nil, &mcp.Error{Code: mcp.CodeInternal, Message: "panic: nil pointer"}
			}}
		}},
		{name: "call answers an error", eras: Eras(), want: one("call.is_error"), near: "call.protocol_error", target: echo,
			cfg: answer(ErrorResult("city not found"))},
		fine("call result speaks of errors", "call.is_error", `{"isError":true,"note":"this is only text, error error"}`),
		{name: "call never answers", eras: Eras(), want: one("call.timeout"), forbid: []string{"list.timeout", "http.timeout"}, target: echo, cfg: func() Config {
			return Config{Call: func(ctx context.Context, _ string, _ json.RawMessage) (any, *mcp.Error) {
				<-ctx.Done()
				return nil, nil
			}}
		}},
		{name: "call takes four seconds", eras: threeEras(), near: "call.timeout", target: echo, cfg: always(On(Delay(4*time.Second), mcp.MethodToolsCall))},
		{name: "call asks for input", eras: []Era{Modern, Dual}, want: one("call.input_required"), forbid: one("call.output_missing"), target: echo,
			cfg: answer(map[string]any{"resultType": "input_required", "requestState": "opaque", "inputRequests": map[string]any{
				"who": map[string]any{"method": mcp.MethodElicit, "params": map[string]any{"message": "Who?", "requestedSchema": map[string]any{"type": "object"}}}}})},
		{name: "call asks only those who can answer", eras: []Era{Modern}, near: "call.input_required", target: echo, cfg: func() Config {
			return Config{Faults: []Fault{On(When(func(ex *Exchange) bool {
				return strings.Contains(string(ex.Msg.Meta.ClientCapabilities), "elicitation")
			}, BendResult(func(_ *Exchange, r map[string]any) { r["resultType"] = "input_required" })), mcp.MethodToolsCall)}}
		}},
		{name: "structured content as promised", eras: threeEras(), near: "call.output_invalid", target: forecast, cfg: structured(StructuredResult(`{"high":21.5,"extra":true}`))},
		{name: "structured content against its schema", eras: threeEras(), want: one("call.output_invalid"), target: forecast, cfg: structured(StructuredResult(`{"high":"warm"}`))},
		{name: "structured content lacks a member", eras: threeEras(), want: one("call.output_invalid"), near: "call.output_missing", target: forecast, cfg: structured(StructuredResult(`{"low":3}`))},
		{name: "structured content missing", eras: threeEras(), want: one("call.output_missing"), near: "call.output_invalid", target: forecast, cfg: structured(TextResult("sunny"))},
		{name: "error without structured content", want: one("call.is_error"), near: "call.output_missing", target: forecast, cfg: structured(ErrorResult("no such city"))},
		{name: "error with odd structured content", want: one("call.is_error"), near: "call.output_invalid", target: forecast, cfg: func() Config {
			r := ErrorResult("no such city")
			r["structuredContent"] = map[string]any{"code": 404}
			return Config{Tools: []json.RawMessage{ForecastTool()}, Call: says(r)}
		}},
		{name: "no output schema, no structured content", near: "call.output_missing", target: echo, cfg: answer(TextResult("plain"))},
		upstream("upstream token expired", "call.upstream_auth", "Request failed with status 401: invalid_token, the access token expired"),
		upstream("upstream key invalid", "call.upstream_auth", "403 Forbidden: API key not valid. Please pass a valid API key."),
		fine("text with a house number", "call.upstream_auth", "Our office: 401 Main Street. Unauthorized persons keep out."),
		upstream("upstream refuses", "call.upstream_down", "connect ECONNREFUSED 10.0.0.12:5432"),
		upstream("upstream answers 503", "call.upstream_down", "upstream connect error or disconnect/reset before headers: 503 Service Unavailable"),
		fine("text about a service", "call.upstream_down", "The 503 bus is in service; the connection was refused to nobody."),
		upstream("quota used up", "call.quota", "429 Too Many Requests: You exceeded your current quota, please check your plan and billing details."),
		upstream("rate limited upstream", "call.quota", "rate limit exceeded, retry in 37 s"),
		{name: "429 inside a tool result", want: one("call.quota"), near: "http.429", may: one("call.is_error"), target: echo,
			cfg: answer(ErrorResult("429 Too Many Requests"))},
		fine("text about fish", "call.quota", "The quota for cod is 429 tonnes this year."),
	}
}
