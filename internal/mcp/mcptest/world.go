package mcptest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// World is a little internet: names, addresses, certificates, and hosts that
// answer there. Its Resolve, Dial and RootCAs have the shape that the options
// of an outbound client ask for. It ends with the test that it was made for.
type World struct {
	tb       testing.TB
	loopback bool
	ca       *authority
	roots    *x509.CertPool
	ctx      context.Context
	cancel   context.CancelFunc
	gate     gate
	once     sync.Once
	conns    atomic.Int64
	ports    atomic.Int32

	mu    sync.Mutex
	names map[string]*Host         // lower case, without the final dot
	doors map[netip.AddrPort]*Host // by what is dialled
	hosts []*Host
	next  int
}

// NewWorld makes a world in memory. Hosts get addresses that look public
// (8.8.x.x), so that an address guard lets them pass.
func NewWorld(tb testing.TB) *World { return newWorld(tb, false) }

// NewLoopbackWorld makes a world of TCP sockets on 127.0.0.1, each host on a
// port of its own.
func NewLoopbackWorld(tb testing.TB) *World { return newWorld(tb, true) }

func newWorld(tb testing.TB, loopback bool) *World {
	tb.Helper()
	ca, err := newAuthority()
	if err != nil {
		tb.Fatalf("make world: %v", err)
	}
	// The world's own lifetime is that of the test; the context of tb ends
	// before its clean-up, which is early enough.
	ctx, cancel := context.WithCancel(tb.Context())
	w := &World{
		tb: tb, loopback: loopback, ca: ca, roots: x509.NewCertPool(), ctx: ctx, cancel: cancel,
		names: map[string]*Host{}, doors: map[netip.AddrPort]*Host{},
	}
	w.roots.AddCert(ca.root)
	tb.Cleanup(w.Close)
	return w
}

// Loopback tells whether the hosts live on real sockets.
func (w *World) Loopback() bool { return w.loopback }

// Close drops all connections and waits for everything that answers. It is
// called at the end of the test.
func (w *World) Close() {
	w.once.Do(func() {
		w.cancel()
		w.gate.close()
		w.mu.Lock()
		for _, h := range w.hosts {
			if h.listener != nil {
				_ = h.listener.Close()
			}
			if h.server != nil {
				_ = h.server.Close()
			}
		}
		w.mu.Unlock()
		w.gate.wait()
	})
}

// Host puts handler at name, by default over HTTPS with a certificate of the
// world's root. The same name may be given twice, once with PlainHTTP.
func (w *World) Host(name string, handler http.Handler, opts ...HostOption) *Host {
	w.tb.Helper()
	h := &Host{world: w, name: name}
	h.cfg.cert.notBefore, h.cfg.cert.notAfter = -30*day, 365*day
	for _, o := range opts {
		o(&h.cfg)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.place(h); err != nil {
		w.tb.Fatalf("host %s: %v", name, err)
	}
	if h.listener != nil {
		if err := h.serve(handler); err != nil {
			w.tb.Fatalf("host %s: %v", name, err)
		}
	}
	return h
}

// fresh is a host name that no case has used in this world.
func (w *World) fresh(word string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%s-%d.example", word, len(w.hosts))
}

// place gives a host its address and listener.
func (w *World) place(h *Host) error {
	key := strings.ToLower(h.name)
	addr := h.cfg.addr
	if literal, err := netip.ParseAddr(h.name); err == nil {
		addr = literal
	}
	if prev := w.names[key]; prev != nil && !addr.IsValid() {
		addr = prev.addr.Addr()
	}
	port := uint16(443)
	if h.cfg.plain {
		port = 80
	}
	if !addr.IsValid() {
		w.next++
		addr = netip.AddrFrom4([4]byte{8, 8, byte(w.next >> 8), byte(w.next)})
		if w.loopback {
			addr = netip.MustParseAddr("127.0.0.1")
		}
	}
	h.addr = netip.AddrPortFrom(addr, port)
	if w.doors[h.addr] != nil && h.cfg.addr != addr {
		return fmt.Errorf("%s is taken by %s", h.addr, w.doors[h.addr].name)
	}
	if err := w.listen(h); err != nil {
		return err
	}
	if w.names[key] == nil {
		w.names[key] = h
	}
	w.doors[h.addr] = h
	w.hosts = append(w.hosts, h)
	return nil
}

func (w *World) listen(h *Host) error {
	if !w.loopback {
		h.listener = NewListener(h.addr)
		return nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h.listener = ln
	h.real = ln.Addr().(*net.TCPAddr).AddrPort()
	if h.addr.Addr() == h.real.Addr() {
		h.addr = h.real
	}
	if h.cfg.link == linkRefused && h.cfg.heal == 0 {
		h.listener = nil
		return ln.Close() // the port stays free, and refuses
	}
	return nil
}

// counted makes Close wait for the handler too.
func (w *World) counted(next http.Handler) http.Handler {
	if next == nil {
		next = http.NotFoundHandler()
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.gate.enter() {
			return
		}
		defer w.gate.leave()
		next.ServeHTTP(rw, r)
	})
}

// RootCAs is what a client of this world trusts.
func (w *World) RootCAs() *x509.CertPool { return w.roots }

// Resolve looks a name up. A name that no Host has does not exist.
func (w *World) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	h := w.names[strings.TrimSuffix(strings.ToLower(host), ".")]
	w.mu.Unlock()
	missing := &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	if h == nil {
		return nil, missing
	}
	h.lookups.Add(1)
	if err := wait(ctx, h.cfg.dnsDelay); err != nil {
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true, IsTemporary: true}
	}
	switch h.dnsNow() {
	case dnsNX:
		return nil, missing
	case dnsServFail:
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	case dnsNoAddress:
		return nil, nil
	case dnsTimeout:
		<-ctx.Done()
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true, IsTemporary: true}
	}
	return []netip.Addr{h.addr.Addr()}, nil
}

