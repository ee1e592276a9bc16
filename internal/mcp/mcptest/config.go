package mcptest

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Era is how a peer finds together with its clients. It is finer than mcp.Era:
// a test peer may speak both, or the oldest transport, or no HTTP at all.
type Era string

// The eras of peers.
const (
	Dual    Era = "dual"   // both, on one URL
	Modern  Era = "modern" // 2026-07-28 only
	Legacy  Era = "legacy" // Streamable HTTP with handshake
	SSE2024 Era = "sse"    // HTTP+SSE of 2024-11-05
	Stdio   Era = "stdio"  // a child process
)

// Eras are those that a Server can have.
func Eras() []Era { return []Era{Modern, Legacy, Dual, SSE2024} }

// Config says how a Server behaves. The zero value is a healthy dual-era
// server with one tool, JSON answers and no sessions.
type Config struct {
	Era Era // default Dual
	// Versions that it speaks; default all those of its era.
	Versions []mcp.Revision
	// Name and Version are its self-reported identity; default mcptest 1.0.0.
	Name, Version string

	// Tools are the tools it lists, as they are written on the wire; nil is
	// EchoTool, an empty slice is none.
	Tools []json.RawMessage
	// ToolsFor, if set, is asked instead at every tools/list.
	ToolsFor func(ex *Exchange) []json.RawMessage
	PageSize int // tools per page; 0 is all
	// Call answers tools/call; default: a text that repeats the arguments.
	Call CallFunc

	SSE      bool // frame answers to POST as event streams
	Sessions bool // legacy: hand out session ids and insist on them
	NoDelete bool // legacy: answer DELETE with 405
	Stream   bool // legacy: serve GET; else it is 405
	// ModernProbe is what a legacy server answers to a modern request.
	ModernProbe ProbeAnswer
	// Heartbeat is the time between comments on long streams; default 15 s.
	Heartbeat time.Duration

	// Auth, if set, is asked before anything else.
	Auth *Auth
	// Faults bend requests and answers; the first is the outermost.
	Faults []Fault
}

// CallFunc answers one tools/call with a result, or a JSON-RPC error. It must
// return when ctx ends.
type CallFunc func(ctx context.Context, name string, args json.RawMessage) (result any, err *mcp.Error)

// ProbeAnswer is how a server of the legacy era answers a modern request.
// Each was seen on deployed servers.
type ProbeAnswer uint8

// The answers to a modern request.
const (
	ProbeUnsupported    ProbeAnswer = iota // 400, -32000 "Unsupported protocol version" (TypeScript SDK)
	ProbeNoSession                         // 400, -32600 "Missing session ID" (Python SDK)
	ProbeMethodNotFound                    // 200, -32601
	ProbeNotFoundText                      // 404, text
	ProbeMethodText                        // 405, text
	ProbeDiscover                          // 200, a discover result with legacy versions only (Go SDK)
	ProbeVersionCode                       // 400, -32022 with legacy versions only (Go SDK)
)

// ProbeAnswers are all of them.
func ProbeAnswers() []ProbeAnswer {
	return []ProbeAnswer{ProbeUnsupported, ProbeNoSession, ProbeMethodNotFound, ProbeNotFoundText,
		ProbeMethodText, ProbeDiscover, ProbeVersionCode}
}

func (c *Config) setDefaults() {
	if c.Era == "" {
		c.Era = Dual
	}
	if c.Versions == nil {
		c.Versions = versionsOf(c.Era)
	}
	if c.Name == "" {
		c.Name = "mcptest"
	}
	if c.Version == "" {
		c.Version = "1.0.0"
	}
	if c.Tools == nil {
		c.Tools = []json.RawMessage{EchoTool()}
	}
	if c.Call == nil {
		c.Call = echo
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
}

func versionsOf(e Era) []mcp.Revision {
	var out []mcp.Revision
	for _, t := range mcp.Revisions() {
		legacy := t.Era == mcp.EraLegacy && t.StreamableHTTP
		switch {
		case e == SSE2024 && !t.StreamableHTTP,
			e == Stdio,
			e == Legacy && legacy,
			e == Modern && t.Era == mcp.EraModern,
			e == Dual && (legacy || t.Era == mcp.EraModern):
			out = append(out, t.Revision)
		}
	}
	return out
}

// speaks tells whether a version string is one of the server's.
func (c *Config) speaks(v string) bool {
	for _, r := range c.Versions {
		if string(r) == v {
			return true
		}
	}
	return false
}

// newestLegacy is what a legacy server offers to a client that asked for a
// version it does not have.
func (c *Config) newestLegacy() mcp.Revision {
	var best mcp.Revision
	for _, r := range c.Versions {
		if mcp.EraOf(string(r)) == mcp.EraLegacy && r > best {
			best = r
		}
	}
	return best
}

func echo(_ context.Context, _ string, args json.RawMessage) (any, *mcp.Error) {
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	return TextResult(string(args)), nil
}

// TextResult is the result of a tool that says text.
func TextResult(text string) map[string]any {
	return map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}}
}

// ErrorResult is the result of a tool that failed with text.
func ErrorResult(text string) map[string]any {
	r := TextResult(text)
	r["isError"] = true
	return r
}

// StructuredResult is a result with structuredContent, raw JSON.
func StructuredResult(raw string) map[string]any {
	r := TextResult(raw)
	r["structuredContent"] = json.RawMessage(raw)
	return r
}

// ConnOf numbers the connection that a request came over, counted through the
// whole world; 0 outside one.
func ConnOf(r *http.Request) int {
	n, _ := r.Context().Value(connKey{}).(int)
	return n
}
