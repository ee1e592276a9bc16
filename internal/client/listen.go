package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
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
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	clock := time.AfterFunc(ack, cancel)
	defer clock.Stop()
	defer func() {
		if !l.Acknowledged && streamCtx.Err() != nil && ctx.Err() == nil {
			x.Fault, x.Err = FaultStalled, fmt.Errorf("no acknowledgement within %s", ack)
		}
	}()
	res := c.do(streamCtx, x)
	if res == nil {
		return l
	}
	defer finish(x, res)
	if mediaTypeOf(res.Header) != mcp.TypeEventStream {
		c.readAnswer(streamCtx, x, res, false)
		return l
	}
	x.Framing = FramingStream
	res.LimitBody(math.MaxInt64) // each event is bounded, the time is too
	l.follow(sse.NewReader(res.Body, c.opts.MaxMessage), c.limits(), func() { clock.Reset(hold) })
	l.Ended = l.Acknowledged && streamCtx.Err() == nil && x.Response == nil
	return l
}

// follow reads until the stream or its context ends, or until a first message
// that is no acknowledgement; acked is called once.
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
		switch {
		case x.take(msg):
			return
		case l.Acknowledged:
		case msg.Method != mcp.MethodAcknowledged || !subscribedTo(msg, x.ID):
			return
		default:
			l.Acknowledged = true
			acked()
		}
	}
}

// subscribedTo tells whether a message belongs to the subscription that the
// request id opened. The id keeps its JSON type.
func subscribedTo(msg *mcp.Message, id mcp.ID) bool {
	var meta map[string]json.RawMessage
	return json.Unmarshal(msg.Meta.Raw, &meta) == nil && bytes.Equal(meta[mcp.MetaSubscriptionID], []byte(id))
}
