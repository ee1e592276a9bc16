package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-mcp/holdfast/internal/bridge"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// link is a session of ours with a legacy server, on behalf of modern clients.
type link interface {
	// begin sends a request. What belongs to it comes over the channel, the
	// answer last; then, or when the server is gone, the channel is closed.
	// Nothing more comes once ctx has ended, so who waits watches both.
	begin(ctx context.Context, id mcp.ID, token, msg []byte) (<-chan delivery, error)
	// post sends a notification, or an answer to the server's own request.
	post(ctx context.Context, msg []byte) error
	// listen gets what belongs to no call, until ctx ends or the server does.
	listen(ctx context.Context, each func(delivery)) error
	close(ctx context.Context)
}

// errSessionLost: the server does not know our session any more. The request
// has not run.
var errSessionLost = errors.New("the server has forgotten the session")

// httpLink is a session over Streamable HTTP.
type httpLink struct {
	front   *front
	session string
	version string
	calls   sync.WaitGroup
	// ended cuts the calls that are still being read when the link is closed:
	// a parked one may wait for an answer that nobody will give.
	ended context.Context //nolint:containedctx // the lifetime of the link
	end   context.CancelFunc
}

// openHTTPLink performs the handshake and gives the server's description. A
// session that was minted in a handshake which fails later is ended again.
func (f *front) openHTTPLink(ctx context.Context, capabilities json.RawMessage) (*httpLink, bridge.Server, error) {
	l := &httpLink{front: f}
	l.ended, l.end = context.WithCancel(context.WithoutCancel(ctx))
	res, err := l.do(ctx, http.MethodPost, f.initializeMessage(capabilities))
	if err != nil {
		l.end()
		return nil, bridge.Server{}, err
	}
	in := make(chan delivery, callBuffer+1)
	session := res.Header.Get(mcp.HeaderSession)
	readCall(res, "0", in)
	answer, ok := lastOf(ctx, in)
	if !ok || answer.msg.Kind != mcp.Response {
		l.end()
		return nil, bridge.Server{}, fmt.Errorf("initialize is answered %d without a result", res.StatusCode)
	}
	l.session = session
	server, version, err := readInitialize(answer.msg.Result)
	if err == nil {
		l.version = version
		err = l.post(ctx, []byte(initialized))
	}
	if err != nil {
		l.close(context.WithoutCancel(ctx))
		return nil, bridge.Server{}, err
	}
	return l, server, nil
}

