package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// errStreamEnded is what a waiting call gets when the GET stream of HTTP+SSE
// ended under it.
var errStreamEnded = errors.New("event stream ended")

// eventStream is the GET stream of HTTP+SSE (2024-11-05), a Pipe: it names the
// URL for POSTs in its first event and carries every answer.
type eventStream struct {
	client *Client
	posts  *url.URL
	sink   Sink
	cancel context.CancelFunc
	done   chan struct{} // closed when the reader has returned
}

// openStream makes the GET and waits for the endpoint event. The Exchange is
// that of the GET; the stream is nil if no such event came in time.
func (c *Client) openStream(ctx context.Context, sink Sink) (*eventStream, *Exchange) {
	x := &Exchange{HTTPMethod: http.MethodGet, URL: c.url.String(), RequestHeader: http.Header{"Accept": {mcp.TypeEventStream}}}
	// The stream outlives the call that opens it, but not the wait for its
	// head and first event.
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	timer := time.AfterFunc(c.opts.StreamTimeout, cancel)
	res := c.do(streamCtx, x)
	if res == nil {
		stop()
		cancel()
		if x.Err != nil && !timer.Stop() && ctx.Err() == nil {
			x.Err = errNoEndpoint(c.opts.StreamTimeout)
		}
		return nil, x
	}
	fail := func() (*eventStream, *Exchange) {
		finish(x, res)
		stop()
		timer.Stop()
		cancel()
		return nil, x
	}
	if mediaTypeOf(res.Header) != mcp.TypeEventStream || x.Status != http.StatusOK {
		c.readAnswer(streamCtx, x, res, true)
		return fail()
	}
	x.Framing = FramingStream
	res.LimitBody(math.MaxInt64) // each event is bounded; the stream is not
	s := &eventStream{client: c, sink: sink, cancel: cancel, done: make(chan struct{})}
	events := sse.NewReader(res.Body, c.opts.MaxMessage)
	if err := s.awaitEndpoint(events); err != nil {
		x.Err = err
		if errors.Is(err, errBadEndpoint) {
			x.Fault = FaultNotJSONRPC
			return fail()
		}
		x.streamEnded(streamCtx, err)
		if x.Fault == FaultStalled && ctx.Err() == nil {
			x.Err = errNoEndpoint(c.opts.StreamTimeout)
		}
		return fail()
	}
	if !stop() || !timer.Stop() { // one of them has cancelled the stream just now
		x.Err, x.Fault = errNoEndpoint(c.opts.StreamTimeout), FaultStalled
		return fail()
	}
	x.Timing = res.Timing
	go s.read(res, events)
	return s, x
}

// errBadEndpoint marks an endpoint event that leads nowhere we may post to.
var errBadEndpoint = errors.New("bad endpoint event")

func errNoEndpoint(within time.Duration) error {
	return fmt.Errorf("no endpoint event within %s", within)
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
		return fmt.Errorf("%w: it holds no URL", errBadEndpoint)
	}
	posts := s.client.url.ResolveReference(ref)
	if own := s.client.url; posts.Scheme != own.Scheme || !strings.EqualFold(posts.Hostname(), own.Hostname()) || portOf(posts) != portOf(own) {
		return fmt.Errorf("%w: it leads to another origin (%s)", errBadEndpoint, posts.Host)
	}
	s.posts = posts
	return nil
}

// read hands messages on until the stream ends.
func (s *eventStream) read(res *egress.Response, events *sse.Reader) {
	defer close(s.done)
	defer res.Body.Close()
	for {
		event, err := events.Next()
		if err != nil {
			s.sink.End(fmt.Errorf("%w: %w", errStreamEnded, err))
			return
		}
		if msg, err := mcp.Parse(event.Data, s.client.limits()); err == nil {
			s.sink.Deliver(msg, event.Data)
		}
	}
}

// Close implements Pipe.
func (s *eventStream) Close(context.Context) error {
	s.cancel()
	<-s.done
	return nil
}

// Send implements Pipe.
func (s *eventStream) Send(ctx context.Context, msg []byte) error {
	x := s.post(ctx, msg)
	switch {
	case x.Err != nil:
		return x.Err
	case x.Status/100 != 2:
		return fmt.Errorf("post message: server answers %d %s", x.Status, http.StatusText(x.Status))
	default:
		return nil
	}
}

func (s *eventStream) post(ctx context.Context, msg []byte) *Exchange {
	x := &Exchange{
		HTTPMethod: http.MethodPost, URL: s.posts.String(), Request: msg, Framing: FramingStream,
		RequestHeader: http.Header{"Content-Type": {mcp.TypeJSON}, "Accept": {mcp.AcceptBoth}},
	}
	if res := s.client.do(ctx, x); res != nil {
		s.client.readAnswer(ctx, x, res, true)
		finish(x, res)
	}
	return x
}

// ask posts one message and waits for its answer on the stream.
func (s *eventStream) ask(ctx context.Context, cl call, answers *correlator) *Exchange {
	id, body, err := s.client.encode(cl)
	if err != nil {
		return &Exchange{Method: cl.method, Err: err}
	}
	ctx, cancel := s.client.patient(ctx)
	defer cancel()
	x := &Exchange{ID: id}
	answers.exchange(ctx, x, cl.notify, func() bool {
		*x = *s.post(ctx, body)
		x.ID, x.Method = id, cl.method
		if x.Err != nil || x.Status/100 != 2 {
			return false
		}
		x.Fault = NoFault // the body of the POST is not where the answer is
		return true
	})
	return x
}
