package mcptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// listCases are inventories with something wrong in them.
func listCases() []spec {
	brief := 200 * time.Millisecond
	out := []spec{
		{name: "list fails", eras: Eras(), want: one("list.error"), forbid: one("init.error"), target: twice,
			cfg: always(On(RPCError(200, mcp.CodeInternal, "database is locked"), mcp.MethodToolsList))},
		{name: "list answers 500", eras: threeEras(), want: one("list.error"), forbid: one("http.5xx"), target: twice,
			cfg: always(On(Answer(500, "text/plain", "oops"), mcp.MethodToolsList))},
		{name: "list answers 200 with error code 0", eras: []Era{Legacy}, want: one("list.error"), target: twice,
			cfg: always(On(RPCError(200, 0, "method is invalid during session initialization"), mcp.MethodToolsList))},
		{name: "list result has no tools", eras: threeEras(), anyOf: []string{"list.error", "list.empty"}, may: []string{"list.error", "list.empty"},
			target: twice, cfg: always(On(BendResult(func(_ *Exchange, r map[string]any) { delete(r, "tools") }), mcp.MethodToolsList))},
		{name: "list result is no list", want: one("list.error"), target: twice,
			cfg: always(On(BendResult(func(_ *Exchange, r map[string]any) { r["tools"] = map[string]any{} }), mcp.MethodToolsList))},
		{name: "second page fails", eras: threeEras(), want: one("list.error"), target: twice, cfg: func() Config {
			return Config{Tools: Tools(10), PageSize: 5, Faults: []Fault{When(func(ex *Exchange) bool {
				return ex.Method() == mcp.MethodToolsList && strings.Contains(string(ex.Msg.Params), "cursor")
			}, RPCError(200, mcp.CodeInternal, "cursor expired"))}}
		}},
		{name: "list fails once", eras: threeEras(), near: "list.error", target: twice, cfg: func() Config {
			return Config{Faults: []Fault{On(Until(brief, RPCError(200, mcp.CodeInternal, "warming up")), mcp.MethodToolsList)}}
		}},
		{name: "list never answers", eras: Eras(), want: one("list.timeout"), forbid: []string{"http.timeout", "sse.stalled"}, target: twice,
			cfg: always(On(Hang, mcp.MethodToolsList))},
		{name: "list takes three seconds", eras: threeEras(), near: "list.timeout", cfg: always(On(Delay(3*time.Second), mcp.MethodToolsList))},
		{name: "no tools", eras: Eras(), want: one("list.empty"), near: "list.error", cfg: func() Config { return Config{Tools: []json.RawMessage{}} }},
		{name: "first page empty, second full", eras: threeEras(), near: "list.empty", cfg: always(On(emptyFirstPage, mcp.MethodToolsList))},
		{name: "pages repeat", eras: threeEras(), want: one("list.pages_loop"), may: one("list.duplicate"), target: twice, cfg: always(On(BendResult(func(_ *Exchange, r map[string]any) {
			r["nextCursor"] = "again"
		}), mcp.MethodToolsList), cursorsAreIgnored)},
		{name: "pages without end", want: one("list.pages_loop"), may: []string{"list.duplicate", "list.tokens"}, target: twice, cfg: func() Config {
			var n atomic.Int64
			return Config{Faults: []Fault{cursorsAreIgnored, On(BendResult(func(_ *Exchange, r map[string]any) {
				r["nextCursor"] = fmt.Sprintf("page-%d", n.Add(1))
				r["tools"] = list(string(Tool(fmt.Sprintf("tool-%d", n.Load()))))
			}), mcp.MethodToolsList)}}
		}},
		{name: "two cursors in turn", want: one("list.pages_loop"), may: one("list.duplicate"), target: twice, cfg: func() Config {
			var n atomic.Int64
			return Config{Faults: []Fault{cursorsAreIgnored, On(BendResult(func(_ *Exchange, r map[string]any) {
				r["nextCursor"] = []string{"left", "right"}[n.Add(1)%2]
			}), mcp.MethodToolsList)}}
		}},
		{name: "the empty string is a cursor", eras: threeEras(), near: "list.pages_loop", cfg: always(On(emptyCursor, mcp.MethodToolsList))},
		{name: "next cursor null", eras: threeEras(), near: "list.pages_loop", cfg: always(On(BendResult(func(_ *Exchange, r map[string]any) {
			r["nextCursor"] = nil
		}), mcp.MethodToolsList))},
		{name: "twenty pages", near: "list.pages_loop", cfg: func() Config { return Config{Tools: Tools(100), PageSize: 5} }},
		{name: "a thousand wordy tools", eras: threeEras(), want: one("list.tokens"), cfg: func() Config { return Config{Tools: HeavyTools(1000, 500), PageSize: 100} }},
		{name: "three hundred brief tools", near: "list.tokens", cfg: func() Config { return Config{Tools: Tools(300)} }},
	}
	return slices.Concat(out, toolCases(), unstableCases())
}