// initialized ends a handshake.
const initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`

// initializeMessage opens a bridged session; its id is 0, calls count from 1.
func (f *front) initializeMessage(capabilities json.RawMessage) []byte {
	params := &mcp.Object{}
	version, err := json.Marshal(mcp.Newest(mcp.EraLegacy))
	info, err2 := json.Marshal(f.gateway.cfg.Info)
	if err != nil || err2 != nil {
		info = json.RawMessage(`{"name":"holdfast","version":"0"}`) // two strings always marshal
	}
	params.Set("protocolVersion", version)
	params.Set("capabilities", capabilities)
	params.Set("clientInfo", info)
	return (&mcp.Message{ID: "0", Method: mcp.MethodInitialize, Params: params.Bytes()}).Encode()
}

func readInitialize(result json.RawMessage) (bridge.Server, string, error) {
	server, err := bridge.FromInitialize(result)
	if err != nil {
		return server, "", err
	}
	o, err := mcp.ReadObject(result)
	if err != nil {
		return server, "", err
	}
	version := o.Text("protocolVersion")
	if t, ok := mcp.Lookup(mcp.Revision(version)); !ok || t.Era != mcp.EraLegacy {
		return server, "", fmt.Errorf("initialize is answered with version %q, which is no legacy one", version)
	}
	return server, version, nil
}

// lastOf waits for the end of a call and gives its last message, the answer; not
// ok when there was none before ctx ended.
func lastOf(ctx context.Context, in <-chan delivery) (last delivery, ok bool) {
	for {
		select {
		case d, more := <-in:
			if !more {
				return last, ok
			}
			last, ok = d, true
		case <-ctx.Done():
			return delivery{}, false
		}
	}
}

// do makes one call in the session.
func (l *httpLink) do(ctx context.Context, method string, body []byte) (*egress.Response, error) {
	h := http.Header{}
	if l.session != "" {
		h.Set(mcp.HeaderSession, l.session)
	}
	if l.version != "" {
		h.Set(mcp.HeaderVersion, l.version)
	}
	return l.front.send(ctx, method, body, h)
}

// send makes one call of our own to the server.
func (f *front) send(ctx context.Context, method string, body []byte, h http.Header) (*egress.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, f.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = h
	if body == nil {
		req.Body, req.GetBody = http.NoBody, nil
	} else {
		req.Header.Set("Content-Type", mcp.TypeJSON)
	}
	req.Header.Set("Accept", mcp.AcceptBoth)
	if method == http.MethodGet {
		req.Header.Set("Accept", mcp.TypeEventStream)
	}
	req.Header.Set("User-Agent", f.gateway.cfg.UserAgent)
	for name, values := range f.server.Endpoint.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	res, err := f.gateway.http.Do(req)
	if err == nil {
		res.LimitBody(math.MaxInt64) // messages are bounded one by one
	}
	return res, err
}

// begin implements link. The reading ends with the answer, with ctx, or with the
// link.
func (l *httpLink) begin(ctx context.Context, id mcp.ID, _, msg []byte) (<-chan delivery, error) {
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(l.ended, cancel)
	stop := func() { release(); cancel() }
	res, err := l.do(ctx, http.MethodPost, msg)
	if err != nil {
		stop()
		return nil, err
	}
	if res.StatusCode == http.StatusNotFound && l.session != "" {
		_ = res.Body.Close() // an empty 404 or a text
		stop()
		return nil, errSessionLost
	}
	in := make(chan delivery, callBuffer+1)
	l.calls.Go(func() { defer stop(); readCall(res, id, in) })
	return in, nil
}

// readCall hands over one response's messages and closes in.
func readCall(res *egress.Response, id mcp.ID, in chan<- delivery) {
	defer close(in)
	defer res.Body.Close()
	limits := mcp.Limits{Bytes: maxBody}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream) {
		raw, err := readBody(res)
		if err != nil {
			return
		}
		if msg, err := mcp.Parse(raw, limits); err == nil && answers(msg, id) {
			in <- delivery{msg, raw}
		}
		return
	}
	events := sse.NewReader(res.Body, maxBody)
	for {
		event, err := events.Next()
		if err != nil {
			return
		}
		msg, err := mcp.Parse(event.Data, limits)
		if err != nil {
			continue
		}
		if answers(msg, id) {
			in <- delivery{msg, event.Data}
			return
		}
		if (msg.Kind == mcp.Request || msg.Kind == mcp.Notification) && len(in) < callBuffer {
			in <- delivery{msg, event.Data}
		}
	}
}

// readBody reads one bounded message, at once where its length is known.
func readBody(res *egress.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := res.ContentLength; n > 0 && n <= maxBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(res.Body, maxBody+1))
	return b.Bytes(), err
}

// answers tells whether a message answers the request with this id. An error
// without id does: the server could not read ours.
func answers(msg *mcp.Message, id mcp.ID) bool {
	return msg.Kind == mcp.Response && msg.ID == id || msg.Kind == mcp.ErrorResponse && (msg.ID == id || msg.ID == "")
}

// post implements link.
func (l *httpLink) post(ctx context.Context, msg []byte) error {
	res, err := l.do(ctx, http.MethodPost, msg)
	if err != nil {
		return err
	}
	_ = res.Body.Close() // 202 has none
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("server answers a notification %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	return nil
}

// listen implements link: the GET stream. A server may have none.
func (l *httpLink) listen(ctx context.Context, each func(delivery)) error {
	res, err := l.do(ctx, http.MethodGet, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream) {
		<-ctx.Done() // no stream: nothing will ever come, which is allowed
		return ctx.Err()
	}
	events := sse.NewReader(res.Body, maxBody)
	for {
		event, err := events.Next()
		if err != nil {
			return err
		}
		if msg, err := mcp.Parse(event.Data, mcp.Limits{Bytes: maxBody}); err == nil {
			each(delivery{msg, event.Data})
		}
	}
}

// close implements link: DELETE, which the server may refuse.
func (l *httpLink) close(ctx context.Context) {
	if l.session != "" {
		// Some servers hold the DELETE until the session's calls are over.
		ctx, cancel := context.WithTimeout(ctx, firstByte)
		defer cancel()
		if res, err := l.do(ctx, http.MethodDelete, nil); err == nil {
			_ = res.Body.Close() // 2xx or 405
		}
	}
	l.end()
	l.calls.Wait()
}

// pipeLink is a session over a pipe.
type pipeLink struct{ session *pipeSession }

func (f *front) openPipeLink(ctx context.Context, capabilities json.RawMessage) (*pipeLink, bridge.Server, error) {
	s, err := f.pipes.open(ctx)
	if err != nil {
		return nil, bridge.Server{}, err
	}
	l := &pipeLink{session: s}
	in, err := l.begin(ctx, "0", nil, f.initializeMessage(capabilities))
	if err != nil {
		l.close(context.WithoutCancel(ctx))
		return nil, bridge.Server{}, err
	}
	answer, ok := lastOf(ctx, in)
	if !ok || answer.msg.Kind != mcp.Response {
		l.close(context.WithoutCancel(ctx))
		return nil, bridge.Server{}, errors.New("initialize is answered without a result")
	}
	server, _, err := readInitialize(answer.msg.Result)
	if err == nil {
		err = l.post(ctx, []byte(initialized))
	}
	if err != nil {
		l.close(context.WithoutCancel(ctx))
		return nil, bridge.Server{}, err
	}
	return l, server, nil
}

// begin implements link.
func (l *pipeLink) begin(ctx context.Context, id mcp.ID, token, msg []byte) (<-chan delivery, error) {
	c, ok := l.session.register(id, string(token))
	if !ok {
		return nil, errSessionLost
	}
	if err := l.session.pipe.Send(ctx, oneLine(msg)); err != nil {
		l.session.unregister(c)
		return nil, err
	}
	context.AfterFunc(ctx, func() { l.session.unregister(c) }) // nobody waits any more
	return c.in, nil
}

// post implements link.
func (l *pipeLink) post(ctx context.Context, msg []byte) error {
	return l.session.pipe.Send(ctx, oneLine(msg))
}

// listen implements link.
func (l *pipeLink) listen(ctx context.Context, each func(delivery)) error {
	return l.session.follow(ctx, each)
}

// close implements link.
func (l *pipeLink) close(ctx context.Context) {
	_ = l.session.pipe.Close(ctx) // ended either way
}
