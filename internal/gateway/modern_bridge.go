package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/bridge"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

const (
	// maxParked calls wait for their clients' input, each for at most parkTime.
	maxParked = 1024
	parkTime  = 5 * time.Minute
)

// modernBridge serves modern clients of a legacy server. Its sessions with the
// server are one per set of client capabilities and belong to one principal;
// until clients are told apart there is one, anonymous, principal.
type modernBridge struct {
	front *front
	ids   atomic.Int64

	mu      sync.Mutex
	shared  map[string]*sharedSession // by capabilities
	opening map[string]chan struct{}  // closed when an opening under way is over
	parked  map[string]*parkedCall    // by requestState
}

func newModernBridge(f *front) *modernBridge {
	return &modernBridge{front: f, shared: map[string]*sharedSession{}, opening: map[string]chan struct{}{}, parked: map[string]*parkedCall{}}
}

// sharedSession is a session of ours with the legacy server.
type sharedSession struct {
	link   link
	server bridge.Server

	mu        sync.Mutex
	listeners map[*subscription]struct{}
	stop      context.CancelFunc // ends the reading of unasked messages
	done      sync.WaitGroup
}

// parkedCall is a call that waits for its client's answers to the server's
// questions.
type parkedCall struct {
	session  *sharedSession
	in       <-chan delivery
	upstream mcp.ID // the call's id at the server
	question mcp.ID // the question's
	request  bridge.InputRequest
	digest   [sha256.Size]byte // of what was called: another call cannot take it over
	token    string
	stop     context.CancelFunc // ends the reading of its answer
	expires  time.Time
}

// serve answers one modern request.
func (b *modernBridge) serve(w http.ResponseWriter, r *http.Request, in *inbound) {
	if refused := b.vet(in); refused != nil {
		refused.write(w)
		return
	}
	switch {
	case in.msg.Kind != mcp.Request:
		w.WriteHeader(http.StatusAccepted) // modern clients cancel by leaving
	case in.msg.Method == mcp.MethodDiscover:
		b.discover(w, r, in)
	case in.msg.Method == mcp.MethodListen:
		b.listen(w, r, in)
	case bridge.Bridged(in.msg.Method):
		b.call(w, r, in)
	default:
		in.call.Note(telemetry.Refused)
		(&refusal{status: http.StatusNotFound, code: mcp.CodeMethodNotFound, id: in.msg.ID, message: "method not found: " + clip(in.msg.Method)}).write(w)
	}
}

// vet checks what each modern request has to carry.
func (b *modernBridge) vet(in *inbound) *refusal {
	meta := in.msg.Meta
	e := &refusal{status: http.StatusBadRequest, id: in.msg.ID}
	t, known := mcp.Lookup(mcp.Revision(meta.ProtocolVersion))
	switch {
	case in.msg.Kind != mcp.Request:
		return nil
	case !meta.HasVersion || meta.ProtocolVersion == "":
		e.code, e.message = mcp.CodeInvalidParams, "_meta lacks "+mcp.MetaProtocolVersion
	case !known || t.Era != mcp.EraModern:
		e.code, e.message = mcp.CodeUnsupportedVersion, "unsupported protocol version"
		e.data = map[string]any{"supported": supportedVersions(), "requested": meta.ProtocolVersion}
	case len(meta.ClientCapabilities) == 0 || meta.ClientCapabilities[0] != '{':
		e.code, e.message = mcp.CodeInvalidParams, "_meta lacks "+mcp.MetaClientCapabilities
	default:
		return nil
	}
	return e
}

// supportedVersions is what the front speaks, whatever the server does.
func supportedVersions() []mcp.Revision {
	var out []mcp.Revision
	for _, t := range mcp.Revisions() {
		if t.StreamableHTTP {
			out = append(out, t.Revision)
		}
	}
	return out
}

func clip(s string) string { return s[:min(len(s), 100)] }

