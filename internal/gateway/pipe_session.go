package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

const (
	// maxBacklog bounds the messages kept for a client that does not listen.
	maxBacklog = 256
	callBuffer = 64
)

// delivery is one message from the server and the bytes it came in.
type delivery struct {
	msg *mcp.Message
	raw []byte
}

// pipeSession is one client's session over one pipe. It is the pipe's Sink.
type pipeSession struct {
	id   string
	pool *pipes
	pipe client.Pipe

	mu       sync.Mutex
	used     time.Time
	calls    []*pipeCall        // in flight, oldest first
	listener func(delivery)     // takes what belongs to no call
	leave    context.CancelFunc // ends the listener
	backlog  []delivery
	ended    bool
}

// pipeCall is one request of the client that has not been answered.
type pipeCall struct {
	id    mcp.ID
	token string // its progress token, raw
	in    chan delivery
	gone  bool // the client left; the answer is dropped
}

func newPipeSession(id string, pool *pipes) *pipeSession {
	return &pipeSession{id: id, pool: pool, used: time.Now()}
}

func (s *pipeSession) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
}

func (s *pipeSession) idleSince(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) > 0 || s.listener != nil {
		return 0
	}
	return now.Sub(s.used)
}

// Deliver implements client.Sink: each message goes to exactly one stream.
func (s *pipeSession) Deliver(msg *mcp.Message, raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
	if msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse {
		if c := s.take(msg.ID); c != nil {
			c.in <- delivery{msg, raw} // room is kept for it, see offer
			close(c.in)
		}
		return
	}
	if c := s.callFor(msg); c != nil && c.offer(delivery{msg, raw}) {
		return
	}
	if s.listener != nil {
		s.listener(delivery{msg, raw})
		return
	}
	if len(s.backlog) < maxBacklog {
		s.backlog = append(s.backlog, delivery{msg, raw})
	}
}

// offer queues a message unless that would take the answer's place.
func (c *pipeCall) offer(d delivery) bool {
	if c.gone || len(c.in) >= callBuffer {
		return false
	}
	c.in <- d
	return true
}

// callFor finds the call that a server's message belongs to: by its progress
// token, else the youngest, which is the likeliest to have caused it.
func (s *pipeSession) callFor(msg *mcp.Message) *pipeCall {
	if msg.Method == mcp.MethodProgress {
		var p struct {
			Token json.RawMessage `json:"progressToken"`
		}
		if json.Unmarshal(msg.Params, &p) == nil {
			for _, c := range s.calls {
				if c.token != "" && c.token == string(p.Token) {
					return c
				}
			}
		}
		return nil
	}
	if strings.HasSuffix(msg.Method, "/list_changed") || len(s.calls) == 0 {
		return nil
	}
	return s.calls[len(s.calls)-1]
}

// take removes a call from those in flight.
func (s *pipeSession) take(id mcp.ID) *pipeCall {
	for i, c := range s.calls {
		if c.id == id {
			s.calls = append(s.calls[:i:i], s.calls[i+1:]...)
			return c
		}
	}
	return nil
}

