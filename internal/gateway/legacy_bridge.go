package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/bridge"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

const (
	// maxRounds is how often a modern server may ask back in one call.
	maxRounds = 8
	// pollDelay is the pause before a retry that carries no answers.
	pollDelay = 500 * time.Millisecond
)

// legacyBridge serves legacy clients of a modern server: it keeps the little a
// handshake establishes, the server itself keeps nothing.
type legacyBridge struct {
	front *front
	ids   atomic.Int64
	calls sync.WaitGroup // readers of answers; each ends with its call's context

	mu       sync.Mutex
	sessions map[string]*clientSession
}

func newLegacyBridge(f *front) *legacyBridge {
	return &legacyBridge{front: f, sessions: map[string]*clientSession{}}
}

// clientSession is what one legacy client said in its handshake and since.
type clientSession struct {
	id string

	mu        sync.Mutex
	client    bridge.Client
	used      time.Time
	questions map[mcp.ID]chan *mcp.Message  // ours to the client, by id
	calls     map[mcp.ID]context.CancelFunc // the client's, by id
	watched   map[string]struct{}           // resource URIs
	rewatch   chan struct{}                 // closed when watched changes
	listening bool
}

// serve answers one request of a legacy client.
func (b *legacyBridge) serve(w http.ResponseWriter, r *http.Request, in *inbound) {
	if in.msg != nil && in.msg.Method == mcp.MethodInitialize && in.msg.Kind == mcp.Request {
		b.initialize(w, r, in)
		return
	}
	s, refused := b.find(r, in)
	if refused != nil {
		refused.write(w)
		return
	}
	switch {
	case r.Method == http.MethodGet:
		b.listen(w, r, s)
	case r.Method == http.MethodDelete:
		b.drop(s)
		w.WriteHeader(http.StatusNoContent)
	case in.msg.Kind == mcp.Request:
		b.request(w, r, in, s)
	default:
		s.take(in.msg)
		w.WriteHeader(http.StatusAccepted)
	}
}

// initialize answers from server/discover.
func (b *legacyBridge) initialize(w http.ResponseWriter, r *http.Request, in *inbound) {
	var p struct {
		Version      string          `json:"protocolVersion"`
		Capabilities json.RawMessage `json:"capabilities"`
		Info         json.RawMessage `json:"clientInfo"`
	}
	if err := json.Unmarshal(in.msg.Params, &p); err != nil || p.Version == "" {
		(&refusal{status: http.StatusBadRequest, code: mcp.CodeInvalidParams, id: in.msg.ID, message: "initialize lacks protocolVersion"}).write(w)
		return
	}
	client := bridge.Client{Info: p.Info, Capabilities: p.Capabilities}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	answer, err := b.ask(ctx, client, &mcp.Message{Method: mcp.MethodDiscover})
	if err != nil {
		b.front.failure(in, err).write(w)
		return
	}
	server, err := bridge.FromDiscover(answer.Result)
	if answer.Kind != mcp.Response || err != nil {
		b.front.failure(in, errors.New("server/discover is answered without a result")).write(w)
		return
	}
	s, ok := b.add(client)
	if !ok {
		(&refusal{status: http.StatusServiceUnavailable, code: mcp.CodeInternal, id: in.msg.ID, message: "too many sessions", retryAfter: 5}).write(w)
		return
	}
	w.Header().Set(mcp.HeaderSession, s.id)
	writeJSON(w, (&mcp.Message{ID: in.msg.ID, Result: server.Initialize(p.Version)}).Encode(), http.StatusOK)
}

// maxClientSessions bounds the memory that handshakes can take: about 2 KB each.
const maxClientSessions = 20_000

func (b *legacyBridge) add(client bridge.Client) (*clientSession, bool) {
	s := &clientSession{
		id: rand.Text(), client: client, used: time.Now(), questions: map[mcp.ID]chan *mcp.Message{},
		calls: map[mcp.ID]context.CancelFunc{}, watched: map[string]struct{}{}, rewatch: make(chan struct{}),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.sessions) >= maxClientSessions {
		return nil, false
	}
	b.sessions[s.id] = s
	return s, true
}

