package gateway

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// firstByte is how long a call may be silent before its stream begins, so that
// the client's first-byte clock is satisfied.
const firstByte = 5 * time.Second

// responder writes the answer of one call: as JSON if nothing comes before it,
// as an event stream otherwise.
type responder struct {
	w         http.ResponseWriter
	streams   bool // the client takes an event stream
	heartbeat time.Duration
	out       *eventWriter
}

func newResponder(w http.ResponseWriter, r *http.Request, heartbeat time.Duration) *responder {
	return &responder{w: w, streams: strings.Contains(r.Header.Get("Accept"), mcp.TypeEventStream), heartbeat: heartbeat}
}

// begin turns the answer into an event stream, if the client takes one.
func (a *responder) begin() {
	if a.out != nil || !a.streams {
		return
	}
	h := a.w.Header()
	h.Set("Content-Type", mcp.TypeEventStream)
	h.Set("Cache-Control", "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	a.w.WriteHeader(http.StatusOK)
	a.out = newEventWriter(a.w, a.heartbeat)
}

// note writes a message that comes before the answer. A client that takes only
// JSON does not get it.
func (a *responder) note(raw []byte) {
	if a.begin(); a.out != nil {
		_ = a.out.event(raw) // a client that is gone shows in its context
	}
}

// finish writes the answer; status counts only if no stream has begun.
func (a *responder) finish(raw []byte, status int) {
	if a.out == nil {
		writeJSON(a.w, raw, status)
		return
	}
	_ = a.out.event(raw) // a client that is gone needs no answer
}

// refuse writes an error of our own as the answer.
func (a *responder) refuse(e *refusal) {
	if a.out == nil {
		e.write(a.w)
		return
	}
	_ = a.out.event(e.body()) // a client that is gone needs no answer
}

// stop must be called when the handler returns.
func (a *responder) stop() {
	if a.out != nil {
		a.out.stop()
	}
}

// follow reads one call's messages until each says that it was the last. It
// returns false when the channel ended first, and the context's error when the
// client left.
func (a *responder) follow(ctx context.Context, in <-chan delivery, each func(delivery) (last bool)) (answered bool, err error) {
	patience := time.NewTimer(firstByte)
	defer patience.Stop()
	for {
		select {
		case d, ok := <-in:
			if !ok {
				return false, nil
			}
			if each(d) {
				return true, nil
			}
		case <-patience.C:
			a.begin()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// modernStatus is the HTTP status that goes with a JSON-RPC error in the modern
// era.
func modernStatus(code int64) int {
	switch code {
	case mcp.CodeMethodNotFound:
		return http.StatusNotFound
	case mcp.CodeInvalidParams, mcp.CodeInvalidRequest, mcp.CodeParse, mcp.CodeHeaderMismatch, mcp.CodeMissingCapability, mcp.CodeUnsupportedVersion:
		return http.StatusBadRequest
	default:
		return http.StatusOK
	}
}