// End implements client.Sink: the pipe is gone, and the session with it.
func (s *pipeSession) End(err error) {
	s.pool.drop(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, c := range s.calls {
		close(c.in)
	}
	s.calls = nil
	if s.leave != nil {
		s.leave()
	}
	s.pool.front.log.Info("session ended", "reason", err)
}

// begin registers a client's call; a refusal if the session has ended or the id
// is in flight already.
func (s *pipeSession) begin(in *inbound) (*pipeCall, *refusal) {
	if c, ok := s.register(in.msg.ID, string(in.msg.Meta.ProgressToken)); ok {
		return c, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, &refusal{status: http.StatusNotFound, code: mcp.CodeInvalidRequest, id: in.msg.ID, message: "the session has ended; begin with initialize"}
	}
	return nil, &refusal{status: http.StatusBadRequest, code: mcp.CodeInvalidRequest, id: in.msg.ID, message: "a request with this id is still running"}
}

// register adds a call; false if the session has ended or the id is taken.
func (s *pipeSession) register(id mcp.ID, token string) (*pipeCall, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || slices.ContainsFunc(s.calls, func(c *pipeCall) bool { return c.id == id }) {
		return nil, false
	}
	c := &pipeCall{id: id, token: token, in: make(chan delivery, callBuffer+1)}
	s.calls = append(s.calls, c)
	return c, true
}

func (s *pipeSession) unregister(c *pipeCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(c.id)
}

func (s *pipeSession) abandon(c *pipeCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.gone = true
}

// first sends a request and waits for its answer alone.
func (s *pipeSession) first(ctx context.Context, in *inbound) (delivery, bool) {
	c, refused := s.begin(in)
	if refused != nil || s.pipe.Send(ctx, oneLine(in.body)) != nil {
		return delivery{}, false
	}
	for {
		select {
		case d, ok := <-c.in:
			if !ok || d.msg.Kind == mcp.Response || d.msg.Kind == mcp.ErrorResponse {
				return d, ok
			}
		case <-ctx.Done():
			return delivery{}, false
		}
	}
}

// call passes a request on and streams what comes until its answer.
func (s *pipeSession) call(w http.ResponseWriter, r *http.Request, in *inbound) {
	c, refused := s.begin(in)
	if refused != nil {
		refused.write(w)
		return
	}
	if err := s.pipe.Send(r.Context(), oneLine(in.body)); err != nil {
		s.unregister(c)
		s.pool.front.unreachable(w, in, err)
		return
	}
	a := newResponder(w, r, s.pool.front.gateway.cfg.Heartbeat)
	defer a.stop()
	answered, err := a.follow(r.Context(), c.in, func(d delivery) bool {
		if d.msg.Kind == mcp.Response || d.msg.Kind == mcp.ErrorResponse {
			a.finish(d.raw, http.StatusOK)
			return true
		}
		a.note(d.raw)
		return false
	})
	switch {
	case err != nil:
		s.abandon(c) // a legacy client that leaves has not cancelled
	case !answered:
		a.refuse(s.pool.front.diedUnder(c.id))
	}
}

// diedUnder is the answer for a call whose server ended.
func (f *front) diedUnder(id mcp.ID) *refusal {
	return &refusal{status: http.StatusBadGateway, code: mcp.CodeInternal, id: id,
		message: "server " + f.server.Name + " ended during the call; the call may have run"}
}

// forward passes on what has no answer: notifications, and answers to the
// server's own requests.
func (s *pipeSession) forward(w http.ResponseWriter, r *http.Request, in *inbound) {
	if err := s.pipe.Send(r.Context(), oneLine(in.body)); err != nil {
		s.pool.front.unreachable(w, in, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// listen is the GET stream: what belongs to no call. There is one; a second GET
// does not take it away.
func (s *pipeSession) listen(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), mcp.TypeEventStream) {
		refuse(w, http.StatusNotAcceptable, "Accept must list text/event-stream")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.pool.front.gateway.streams, cancel)()
	a := newResponder(w, r, s.pool.front.gateway.cfg.Heartbeat)
	defer a.stop()
	began := false
	err := s.follow(ctx, func(d delivery) {
		if !began { // only now is it certain that the stream is ours
			began = true
			a.begin()
		}
		if d.raw != nil {
			a.note(d.raw)
		}
	})
	if errors.Is(err, errListening) {
		refuse(w, http.StatusConflict, "this session has a stream already")
	}
}

var errListening = errors.New("somebody listens already")

// follow hands over what belongs to no call, until ctx or the session ends. It
// begins with an empty delivery, then what has piled up.
func (s *pipeSession) follow(ctx context.Context, each func(delivery)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	if s.listener != nil || s.ended {
		s.mu.Unlock()
		return errListening
	}
	each(delivery{})
	for _, d := range s.backlog {
		each(d)
	}
	s.backlog = nil
	s.listener, s.leave = each, cancel
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener, s.leave = nil, nil
	return ctx.Err()
}

// oneLine makes a message fit a transport that ends messages by line ends.
// JSON allows them only between tokens, where they mean nothing.
func oneLine(msg []byte) []byte {
	if bytes.IndexByte(msg, '\n') < 0 && bytes.IndexByte(msg, '\r') < 0 {
		return msg
	}
	out := bytes.Clone(msg)
	for i, c := range out {
		if c == '\n' || c == '\r' {
			out[i] = ' '
		}
	}
	return out
}

func writeJSON(w http.ResponseWriter, raw []byte, status int) {
	w.Header().Set("Content-Type", mcp.TypeJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that is gone needs no answer
}