func (b *legacyBridge) drop(s *clientSession) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, s.id)
}

// close waits for the last readers. Their calls have ended.
func (b *legacyBridge) close() { b.calls.Wait() }

// expire drops sessions that nobody has used for a while.
func (b *legacyBridge) expire(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.sessions, func(_ string, s *clientSession) bool { return s.idle(now) > sessionIdle })
}

func (s *clientSession) idle(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) > 0 || s.listening {
		return 0
	}
	return now.Sub(s.used)
}

func (b *legacyBridge) find(r *http.Request, in *inbound) (*clientSession, *refusal) {
	id, refused := sessionID(r, in)
	if refused != nil {
		return nil, refused
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[id]
	if s == nil {
		return nil, unknownSession(in)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = time.Now()
	return s, nil
}

// take files what the client sends without expecting an answer: its answers to
// our questions, and cancellations.
func (s *clientSession) take(msg *mcp.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse {
		if ch, ok := s.questions[msg.ID]; ok {
			delete(s.questions, msg.ID)
			ch <- msg // buffered
		}
		return
	}
	if msg.Method == mcp.MethodCancelled {
		var p struct {
			ID json.RawMessage `json:"requestId"`
		}
		if json.Unmarshal(msg.Params, &p) == nil {
			if cancel := s.calls[mcp.ID(p.ID)]; cancel != nil {
				cancel()
			}
		}
	}
}

// request answers locally what belongs to the session, and passes on the rest.
func (b *legacyBridge) request(w http.ResponseWriter, r *http.Request, in *inbound, s *clientSession) {
	switch in.msg.Method {
	case mcp.MethodPing:
	case mcp.MethodSetLevel:
		var p struct {
			Level json.RawMessage `json:"level"`
		}
		_ = json.Unmarshal(in.msg.Params, &p) // no level, none asked for
		s.mu.Lock()
		s.client.LogLevel = p.Level
		s.mu.Unlock()
	case mcp.MethodSubscribe, mcp.MethodUnsubscribe:
		s.watch(in.msg.Method == mcp.MethodSubscribe, in.msg.Params)
	default:
		b.call(w, r, in, s)
		return
	}
	writeJSON(w, (&mcp.Message{ID: in.msg.ID, Result: json.RawMessage("{}")}).Encode(), http.StatusOK)
}

func (s *clientSession) watch(on bool, params json.RawMessage) {
	var p struct {
		URI string `json:"uri"`
	}
	if json.Unmarshal(params, &p) != nil || p.URI == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if on && len(s.watched) < callBuffer {
		s.watched[p.URI] = struct{}{}
	} else if !on {
		delete(s.watched, p.URI)
	}
	close(s.rewatch)
	s.rewatch = make(chan struct{})
}

// call passes a request to the modern server, as often as it asks back.
func (b *legacyBridge) call(w http.ResponseWriter, r *http.Request, in *inbound, s *clientSession) {
	// A legacy client that goes away has not cancelled: its call runs on.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	if !s.enter(in.msg.ID, cancel) {
		(&refusal{status: http.StatusBadRequest, code: mcp.CodeInvalidRequest, id: in.msg.ID, message: "a request with this id is still running"}).write(w)
		return
	}
	defer s.exit(in.msg.ID)
	out := newResponder(w, r, b.front.gateway.cfg.Heartbeat)
	defer out.stop()
	params := in.msg.Params
	for range maxRounds {
		msg := &mcp.Message{Method: in.msg.Method, Params: params, Name: in.msg.Name, HasName: in.msg.HasName}
		answer, err := b.round(ctx, s, msg, out)
		if err != nil {
			if ctx.Err() == nil {
				out.refuse(b.front.failure(in, err))
			}
			return
		}
		asked, ok := bridge.ReadInputRequired(answer.Result)
		if !ok {
			b.finish(out, in, answer)
			return
		}
		answers, refusalText := s.askClient(ctx, asked, out, &b.ids)
		if refusalText != "" {
			b.cannotAsk(out, in, refusalText)
			return
		}
		params = bridge.Retry(in.msg.Params, answers, asked.State)
	}
	b.cannotAsk(out, in, "the server asked for input more than "+strconv.Itoa(maxRounds)+" times")
}

func (s *clientSession) enter(id mcp.ID, cancel context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, running := s.calls[id]; running {
		return false
	}
	s.calls[id] = cancel
	return true
}

func (s *clientSession) exit(id mcp.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, id)
	s.used = time.Now()
}