// session gives the open session for what the client declared, opening one if
// need be. Concurrent callers wait for the same opening.
func (b *modernBridge) session(ctx context.Context, in *inbound) (*sharedSession, error) {
	capabilities := bridge.SessionCapabilities(in.msg.Meta.ClientCapabilities)
	key := string(capabilities)
	for {
		b.mu.Lock()
		if s := b.shared[key]; s != nil {
			defer b.mu.Unlock()
			return s, nil
		}
		if wait := b.opening[key]; wait != nil {
			b.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		over := make(chan struct{})
		b.opening[key] = over
		b.mu.Unlock()
		s, err := b.open(ctx, capabilities)
		b.mu.Lock()
		if err == nil {
			b.shared[key] = s
		}
		delete(b.opening, key)
		b.mu.Unlock()
		close(over)
		return s, err
	}
}

func (b *modernBridge) open(ctx context.Context, capabilities json.RawMessage) (*sharedSession, error) {
	s := &sharedSession{listeners: map[*subscription]struct{}{}}
	var err error
	if b.front.piped() {
		s.link, s.server, err = b.front.openPipeLink(ctx, capabilities)
	} else {
		s.link, s.server, err = b.front.openHTTPLink(ctx, capabilities)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// forget drops a session that the server has lost.
func (b *modernBridge) forget(s *sharedSession) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.shared, func(_ string, open *sharedSession) bool { return open == s })
}

// close ends the sessions and every parked call.
func (b *modernBridge) close(ctx context.Context) {
	b.mu.Lock()
	open, parked := slices.Collect(maps.Values(b.shared)), slices.Collect(maps.Values(b.parked))
	b.shared, b.parked = map[string]*sharedSession{}, map[string]*parkedCall{}
	b.mu.Unlock()
	b.cancelAll(ctx, parked, "the gateway is going away")
	var all sync.WaitGroup
	for _, s := range open {
		all.Go(func() { s.hush(); s.link.close(ctx) })
	}
	all.Wait()
}

func (b *modernBridge) discover(w http.ResponseWriter, r *http.Request, in *inbound) {
	s, err := b.session(r.Context(), in)
	if err != nil {
		b.front.unreachable(w, in, err)
		return
	}
	writeJSON(w, (&mcp.Message{ID: in.msg.ID, Result: s.server.Discover()}).Encode(), http.StatusOK)
}

// call passes a request on, or takes a parked one up again.
func (b *modernBridge) call(w http.ResponseWriter, r *http.Request, in *inbound) {
	c := &bridgedCall{bridge: b, in: in, ctx: r.Context(), digest: digestOf(in.msg), out: newResponder(w, r, b.front.gateway.cfg.Heartbeat)}
	defer c.out.stop()
	if answers, state := bridge.Answers(in.msg.Params); state != "" {
		c.resume(answers, state)
		return
	}
	c.start()
}

// digestOf identifies what is called: method and params without what a retry
// adds.
func digestOf(msg *mcp.Message) [sha256.Size]byte {
	params := bridge.LegacyParams(msg.Params)
	if o, err := mcp.ReadObject(params); err == nil {
		o.Delete("_meta")
		params = o.Bytes()
	}
	return sha256.Sum256(append([]byte(msg.Method+"\x00"), params...))
}

// bridgedCall is one HTTP request of a modern client on its way.
type bridgedCall struct {
	bridge  *modernBridge
	in      *inbound
	ctx     context.Context //nolint:containedctx // that of the one request this value lives for
	out     *responder
	digest  [sha256.Size]byte
	session *sharedSession
	id      mcp.ID // at the server
	token   string // progress token at the server
	stop    context.CancelFunc
}

// start sends the call to the server. A session that was lost before the call
// ran is replaced once.
func (c *bridgedCall) start() {
	for attempt := 0; ; attempt++ {
		s, err := c.bridge.session(c.ctx, c.in)
		if err != nil {
			c.out.refuse(c.bridge.front.failure(c.in, err))
			return
		}
		c.session = s
		in, err := c.send()
		if errors.Is(err, errSessionLost) && attempt == 0 {
			c.bridge.forget(s)
			continue
		}
		if err != nil {
			c.out.refuse(c.bridge.front.failure(c.in, err))
			return
		}
		c.follow(in)
		return
	}
}

func (c *bridgedCall) send() (<-chan delivery, error) {
	n := c.bridge.ids.Add(1)
	c.id = mcp.ID(strconv.FormatInt(n, 10))
	params := bridge.LegacyParams(c.in.msg.Params)
	if c.in.msg.Meta.ProgressToken != nil {
		// Tokens of different clients may be the same; at the server they
		// share a session.
		c.token = `"hf-` + string(c.id) + `"`
		params = withToken(params, c.token)
	}
	msg := (&mcp.Message{ID: c.id, Method: c.in.msg.Method, Params: params}).Encode()
	// The call outlives this HTTP request when it is parked.
	var ctx context.Context
	ctx, c.stop = context.WithCancel(context.WithoutCancel(c.ctx))
	in, err := c.session.link.begin(ctx, c.id, []byte(c.token), msg)
	if err != nil {
		c.stop()
	}
	return in, err
}

// withToken sets a progress token, in params._meta of a request or in params of
// a notification.
func withToken(params json.RawMessage, token string) json.RawMessage {
	o, err := mcp.ReadObject(params)
	if err != nil {
		return params
	}
	meta, err := mcp.ReadObject(o.Get("_meta"))
	if err != nil {
		meta = &mcp.Object{}
	}
	meta.Set(mcp.MetaProgressToken, json.RawMessage(token))
	o.Set("_meta", meta.Bytes())
	return o.Bytes()
}

// follow brings the server's messages to the client until the call is answered,
// parked or given up.
func (c *bridgedCall) follow(in <-chan delivery) {
	answered, err := c.out.follow(c.ctx, in, func(d delivery) bool {
		switch d.msg.Kind {
		case mcp.Request:
			return c.question(d.msg, in)
		case mcp.Notification:
			c.notification(d.msg)
			return false
		default:
			c.answer(d.msg)
			c.stop()
			return true
		}
	})
	switch {
	case err != nil:
		c.in.call.Note(telemetry.Canceled)
		c.cancel("the client went away") // in this era that cancels
	case !answered:
		c.stop()
		c.out.refuse(c.bridge.front.diedUnder(c.in.msg.ID))
	}
}

// cancel tells the server that nobody waits any more.
func (c *bridgedCall) cancel(reason string) {
	c.bridge.cancel(context.WithoutCancel(c.ctx), c.session, c.id, reason)
	c.stop()
}

func (b *modernBridge) cancel(ctx context.Context, s *sharedSession, id mcp.ID, reason string) {
	params := &mcp.Object{}
	params.Set("requestId", json.RawMessage(id))
	params.Set("reason", json.RawMessage(strconv.Quote(reason)))
	ctx, done := context.WithTimeout(ctx, firstByte)
	defer done()
	if err := s.link.post(ctx, (&mcp.Message{Method: mcp.MethodCancelled, Params: params.Bytes()}).Encode()); err != nil {
		b.front.log.DebugContext(ctx, "cancel did not reach the server", "err", err)
	}
}

// cancelAll gives parked calls up.
func (b *modernBridge) cancelAll(ctx context.Context, parked []*parkedCall, reason string) {
	var all sync.WaitGroup
	for _, p := range parked {
		all.Go(func() { b.cancel(ctx, p.session, p.upstream, reason); p.stop() })
	}
	all.Wait()
}

// expire gives up the calls whose clients did not come back.
func (b *modernBridge) expire(ctx context.Context, now time.Time) {
	b.mu.Lock()
	var late []*parkedCall
	for state, p := range b.parked {
		if now.After(p.expires) {
			delete(b.parked, state)
			late = append(late, p)
		}
	}
	b.mu.Unlock()
	b.cancelAll(ctx, late, "the client did not come back with its input")
}

func (c *bridgedCall) notification(msg *mcp.Message) {
	switch msg.Method {
	case mcp.MethodProgress:
		if c.token == "" {
			return
		}
		o, err := mcp.ReadObject(msg.Params)
		if err != nil {
			return
		}
		o.Set(mcp.MetaProgressToken, c.in.msg.Meta.ProgressToken)
		c.out.note((&mcp.Message{Method: msg.Method, Params: o.Bytes()}).Encode())
	case mcp.MethodMessage:
		if c.in.msg.Meta.LogLevel != nil && loudEnough(msg.Params, c.in.msg.Meta.LogLevel) {
			c.out.note((&mcp.Message{Method: msg.Method, Params: msg.Params}).Encode())
		}
	default:
		c.session.tell(msg)
	}
}

// loudEnough compares a log message's level with the least that was asked for.
func loudEnough(params, least json.RawMessage) bool {
	order := map[string]int{"debug": 0, "info": 1, "notice": 2, "warning": 3, "error": 4, "critical": 5, "alert": 6, "emergency": 7}
	var p struct {
		Level string `json:"level"`
	}
	var want string
	if json.Unmarshal(params, &p) != nil || json.Unmarshal(least, &want) != nil {
		return false
	}
	return order[p.Level] >= order[want]
}

// question handles a request of the server in the middle of the call. It
// returns true when the client's HTTP request has been answered by it.
func (c *bridgedCall) question(msg *mcp.Message, in <-chan delivery) bool {
	q := bridge.InputRequest{Method: msg.Method, Params: msg.Params}
	required, has := bridge.Needs(q, c.in.msg.Meta.ClientCapabilities)
	switch {
	case msg.Method == mcp.MethodPing:
		c.reply(&mcp.Message{ID: msg.ID, Result: json.RawMessage("{}")})
		return false
	case required == nil:
		c.reply(&mcp.Message{ID: msg.ID, Error: &mcp.Error{Code: mcp.CodeMethodNotFound, Message: "method not found"}})
		return false
	case !has:
		c.cancel("the client lacks a capability")
		c.out.refuse(&refusal{status: http.StatusBadRequest, code: mcp.CodeMissingCapability, id: c.in.msg.ID,
			message: "the tool asks by " + msg.Method + ", which this client did not declare",
			data:    map[string]any{"requiredCapabilities": required}})
		return true
	}
	p := &parkedCall{
		session: c.session, in: in, upstream: c.id, question: msg.ID, request: q, digest: c.digest, token: c.token, stop: c.stop,
		expires: time.Now().Add(parkTime),
	}
	state, ok := c.bridge.park(p)
	if !ok {
		c.cancel("too many calls wait for input")
		c.out.refuse(&refusal{status: http.StatusServiceUnavailable, code: mcp.CodeInternal, id: c.in.msg.ID, message: "too many calls wait for input", retryAfter: 5})
		return true
	}
	c.ask(p, state)
	return true
}

// ask answers the client's request with the server's question.
func (c *bridgedCall) ask(p *parkedCall, state string) {
	result := p.session.server.InputRequired(bridge.InputRequired{
		Requests: map[string]bridge.InputRequest{questionKey: p.request}, State: state,
	})
	c.out.finish((&mcp.Message{ID: c.in.msg.ID, Result: result}).Encode(), http.StatusOK)
}

// questionKey names the one question that a legacy server asks at a time.
const questionKey = "question"

func (c *bridgedCall) reply(msg *mcp.Message) {
	if err := c.session.link.post(context.WithoutCancel(c.ctx), msg.Encode()); err != nil {
		c.bridge.front.log.Debug("answer did not reach the server", "err", err)
	}
}

// resume takes up a parked call with the client's answers.
func (c *bridgedCall) resume(answers map[string]json.RawMessage, state string) {
	p := c.bridge.unpark(state, c.digest)
	if p == nil {
		c.out.refuse(&refusal{status: http.StatusBadRequest, code: mcp.CodeInvalidParams, id: c.in.msg.ID,
			message: "requestState is unknown or has expired; the call may have run"})
		return
	}
	c.session, c.id, c.token, c.stop = p.session, p.upstream, p.token, p.stop
	answer, ok := answers[questionKey]
	if !ok { // ask again, as the specification says
		if state, ok = c.bridge.park(p); ok {
			c.ask(p, state)
			return
		}
	}
	if err := c.session.link.post(c.ctx, (&mcp.Message{ID: p.question, Result: answer}).Encode()); err != nil {
		c.stop()
		c.out.refuse(c.bridge.front.failure(c.in, err))
		return
	}
	c.follow(p.in)
}

// answer writes the call's result or error.
func (c *bridgedCall) answer(msg *mcp.Message) {
	server := c.session.server
	if msg.Kind == mcp.Response {
		c.out.finish((&mcp.Message{ID: c.in.msg.ID, Result: server.ModernResult(c.in.msg.Method, msg.Result)}).Encode(), http.StatusOK)
		return
	}
	if requests, ok := bridge.URLElicitation(msg.Error); ok {
		// The retry is simply a new call: the server remembers by itself.
		result := server.InputRequired(bridge.InputRequired{Requests: requests})
		c.out.finish((&mcp.Message{ID: c.in.msg.ID, Result: result}).Encode(), http.StatusOK)
		return
	}
	e := bridge.ModernError(msg.Error)
	c.out.finish((&mcp.Message{ID: c.in.msg.ID, Error: e}).Encode(), modernStatus(e.Code))
}

// park keeps a call and returns the state that finds it again. It cannot be
// guessed, and fits only the same call.
func (b *modernBridge) park(p *parkedCall) (state string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.parked) >= maxParked {
		return "", false
	}
	state = rand.Text()
	b.parked[state] = p
	return state, true
}

// unpark takes a call out, once; nil if there is none that fits.
func (b *modernBridge) unpark(state string, digest [sha256.Size]byte) *parkedCall {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parked[state]
	if p == nil || p.digest != digest || time.Now().After(p.expires) {
		return nil
	}
	delete(b.parked, state)
	return p
}

// failure is the answer for a server that could not be asked.
func (f *front) failure(in *inbound, err error) *refusal {
	if errors.Is(err, errSessionLost) {
		err = fmt.Errorf("the server forgets sessions as soon as they are opened: %w", err)
	}
	e := describeFailure(f.server.Name, err)
	e.id = in.id()
	phase, outcome := "other", telemetry.Ambiguous
	if fault, ok := errors.AsType[*egress.Error](err); ok {
		phase = fault.Phase.String()
		if fault.Phase < egress.PhaseSend {
			outcome = telemetry.NotRun
		}
	}
	f.metrics.UpstreamFailed(phase)
	in.call.Note(outcome)
	f.log.Warn("upstream failed", "err", err)
	return e
}
