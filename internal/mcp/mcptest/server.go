package mcptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// Server is one MCP endpoint: an http.Handler that behaves as its Config says
// and counts what was done to it. It answers at every path.
type Server struct {
	cfg   Config
	serve func(ex *Exchange)
	stats counters

	mu       sync.Mutex
	tools    []json.RawMessage
	sessions map[string]mcp.Revision
	streams  map[chan streamEvent]string // open long streams → their session
	rooms    map[string]*room            // HTTP+SSE
}

// NewServer makes a Server.
func NewServer(cfg Config) *Server {
	cfg.setDefaults()
	s := &Server{
		cfg: cfg, tools: cfg.Tools,
		sessions: map[string]mcp.Revision{}, streams: map[chan streamEvent]string{}, rooms: map[string]*room{},
	}
	s.serve = s.route
	if cfg.Auth != nil {
		s.serve = cfg.Auth.guard(s.serve)
	}
	for _, v := range slices.Backward(cfg.Faults) {
		fault, next := v, s.serve
		s.serve = func(ex *Exchange) { fault(ex, func() { next(ex) }) }
	}
	return s
}

// Exchange is one HTTP request at a Server, and its answer in the making.
type Exchange struct {
	W http.ResponseWriter
	R *http.Request
	// Body is the whole body of the request, Msg the message in it; Msg is nil
	// for GET and DELETE and for bodies that are no message.
	Body []byte
	Msg  *mcp.Message
	// N counts the requests to this server from 1.
	N int

	server *Server
	bends  []func(*Reply)
	// stream is where answers go on HTTP+SSE, where the POST itself only gets 202.
	stream func(body []byte)
}

// Method is the JSON-RPC method of the message, or the HTTP method if there is
// no message: what Stats counts by and On selects by.
func (ex *Exchange) Method() string {
	switch {
	case ex.Msg == nil:
		return ex.R.Method
	case ex.Msg.Method == "":
		return "response"
	default:
		return ex.Msg.Method
	}
}

// Bend registers a change to the answer, for faults that let the server
// answer and then spoil it.
func (ex *Exchange) Bend(f func(*Reply)) { ex.bends = append(ex.bends, f) }

// Reply is an answer before it is written.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // one JSON-RPC message; nil for none
	// SSE frames the body as an event stream.
	SSE bool
	// Before is written ahead of the event, for comments and other messages.
	Before []byte
}

// maxRequest bounds what a peer reads, in bytes.
const maxRequest = 8 << 20

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return // the client went away
	}
	ex := &Exchange{W: &countingWriter{ResponseWriter: w, counters: &s.stats}, R: r, Body: body, server: s}
	if r.Method == http.MethodPost {
		if msg, err := mcp.Parse(body, mcp.Limits{Bytes: maxRequest}); err == nil {
			ex.Msg = msg
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if s.cfg.Era == SSE2024 && r.Method == http.MethodPost {
		s.enterRoom(ex)
	}
	ex.N = s.stats.request(ex)
	defer s.stats.done()
	s.serve(ex)
}

// route gives the request to the era that it belongs to.
func (s *Server) route(ex *Exchange) {
	if s.cfg.Era == SSE2024 {
		s.serveSSE2024(ex)
		return
	}
	switch ex.R.Method {
	case http.MethodGet, http.MethodDelete:
		if s.cfg.Era == Modern {
			ex.text(http.StatusMethodNotAllowed, "Method Not Allowed")
			return
		}
		s.serveLegacy(ex)
		return
	case http.MethodPost:
	default:
		ex.text(http.StatusMethodNotAllowed, "Method Not Allowed")
		return
	}
	if !acceptsBoth(ex.R) {
		ex.fail(http.StatusNotAcceptable, mcp.CodeInvalidRequest, "Not Acceptable: client must accept both application/json and text/event-stream")
		return
	}
	if ex.Msg == nil {
		ex.fail(http.StatusBadRequest, mcp.CodeParse, "Parse error")
		return
	}
	switch {
	case s.cfg.Era == Modern || s.cfg.Era == Stdio && s.cfg.newestLegacy() == "":
		s.serveModern(ex)
	case (s.cfg.Era == Dual || s.cfg.Era == Stdio && s.cfg.speaks(string(mcp.Rev20260728))) && s.isModern(ex):
		s.serveModern(ex)
	case s.cfg.Era == Legacy && s.isModern(ex):
		s.refuseModern(ex)
	default:
		s.serveLegacy(ex)
	}
}

// isModern decides the era of one request of a dual-era server.
func (s *Server) isModern(ex *Exchange) bool {
	if ex.Msg.Meta.HasVersion || ex.Msg.Method == mcp.MethodDiscover {
		return true
	}
	v := ex.R.Header.Get(mcp.HeaderVersion)
	return v != "" && mcp.EraOf(v) != mcp.EraLegacy
}

// result answers with a result.
func (ex *Exchange) result(result any) {
	ex.message(http.StatusOK, map[string]any{"jsonrpc": "2.0", "id": ex.Msg.ID, "result": result})
}

// fail answers with a JSON-RPC error.
func (ex *Exchange) fail(status int, code int, format string, args ...any) {
	ex.failData(status, &mcp.Error{Code: int64(code), Message: fmt.Sprintf(format, args...)})
}

func (ex *Exchange) failData(status int, e *mcp.Error) {
	var id mcp.ID
	if ex.Msg != nil {
		id = ex.Msg.ID
	}
	ex.message(status, map[string]any{"jsonrpc": "2.0", "id": id, "error": e})
}

func (ex *Exchange) message(status int, msg any) {
	body := encode(msg)
	if ex.stream != nil && (status < 300 || ex.server.cfg.Era == Stdio) {
		ex.stream(body)
		return
	}
	ex.reply(&Reply{Status: status, Body: body, SSE: ex.server.cfg.SSE && status == http.StatusOK})
}

// write puts a message on the stream that answers take.
func (ex *Exchange) write(msg any) { ex.stream(encode(msg)) }

func encode(msg any) []byte {
	body, err := json.Marshal(msg)
	if err != nil {
		panic(fmt.Sprintf("mcptest: encode message: %v", err)) // a test's own mistake
	}
	return body
}

// text answers with plain text.
func (ex *Exchange) text(status int, text string) {
	http.Error(ex.W, text, status)
}

// reply bends the answer and writes it.
func (ex *Exchange) reply(r *Reply) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", mcp.TypeJSON)
	for _, bend := range ex.bends {
		bend(r)
	}
	if r.SSE && r.Body != nil {
		r.Header.Set("Content-Type", mcp.TypeEventStream)
		r.Header.Set("X-Accel-Buffering", "no")
		r.Header.Set("Cache-Control", "no-cache")
		r.Body = append(r.Before, sse.Append(nil, sse.Event{Name: "message", Data: r.Body, HasData: true})...)
	}
	h := ex.W.Header()
	maps.Copy(h, r.Header)
	ex.W.WriteHeader(r.Status)
	_, _ = ex.W.Write(r.Body) // the client went away
}