// finish writes the server's answer in legacy form.
func (b *legacyBridge) finish(out *responder, in *inbound, answer *mcp.Message) {
	msg := &mcp.Message{ID: in.msg.ID, Error: answer.Error}
	if answer.Kind == mcp.Response {
		msg.Result = bridge.LegacyResult(answer.Result)
	}
	out.finish(msg.Encode(), http.StatusOK)
}

// cannotAsk answers a call whose server wants what the client cannot give.
func (b *legacyBridge) cannotAsk(out *responder, in *inbound, text string) {
	if in.msg.Method != mcp.MethodToolsCall {
		out.refuse(&refusal{status: http.StatusOK, code: mcp.CodeInternal, id: in.msg.ID, message: text})
		return
	}
	raw, err := json.Marshal(map[string]any{"isError": true, "content": []map[string]string{{"type": "text", "text": text}}})
	if err != nil {
		raw = json.RawMessage(`{"isError":true,"content":[]}`)
	}
	out.finish((&mcp.Message{ID: in.msg.ID, Result: raw}).Encode(), http.StatusOK)
}

// round makes one modern request and passes on what comes before its answer.
func (b *legacyBridge) round(ctx context.Context, s *clientSession, msg *mcp.Message, out *responder) (*mcp.Message, error) {
	s.mu.Lock()
	client := s.client
	s.mu.Unlock()
	in, id, err := b.begin(ctx, client, msg)
	if err != nil {
		return nil, err
	}
	var answer *mcp.Message
	answered, err := out.follow(ctx, in, func(d delivery) bool {
		if answers(d.msg, id) {
			answer = d.msg
			return true
		}
		if d.msg.Kind == mcp.Notification {
			out.note(d.raw)
		}
		return false
	})
	if err == nil && !answered {
		err = errors.New("the server ended the answer before its result; the call may have run")
	}
	return answer, err
}

// ask makes one modern request and waits for its answer alone.
func (b *legacyBridge) ask(ctx context.Context, client bridge.Client, msg *mcp.Message) (*mcp.Message, error) {
	in, _, err := b.begin(ctx, client, msg)
	if err != nil {
		return nil, err
	}
	last, ok := lastOf(ctx, in)
	if !ok {
		return nil, errors.New("no answer")
	}
	return last.msg, nil
}

// begin sends one self-contained request.
func (b *legacyBridge) begin(ctx context.Context, client bridge.Client, msg *mcp.Message) (<-chan delivery, mcp.ID, error) {
	rev := mcp.Newest(mcp.EraModern)
	id := mcp.ID(jsonInt(b.ids.Add(1)))
	full := &mcp.Message{ID: id, Method: msg.Method, Params: client.ModernParams(msg.Params, rev)}
	h := http.Header{}
	h.Set(mcp.HeaderVersion, string(rev))
	h.Set(mcp.HeaderMethod, msg.Method)
	if msg.HasName {
		h.Set(mcp.HeaderName, mcp.EncodeHeader(msg.Name))
	}
	res, err := b.front.send(ctx, http.MethodPost, full.Encode(), h)
	if err != nil {
		return nil, "", err
	}
	in := make(chan delivery, callBuffer+1)
	b.calls.Go(func() { readCall(res, id, in) })
	return in, id, nil
}

