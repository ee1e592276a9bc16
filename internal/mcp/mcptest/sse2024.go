package mcptest

import (
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// room is one open stream of HTTP+SSE and the session that is tied to it.
type room struct {
	answers chan []byte
	closed  chan struct{}
}

// messagePath ends the path that messages are posted to.
const messagePath = "/message"

// serveSSE2024 answers one request of HTTP+SSE: GET opens the stream, whose
// first event names where to POST; answers come on the stream.
func (s *Server) serveSSE2024(ex *Exchange) {
	switch {
	case ex.R.Method == http.MethodGet:
		s.openRoom(ex)
	case ex.R.Method == http.MethodPost && strings.HasSuffix(ex.R.URL.Path, messagePath):
		s.postToRoom(ex)
	default:
		ex.text(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
}

func (s *Server) openRoom(ex *Exchange) {
	id := newSessionID()
	r := &room{answers: make(chan []byte, 16), closed: make(chan struct{})}
	s.mu.Lock()
	s.rooms[id] = r
	s.mu.Unlock()
	s.stats.session(1)
	s.stats.stream(1)
	defer func() {
		s.mu.Lock()
		delete(s.rooms, id)
		s.mu.Unlock()
		close(r.closed)
		s.stats.session(-1)
		s.stats.stream(-1)
	}()
	stream := openStream(ex.W)
	endpoint := strings.TrimSuffix(ex.R.URL.Path, "/") + messagePath + "?session=" + id
	reply := &Reply{Body: []byte(endpoint)}
	for _, bend := range ex.bends {
		bend(reply)
	}
	if stream.send(sse.Event{Name: "endpoint", Data: reply.Body, HasData: true}) != nil {
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
		case body := <-r.answers:
			err = stream.send(sse.Event{Name: "message", Data: body, HasData: true})
		}
		if err != nil {
			return
		}
	}
}

func (s *Server) postToRoom(ex *Exchange) {
	switch {
	case ex.stream == nil:
		ex.text(http.StatusNotFound, "Could not find session")
	case ex.Msg == nil:
		ex.text(http.StatusBadRequest, "Invalid message")
	default:
		s.legacyMessage(ex)
	}
}

// enterRoom finds the stream that the answer to a POST belongs on. It comes
// ahead of the faults, for they answer too.
func (s *Server) enterRoom(ex *Exchange) {
	s.mu.Lock()
	r := s.rooms[ex.R.URL.Query().Get("session")]
	s.mu.Unlock()
	if r == nil {
		return
	}
	ex.stream = func(body []byte) {
		reply := &Reply{Status: http.StatusOK, Body: body, Header: http.Header{}}
		for _, bend := range ex.bends {
			bend(reply)
		}
		ex.W.WriteHeader(http.StatusAccepted)
		_, _ = ex.W.Write([]byte("Accepted")) // the client went away
		if reply.Body == nil {
			return
		}
		select {
		case r.answers <- reply.Body:
		case <-r.closed:
		}
	}
}
