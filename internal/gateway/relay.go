package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// relay passes one request to a server of Streamable HTTP and its answer back,
// as it comes.
func (f *front) relay(w http.ResponseWriter, r *http.Request, in *inbound) {
	ctx, cancel := f.lifetime(r, in)
	defer cancel()
	req, err := f.outbound(ctx, r, in)
	if err != nil {
		f.unreachable(w, in, err)
		return
	}
	held := f.hold(w, r, in)
	res, err := f.gateway.http.Do(req)
	if out := held.release(); out != nil {
		f.late(out, in, res, err)
		return
	}
	if err != nil {
		f.unreachable(w, in, err)
		return
	}
	defer res.Body.Close()
	res.LimitBody(math.MaxInt64) // streamed, never held
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden && in.msg != nil && len(res.Header["Www-Authenticate"]) > 0 {
		f.ourCredential(w, in, res.StatusCode)
		return
	}
	copyHeader(w.Header(), res.Header)
	if strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream) {
		f.stream(w, in, res)
		return
	}
	w.WriteHeader(res.StatusCode)
	buf := f.gateway.buffer()
	defer f.gateway.buffers.Put(buf)
	// A client that left, or a server that broke off: the connection is cut,
	// which is all that can be said after the head.
	if _, err := io.CopyBuffer(onlyWriter{w}, res.Body, *buf); err != nil && r.Context().Err() == nil {
		f.log.WarnContext(r.Context(), "answer broke off", "err", err)
		in.call.Note(telemetry.Broken)
		panic(http.ErrAbortHandler)
	}
}

// buffer gives a buffer for copying; it goes back to g.buffers.
func (g *Gateway) buffer() *[]byte {
	if b, ok := g.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 32<<10)
	return &b
}

// onlyWriter hides ReadFrom, which would take its own buffer.
type onlyWriter struct{ io.Writer }

// lifetime is how long the upstream leg may live. Streams that last for ever
// end with the drain. A legacy client that goes away has not cancelled its
// call; a modern one has.
func (f *front) lifetime(r *http.Request, in *inbound) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	if in.msg == nil && r.Method == http.MethodGet || in.msg != nil && in.msg.Method == mcp.MethodListen {
		stop := context.AfterFunc(f.gateway.streams, cancel)
		return ctx, func() { stop(); cancel() }
	}
	return ctx, cancel
}

// outbound builds the request to the server: canonical headers, the body as it
// came, our credential and none of the client's.
func (f *front) outbound(ctx context.Context, r *http.Request, in *inbound) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, f.url.String(), bytes.NewReader(in.body))
	if err != nil {
		return nil, err
	}
	if in.body == nil {
		req.Body, req.GetBody = http.NoBody, nil
	}
	for name, values := range r.Header {
		if passes(name) {
			req.Header[name] = values[:1]
		}
	}
	if in.msg != nil && in.era == mcp.EraModern && in.msg.Meta.HasVersion {
		req.Header.Set(mcp.HeaderMethod, in.msg.Method)
		if in.msg.HasName {
			req.Header.Set(mcp.HeaderName, mcp.EncodeHeader(in.msg.Name))
		}
		req.Header.Del(mcp.HeaderSession) // has no meaning in this era
	}
	for name, values := range f.server.Endpoint.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return req, nil
}

// passes tells which headers of a client reach the server. Everything else
// stays here: cookies, credentials and whatever claims an identity.
func passes(name string) bool {
	switch name {
	case "Accept", "Content-Type", "User-Agent", "Traceparent", "Tracestate", "Baggage",
		mcp.HeaderVersion, mcp.HeaderMethod, mcp.HeaderName, mcp.HeaderSession, mcp.HeaderLastEvent:
		return true
	}
	return strings.HasPrefix(name, mcp.HeaderParamPrefix)
}

// copyHeader takes over what describes the answer.
func copyHeader(to, from http.Header) {
	for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control", "Retry-After", "Allow", mcp.HeaderSession, mcp.HeaderVersion} {
		if v := from[name]; len(v) > 0 {
			to[name] = v[:1]
		}
	}
}

// stream passes an event stream on, each piece at once, with comments while it
// is silent.
func (f *front) stream(w http.ResponseWriter, in *inbound, res *egress.Response) {
	defer f.metrics.Stream(streamKind(in))()
	h := w.Header()
	h.Del("Content-Length")
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(res.StatusCode)
	out := newEventWriter(w, f.gateway.cfg.Heartbeat)
	defer out.stop()
	buf := f.gateway.buffer()
	defer f.gateway.buffers.Put(buf)
	for {
		n, err := res.Body.Read(*buf)
		if n > 0 && out.write((*buf)[:n]) != nil {
			return // the client is gone
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			out.stop()
			if f.gateway.streams.Err() == nil {
				in.call.Note(telemetry.Broken)
				panic(http.ErrAbortHandler) // the client must see that it broke off
			}
			return
		}
	}
}

// streamKind tells a stream that ends with an answer from one that lasts.
func streamKind(in *inbound) telemetry.Stream {
	if in.msg == nil || in.msg.Method == mcp.MethodListen {
		return telemetry.StreamListen
	}
	return telemetry.StreamAnswer
}

// unreachable answers for a server that could not be asked, and says whether
// the call may have run.
func (f *front) unreachable(w http.ResponseWriter, in *inbound, err error) {
	f.failure(in, err).write(w)
}

// describeFailure says what happened, and whether the call may have run.
func describeFailure(name string, err error) *refusal {
	e := &refusal{status: http.StatusServiceUnavailable, code: mcp.CodeInternal, retryAfter: 1}
	ran := "the call did not run"
	if fault, ok := errors.AsType[*egress.Error](err); ok && fault.Phase >= egress.PhaseSend {
		e.status, e.retryAfter, ran = http.StatusBadGateway, 0, "the call may have run"
		if fault.Kind == egress.Timeout {
			e.status = http.StatusGatewayTimeout
		}
	}
	reason := "does not answer"
	if fault, ok := errors.AsType[*egress.Error](err); ok {
		reason = fault.Phase.String() + " " + fault.Kind.String()
	}
	e.message = "server " + name + " cannot be reached (" + reason + "); " + ran
	return e
}

// ourCredential answers when the server refuses what we show it. The client
// holds no credential for it, so its challenge would lead nowhere.
func (f *front) ourCredential(w http.ResponseWriter, in *inbound, status int) {
	f.credentialRefused(in, status).write(w)
}

func (f *front) credentialRefused(in *inbound, status int) *refusal {
	e := &refusal{status: http.StatusBadGateway, code: mcp.CodeInternal,
		message: "server " + f.server.Name + " refuses the credential of this gateway; its operator has to renew it",
		data:    map[string]any{"finding": "auth.rejected", "status": status}}
	if len(f.server.Endpoint.Header) == 0 {
		e.message = "server " + f.server.Name + " asks for a credential and this gateway holds none; its operator has to give it one"
		e.data = map[string]any{"finding": "auth.required_ok", "status": status}
	}
	e.id = in.id()
	in.call.Note(telemetry.Failed)
	f.log.Debug("upstream refuses our credential", "status", status) // the probe says so, once
	return e
}
