package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Transport is how messages travel.
type Transport string

// The transports.
const (
	StreamableHTTP Transport = "streamable-http"
	HTTPSSE        Transport = "http+sse" // 2024-11-05, two endpoints
	Stdio          Transport = "stdio"
)

// Session is one agreed way of talking to a server. In the modern era it is
// only a revision to put into each request; in the legacy era it is the
// outcome of a handshake, with an id if the server minted one.
type Session struct {
	Era       mcp.Era
	Revision  mcp.Revision
	Transport Transport
	// ID is the Mcp-Session-Id, "" if there is none.
	ID string
	// Server is what the server says of itself: for display, never for
	// decisions.
	Server Implementation
	// Supported lists the versions of a discover result.
	Supported []string
	// Capabilities holds the declared capabilities, raw, by name.
	Capabilities map[string]json.RawMessage

	client *Client
	send   func(context.Context, call) *Exchange
	stream *eventStream // HTTP+SSE only
}

// Has tells whether the server declared a capability, such as "tools".
func (s *Session) Has(capability string) bool {
	_, ok := s.Capabilities[capability]
	return ok
}

// Request sends a request and waits for its answer. params must marshal to a
// JSON object or be nil. name is what Mcp-Name has to repeat, "" if the method
// has no name.
func (s *Session) Request(ctx context.Context, method, name string, params map[string]any) *Exchange {
	return s.send(ctx, s.prepare(method, name, params, false))
}

// Notify sends a notification.
func (s *Session) Notify(ctx context.Context, method string, params map[string]any) *Exchange {
	return s.send(ctx, s.prepare(method, "", params, true))
}

// Close ends a legacy session by DELETE, or its stream. It returns nil when
// there was nothing to end.
func (s *Session) Close(ctx context.Context) *Exchange {
	if s.stream != nil {
		_ = s.stream.Close(ctx) // cannot fail
		return nil
	}
	if s.ID == "" {
		return nil
	}
	return s.client.bare(ctx, http.MethodDelete, s.header(""))
}

// Get opens the stream for messages that belong to no request, as a legacy
// client does, and returns as soon as the head is known. 405 is a good answer.
func (s *Session) Get(ctx context.Context) *Exchange {
	h := s.header("")
	h.Set("Accept", mcp.TypeEventStream)
	x := &Exchange{HTTPMethod: http.MethodGet, URL: s.client.url.String(), RequestHeader: h}
	if res := s.client.do(ctx, x); res != nil {
		if mediaTypeOf(res.Header) == mcp.TypeEventStream && x.Status == http.StatusOK {
			x.Framing = FramingStream
		}
		finish(x, res)
	}
	return x
}

// prepare adds what the era wants in each message.
func (s *Session) prepare(method, name string, params map[string]any, notify bool) call {
	if s.Era == mcp.EraModern {
		return s.client.modernCall(s.Revision, method, name, params, notify)
	}
	cl := call{method: method, notify: notify, header: s.header(method)}
	if params != nil {
		cl.params = params
	}
	return cl
}

// header gives the headers of a legacy request. The handshake itself carries
// none: the version is being agreed upon in the body.
func (s *Session) header(method string) http.Header {
	h := http.Header{}
	if method == mcp.MethodInitialize {
		return h
	}
	if t, ok := mcp.Lookup(s.Revision); ok && t.VersionHeader {
		h.Set(mcp.HeaderVersion, string(s.Revision))
	}
	if s.ID != "" {
		h.Set(mcp.HeaderSession, s.ID)
	}
	return h
}

// modernCall builds a self-contained request of the modern era.
func (c *Client) modernCall(rev mcp.Revision, method, name string, params map[string]any, notify bool) call {
	full := make(map[string]any, len(params)+1)
	maps.Copy(full, params)
	full["_meta"] = map[string]any{
		mcp.MetaProtocolVersion:    rev,
		mcp.MetaClientCapabilities: struct{}{},
		mcp.MetaClientInfo:         c.opts.Info,
	}
	h := http.Header{}
	h.Set(mcp.HeaderVersion, string(rev))
	h.Set(mcp.HeaderMethod, method)
	if name != "" {
		h.Set(mcp.HeaderName, mcp.EncodeHeader(name))
	}
	return call{method: method, params: full, notify: notify, header: h}
}

