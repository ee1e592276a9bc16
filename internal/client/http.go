package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

// post sends one message by Streamable HTTP and reads until its answer came.
func (c *Client) post(ctx context.Context, cl call) *Exchange {
	x := &Exchange{Method: cl.method, HTTPMethod: http.MethodPost, URL: c.url.String()}
	id, body, err := c.encode(cl)
	if err != nil {
		x.Err = err
		return x
	}
	x.ID, x.Request = id, body
	x.RequestHeader = cl.header.Clone()
	if x.RequestHeader == nil {
		x.RequestHeader = http.Header{}
	}
	x.RequestHeader.Set("Content-Type", mcp.TypeJSON)
	x.RequestHeader.Set("Accept", mcp.AcceptBoth)
	res := c.do(ctx, x)
	if res == nil {
		return x
	}
	c.readAnswer(ctx, x, res, cl.notify)
	finish(x, res)
	return x
}

// do makes the HTTP call of x. It returns nil and sets x.Err when there was no
// response head.
func (c *Client) do(ctx context.Context, x *Exchange) *egress.Response {
	req, err := http.NewRequestWithContext(ctx, x.HTTPMethod, x.URL, bytes.NewReader(x.Request))
	if err != nil {
		x.Err = err
		return nil
	}
	if x.Request == nil {
		req.Body, req.GetBody = http.NoBody, nil
	}
	maps.Copy(req.Header, x.RequestHeader)
	if c.opts.UserAgent != "" {
		req.Header.Set("User-Agent", c.opts.UserAgent)
	}
	if c.Trusts(req.URL) {
		for name, values := range c.endpoint.Header {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	start := time.Now()
	res, err := c.opts.HTTP.Do(req)
	if err != nil {
		x.Err, x.Timing.Total = err, time.Since(start)
		if e, ok := errors.AsType[*egress.Error](err); ok {
			x.Status, x.Remote = e.Status, e.Addr
		}
		return nil
	}
	x.Status, x.Header, x.Remote, x.TLS = res.StatusCode, res.Header, res.Remote, res.TLS
	if r, ok := res.Redirect(); ok {
		x.Redirect = &r
	}
	return res
}

// streamFactor bounds a whole event stream before its answer, in messages of
// the largest size.
const streamFactor = 4

// readAnswer reads the body whatever the status: JSON-RPC answers come under
// 404 and 503 too.
func (c *Client) readAnswer(ctx context.Context, x *Exchange, res *egress.Response, notify bool) {
	mediaType := mediaTypeOf(res.Header)
	if mediaType == mcp.TypeEventStream && !notify {
		x.Framing = FramingStream
		res.LimitBody(streamFactor * int64(c.opts.MaxMessage))
		c.readStream(ctx, x, res.Body)
		return
	}
	if mediaType == mcp.TypeEventStream {
		x.Framing = FramingStream // to a notification: there is nothing to wait for
		return
	}
	limit := c.opts.MaxMessage
	if notify || x.HTTPMethod != http.MethodPost {
		limit = keepBody
	}
	res.LimitBody(int64(limit) + 1)
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(limit)+1))
	x.Received = int64(len(body))
	x.Body = body
	switch {
	case err != nil && isTooLarge(err), len(body) > limit:
		x.Fault, x.Body = FaultTooLarge, body[:min(len(body), keepBody)]
		return
	case err != nil && ctx.Err() != nil:
		x.Fault, x.Err = FaultStalled, err
		return
	case err != nil:
		x.Fault, x.Err = FaultTruncated, err
		return
	}
	if notify || x.HTTPMethod != http.MethodPost {
		return
	}
	c.judgeBody(x, mediaType)
}

// mediaTypeOf gives the declared type in lower case, without parameters.
func mediaTypeOf(h http.Header) string {
	declared := h.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(declared); err == nil {
		return t
	}
	t, _, _ := strings.Cut(strings.ToLower(declared), ";")
	return strings.TrimSpace(t)
}

func (c *Client) judgeBody(x *Exchange, mediaType string) {
	if len(bytes.TrimSpace(x.Body)) == 0 {
		if x.Status/100 == 2 {
			x.Fault = FaultEmpty
		}
		return
	}
	x.parse(x.Body, c.limits())
	switch {
	case x.Response != nil && isJSONType(mediaType):
		x.Framing = FramingJSON
	case x.Response != nil:
		x.Framing, x.Fault = FramingJSON, FaultContentType
	default:
		x.Body = x.Body[:min(len(x.Body), keepBody)]
	}
}

func (c *Client) limits() mcp.Limits {
	return mcp.Limits{Bytes: c.opts.MaxMessage, Depth: maxDepth}
}

func isJSONType(t string) bool {
	return t == mcp.TypeJSON || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}

// readStream reads events until the answer came.
func (c *Client) readStream(ctx context.Context, x *Exchange, body io.Reader) {
	counted := &countingReader{src: body}
	events := sse.NewReader(counted, c.opts.MaxMessage)
	for x.Response == nil {
		event, err := events.Next()
		x.Received, x.KeepAlives = counted.n, events.Comments()
		if err != nil {
			x.streamEnded(ctx, err)
			return
		}
		if event.HasData && len(event.Data) > 0 {
			x.event(event.Data, c.limits())
		}
	}
}

// event takes the data of one event. One that is no JSON-RPC is a fault unless
// the answer still comes.
func (x *Exchange) event(data []byte, limits mcp.Limits) {
	msg, err := mcp.Parse(data, limits)
	if err != nil {
		x.Fault = FaultNotJSONRPC
		x.Body = bytes.Clone(data[:min(len(data), keepBody)])
		return
	}
	if x.take(msg) {
		x.Body = data
	} else if msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse {
		x.Fault = FaultIDMismatch
		x.Body = bytes.Clone(data[:min(len(data), keepBody)])
	}
}

func (x *Exchange) streamEnded(ctx context.Context, err error) {
	switch {
	case isTooLarge(err):
		x.Fault = FaultTooLarge
	case ctx.Err() != nil:
		if x.Fault == NoFault {
			x.Fault = FaultStalled
		}
		x.Err = err
	case x.Fault == NoFault:
		x.Fault = FaultTruncated
	}
}

func isTooLarge(err error) bool {
	if errors.Is(err, sse.ErrTooLarge) {
		return true
	}
	_, ok := errors.AsType[*egress.TooLargeError](err)
	return ok
}

type countingReader struct {
	src io.Reader
	n   int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.n += int64(n)
	return n, err
}

// bare makes a GET or DELETE without a message.
func (c *Client) bare(ctx context.Context, method string, header http.Header) *Exchange {
	x := &Exchange{HTTPMethod: method, URL: c.url.String(), RequestHeader: header}
	res := c.do(ctx, x)
	if res == nil {
		return x
	}
	c.readAnswer(ctx, x, res, true)
	finish(x, res)
	return x
}

// finish ends the HTTP call, which settles its timing.
func finish(x *Exchange, res *egress.Response) {
	_ = res.Body.Close() // the answer has been read; nothing more to learn
	x.Timing = res.Timing
}
