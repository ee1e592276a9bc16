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
	waiting map[mcp.ID]chan *mcp.Message
	err     error
	ended   bool
}

// Deliver implements Sink.
func (k *correlator) Deliver(msg *mcp.Message, _ []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w, ok := k.waiting[msg.ID]; ok && (msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse) {
		delete(k.waiting, msg.ID)
		w <- msg // buffered
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
func (k *correlator) expect(id mcp.ID) (chan *mcp.Message, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return nil, k.err
	}
	if k.waiting == nil {
		k.waiting = map[mcp.ID]chan *mcp.Message{}
	}
	w := make(chan *mcp.Message, 1)
	k.waiting[id] = w
	return w, nil
}

func (k *correlator) forget(id mcp.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.waiting, id)
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
	answer, err := k.expect(x.ID)
	if err != nil {
		x.Err = err
		return
	}
	defer k.forget(x.ID)
	if !send() {
		return
	}
	select {
	case msg, ok := <-answer:
		if !ok {
			x.Fault, x.Err = FaultTruncated, k.reason()
			return
		}
		x.Response = msg
		x.Received += int64(len(msg.Result))
	case <-ctx.Done():
		x.Fault, x.Err = FaultStalled, ctx.Err()
	}
}
