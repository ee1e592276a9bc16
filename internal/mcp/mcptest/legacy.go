package mcptest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// serveLegacy answers one request of Streamable HTTP in the legacy era.
func (s *Server) serveLegacy(ex *Exchange) {
	session := ex.R.Header.Get(mcp.HeaderSession)
	isInit := ex.Msg != nil && ex.Msg.Method == mcp.MethodInitialize
	if s.cfg.Sessions && !isInit {
		if session == "" {
			ex.fail(http.StatusBadRequest, -32000, "Bad Request: Mcp-Session-Id header is required")
			return
		}
		if !s.hasSession(session) {
			ex.fail(http.StatusNotFound, -32001, "Session not found")
			return
		}
	}
	if v := ex.R.Header.Get(mcp.HeaderVersion); v != "" && !isInit && !s.cfg.speaks(v) {
		ex.fail(http.StatusBadRequest, -32000, "Bad Request: Unsupported protocol version: %s", v)
		return
	}
	switch ex.R.Method {
	case http.MethodGet:
		s.getStream(ex, session)
	case http.MethodDelete:
		s.deleteSession(ex, session)
	default:
		s.legacyMessage(ex)
	}
}

// legacyMessage answers one message, whatever the transport.
func (s *Server) legacyMessage(ex *Exchange) {
	if ex.Msg.Kind != mcp.Request {
		ex.W.WriteHeader(http.StatusAccepted)
		return
	}
	switch ex.Msg.Method {
	case mcp.MethodInitialize:
		s.initialize(ex)
	case mcp.MethodPing:
		ex.result(struct{}{})
	case mcp.MethodToolsList:
		page, e := s.page(ex)
		if e != nil {
			ex.failData(http.StatusOK, e)
			return
		}
		ex.result(page)
	case mcp.MethodToolsCall:
		result, e := s.call(ex.R.Context(), ex)
		switch {
		case ex.R.Context().Err() != nil && ex.stream == nil:
		case e != nil:
			ex.failData(http.StatusOK, e)
		default:
			ex.result(result)
		}
	default:
		ex.fail(http.StatusOK, mcp.CodeMethodNotFound, "Method not found")
	}
}

func (s *Server) initialize(ex *Exchange) {
	var params struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	if err := json.Unmarshal(ex.Msg.Params, &params); err != nil || params.ProtocolVersion == "" {
		ex.fail(http.StatusOK, mcp.CodeInvalidParams, "protocolVersion is missing")
		return
	}
	version := s.cfg.newestLegacy()
	if s.cfg.speaks(params.ProtocolVersion) && mcp.EraOf(params.ProtocolVersion) == mcp.EraLegacy {
		version = mcp.Revision(params.ProtocolVersion)
	}
	if s.cfg.Sessions && ex.stream == nil {
		id := newSessionID()
		s.mu.Lock()
		s.sessions[id] = version
		s.mu.Unlock()
		s.stats.session(1)
		ex.W.Header().Set(mcp.HeaderSession, id)
	}
	ex.result(map[string]any{
		"protocolVersion": version,
		"capabilities":    map[string]any{"tools": map[string]any{"listChanged": true}},
		"serverInfo":      s.identity(),
		"instructions":    "A peer for tests.",
	})
}

func newSessionID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (s *Server) hasSession(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.sessions[id]
	return ok
}

// ForgetSessions loses all sessions, as a restart does.
func (s *Server) ForgetSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.sessions {
		delete(s.sessions, id)
		s.stats.forgotten()
	}
}

func (s *Server) deleteSession(ex *Exchange, id string) {
	if !s.cfg.Sessions || s.cfg.NoDelete {
		ex.text(http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	s.mu.Lock()
	delete(s.sessions, id)
	var ended []chan streamEvent
	for ch, of := range s.streams {
		if of == id {
			ended = append(ended, ch)
		}
	}
	s.mu.Unlock()
	for _, ch := range ended {
		select {
		case ch <- endStream:
		default:
		}
	}
	s.stats.session(-1)
	ex.W.WriteHeader(http.StatusNoContent)
}

// getStream serves the stream for messages that belong to no call.
func (s *Server) getStream(ex *Exchange, session string) {
	if !s.cfg.Stream {
		ex.text(http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	if !strings.Contains(ex.R.Header.Get("Accept"), mcp.TypeEventStream) {
		ex.fail(http.StatusNotAcceptable, mcp.CodeInvalidRequest, "Not Acceptable: client must accept text/event-stream")
		return
	}
	s.stats.stream(1)
	defer s.stats.stream(-1)
	events, done := s.subscribe(session)
	defer done()
	stream := openStream(ex.W)
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ex.R.Context().Done():
			return
		case <-beat.C:
			err = stream.comment()
		case e := <-events:
			if e == endStream {
				return
			}
			err = stream.message(map[string]any{"jsonrpc": "2.0", "method": mcp.MethodToolsChanged})
		}
		if err != nil {
			return
		}
	}
}

// refuseModern is how a legacy server answers a request it does not understand.
func (s *Server) refuseModern(ex *Exchange) {
	legacy := slices.DeleteFunc(slices.Clone(s.cfg.Versions), func(r mcp.Revision) bool {
		return mcp.EraOf(string(r)) != mcp.EraLegacy
	})
	switch s.cfg.ModernProbe {
	case ProbeNoSession:
		ex.fail(http.StatusBadRequest, mcp.CodeInvalidRequest, "Bad Request: Missing session ID")
	case ProbeMethodNotFound:
		ex.fail(http.StatusOK, mcp.CodeMethodNotFound, "Method not found")
	case ProbeNotFoundText:
		ex.text(http.StatusNotFound, "Not Found")
	case ProbeMethodText:
		ex.text(http.StatusMethodNotAllowed, "Method Not Allowed")
	case ProbeDiscover:
		ex.result(s.complete(ex, map[string]any{
			"supportedVersions": legacy,
			"capabilities":      map[string]any{"tools": map[string]any{"listChanged": true}},
		}, true))
	case ProbeVersionCode:
		ex.failData(http.StatusBadRequest, s.unsupported(ex.R.Header.Get(mcp.HeaderVersion)))
	default:
		names := make([]string, len(legacy))
		for i, r := range legacy {
			names[i] = string(r)
		}
		ex.message(http.StatusBadRequest, map[string]any{"jsonrpc": "2.0", "id": nil, "error": &mcp.Error{
			Code: -32000, Message: "Bad Request: Unsupported protocol version (supported versions: " + strings.Join(names, ", ") + ")"}})
	}
}
