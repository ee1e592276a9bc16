package client

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// Listening is what came of subscriptions/listen.
type Listening struct {
	Exchange *Exchange
	// Acknowledged tells that the first message was the acknowledgement with
	// the id of our request.
	Acknowledged bool
	// Ended tells that the server cut the stream while we still wanted it. One
	// that it closes properly, with a result, is its right.
	Ended bool
}

// Listen opens a modern subscription for changes of the tool list, waits up to
// ack for its acknowledgement, keeps it open for hold and closes it.
func (s *Session) Listen(ctx context.Context, ack, hold time.Duration) Listening {
	c := s.client
	cl := s.prepare(mcp.MethodListen, "", map[string]any{"notifications": map[string]bool{"toolsListChanged": true}}, false)
	x := &Exchange{Method: cl.method, HTTPMethod: http.MethodPost, URL: c.url.String(), RequestHeader: cl.header}
	l := Listening{Exchange: x}
	id, body, err := c.encode(cl)
	if err != nil {
		x.Err = err
		return l
	}
	x.ID, x.Request = id, body
	x.RequestHeader.Set("Content-Type", mcp.TypeJSON)
	x.RequestHeader.Set("Accept", mcp.AcceptBoth)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clock := time.AfterFunc(ack, cancel)
	defer clock.Stop()
	res := c.do(ctx, x)
	if res == nil {
		return l
	}
	defer finish(x, res)
	if !strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream) {
		c.readAnswer(ctx, x, res, false)
		return l
	}
	x.Framing = FramingStream
	res.LimitBody(1 << 62)
	l.follow(sse.NewReader(res.Body, c.opts.MaxMessage), c.limits(), func() { clock.Reset(hold) })
	l.Ended = l.Acknowledged && ctx.Err() == nil && x.Response == nil
	return l
}

// follow reads until the stream or its context ends; acked is called once.
func (l *Listening) follow(events *sse.Reader, limits mcp.Limits, acked func()) {
	x := l.Exchange
	for {
		event, err := events.Next()
		x.KeepAlives = events.Comments()
		if err != nil {
			return
		}
		if len(event.Data) == 0 {
			continue
		}
		msg, err := mcp.Parse(event.Data, limits)
		if err != nil {
			x.Fault = FaultNotJSONRPC
			continue
		}
		if x.take(msg) {
			return
		}
		if msg.Method == mcp.MethodAcknowledged && !l.Acknowledged {
			l.Acknowledged = true
			acked()
		}
	}
}
