package gateway

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// hold keeps a client of a slow or waking server from giving up: when nothing
// has come for a while its answer begins as an event stream, with comments until
// there is something to say. From then on the status is 200 and what follows,
// an error too, is an event.
type hold struct {
	mu    sync.Mutex
	timer *time.Timer
	out   *responder
	began bool
	over  bool
}

// hold starts the clock for a call whose client takes an event stream. The
// handshake is never held: its answer may carry a session id in its head.
func (f *front) hold(w http.ResponseWriter, r *http.Request, in *inbound) *hold {
	if in.msg == nil || in.msg.Kind != mcp.Request || in.msg.Method == mcp.MethodInitialize {
		return nil
	}
	out := newResponder(w, r, f.gateway.cfg.Heartbeat)
	if !out.streams {
		return nil
	}
	h := &hold{out: out}
	h.timer = time.AfterFunc(f.gateway.cfg.FirstByte, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.over {
			h.began = true
			h.out.begin()
		}
	})
	return h
}

// release stops the clock. It returns the responder if the answer has begun.
func (h *hold) release() *responder {
	if h == nil {
		return nil
	}
	h.timer.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if !h.began {
		return nil
	}
	return h.out
}

// late writes the server's answer into a stream that has begun.
func (f *front) late(out *responder, in *inbound, res *egress.Response, err error) {
	defer f.metrics.Stream(telemetry.StreamAnswer)()
	defer out.stop()
	if err != nil {
		out.refuse(f.failure(in, err))
		return
	}
	defer res.Body.Close()
	res.LimitBody(math.MaxInt64) // streamed, never held
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		out.refuse(f.credentialRefused(in, res.StatusCode))
	case strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream):
		f.pass(out, in, res)
	default:
		f.wrap(out, in, res)
	}
}

// pass copies the server's own events.
func (f *front) pass(out *responder, in *inbound, res *egress.Response) {
	buf := f.gateway.buffer()
	defer f.gateway.buffers.Put(buf)
	for {
		n, err := res.Body.Read(*buf)
		if n > 0 && out.out.write((*buf)[:n]) != nil {
			return // the client is gone
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return
		default:
			in.call.Note(telemetry.Broken)
			out.stop()
			panic(http.ErrAbortHandler) // the client must see that it broke off
		}
	}
}

// wrap makes an event of a JSON answer. One that is no message becomes an error
// that says so: its status can no longer be passed on.
func (f *front) wrap(out *responder, in *inbound, res *egress.Response) {
	raw, err := readBody(res)
	if err != nil {
		out.refuse(f.failure(in, err))
		return
	}
	if _, err := mcp.Parse(raw, mcp.Limits{Bytes: maxBody}); err != nil {
		in.call.Note(telemetry.Failed)
		out.refuse(&refusal{code: mcp.CodeInternal, id: in.msg.ID,
			message: "server " + f.server.Name + " answered " + res.Status + " without a message; the call may have run"})
		return
	}
	out.finish(oneLine(raw), http.StatusOK)
}
