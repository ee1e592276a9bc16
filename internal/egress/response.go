package egress

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Timing says where the time of a call went. DNS, Connect and TLS are those
// of the connection when it was opened for this call, and zero when the call
// used one that stood already or was opened for another call (Reused).
type Timing struct {
	DNS     time.Duration // resolving and checking; near zero for a literal address
	Connect time.Duration // until the winning address accepted
	TLS     time.Duration
	// FirstByte is from the start of Do to the first byte of the response
	// (an interim 1xx response counts).
	FirstByte time.Duration
	// Total is from the start of Do to the end of the body: until Body
	// returned an error, io.EOF included, or was closed. It is zero before
	// that, unless the response has no body.
	Total  time.Duration
	Reused bool
}

// Response is an http.Response whose Body is capped and whose Header is never
// nil. Errors of Body other than io.EOF are *[Error] in PhaseBody. Timing and
// Body belong to one goroutine; Body.Close may be called from another.
type Response struct {
	*http.Response
	Timing Timing
	Remote netip.AddrPort // the address that was dialled

	capped *body
}

// LimitBody replaces Options.MaxBodyBytes for this response. It must be
// called before the first Read. A stream that is bounded piece by piece may
// pass math.MaxInt64.
func (r *Response) LimitBody(n int64) {
	n = max(n, 0)
	r.capped.limit, r.capped.left = n, n
}

func (c *call) respond(res *http.Response, maxBody int64) *Response {
	c.reach(PhaseBody)
	r := &c.response
	*r = Response{Response: res, Remote: c.remote(), capped: &c.body}
	r.Timing = Timing{FirstByte: time.Duration(c.firstByte.Load()), Reused: c.reused()}
	if c.conn != nil && !r.Timing.Reused {
		r.Timing.DNS, r.Timing.Connect, r.Timing.TLS = c.conn.dns, c.conn.dialed, c.conn.tls
	}
	c.body = body{ReadCloser: res.Body, call: c, limit: maxBody, left: maxBody, declared: res.ContentLength}
	if !hasBody(res) {
		c.body.settle()
	}
	res.Body = &c.body
	return r
}

// body caps a response body and notes when it ended.
type body struct {
	io.ReadCloser
	call     *call
	limit    int64
	left     int64 // how much may still be read
	declared int64 // Content-Length, -1 when unknown
	sticky   error
	settled  atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.sticky != nil {
		return 0, b.sticky
	}
	if len(p) == 0 {
		return 0, nil
	}
	if b.declared > b.limit {
		return 0, b.fail(&TooLargeError{Limit: b.limit, Part: "body"})
	}
	// One byte more than allowed tells a body that ends at the cap from one
	// that goes on.
	if int64(len(p))-1 > b.left {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = 0
		return n, b.fail(&TooLargeError{Limit: b.limit, Part: "body"})
	}
	b.left -= int64(n)
	if err != nil {
		return n, b.fail(err)
	}
	return n, nil
}

// Close ends the call. A body that was not read to its end takes an HTTP/1.1
// connection with it.
func (b *body) Close() error {
	b.settle()
	return b.ReadCloser.Close()
}

// fail settles the timing and makes err the answer to every later Read.
func (b *body) fail(err error) error {
	b.settle()
	b.sticky = err
	if err == io.EOF { //nolint:errorlint // io.Reader returns it bare
		return err
	}
	c := b.call
	e := newError(c.Context, PhaseBody, c.host, c.remote(), err)
	e.Status, e.Reused = c.response.StatusCode, c.reused()
	if _, ok := err.(*TooLargeError); ok { //nolint:errorlint // made above
		e.Kind = TooLarge
	} else if e.Kind == Unknown && c.conn != nil {
		e.Kind = httpKind(err, Kind(c.conn.broken.Load()))
	}
	b.sticky = e
	return e
}

func (b *body) settle() {
	if b.settled.CompareAndSwap(false, true) {
		b.call.response.Timing.Total = time.Since(b.call.start)
	}
}

// hasBody is false when the head was the whole response. (net/http has more
// than one empty Body; the answer to a HEAD over HTTP/2 is not http.NoBody.)
func hasBody(res *http.Response) bool {
	return res.Body != http.NoBody && res.ContentLength != 0 && res.Request.Method != http.MethodHead
}

// contentCoding returns the coding of a response that has a body and is not
// in the identity coding, else "".
func contentCoding(res *http.Response) string {
	if !hasBody(res) {
		return ""
	}
	for _, line := range res.Header["Content-Encoding"] {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return coding
			}
		}
	}
	return ""
}

// Redirect is a 3xx response, judged and not followed.
type Redirect struct {
	Status int
	// Location is the absolute target; nil when the header is missing or no
	// URL. It comes from the peer and may carry secrets in its query.
	Location *url.URL
	// SameOrigin: scheme, host and port of the target are those of the request.
	SameOrigin bool
	// OtherHost: the host name differs. A credential must not go there.
	OtherHost bool
	// Downgrade: from https to http.
	Downgrade bool
	// NotHTTP: the target is neither http nor https.
	NotHTTP bool
	// MethodChange: a client that follows turns the request into a GET and
	// drops its body (301, 302 and 303 on a method other than GET and HEAD).
	MethodChange bool
}

// Redirect reports whether the response is a redirect (301, 302, 303, 307,
// 308) and what following it would mean.
func (r *Response) Redirect() (Redirect, bool) {
	d := Redirect{Status: r.StatusCode}
	switch r.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		method := r.Request.Method
		d.MethodChange = method != "" && method != http.MethodGet && method != http.MethodHead
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return Redirect{}, false
	}
	to, err := r.Location()
	if err != nil {
		return d, true
	}
	from := r.Request.URL
	d.Location = to
	d.NotHTTP = to.Scheme != "http" && to.Scheme != "https"
	d.OtherHost = hostOf(from) != hostOf(to)
	d.Downgrade = from.Scheme == "https" && to.Scheme == "http"
	d.SameOrigin = !d.OtherHost && from.Scheme == to.Scheme && portOf(from) == portOf(to)
	return d, true
}

func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
