package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// stagger is how long the next address waits for the one before it
	// (RFC 8305 section 5, Connection Attempt Delay).
	stagger = 250 * time.Millisecond
	// maxAddrs bounds how many addresses of one name are tried; a hostile
	// name server may answer with thousands.
	maxAddrs = 8
)

// dialer opens every connection of a Client.
type dialer struct {
	guard          Guard
	resolve        func(ctx context.Context, host string) ([]netip.Addr, error)
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
	roots          *x509.CertPool
	connectTimeout time.Duration
	tlsTimeout     time.Duration
	// conns are the connections that stand, for Client.Close; nil after it.
	mu    sync.Mutex
	conns map[*conn]struct{}
}

// keep registers a connection; false when the client has been closed.
func (d *dialer) keep(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns == nil {
		return false
	}
	d.conns[c] = struct{}{}
	return true
}

func (d *dialer) forget(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

// closeAll closes what stands and keeps anything more from being opened.
func (d *dialer) closeAll() {
	d.mu.Lock()
	left := d.conns
	d.conns = nil
	d.mu.Unlock()
	for c := range left {
		_ = c.Conn.Close() // nobody is left to hear of it
	}
}

// conn is a connection that remembers how it came about.
type conn struct {
	net.Conn
	dialer *dialer
	owner  uint64 // id of the call it was opened for
	dns    time.Duration
	dialed time.Duration
	tls    time.Duration
	remote netip.AddrPort
	// broken is the Kind of the error the last Read met, so that a failure
	// that net/http reports only as text can be told apart.
	broken atomic.Uint32
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.dialer.forget(c)
	return c.Conn.Close()
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.broken.Store(uint32(wireKind(err)))
	}
	return n, err
}

// dialPlain is the transport's DialContext.
func (d *dialer) dialPlain(ctx context.Context, _, address string) (net.Conn, error) {
	c, err := d.open(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// dialTLS is the transport's DialTLSContext. It returns a *tls.Conn after the
// handshake, as net/http needs to see which protocol ALPN chose.
func (d *dialer) dialTLS(ctx context.Context, _, address string) (net.Conn, error) {
	var secured *tls.Conn
	_, err := d.open(ctx, address, func(ctx context.Context, host string, c *conn) error {
		start := time.Now()
		tc := tls.Client(c, &tls.Config{
			RootCAs:    d.roots,
			ServerName: host,
			NextProtos: []string{"h2", "http/1.1"},
			MinVersion: tls.VersionTLS12,
		})
		ctx, cancel := context.WithTimeout(ctx, d.tlsTimeout)
		defer cancel()
		if err := tc.HandshakeContext(ctx); err != nil {
			return err
		}
		c.tls = time.Since(start)
		secured = tc
		return nil
	})
	if err != nil {
		return nil, err
	}
	return secured, nil
}

// open resolves, checks and connects, then runs secure if there is one. The
// context that net/http passes survives the call it was made for; the dial
// ends with that call nevertheless, so that nothing lingers after it.
func (d *dialer) open(ctx context.Context, address string, secure func(context.Context, string, *conn) error) (*conn, error) {
	cl, _ := ctx.Value(callKey{}).(*call)
	if cl == nil {
		return nil, fmt.Errorf("dial %s: not called by Client.Do", address)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(cl.Context, cancel)()

	host, port, err := splitAddress(address)
	if err != nil {
		return nil, &Error{Phase: PhaseQueue, Kind: BadRequest, Host: host, Err: err}
	}
	fail := func(p Phase, at netip.AddrPort, err error) error {
		return newError(cl.Context, p, host, at, err)
	}

	start := time.Now()
	cl.reach(PhaseDNS)
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, fail(PhaseDNS, netip.AddrPort{}, err)
	}
	resolved := time.Now()

	cl.reach(PhaseConnect)
	raw, at, err := d.connect(ctx, addrs, port)
	if err != nil {
		return nil, fail(PhaseConnect, at, err)
	}
	c := &conn{Conn: raw, dialer: d, owner: cl.id, remote: at, dns: resolved.Sub(start), dialed: time.Since(resolved)}
	if !d.keep(c) {
		_ = raw.Close() // never used
		return nil, fail(PhaseConnect, at, net.ErrClosed)
	}
	if secure != nil {
		cl.reach(PhaseTLS)
		if err := secure(ctx, host, c); err != nil {
			_ = c.Close() // the handshake failed; nothing is left to flush
			return nil, fail(PhaseTLS, at, err)
		}
	}
	return c, nil
}

// lookup returns the addresses of host that may be dialled, at most maxAddrs,
// families alternating (RFC 8305 section 4).
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := d.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var passed []netip.Addr
	var refused error
	for _, a := range addrs {
		if err := d.guard.Check(a); err != nil {
			refused = err
			continue
		}
		if !slices.Contains(passed, a.Unmap()) {
			passed = append(passed, a.Unmap())
		}
	}
	if len(passed) == 0 && refused != nil {
		return nil, refused
	}
	if len(passed) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	passed = interleave(passed)
	return passed[:min(len(passed), maxAddrs)], nil
}

func (d *dialer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if endsInNumber(host) {
		// inet_aton reads 0x7f.1, 017700000001 and 2130706433 as addresses;
		// whether a resolver does depends on the system, so none is asked.
		return nil, &BlockedError{Reason: "host ends in a number but is no canonical IP address"}
	}
	if strings.IndexFunc(host, notHostRune) >= 0 {
		return nil, errBadHost
	}
	if isLocalhost(host) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.connectTimeout)
	defer cancel()
	return d.resolve(ctx, host)
}

