package mcptest

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// streamEvent is told to the long streams of a Server.
type streamEvent uint8

const (
	toolsChanged streamEvent = iota
	endStream
)

// SetTools replaces the list and tells all open streams that it changed.
func (s *Server) SetTools(tools []json.RawMessage) {
	s.mu.Lock()
	s.tools = tools
	s.mu.Unlock()
	s.tell(toolsChanged)
}

// EndStreams ends all open streams the way a server does that shuts down
// properly.
func (s *Server) EndStreams() { s.tell(endStream) }

func (s *Server) tell(e streamEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.streams {
		select {
		case ch <- e:
		default: // that stream has more to say than it gets rid of
		}
	}
}

func (s *Server) subscribe(session string) (chan streamEvent, func()) {
	ch := make(chan streamEvent, 16)
	s.mu.Lock()
	s.streams[ch] = session
	s.mu.Unlock()
	return ch, func() {
		s.mu.Lock()
		delete(s.streams, ch)
		s.mu.Unlock()
	}
}

// eventStream writes an event stream, each event flushed.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// openStream writes the head of an event stream.
func openStream(w http.ResponseWriter) *eventStream {
	h := w.Header()
	h.Set("Content-Type", mcp.TypeEventStream)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	s := &eventStream{w: w, control: http.NewResponseController(w)}
	_ = s.control.Flush()
	return s
}

func (s *eventStream) send(e sse.Event) error { return s.raw(sse.Append(nil, e)) }

func (s *eventStream) message(msg any) error {
	body, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	return s.send(sse.Event{Name: "message", Data: body, HasData: true})
}

func (s *eventStream) comment() error { return s.raw(sse.AppendComment(nil, "keep-alive")) }

func (s *eventStream) raw(b []byte) error {
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// listen serves subscriptions/listen.
func (s *Server) listen(ex *Exchange) {
	var params struct {
		Notifications map[string]json.RawMessage `json:"notifications"`
	}
	if err := json.Unmarshal(ex.Msg.Params, &params); err != nil || params.Notifications == nil {
		ex.fail(http.StatusBadRequest, mcp.CodeInvalidParams, "notifications is missing")
		return
	}
	honoured := map[string]any{}
	if string(params.Notifications["toolsListChanged"]) == "true" {
		honoured["toolsListChanged"] = true
	}
	s.stats.stream(1)
	defer s.stats.stream(-1)
	events, done := s.subscribe("")
	defer done()
	meta := map[string]any{mcp.MetaSubscriptionID: ex.Msg.ID}
	notify := func(method string, params map[string]any) map[string]any {
		params["_meta"] = meta
		return map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
	}
	if ex.stream != nil { // stdio: one pipe for all, and nothing happens on it
		ex.write(notify(mcp.MethodAcknowledged, map[string]any{"notifications": honoured}))
		return
	}
	stream := openStream(ex.W)
	if stream.message(notify(mcp.MethodAcknowledged, map[string]any{"notifications": honoured})) != nil {
		return
	}
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
				result := s.complete(ex, map[string]any{}, false)
				result["_meta"] = meta
				_ = stream.message(map[string]any{"jsonrpc": "2.0", "id": ex.Msg.ID, "result": result})
				return
			}
			if honoured["toolsListChanged"] != nil {
				err = stream.message(notify(mcp.MethodToolsChanged, map[string]any{}))
			}
		}
		if err != nil {
			return
		}
	}
}
