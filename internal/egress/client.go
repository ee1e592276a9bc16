package egress

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"
)

// Options of a Client. The zero value is usable: public addresses only, the
// system's trust store, connections kept and reused.
type Options struct {
	Guard Guard
	// HTTPSOnly refuses plain http before anything is resolved.
	HTTPSOnly bool

	// Resolve returns the addresses of a name; nil is the Go resolver. It is
	// never asked for a literal address in any spelling nor for localhost.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial opens a connection; nil is a net.Dialer. It is only called with a
	// literal address that the Guard has passed, and must return soon after
	// ctx ends.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	RootCAs *x509.CertPool // nil: the system's

	// ConnectTimeout bounds name resolution and, again, connecting (all
	// addresses together); TLSTimeout the handshake. Default 10 s each. The
	// whole call is bounded by the caller's context only.
	ConnectTimeout, TLSTimeout time.Duration

	// MaxHeaderBytes caps the response head, interim responses included;
	// default 64 KiB. MaxBodyBytes caps the body; default 4 MiB; a stream may
	// raise it for one response with Response.LimitBody.
	MaxHeaderBytes, MaxBodyBytes int64

	// MaxIdlePerHost is how many idle connections are kept for one host and
	// port, default 2. IdleTimeout closes them, default 90 s. MaxConnsPerHost
	// bounds the connections in all states, default no bound; calls beyond it
	// wait in PhaseQueue.
	MaxIdlePerHost    int
	IdleTimeout       time.Duration
	DisableKeepAlives bool
	MaxConnsPerHost   int

	// PingAfter is the silence after which an HTTP/2 connection has to prove
	// that it lives, default 30 s; below zero it never has to. net/http keeps a
	// closed connection in memory for that long, so that clients which make many
	// and bound their calls by deadlines should go without.
	PingAfter time.Duration
}

// Client makes HTTP calls. It is safe for concurrent use. An idle connection
// costs two goroutines and 8 KiB of buffers with HTTP/1.1 (plus TLS).
type Client struct {
	transport *http.Transport
	dialer    *dialer
	httpsOnly bool
	maxHeader int64
	maxBody   int64
	calls     atomic.Uint64
}

const (
	defaultTimeout = 10 * time.Second
	defaultHeader  = 64 << 10
	defaultBody    = 4 << 20
	defaultIdle    = 90 * time.Second
	// maxIdle bounds the idle connections to all hosts together.
	maxIdle = 1024

	// An HTTP/2 peer may send this much ahead of the reader; net/http's own
	// 4 MiB a stream would be our whole body cap in memory for every call.
	streamWindow = 512 << 10
	connWindow   = 4 << 20
	// pingAfter is the silence after which an HTTP/2 connection has to prove
	// that it lives, else a call over a dead one hangs until its deadline.
	pingAfter = 30 * time.Second
)

// New returns a Client.
func New(o Options) *Client {
	d := &dialer{
		guard:          o.Guard,
		resolve:        o.Resolve,
		dial:           o.Dial,
		roots:          o.RootCAs,
		connectTimeout: orDefault(o.ConnectTimeout, defaultTimeout),
		tlsTimeout:     orDefault(o.TLSTimeout, defaultTimeout),
		conns:          map[*conn]struct{}{},
	}
	if d.resolve == nil {
		d.resolve = Resolve
	}
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
	}
	c := &Client{
		dialer:    d,
		httpsOnly: o.HTTPSOnly,
		maxHeader: orDefault(o.MaxHeaderBytes, defaultHeader),
		maxBody:   orDefault(o.MaxBodyBytes, defaultBody),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	c.transport = &http.Transport{
		Proxy:                  nil, // HTTP_PROXY must not lead a call around the Guard
		DialContext:            d.dialPlain,
		DialTLSContext:         d.dialTLS,
		DisableCompression:     true,
		DisableKeepAlives:      o.DisableKeepAlives,
		MaxIdleConns:           max(maxIdle, o.MaxIdlePerHost),
		MaxIdleConnsPerHost:    o.MaxIdlePerHost,
		MaxConnsPerHost:        o.MaxConnsPerHost,
		IdleConnTimeout:        orDefault(o.IdleTimeout, defaultIdle),
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: c.maxHeader,
		ForceAttemptHTTP2:      true,
		Protocols:              protocols,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream:     streamWindow,
			MaxReceiveBufferPerConnection: connWindow,
			SendPingTimeout:               max(0, cmp.Or(o.PingAfter, pingAfter)),
		},
	}
	return c
}

// Resolve asks the Go resolver for the addresses of a name. It is what a Client
// uses by default, for those who put a cache before it.
func Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", host)
}

func orDefault[T int64 | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// CloseIdle closes the connections that no call is using.
func (c *Client) CloseIdle() { c.transport.CloseIdleConnections() }

// Close closes every connection and keeps new ones from being opened. Calls
// under way fail. CloseIdle alone may miss a connection whose last call has
// just ended: HTTP/2 gives it back a moment later, and it then stands until
// Options.IdleTimeout.
func (c *Client) Close() {
	c.transport.CloseIdleConnections() // the polite way, with the farewells of TLS and HTTP/2
	c.dialer.closeAll()
}

// Do sends req and returns the response once its head is read. The caller
// must close Body, which alone ends the call. Do never follows a redirect and
// never sends an Accept-Encoding other than identity. User info in the URL is
// not sent. Every error is an *[Error]. req is not changed; its Body is
// closed also on errors.
func (c *Client) Do(req *http.Request) (*Response, error) {
	if err := c.vet(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // not sent; the refusal is the error to report
		}
		return nil, err
	}
	cl := &call{Context: req.Context(), id: c.calls.Add(1), start: time.Now(), host: req.URL.Hostname()}
	cl.trace.GotConn = cl.gotConn
	cl.trace.WroteRequest = cl.wroteRequest
	cl.trace.GotFirstResponseByte = cl.gotFirstByte
	out := req.WithContext(httptrace.WithClientTrace(cl, &cl.trace))
	out.Header = maps.Clone(req.Header)
	if out.Header == nil {
		out.Header = make(http.Header, 1)
	}
	out.Header["Accept-Encoding"] = []string{"identity"}
	res, err := c.transport.RoundTrip(out)
	if err != nil {
		return nil, cl.failed(err, c.maxHeader)
	}
	if coding := contentCoding(res); coding != "" {
		_ = res.Body.Close() // unread on purpose
		e := newError(cl.Context, PhaseHead, cl.host, cl.remote(), errors.New("response has content-encoding "+coding+" although identity was asked for"))
		e.Kind, e.Status, e.Reused = Encoded, res.StatusCode, cl.reused()
		return nil, e
	}
	return cl.respond(res, c.maxBody), nil
}

// vet refuses what could never be sent.
func (c *Client) vet(req *http.Request) error {
	refuse := func(k Kind, err error) error {
		e := &Error{Phase: PhaseQueue, Kind: k, Err: err}
		if req.URL != nil {
			e.Host = req.URL.Hostname()
		}
		return e
	}
	switch {
	case req.URL == nil:
		return refuse(BadRequest, errors.New("request has no URL"))
	case req.URL.Hostname() == "":
		return refuse(BadRequest, errors.New("URL has no host"))
	case req.URL.Scheme == "http" && c.httpsOnly:
		return refuse(Blocked, &BlockedError{Reason: "plain http where only https is allowed"})
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return refuse(BadRequest, errors.New("URL scheme is neither http nor https"))
	}
	return nil
}