// isLocalhost is true for the names that RFC 6761 section 6.3 keeps away from
// the DNS, where a search domain could answer for them.
func isLocalhost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

var errBadHost = errors.New("host has characters that no host name has")

// notHostRune admits letters, digits, hyphen, dot and the underscore that some
// service names have. net/http has applied IDNA before the dialer sees a name.
func notHostRune(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_')
}

// endsInNumber is the "ends in a number" check of the WHATWG URL standard,
// the rule by which browsers tell an IPv4 spelling from a name. No top-level
// domain is numeric.
func endsInNumber(host string) bool {
	host = strings.TrimRight(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(strings.ToLower(last), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// interleave alternates the families, keeping the resolver's order in each
// and beginning with the family it named first.
func interleave(in []netip.Addr) []netip.Addr {
	first, second := make([]netip.Addr, 0, len(in)), []netip.Addr(nil)
	for _, a := range in {
		if a.Is4() == in[0].Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	out := in[:0]
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			out = append(out, first[i])
		}
		if i < len(second) {
			out = append(out, second[i])
		}
	}
	return out
}

type attempt struct {
	conn net.Conn
	at   netip.AddrPort
	err  error
}

// connect opens a connection to the first address that answers. The next
// address starts when the one before it failed or after stagger; the first
// success ends the others. When all fail it returns the most telling failure.
func (d *dialer) connect(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connectTimeout)
	defer cancel()
	if len(addrs) == 1 {
		a := d.try(ctx, netip.AddrPortFrom(addrs[0], port))
		return a.conn, a.at, a.err
	}
	results := make(chan attempt, len(addrs))
	started, ended := 0, 0
	next := func() {
		at := netip.AddrPortFrom(addrs[started], port)
		started++
		go func() { results <- d.try(ctx, at) }()
	}
	next()
	timer := time.NewTimer(stagger)
	defer timer.Stop()
	var worst attempt
	for ended < started {
		select {
		case <-timer.C:
		case a := <-results:
			ended++
			if a.err == nil {
				cancel()
				closeLosers(results, started-ended)
				return a.conn, a.at, nil
			}
			if worst.err == nil || telling(a.err) > telling(worst.err) {
				worst = a
			}
		}
		if started < len(addrs) && ctx.Err() == nil {
			next()
			timer.Reset(stagger)
		}
	}
	return nil, worst.at, worst.err
}

func (d *dialer) try(ctx context.Context, at netip.AddrPort) attempt {
	c, err := d.dial(ctx, "tcp", at.String())
	return attempt{conn: c, at: at, err: err}
}

// closeLosers waits for the n attempts still under way, whose context has
// ended, so that no connection outlives the race unseen.
func closeLosers(results <-chan attempt, n int) {
	for range n {
		if a := <-results; a.err == nil {
			_ = a.conn.Close() // never used
		}
	}
}

// telling ranks the failures of several addresses of one name: an answer says
// more about the server than silence, silence more than a missing route.
func telling(err error) int {
	switch wireKind(err) {
	case Refused, Reset:
		return 3
	case Timeout:
		return 2
	case Unreachable:
		return 1
	}
	return 0
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0, err
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil || n == 0 {
		return host, 0, fmt.Errorf("port %q is not between 1 and 65535", service)
	}
	return host, uint16(n), nil
}
