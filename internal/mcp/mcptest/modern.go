package mcptest

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// serveModern answers one POST of the modern era.
func (s *Server) serveModern(ex *Exchange) {
	if ex.Msg.Kind != mcp.Request && ex.Msg.Kind != mcp.Notification {
		ex.fail(http.StatusBadRequest, mcp.CodeInvalidRequest, "a server takes requests and notifications only")
		return
	}
	if e := s.checkModern(ex); e != nil {
		ex.failData(http.StatusBadRequest, e)
		return
	}
	if ex.Msg.Kind == mcp.Notification {
		ex.W.WriteHeader(http.StatusAccepted)
		return
	}
	switch ex.Msg.Method {
	case mcp.MethodDiscover:
		ex.result(s.complete(ex, map[string]any{
			"supportedVersions": s.cfg.Versions,
			"capabilities":      map[string]any{"tools": map[string]any{"listChanged": true}},
			"instructions":      "A peer for tests.",
		}, true))
	case mcp.MethodToolsList:
		page, e := s.page(ex)
		if e != nil {
			ex.failData(http.StatusBadRequest, e)
			return
		}
		ex.result(s.complete(ex, page, true))
	case mcp.MethodToolsCall:
		s.callModern(ex)
	case mcp.MethodListen:
		s.listen(ex)
	default:
		ex.fail(http.StatusNotFound, mcp.CodeMethodNotFound, "Method not found: %s", ex.Msg.Method)
	}
}

// checkModern does the validation that the transport demands.
func (s *Server) checkModern(ex *Exchange) *mcp.Error {
	mismatch := func(what string) *mcp.Error {
		return &mcp.Error{Code: mcp.CodeHeaderMismatch, Message: "Header mismatch: " + what}
	}
	h, m := ex.R.Header, ex.Msg
	if m.Method == mcp.MethodInitialize && !m.Meta.HasVersion {
		return s.unsupported("") // names what it does speak
	}
	version := h.Get(mcp.HeaderVersion)
	if version == "" || m.Meta.HasVersion && version != m.Meta.ProtocolVersion {
		return mismatch(mcp.HeaderVersion)
	}
	if h.Get(mcp.HeaderMethod) != m.Method {
		return mismatch(mcp.HeaderMethod)
	}
	if m.HasName {
		name, err := mcp.DecodeHeader(h.Get(mcp.HeaderName))
		if err != nil || name != m.Name {
			return mismatch(mcp.HeaderName)
		}
	}
	if !s.cfg.speaks(version) || mcp.EraOf(version) != mcp.EraModern {
		return s.unsupported(version)
	}
	if m.Kind == mcp.Request && (!m.Meta.HasVersion || !isObject(m.Meta.ClientCapabilities)) {
		return &mcp.Error{Code: mcp.CodeInvalidParams, Message: "_meta lacks protocolVersion or clientCapabilities"}
	}
	return nil
}

// unsupported is the error -32022 with what the server does speak.
func (s *Server) unsupported(requested string) *mcp.Error {
	data, err := json.Marshal(map[string]any{"supported": s.cfg.Versions, "requested": requested})
	if err != nil {
		panic(err) // strings only
	}
	return &mcp.Error{Code: mcp.CodeUnsupportedVersion, Message: "Unsupported protocol version", Data: data}
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// complete adds what every modern result has; cacheable results also carry
// how long they hold.
func (s *Server) complete(_ *Exchange, result map[string]any, cacheable bool) map[string]any {
	out := maps.Clone(result)
	if out["resultType"] == nil {
		out["resultType"] = "complete"
	}
	if cacheable {
		out["ttlMs"], out["cacheScope"] = 60_000, "private"
	}
	out["_meta"] = map[string]any{mcp.MetaServerInfo: s.identity()}
	return out
}

func (s *Server) identity() map[string]any {
	return map[string]any{"name": s.cfg.Name, "version": s.cfg.Version}
}

// page is the part of tools/list that a cursor asks for, in either era.
func (s *Server) page(ex *Exchange) (map[string]any, *mcp.Error) {
	var params struct {
		Cursor *string `json:"cursor"`
	}
	_ = json.Unmarshal(ex.Msg.Params, &params) // absent or odd params ask for the first page
	tools := s.listed(ex)
	start := 0
	if params.Cursor != nil {
		n, err := strconv.Atoi(strings.TrimPrefix(*params.Cursor, "page-"))
		if err != nil || n <= 0 || n >= len(tools) {
			return nil, &mcp.Error{Code: mcp.CodeInvalidParams, Message: "Invalid cursor"}
		}
		start = n
	}
	end := len(tools)
	if s.cfg.PageSize > 0 {
		end = min(end, start+s.cfg.PageSize)
	}
	page := map[string]any{"tools": slices.Clone(tools[start:end])}
	if end < len(tools) {
		page["nextCursor"] = "page-" + strconv.Itoa(end)
	}
	return page, nil
}

func (s *Server) listed(ex *Exchange) []json.RawMessage {
	if s.cfg.ToolsFor != nil {
		if tools := s.cfg.ToolsFor(ex); tools != nil {
			return tools
		}
		return []json.RawMessage{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tools == nil {
		return []json.RawMessage{}
	}
	return s.tools
}

// hasTool tells whether a tool of that name is listed.
func (s *Server) hasTool(ex *Exchange, name string) bool {
	return slices.ContainsFunc(s.listed(ex), func(raw json.RawMessage) bool {
		var tool struct {
			Name string `json:"name"`
		}
		return json.Unmarshal(raw, &tool) == nil && tool.Name == name
	})
}

// call runs a tool for either era.
func (s *Server) call(ctx context.Context, ex *Exchange) (any, *mcp.Error) {
	var params struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.Unmarshal(ex.Msg.Params, &params); err != nil {
		return nil, &mcp.Error{Code: mcp.CodeInvalidParams, Message: "Invalid params"}
	}
	s.stats.toolCall(params.Name)
	if !s.hasTool(ex, params.Name) {
		return nil, &mcp.Error{Code: mcp.CodeInvalidParams, Message: "Unknown tool: " + params.Name}
	}
	return s.cfg.Call(ctx, params.Name, params.Arguments)
}

func (s *Server) callModern(ex *Exchange) {
	result, e := s.call(ex.R.Context(), ex)
	switch m, ok := result.(map[string]any); {
	case ex.R.Context().Err() != nil:
	case e != nil && e.Code == mcp.CodeInvalidParams:
		ex.failData(http.StatusBadRequest, e)
	case e != nil:
		ex.failData(http.StatusOK, e)
	case ok:
		ex.result(s.complete(ex, m, false))
	default:
		ex.result(result)
	}
}
