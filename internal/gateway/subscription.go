package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/holdfast-mcp/holdfast/internal/bridge"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// subscription is one subscriptions/listen of a modern client.
type subscription struct {
	id   mcp.ID
	uris []string
	want map[string]bool // notification methods
	in   chan *mcp.Message
}

// listen serves subscriptions/listen from the unasked messages of the legacy
// session.
func (b *modernBridge) listen(w http.ResponseWriter, r *http.Request, in *inbound) {
	s, err := b.session(r.Context(), in)
	if err != nil {
		b.front.unreachable(w, in, err)
		return
	}
	sub, granted := newSubscription(in, s.server)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(b.front.gateway.streams, cancel)()
	s.subscribe(ctx, b, sub)
	defer s.unsubscribe(sub)
	for _, uri := range sub.uris {
		b.watch(ctx, s, mcp.MethodSubscribe, uri)
	}
	out := newResponder(w, r, b.front.gateway.cfg.Heartbeat)
	defer out.stop()
	if out.begin(); out.out == nil {
		(&refusal{status: http.StatusNotAcceptable, code: mcp.CodeInvalidRequest, id: in.msg.ID, message: "Accept must list text/event-stream"}).write(w)
		return
	}
	ack := &mcp.Object{}
	ack.Set("notifications", granted)
	out.note(sub.tagged(&mcp.Message{Method: mcp.MethodAcknowledged, Params: ack.Bytes()}))
	for {
		select {
		case msg := <-sub.in:
			out.note(sub.tagged(msg))
		case <-ctx.Done():
			if r.Context().Err() == nil { // we are going: say so properly
				done := &mcp.Object{}
				done.Set("resultType", json.RawMessage(`"complete"`))
				out.finish(sub.tagged(&mcp.Message{ID: in.msg.ID, Result: done.Bytes()}), http.StatusOK)
			}
			for _, uri := range sub.uris {
				b.watch(context.WithoutCancel(ctx), s, mcp.MethodUnsubscribe, uri)
			}
			return
		}
	}
}

func newSubscription(in *inbound, server bridge.Server) (*subscription, json.RawMessage) {
	var p struct {
		Notifications json.RawMessage `json:"notifications"`
	}
	_ = json.Unmarshal(in.msg.Params, &p) // nothing asked for, nothing granted
	granted := bridge.Subset(p.Notifications, server.Capabilities)
	var got struct {
		Tools     bool     `json:"toolsListChanged"`
		Prompts   bool     `json:"promptsListChanged"`
		Resources bool     `json:"resourcesListChanged"`
		URIs      []string `json:"resourceSubscriptions"`
	}
	_ = json.Unmarshal(granted, &got) // of our own making
	return &subscription{
		id: in.msg.ID, uris: got.URIs, in: make(chan *mcp.Message, callBuffer),
		want: map[string]bool{
			mcp.MethodToolsChanged: got.Tools, "notifications/prompts/list_changed": got.Prompts,
			"notifications/resources/list_changed": got.Resources, methodUpdated: len(got.URIs) > 0,
		},
	}, granted
}

const methodUpdated = "notifications/resources/updated"

// tagged marks a message with the subscription it belongs to.
func (sub *subscription) tagged(msg *mcp.Message) []byte {
	out := *msg
	part := &out.Params
	if out.Result != nil {
		part = &out.Result
	}
	o, err := mcp.ReadObject(*part)
	if err != nil {
		o = &mcp.Object{}
	}
	meta, err := mcp.ReadObject(o.Get("_meta"))
	if err != nil {
		meta = &mcp.Object{}
	}
	meta.Set(mcp.MetaSubscriptionID, json.RawMessage(sub.id))
	o.Set("_meta", meta.Bytes())
	*part = o.Bytes()
	return out.Encode()
}

// takes tells whether a message is for this subscription.
func (sub *subscription) takes(msg *mcp.Message) bool {
	if !sub.want[msg.Method] {
		return false
	}
	if msg.Method != methodUpdated {
		return true
	}
	var p struct {
		URI string `json:"uri"`
	}
	return json.Unmarshal(msg.Params, &p) == nil && slices.Contains(sub.uris, p.URI)
}

// tell hands an unasked message to every subscription that wants it. One that
// does not keep up loses it: list changes say only that there is something new.
func (s *sharedSession) tell(msg *mcp.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.listeners {
		if sub.takes(msg) {
			select {
			case sub.in <- msg:
			default:
			}
		}
	}
}

// subscribe adds a listener; the first one opens the stream of unasked messages.
func (s *sharedSession) subscribe(ctx context.Context, b *modernBridge, sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[sub] = struct{}{}
	if s.stop != nil {
		return
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.done.Go(func() {
		err := s.link.listen(ctx, func(d delivery) {
			switch {
			case d.msg == nil:
			case d.msg.Kind == mcp.Notification:
				s.tell(d.msg)
			case d.msg.Kind == mcp.Request: // belongs to no call: forbidden since SEP-2260
				b.deny(ctx, s, d.msg)
			}
		})
		if ctx.Err() == nil {
			b.front.log.DebugContext(ctx, "stream of unasked messages ended", "err", err)
			b.forget(s)
		}
	})
}

func (b *modernBridge) deny(ctx context.Context, s *sharedSession, msg *mcp.Message) {
	answer := &mcp.Message{ID: msg.ID, Error: &mcp.Error{Code: mcp.CodeMethodNotFound, Message: "no call is under way"}}
	if msg.Method == mcp.MethodPing {
		answer = &mcp.Message{ID: msg.ID, Result: json.RawMessage("{}")}
	}
	if err := s.link.post(ctx, answer.Encode()); err != nil {
		b.front.log.DebugContext(ctx, "answer did not reach the server", "err", err)
	}
}

// unsubscribe removes a listener; the last one closes the stream.
func (s *sharedSession) unsubscribe(sub *subscription) {
	s.mu.Lock()
	delete(s.listeners, sub)
	last := len(s.listeners) == 0
	s.mu.Unlock()
	if last {
		s.hush()
	}
}

// hush ends the stream of unasked messages and waits for its reader.
func (s *sharedSession) hush() {
	s.mu.Lock()
	stop := s.stop
	s.stop = nil
	s.mu.Unlock()
	if stop != nil {
		stop()
		s.done.Wait()
	}
}

// watch subscribes to a resource at the server, or ends that.
func (b *modernBridge) watch(ctx context.Context, s *sharedSession, method, uri string) {
	params := &mcp.Object{}
	raw, err := json.Marshal(uri)
	if err != nil {
		return
	}
	params.Set("uri", raw)
	id := mcp.ID(jsonInt(b.ids.Add(1)))
	ctx, cancel := context.WithTimeout(ctx, firstByte)
	defer cancel()
	in, err := s.link.begin(ctx, id, nil, (&mcp.Message{ID: id, Method: method, Params: params.Bytes()}).Encode())
	if err != nil {
		b.front.log.DebugContext(ctx, "subscription did not reach the server", "err", err)
		return
	}
	select {
	case <-in: // its answer has nothing in it
	case <-ctx.Done():
	}
}