// Dial connects to a literal address and port of this world. An address that
// no Host has is unreachable, another port of a Host refuses.
func (w *World) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	to := net.TCPAddrFromAddrPort(at)
	h, known := w.door(at)
	if h == nil {
		errno := syscall.EHOSTUNREACH
		if known {
			errno = syscall.ECONNREFUSED
		}
		return nil, dialError(to, os.NewSyscallError("connect", errno))
	}
	h.dials.Add(1)
	if err := wait(ctx, h.cfg.delay); err != nil {
		return nil, dialError(to, contextError(ctx))
	}
	switch h.linkNow() {
	case linkBlackhole:
		<-ctx.Done()
		return nil, dialError(to, contextError(ctx))
	case linkUnreachable:
		return nil, dialError(to, os.NewSyscallError("connect", syscall.EHOSTUNREACH))
	case linkRefused:
		if h.listener != nil {
			return nil, dialError(to, os.NewSyscallError("connect", syscall.ECONNREFUSED))
		}
	}
	if w.loopback {
		return new(net.Dialer).DialContext(ctx, network, h.real.String())
	}
	from := netip.AddrPortFrom(netip.MustParseAddr("8.8.255.254"), uint16(1024+w.ports.Add(1)%60000))
	return h.listener.(*Listener).Dial(ctx, from)
}

// door finds who answers at an address and port, and whether anybody has the
// address at all.
func (w *World) door(at netip.AddrPort) (h *Host, known bool) {
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.doors[at]; h != nil {
		return h, true
	}
	for a := range w.doors {
		known = known || a.Addr() == at.Addr()
	}
	return nil, known
}

// Transport is an http.Transport of a client that lives in this world and does
// what net/http does by default, HTTP/2 included.
func (w *World) Transport() *http.Transport {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.Proxy = nil
	tr.DisableCompression = true
	tr.ForceAttemptHTTP2 = true
	tr.TLSClientConfig = &tls.Config{RootCAs: w.roots}
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if _, err := netip.ParseAddr(host); err == nil {
			return w.Dial(ctx, network, address)
		}
		addrs, err := w.Resolve(ctx, host)
		if err != nil {
			return nil, err
		}
		if len(addrs) == 0 {
			return nil, errors.New("no addresses")
		}
		return w.Dial(ctx, network, net.JoinHostPort(addrs[0].String(), port))
	}
	w.tb.Cleanup(tr.CloseIdleConnections)
	return tr
}

// Client is an http.Client over Transport that follows no redirect.
func (w *World) Client() *http.Client {
	return &http.Client{
		Transport:     w.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// wait sleeps for d, or until ctx ends and says why then.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