// askClient turns the server's questions into requests to the client, on the
// stream of its own call, and waits for the answers. text says why it could
// not.
func (s *clientSession) askClient(ctx context.Context, asked bridge.InputRequired, out *responder, ids *atomic.Int64) (answers map[string]json.RawMessage, text string) {
	if len(asked.Requests) == 0 {
		select {
		case <-time.After(pollDelay):
			return nil, ""
		case <-ctx.Done():
			return nil, "cancelled"
		}
	}
	if !out.streams {
		return nil, "the server asks for input, but this client takes no event stream to be asked on"
	}
	answers = map[string]json.RawMessage{}
	for _, key := range slices.Sorted(maps.Keys(asked.Requests)) {
		q := asked.Requests[key]
		s.mu.Lock()
		_, has := bridge.Needs(q, s.client.Capabilities)
		s.mu.Unlock()
		if !has {
			return nil, "the server asks by " + clip(q.Method) + ", which this client did not declare"
		}
		answer, ok := s.question(ctx, q, out, mcp.ID(`"hf-`+jsonInt(ids.Add(1))+`"`))
		if !ok {
			return nil, "the client did not answer the server's question (" + clip(q.Method) + ")"
		}
		answers[key] = answer
	}
	return answers, ""
}

// question asks one thing and waits.
func (s *clientSession) question(ctx context.Context, q bridge.InputRequest, out *responder, id mcp.ID) (json.RawMessage, bool) {
	ch := make(chan *mcp.Message, 1)
	s.mu.Lock()
	s.questions[id] = ch
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.questions, id)
	}()
	out.note((&mcp.Message{ID: id, Method: q.Method, Params: q.Params}).Encode())
	select {
	case msg := <-ch:
		return msg.Result, msg.Kind == mcp.Response
	case <-time.After(parkTime):
		return nil, false
	case <-ctx.Done():
		return nil, false
	}
}

// listen serves the client's GET stream from a subscription at the server.
func (b *legacyBridge) listen(w http.ResponseWriter, r *http.Request, s *clientSession) {
	if !strings.Contains(r.Header.Get("Accept"), mcp.TypeEventStream) {
		refuse(w, http.StatusNotAcceptable, "Accept must list text/event-stream")
		return
	}
	if !s.setListening(true) {
		refuse(w, http.StatusConflict, "this session has a stream already")
		return
	}
	defer s.setListening(false)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(b.front.gateway.streams, cancel)()
	out := newResponder(w, r, b.front.gateway.cfg.Heartbeat)
	defer out.stop()
	out.begin()
	for ctx.Err() == nil {
		b.subscribe(ctx, s, out)
		select {
		case <-time.After(time.Second): // the server ended it: not in a rush
		case <-ctx.Done():
		}
	}
}

func (s *clientSession) setListening(on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on && s.listening {
		return false
	}
	s.listening = on
	return true
}

// subscribe listens at the server until it or the client ends that, or the
// client watches other resources.
func (b *legacyBridge) subscribe(ctx context.Context, s *clientSession, out *responder) {
	s.mu.Lock()
	client, changed := s.client, s.rewatch
	uris := slices.Sorted(maps.Keys(s.watched))
	s.mu.Unlock()
	want := map[string]any{"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true}
	if len(uris) > 0 {
		want["resourceSubscriptions"] = uris
	}
	params, err := json.Marshal(map[string]any{"notifications": want})
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, _, err := b.begin(ctx, client, &mcp.Message{Method: mcp.MethodListen, Params: params})
	if err != nil {
		b.front.log.DebugContext(ctx, "subscription failed", "err", err)
		return
	}
	for {
		select {
		case d, ok := <-in:
			if !ok {
				return
			}
			if d.msg.Kind == mcp.Notification && d.msg.Method != mcp.MethodAcknowledged {
				out.note((&mcp.Message{Method: d.msg.Method, Params: untagged(d.msg.Params)}).Encode())
			}
		case <-changed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// untagged takes the subscription's id out of a notification.
func untagged(params json.RawMessage) json.RawMessage {
	o, err := mcp.ReadObject(params)
	if err != nil {
		return nil
	}
	if meta, err := mcp.ReadObject(o.Get("_meta")); err == nil {
		meta.Delete(mcp.MetaSubscriptionID)
		o.Set("_meta", meta.Bytes())
		if meta.Len() == 0 {
			o.Delete("_meta")
		}
	}
	if o.Len() == 0 {
		return nil
	}
	return o.Bytes()
}

func jsonInt(n int64) string { return strconv.FormatInt(n, 10) }
