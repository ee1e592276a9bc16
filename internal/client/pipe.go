package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Pipe carries messages both ways, answers on a stream of their own: stdio, or
// HTTP+SSE. It ends by Close, or by itself when the process or stream does.
type Pipe interface {
	// Send delivers one message. Messages of concurrent calls are not mixed.
	Send(ctx context.Context, msg []byte) error
	// Close ends the process or stream and returns when it is gone.
	Close(ctx context.Context) error
}

// Sink takes what comes out of a Pipe. Its methods are called by one goroutine
// and must not block for long: nobody reads meanwhile.
type Sink interface {
	// Deliver takes one message and the bytes it came in, both of which the
	// Sink may keep.
	Deliver(msg *mcp.Message, raw []byte)
	// End is called once, when nothing more can come; err says why.
	End(err error)
}

// OpenPipe starts the endpoint's command, or opens its HTTP+SSE stream and
// waits for the endpoint event, within ctx. The pipe itself outlives ctx.
func (c *Client) OpenPipe(ctx context.Context, sink Sink) (Pipe, error) {
	if c.url == nil {
		ch, err := c.startChild(sink)
		if err != nil {
			return nil, err // not a nil *child in a Pipe
		}
		return ch, nil
	}
	stream, x := c.openStream(ctx, sink)
	switch {
	case stream != nil:
		return stream, nil
	case x.Err != nil:
		return nil, x.Err
	default:
		return nil, errors.New("open event stream: the answer is none")
	}
}

// correlator is the Sink of a client that asks and waits: it hands each answer
// to the call that awaits it.
type correlator struct {
	mu      sync.Mutex
	waiting map[mcp.ID]chan answer
	late    map[mcp.ID]bool // asked for, given up; their answers may still come
	strays  int             // answers to questions that nobody asked
	err     error
	ended   bool
}

// answer is one message and the bytes it came in.
type answer struct {
	msg *mcp.Message
	raw []byte
}

// Deliver implements Sink.
func (k *correlator) Deliver(msg *mcp.Message, raw []byte) {
	if msg.Kind != mcp.Response && msg.Kind != mcp.ErrorResponse {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := msg.ID
	if id == "" && msg.Kind == mcp.ErrorResponse && len(k.waiting) == 1 {
		for only := range k.waiting { // the server could not read our id
			id = only
		}
	}
	w, ok := k.waiting[id]
	switch {
	case ok:
		delete(k.waiting, id)
		w <- answer{msg, raw} // buffered
	case k.late[id]:
		delete(k.late, id)
	default:
		k.strays++
	}
}

// End implements Sink: it releases everybody who waits for an answer that can
// no longer come.
func (k *correlator) End(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err, k.ended = err, true
	for id, w := range k.waiting {
		delete(k.waiting, id)
		close(w)
	}
}

// expect registers a wait; it fails when the pipe has ended.
func (k *correlator) expect(id mcp.ID) (w chan answer, strays int, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil, 0, k.err
	}
	if k.waiting == nil {
		k.waiting, k.late = map[mcp.ID]chan answer{}, map[mcp.ID]bool{}
	}
	w = make(chan answer, 1)
	k.waiting[id] = w
	return w, k.strays, nil
}

// forget ends a wait; it tells how many strays there have been.
func (k *correlator) forget(id mcp.ID) (strays int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, unanswered := k.waiting[id]; unanswered {
		delete(k.waiting, id)
		k.late[id] = true
	}
	return k.strays
}

func (k *correlator) reason() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// exchange sends the message of x and waits for its answer. send reports
// whether the message was taken.
func (k *correlator) exchange(ctx context.Context, x *Exchange, notify bool, send func() bool) {
	start := time.Now()
	defer func() {
		x.Timing.Total = time.Since(start)
		if x.Timing.FirstByte == 0 {
			x.Timing.FirstByte = x.Timing.Total
		}
	}()
	if notify {
		send()
		return
	}
	w, strays, err := k.expect(x.ID)
	if err != nil {
		x.Err = err
		return
	}
	if !send() {
		k.forget(x.ID)
		return
	}
	select {
	case a, ok := <-w:
		if !ok {
			x.ended(k.reason())
			return
		}
		x.Response, x.Body = a.msg, a.raw
		x.Received += int64(len(a.raw))
	case <-ctx.Done():
		x.Fault, x.Err = FaultStalled, ctx.Err()
		if k.forget(x.ID) > strays {
			x.Fault, x.Err = FaultIDMismatch, nil // something was answered, only not this
		}
	}
}

// ended says what became of an exchange whose pipe has ended.
func (x *Exchange) ended(reason error) {
	if errors.Is(reason, errLongLine) || isTooLarge(reason) {
		x.Fault = FaultTooLarge
		return
	}
	x.Fault, x.Err = FaultTruncated, reason
}