// cursorsAreIgnored makes every page the first one.
func cursorsAreIgnored(ex *Exchange, next func()) {
	if ex.Method() == mcp.MethodToolsList {
		msg := *ex.Msg
		msg.Params = nil
		ex.Msg = &msg
	}
	next()
}

// hasCursor tells whether a tools/list asks for a further page.
func hasCursor(ex *Exchange) bool {
	var params struct {
		Cursor *string `json:"cursor"`
	}
	if json.Unmarshal(ex.Msg.Params, &params) != nil || params.Cursor == nil {
		return false
	}
	return true
}

func emptyFirstPage(ex *Exchange, next func()) {
	second := hasCursor(ex)
	cursorsAreIgnored(ex, func() {
		BendResult(func(_ *Exchange, r map[string]any) {
			if !second {
				r["tools"], r["nextCursor"] = []any{}, "full"
			}
		})(ex, next)
	})
}

func emptyCursor(ex *Exchange, next func()) {
	second := hasCursor(ex)
	cursorsAreIgnored(ex, func() {
		BendResult(func(_ *Exchange, r map[string]any) {
			if second {
				r["tools"] = list(string(Tool("second")))
			} else {
				r["nextCursor"] = ""
			}
		})(ex, next)
	})
}

// toolCases have one odd tool beside a good one.
func toolCases() []spec {
	var out []spec
	bad := []struct{ name, schema string }{
		{"type int", `{"type":"int"}`},
		{"negative minLength", `{"type":"object","properties":{"a":{"type":"string","minLength":-1}}}`},
		{"required inside properties", `{"type":"object","properties":{"a":{"type":"string"},"required":["a"]}}`},
		{"enum that is no list", `{"type":"object","properties":{"a":{"enum":"x"}}}`},
		{"schema of an array", `{"type":"array","items":{}}`},
		{"schema without type", `{"properties":{}}`},
		{"schema that is a list", `[]`},
		{"schema true", `true`},
		{"schema null", `null`},
		{"reference to nothing", `{"type":"object","properties":{"a":{"$ref":"#/$defs/gone"}}}`},
		{"remote reference", `{"type":"object","properties":{"a":{"$ref":"https://schemas.example/a.json"}}}`},
		{"file reference", `{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}`},
		{"reference to itself", `{"type":"object","$ref":"#"}`},
		{"reference in a circle", `{"type":"object","$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`},
		{"pattern that is no expression", `{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}`},
		{"header on a number", `{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}`},
		{"header that is no token", `{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A B"}}}`},
		{"header empty", `{"type":"object","properties":{"a":{"type":"string","x-mcp-header":""}}}`},
		{"header twice", `{"type":"object","properties":{"a":{"type":"string","x-mcp-header":"X"},"b":{"type":"string","x-mcp-header":"x"}}}`},
		{"header inside items", `{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"X"}}}}`},
	}
	for _, b := range bad {
		out = append(out, spec{name: "bad tool, " + b.name, want: one("list.schema_invalid"), forbid: one("list.error"), cfg: beside(ToolWith("odd", b.schema))})
	}
	good := []struct{ name, schema string }{
		{"draft-07 declared", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","definitions":{"a":{"type":"string"}},"properties":{"x":{"$ref":"#/definitions/a"}}}`},
		{"tree by reference", `{"type":"object","$defs":{"node":{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/node"}}}}},"properties":{"root":{"$ref":"#/$defs/node"}}}`},
		{"unknown format and keyword", `{"type":"object","properties":{"a":{"type":"string","format":"color","x-order":1}}}`},
		{"header on a string", `{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"Count"}}}`},
		{"composition", `{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]}},"allOf":[{"if":{"required":["a"]},"then":{"required":["b"]}}]}`},
		{"boolean schemas", `{"type":"object","properties":{"a":true,"b":false},"additionalProperties":false}`},
		{"lookahead in a pattern", `{"type":"object","properties":{"a":{"type":"string","pattern":"^(?!x)y"}}}`},
	}
	for _, g := range good {
		out = append(out, spec{name: "good tool, " + g.name, near: "list.schema_invalid", cfg: beside(ToolWith("odd", g.schema))})
	}
	hard := func(name string, schema func() string) spec {
		return spec{name: "bad tool, " + name, eras: threeEras(), want: one("list.schema_invalid"), may: []string{"list.tokens"},
			cfg: func() Config { return Config{Tools: []json.RawMessage{EchoTool(), ToolWith("bomb", schema())}} }}
	}
	return append(append(out, nameCases()...),
		spec{name: "bad tool, doubling anyOf", eras: threeEras(), may: []string{"list.schema_invalid"}, near: "list.timeout",
			anyOf: one("list.schema_invalid"), cfg: func() Config {
				return Config{Tools: []json.RawMessage{EchoTool(), ToolWith("bomb", DoublingSchema(22))}}
			}},
		hard("ten thousand levels in a string of defs", func() string { return chainSchema(10_000) }),
		spec{name: "bad tool, nested five hundred deep", want: one("list.schema_invalid"), cfg: func() Config {
			return Config{Tools: []json.RawMessage{EchoTool(), ToolWith("deep", DeepSchema(500))}}
		}},
		spec{name: "good tool, nested twenty deep", near: "list.schema_invalid", cfg: beside(ToolWith("deep", DeepSchema(20)))},
		spec{name: "bad tool, no input schema", eras: Eras(), want: one("list.schema_invalid"), cfg: beside([]byte(`{"name":"odd","description":"x"}`))},
		spec{name: "bad tool, output schema", eras: threeEras(), want: one("list.schema_invalid"),
			cfg: beside([]byte(`{"name":"odd","inputSchema":{"type":"object"},"outputSchema":{"type":"objekt"}}`))},
		spec{name: "bad tool, a number", want: one("list.schema_invalid"), may: one("list.name"), cfg: beside([]byte(`42`))},
	)
}

func beside(tool json.RawMessage) func() Config {
	return func() Config { return Config{Tools: []json.RawMessage{EchoTool(), tool}} }
}

// chainSchema is a chain of references of the given length.
func chainSchema(n int) string {
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"d%d":{"$ref":"#/$defs/d%d"},`, i, i+1)
	}
	fmt.Fprintf(&b, `"d%d":{"type":"string"}}}`, n)
	return b.String()
}

func nameCases() []spec {
	return []spec{
		{name: "two tools of one name", eras: threeEras(), want: one("list.duplicate"), cfg: func() Config {
			return Config{Tools: []json.RawMessage{EchoTool(), Tool("twin"), Tool("twin")}}
		}},
		{name: "one name on two pages", want: one("list.duplicate"), near: "list.pages_loop", cfg: func() Config {
			return Config{PageSize: 2, Tools: []json.RawMessage{EchoTool(), Tool("twin"), Tool("twin"), Tool("last")}}
		}},
		{name: "names that differ in case", near: "list.duplicate", cfg: func() Config {
			return Config{Tools: []json.RawMessage{Tool("Twin"), Tool("twin"), Tool("twin_")}}
		}},
		{name: "name with spaces", eras: threeEras(), want: one("list.name"), near: "list.schema_invalid", cfg: beside(Tool("get the weather"))},
		{name: "name not ascii", want: one("list.name"), cfg: beside(Tool("погода"))},
		{name: "name of 129 bytes", want: one("list.name"), cfg: beside(Tool(strings.Repeat("n", 129)))},
		{name: "name empty", anyOf: []string{"list.name", "list.schema_invalid"}, cfg: beside(Tool(""))},
		{name: "name with a slash", want: one("list.name"), cfg: beside(Tool("files/read"))},
		{name: "name of 128 allowed bytes", near: "list.name", cfg: beside(Tool("a.b-C_9" + strings.Repeat("n", 121)))},
	}
}

// unstableCases list differently from one look to the next.
func unstableCases() []spec {
	a, b := []json.RawMessage{EchoTool(), Tool("old")}, []json.RawMessage{EchoTool(), Tool("new")}
	look := func(_ *World, _ *Host, t *Target) { t.Probes = 3 }
	return []spec{
		{name: "list alternates between requests", eras: []Era{Modern, Dual}, want: one("list.unstable"), target: look, cfg: func() Config {
			var n atomic.Int64
			return Config{ToolsFor: func(*Exchange) []json.RawMessage {
				if n.Add(1)%2 == 0 {
					return a
				}
				return b
			}}
		}},
		{name: "list alternates between connections", eras: []Era{Modern, Dual}, want: one("list.unstable"), target: look, cfg: func() Config {
			return Config{ToolsFor: func(ex *Exchange) []json.RawMessage {
				if ConnOf(ex.R)%2 == 0 {
					return a
				}
				return b
			}}
		}},
		{name: "list in another order each time", eras: threeEras(), near: "list.unstable", target: look, cfg: func() Config {
			var n atomic.Int64
			tools := Tools(5)
			return Config{ToolsFor: func(*Exchange) []json.RawMessage {
				k := int(n.Add(1)) % len(tools)
				return slices.Concat(tools[k:], tools[:k])
			}}
		}},
	}
}

// listenCases are long streams that do not hold.
func listenCases() []spec {
	modern := []Era{Modern, Dual}
	onListen := func(f Fault) func() Config { return always(On(f, mcp.MethodListen)) }
	return []spec{
		{name: "listen is never acknowledged", eras: modern, want: one("listen.no_ack"), near: "listen.broken", cfg: onListen(stall)},
		{name: "listen hangs", eras: modern, want: one("listen.no_ack"), forbid: one("http.timeout"), cfg: onListen(Hang)},
		{name: "listen says something else first", want: one("listen.no_ack"), cfg: onListen(func(ex *Exchange, _ func()) {
			s := openStream(ex.W)
			_ = s.message(map[string]any{"jsonrpc": "2.0", "method": mcp.MethodToolsChanged})
			<-ex.R.Context().Done()
		})},
		{name: "listen acknowledges after two seconds", eras: modern, near: "listen.no_ack", cfg: onListen(Delay(2 * time.Second))},
		{name: "listen breaks off at once", eras: modern, want: one("listen.broken"), cfg: onListen(cutListen)},
		{name: "listen is not implemented", eras: modern, anyOf: []string{"listen.no_ack", "listen.broken"},
			cfg: onListen(RPCError(404, mcp.CodeMethodNotFound, "Method not found"))},
		{name: "listen answers 500", anyOf: []string{"listen.no_ack", "listen.broken"}, forbid: one("http.5xx"), cfg: onListen(Answer(500, "text/plain", "oops"))},
		{name: "listen honours nothing", eras: modern, near: "listen.broken", cfg: onListen(func(ex *Exchange, next func()) {
			msg := *ex.Msg
			msg.Params = json.RawMessage(`{"notifications":{}}`)
			ex.Msg = &msg
			next()
		})},
		{name: "listen ends properly at once", eras: modern, near: "listen.broken", cfg: onListen(func(ex *Exchange, next func()) {
			stop := time.AfterFunc(100*time.Millisecond, ex.server.EndStreams)
			defer stop.Stop()
			next()
		})},
		{name: "get stream ends at once", eras: []Era{Legacy}, near: "listen.broken", cfg: always(On(func(ex *Exchange, _ func()) { openStream(ex.W) }, http.MethodGet))},
	}
}

// cutListen acknowledges and drops the stream without a result.
func cutListen(ex *Exchange, _ func()) {
	s := openStream(ex.W)
	_ = s.message(map[string]any{"jsonrpc": "2.0", "method": mcp.MethodAcknowledged, "params": map[string]any{
		"notifications": map[string]any{"toolsListChanged": true},
		"_meta":         map[string]any{mcp.MetaSubscriptionID: ex.Msg.ID},
	}})
}

// healthyCases cross eras, framings, sessions, sizes and streams.
func healthyCases() []spec {
	var out []spec
	for _, sse := range []bool{false, true} {
		for _, big := range []bool{false, true} {
			for _, stateful := range []bool{false, true} {
				out = append(out, healthy(sse, big, stateful, false), healthy(sse, big, stateful, true))
			}
		}
	}
	for _, p := range ProbeAnswers() {
		for _, stateful := range []bool{false, true} {
			out = append(out, spec{name: fmt.Sprintf("healthy legacy, modern answer %d, sessions %t", p, stateful), eras: []Era{Legacy}, grade: finding.Healthy,
				cfg: func() Config { return Config{ModernProbe: p, Sessions: stateful} }})
		}
	}
	for _, r := range mcp.Revisions() {
		if r.Era == mcp.EraLegacy && r.StreamableHTTP {
			out = append(out, spec{name: "healthy, only " + string(r.Revision), eras: []Era{Legacy}, grade: finding.Healthy,
				cfg: func() Config { return Config{Versions: []mcp.Revision{r.Revision}} }})
		}
	}
	return out
}

func healthy(sse, big, stateful, stream bool) spec {
	words := []string{"healthy"}
	for word, on := range map[string]bool{"framed": sse, "big": big, "sessions": stateful, "stream": stream} {
		if on {
			words = append(words, word)
		}
	}
	slices.Sort(words[1:])
	eras := Eras()
	switch { // what an era does not have is not crossed with it
	case sse && (stateful || stream):
		eras = []Era{Legacy, Dual}
	case sse:
		eras = threeEras()
	case stateful || stream:
		eras = []Era{Legacy, Dual}
	}
	return spec{name: strings.Join(words, ", "), eras: eras, grade: finding.Healthy, cfg: func() Config {
		c := Config{SSE: sse, Sessions: stateful, Stream: stream}
		if big {
			c.Tools, c.PageSize = Tools(300), 50
		}
		return c
	}}
}
