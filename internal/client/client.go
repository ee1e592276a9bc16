// Package client speaks MCP to any server: every revision of both eras, over
// Streamable HTTP, HTTP+SSE and stdio. It finds out the era without guessing,
// and hands back what really came over the wire: status, headers, timings and
// raw results. An answer that is no MCP is a value here, not an error, because
// saying what came instead is what the probe is for.
//
// It is not a general SDK client: it caches nothing, retries nothing, follows
// at most one redirect and never answers a server's questions.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Endpoint is where a server speaks MCP: a URL or a command.
type Endpoint struct {
	URL string
	// Header holds the credential and other headers to show to URL's origin.
	// They go nowhere else and never into an Exchange.
	Header http.Header
	// Command runs a stdio server: program and arguments. Env is added to a
	// minimal environment (PATH, HOME, LANG, TMPDIR); Dir is its folder.
	Command []string
	Env     []string
	Dir     string
}

// String names the endpoint without user info and query, which may hold secrets.
func (e Endpoint) String() string {
	if len(e.Command) > 0 {
		return "stdio:" + e.Command[0]
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return unparsed(e.URL)
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// unparsed does the same to a text that is no URL, as far as that goes.
func unparsed(raw string) string {
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		raw = raw[:i]
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if !ok || strings.ContainsFunc(rest, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "(unparsable URL)"
	}
	return scheme + "://" + rest
}

// Implementation names a program in a handshake.
type Implementation struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Options of a Client.
type Options struct {
	HTTP *egress.Client // needed for URL endpoints
	// Info and UserAgent say honestly who asks.
	Info      Implementation
	UserAgent string
	// MaxMessage bounds one answer, in bytes; default 4 MiB.
	MaxMessage int
	// Parent is inherited by stdio children as their environment: NAME=value
	// pairs. Only the minimal set is passed on.
	Parent []string
	// Stderr gets what stdio children print to their standard error; nil
	// drops it, but for the last lines, which an ExitError quotes.
	Stderr io.Writer
	// BothEras makes Detect try the handshake on a modern server even if it
	// lists no legacy version: some serve both and say so in neither.
	BothEras bool
	// Patience bounds each request and its answer; 0 for no bound but the
	// context's.
	Patience time.Duration
	// StreamTimeout bounds the wait for the endpoint event of HTTP+SSE, and
	// StdioDiscover the wait of the era test on stdio; default 10 s and 5 s.
	StreamTimeout, StdioDiscover time.Duration
}

const (
	defaultMaxMessage = 4 << 20
	// maxDepth is as deep as any client we know reads: a list nested deeper
	// breaks clients, so that refusing it is the truth.
	maxDepth = 1000
)

// Client talks to one endpoint. Its methods may be called concurrently. Close
// must be called: it ends sessions, streams and children.
type Client struct {
	endpoint Endpoint
	opts     Options
	url      *url.URL
	nextID   atomic.Int64
	// noise counts the lines of stdio children that were no messages.
	noise atomic.Int64

	// mu guards child, which runs a stdio server once the first request
	// started it, and answers, which hands out what it says.
	mu      sync.Mutex
	child   *child
	answers *correlator
}

// ErrPlaceholder marks a URL with an unexpanded {placeholder} in it.
var ErrPlaceholder = errors.New("URL has an unexpanded {placeholder}")

// New checks the endpoint and returns a Client for it. It connects to nothing.
func New(e Endpoint, o Options) (*Client, error) {
	if o.MaxMessage <= 0 {
		o.MaxMessage = defaultMaxMessage
	}
	if o.StreamTimeout <= 0 {
		o.StreamTimeout = 10 * time.Second
	}
	if o.StdioDiscover <= 0 {
		o.StdioDiscover = 5 * time.Second
	}
	c := &Client{endpoint: e, opts: o}
	if len(e.Command) > 0 {
		if e.URL != "" {
			return nil, errors.New("endpoint has both a URL and a command")
		}
		return c, nil
	}
	u, err := ParseURL(e.URL)
	if err != nil {
		return nil, err
	}
	if o.HTTP == nil {
		return nil, errors.New("endpoint is a URL but the client has no HTTP options")
	}
	c.url = u
	return c, nil
}

// Redirect makes the client use another URL from now on. It must not run beside
// other methods. The endpoint's headers go there only if the origin is the
// endpoint's own, or the same host with TLS added.
func (c *Client) Redirect(u *url.URL) { c.url = u }

// Trusts tells whether u may see the endpoint's headers: it has the endpoint's
// origin, or only adds TLS to it.
func (c *Client) Trusts(u *url.URL) bool {
	own, err := url.Parse(c.endpoint.URL)
	if err != nil || !strings.EqualFold(own.Hostname(), u.Hostname()) {
		return false
	}
	from, to := portOf(own), portOf(u)
	return own.Scheme == u.Scheme && from == to ||
		own.Scheme == "http" && u.Scheme == "https" && from == "80" && to == "443"
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// URL returns the URL in use, nil for stdio.
func (c *Client) URL() *url.URL { return c.url }

// Close ends a stdio child. Sessions are closed by themselves, connections
// belong to Options.HTTP.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	ch := c.child
	c.mu.Unlock()
	if ch == nil {
		return nil
	}
	return ch.Close(ctx)
}

func (c *Client) newID() mcp.ID { return mcp.ID(strconv.FormatInt(c.nextID.Add(1), 10)) }

// call is one message on its way out.
type call struct {
	method string
	params any // marshalled; nil for none
	notify bool
	header http.Header // Mcp-* and the like
}

// encode gives the JSON-RPC message and its id ("" for a notification).
func (c *Client) encode(cl call) (mcp.ID, []byte, error) {
	msg := struct {
		JSONRPC string `json:"jsonrpc"`
		ID      any    `json:"id,omitempty"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{JSONRPC: "2.0", Method: cl.method, Params: cl.params}
	var id mcp.ID
	if !cl.notify {
		id = c.newID()
		msg.ID = json.RawMessage(id)
	}
	body, err := json.Marshal(msg)
	if err != nil {
		return "", nil, fmt.Errorf("encode %s: %w", cl.method, err)
	}
	return id, body, nil
}

// ParseURL checks a server's URL: http or https, a host, no user info, no
// fragment, no {placeholder}. Errors say what is wrong without repeating
// secrets.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case containsPlaceholder(raw):
		return nil, ErrPlaceholder
	case err != nil:
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return nil, fmt.Errorf("URL does not parse: %w", err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("URL scheme is %q, not http or https", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("URL has no host")
	case u.User != nil:
		return nil, errors.New("URL has user info; give the credential in a file instead")
	case u.Fragment != "":
		return nil, errors.New("URL has a fragment")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("URL port %q is not between 1 and 65535", p)
		}
	}
	return u, nil
}

func containsPlaceholder(raw string) bool {
	for _, c := range []byte(raw) {
		if c == '{' || c == '}' || c == '<' || c == '>' {
			return true
		}
	}
	return false
}
