package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// errStreamEnded is what a waiting call gets when the GET stream of HTTP+SSE
// ended under it.
var errStreamEnded = errors.New("event stream ended")

// eventStream is the GET stream of HTTP+SSE (2024-11-05): it names the URL for
// POSTs in its first event and carries every answer.
type eventStream struct {
	client *Client
	posts  *url.URL
	cancel context.CancelFunc
	done   chan struct{} // closed when the reader has returned

	mu      sync.Mutex
	waiting map[mcp.ID]chan *mcp.Message
	notes   []*mcp.Message
	err     error
}

// openStream makes the GET and waits for the endpoint event. The Exchange is
// that of the GET; the stream is nil if no such event came in time.
func (c *Client) openStream(ctx context.Context) (*eventStream, *Exchange) {
	x := &Exchange{HTTPMethod: http.MethodGet, URL: c.url.String(), RequestHeader: http.Header{"Accept": {mcp.TypeEventStream}}}
	// The stream outlives the call that opens it, but not the wait for its
	// head and first event.
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	timer := time.AfterFunc(c.opts.StreamTimeout, cancel)
	defer timer.Stop()
	res := c.do(streamCtx, x)
	if res == nil {
		cancel()
		return nil, x
	}
	s := &eventStream{client: c, cancel: cancel, done: make(chan struct{}), waiting: map[mcp.ID]chan *mcp.Message{}}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream) || x.Status != http.StatusOK {
		c.readAnswer(ctx, x, res, true)
		finish(x, res)
		cancel()
		return nil, x
	}
	x.Framing = FramingStream
	events := sse.NewReader(res.Body, c.opts.MaxMessage)
	if err := s.awaitEndpoint(events); err != nil {
		x.Err, x.Fault = err, FaultStalled
		finish(x, res)
		cancel()
		return nil, x
	}
	stop()
	x.Timing = res.Timing
	res.LimitBody(1 << 62) // each event is bounded; the stream is not
	go s.read(res, events)
	return s, x
}

func (s *eventStream) awaitEndpoint(events *sse.Reader) error {
	event, err := events.Next()
	for err == nil && event.Name != "endpoint" {
		event, err = events.Next()
	}
	if err != nil {
		return fmt.Errorf("wait for endpoint event: %w", err)
	}
	ref, err := url.Parse(string(event.Data))
	if err != nil {
		return errors.New("endpoint event holds no URL")
	}
	posts := s.client.url.ResolveReference(ref)
	if posts.Scheme != s.client.url.Scheme || posts.Host != s.client.url.Host {
		return fmt.Errorf("endpoint event leads to another origin (%s)", posts.Host)
	}
	s.posts = posts
	return nil
}

// read hands answers to those who wait, until the stream ends.
func (s *eventStream) read(res *egress.Response, events *sse.Reader) {
	defer close(s.done)
	defer res.Body.Close()
	for {
		event, err := events.Next()
		if err != nil {
			s.end(fmt.Errorf("%w: %w", errStreamEnded, err))
			return
		}
		if msg, err := mcp.Parse(event.Data, s.client.limits()); err == nil {
			s.deliver(msg)
		}
	}
}

func (s *eventStream) deliver(msg *mcp.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch, ok := s.waiting[msg.ID]; ok && (msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse) {
		delete(s.waiting, msg.ID)
		ch <- msg // buffered
		return
	}
	if len(s.notes) < maxNotes {
		s.notes = append(s.notes, msg)
	}
}

func (s *eventStream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	for id, ch := range s.waiting {
		delete(s.waiting, id)
		close(ch)
	}
}

func (s *eventStream) close() {
	s.cancel()
	<-s.done
}

// send posts one message and waits for its answer on the stream.
func (s *eventStream) send(ctx context.Context, cl call) *Exchange {
	c := s.client
	x := &Exchange{Method: cl.method, HTTPMethod: http.MethodPost, URL: s.posts.String(), Framing: FramingStream}
	id, body, err := c.encode(cl)
	if err != nil {
		x.Err = err
		return x
	}
	x.ID, x.Request = id, body
	x.RequestHeader = http.Header{"Content-Type": {mcp.TypeJSON}, "Accept": {mcp.AcceptBoth}}
	var answer chan *mcp.Message
	if !cl.notify {
		if answer, err = s.expect(id); err != nil {
			x.Err = err
			return x
		}
	}
	start := time.Now()
	res := c.do(ctx, x)
	if res == nil {
		s.forget(id)
		return x
	}
	c.readAnswer(ctx, x, res, true)
	finish(x, res)
	if cl.notify || x.Status/100 != 2 {
		s.forget(id)
		return x
	}
	s.await(ctx, x, answer)
	x.Timing.Total = time.Since(start)
	return x
}

func (s *eventStream) await(ctx context.Context, x *Exchange, answer chan *mcp.Message) {
	select {
	case msg, ok := <-answer:
		if !ok {
			x.Fault = FaultTruncated
			return
		}
		x.Response = msg
		x.Received += int64(len(msg.Result))
	case <-ctx.Done():
		s.forget(x.ID)
		x.Fault, x.Err = FaultStalled, ctx.Err()
	}
}

func (s *eventStream) expect(id mcp.ID) (chan *mcp.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	ch := make(chan *mcp.Message, 1)
	s.waiting[id] = ch
	return ch, nil
}

func (s *eventStream) forget(id mcp.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}
