package gateway

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// pipes are the legacy sessions of a server that is spoken to over a pipe: one
// process or one event stream each, never shared between clients.
type pipes struct {
	front *front

	mu       sync.Mutex
	sessions map[string]*pipeSession
	opening  int
	closed   bool
}

func newPipes(f *front) *pipes { return &pipes{front: f, sessions: map[string]*pipeSession{}} }

// serve answers one request of a legacy client.
func (p *pipes) serve(w http.ResponseWriter, r *http.Request, in *inbound) {
	switch {
	case in.msg != nil && in.msg.Method == mcp.MethodInitialize && in.msg.Kind == mcp.Request:
		p.initialize(w, r, in)
	default:
		s, refused := p.find(r, in)
		if refused != nil {
			refused.write(w)
			return
		}
		p.inSession(w, r, in, s)
	}
}

func (p *pipes) inSession(w http.ResponseWriter, r *http.Request, in *inbound, s *pipeSession) {
	s.touch()
	switch {
	case r.Method == http.MethodGet:
		s.listen(w, r)
	case r.Method == http.MethodDelete:
		p.drop(s)
		_ = s.pipe.Close(context.WithoutCancel(r.Context())) // ended either way
		w.WriteHeader(http.StatusNoContent)
	case in.msg.Kind == mcp.Request:
		s.call(w, r, in)
	default:
		s.forward(w, r, in)
	}
}

// initialize opens a session: a process or stream of its own, and an id that
// cannot be guessed.
func (p *pipes) initialize(w http.ResponseWriter, r *http.Request, in *inbound) {
	if !p.reserve() {
		(&refusal{status: http.StatusServiceUnavailable, code: mcp.CodeInternal, id: in.msg.ID, retryAfter: 5,
			message: "too many sessions at server " + p.front.server.Name}).write(w)
		return
	}
	s, err := p.open(r.Context())
	if err != nil {
		p.release(nil)
		p.front.unreachable(w, in, err)
		return
	}
	answer, ok := s.first(r.Context(), in)
	if !ok || answer.msg.Kind != mcp.Response {
		p.release(nil)
		_ = s.pipe.Close(context.WithoutCancel(r.Context())) // never became a session
		p.answerFailed(w, in, answer, ok)
		return
	}
	p.release(s)
	w.Header().Set(mcp.HeaderSession, s.id)
	writeJSON(w, answer.raw, http.StatusOK)
}

func (p *pipes) answerFailed(w http.ResponseWriter, in *inbound, answer delivery, ok bool) {
	if ok {
		writeJSON(w, answer.raw, http.StatusOK)
		return
	}
	(&refusal{status: http.StatusBadGateway, code: mcp.CodeInternal, id: in.msg.ID,
		message: "server " + p.front.server.Name + " ended before it answered initialize"}).write(w)
}

func (p *pipes) open(ctx context.Context) (*pipeSession, error) {
	cfg := p.front.gateway.cfg
	c, err := client.New(p.front.server.Endpoint, client.Options{
		HTTP: p.front.gateway.http, Info: cfg.Info, UserAgent: cfg.UserAgent, Parent: cfg.ParentEnv,
		Stderr: &logWriter{log: p.front.log},
	})
	if err != nil {
		return nil, err
	}
	s := newPipeSession(rand.Text(), p)
	if s.pipe, err = c.OpenPipe(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

// reserve takes a place among the sessions before the costly part.
func (p *pipes) reserve() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.sessions)+p.opening >= maxSessions {
		return false
	}
	p.opening++
	return true
}

// release turns a reserved place into a session, or gives it back for nil.
func (p *pipes) release(s *pipeSession) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening--
	if s != nil {
		p.sessions[s.id] = s
	}
}

func (p *pipes) drop(s *pipeSession) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, s.id)
}

// find looks a session up.
func (p *pipes) find(r *http.Request, in *inbound) (*pipeSession, *refusal) {
	id, refused := sessionID(r, in)
	if refused != nil {
		return nil, refused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[id]; s != nil {
		return s, nil
	}
	return nil, unknownSession(in)
}

// expire ends sessions that nobody used for a while.
func (p *pipes) expire(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			p.front.legacy.expire(now)
			p.front.modern.expire(ctx, now)
			for _, s := range p.idle(now) {
				_ = s.pipe.Close(ctx) // ended either way
			}
		}
	}
}

func (p *pipes) idle(now time.Time) []*pipeSession {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.sessions))
	p.mu.Unlock()
	// A session whose client reads slowly may hold its own lock for a while;
	// nobody else may have to wait for that.
	idle := slices.DeleteFunc(all, func(s *pipeSession) bool { return s.idleSince(now) <= sessionIdle })
	for _, s := range idle {
		p.drop(s)
	}
	return idle
}

// closeAll ends every session, all at once.
func (p *pipes) closeAll(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	var all sync.WaitGroup
	for id, s := range p.sessions {
		delete(p.sessions, id)
		all.Go(func() { _ = s.pipe.Close(ctx) }) // ended either way
	}
	p.mu.Unlock()
	all.Wait()
}

// count tells how many sessions are open.
func (p *pipes) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}