// discovery is the part of a DiscoverResult that we read.
type discovery struct {
	SupportedVersions []string                   `json:"supportedVersions"`
	Capabilities      map[string]json.RawMessage `json:"capabilities"`
	ServerInfo        Implementation             `json:"serverInfo"` // where drafts had it
	Meta              struct {
		ServerInfo Implementation `json:"io.modelcontextprotocol/serverInfo"`
	} `json:"_meta"`
}

// readDiscovery reads a discover result; nil if it is none.
func readDiscovery(x *Exchange) *discovery {
	if !x.OK() {
		return nil
	}
	var d discovery
	if json.Unmarshal(x.Response.Result, &d) != nil || d.SupportedVersions == nil {
		return nil
	}
	if d.Meta.ServerInfo.Name == "" {
		d.Meta.ServerInfo = d.ServerInfo
	}
	return &d
}

// modernSession makes the session that a discover result describes.
func (c *Client) modernSession(d *discovery, rev mcp.Revision) *Session {
	s := &Session{
		Era: mcp.EraModern, Revision: rev, Transport: c.transport(), client: c, send: c.send,
	}
	if d != nil {
		s.Server, s.Supported, s.Capabilities = d.Meta.ServerInfo, d.SupportedVersions, d.Capabilities
	}
	return s
}

// initialization is the part of an InitializeResult that we read.
type initialization struct {
	ProtocolVersion string                     `json:"protocolVersion"`
	Capabilities    map[string]json.RawMessage `json:"capabilities"`
	ServerInfo      Implementation             `json:"serverInfo"`
}

// Handshake is what came of initialize and notifications/initialized.
type Handshake struct {
	Session     *Session // nil if initialize gave no usable result
	Initialize  *Exchange
	Initialized *Exchange // nil if it did not come to that
	// Version is what the server answered, also when we do not know it.
	Version string
	// Discarded is the DELETE of a session whose version we do not know.
	Discarded *Exchange
}

// Initialize performs the legacy handshake over the endpoint's plain transport.
func (c *Client) Initialize(ctx context.Context, rev mcp.Revision) Handshake {
	return c.handshake(ctx, rev, &Session{Era: mcp.EraLegacy, Transport: c.transport(), client: c, send: c.send})
}

func (c *Client) handshake(ctx context.Context, rev mcp.Revision, s *Session) Handshake {
	asking, cancel := outlive(ctx, handshakeGrace)
	defer cancel()
	h := Handshake{Initialize: s.send(asking, s.prepare(mcp.MethodInitialize, "", map[string]any{
		"protocolVersion": rev, "capabilities": struct{}{}, "clientInfo": c.opts.Info,
	}, false))}
	var result initialization
	if !h.Initialize.OK() || json.Unmarshal(h.Initialize.Response.Result, &result) != nil {
		return h
	}
	h.Version = result.ProtocolVersion
	s.ID = h.Initialize.Header.Get(mcp.HeaderSession)
	s.Revision, s.Server, s.Capabilities = mcp.Revision(result.ProtocolVersion), result.ServerInfo, result.Capabilities
	t, known := mcp.Lookup(s.Revision)
	if !known || t.Era != mcp.EraLegacy {
		// Nothing we can talk about, but do not leave it open.
		h.Discarded = s.Close(asking)
		return h
	}
	h.Session = s
	h.Initialized = s.Notify(ctx, mcp.MethodInitialized, nil)
	return h
}

// handshakeGrace is how long the answer to initialize is still waited for when
// the caller has given up.
const handshakeGrace = 2 * time.Second

// outlive gives a context that ends with ctx's deadline, but only some time
// after its cancellation: initialize must not be cancelled (2025-11-25, basic,
// utilities, cancellation), and without its answer the session that it opened
// could never be deleted.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return ctx, func() {}
	}
	base := context.WithoutCancel(ctx)
	var out context.Context
	var cancel context.CancelFunc
	if end, ok := ctx.Deadline(); ok {
		out, cancel = context.WithDeadline(base, end)
	} else {
		out, cancel = context.WithCancel(base)
	}
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out, func() { stop(); cancel() }
}

func (c *Client) transport() Transport {
	if c.url == nil {
		return Stdio
	}
	return StreamableHTTP
}

// patient bounds one request by Options.Patience.
func (c *Client) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.opts.Patience <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.opts.Patience)
}

// send delivers one message by the endpoint's plain transport.
func (c *Client) send(ctx context.Context, cl call) *Exchange {
	ctx, cancel := c.patient(ctx)
	defer cancel()
	if c.url == nil {
		return c.line(ctx, cl)
	}
	return c.post(ctx, cl)
}
