package mcptest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Kind is what one endpoint of a Flock is.
type Kind uint8

// The kinds, in the order of Mix.
const (
	KindLegacy   Kind = iota // handshake, no session
	KindSession              // handshake with session id
	KindDual                 // both eras, sessions
	KindModern               // 2026-07-28 only
	KindSSE                  // HTTP+SSE
	KindGated                // 401 that can be followed
	KindNotFound             // 404
	KindHTML                 // 200, a web page
	KindMethod               // 405 to everything
	KindError                // 503
	KindRPCError             // initialize fails
	KindNoName               // NXDOMAIN
	KindRefused              // connection refused
	KindExpired              // certificate expired
	KindTimeout              // accepts no connection
	kinds
)

// Grade is what a probe must say of an endpoint of this kind.
func (k Kind) Grade() finding.Grade {
	switch k {
	case KindLegacy, KindSession, KindDual, KindModern:
		return finding.Healthy
	case KindSSE:
		return finding.Degraded
	case KindGated:
		return finding.Gated
	case KindHTML, KindMethod, KindRPCError:
		return finding.Unusable
	default:
		return finding.Dead
	}
}

// Mix is the share of each Kind in a Flock, in parts of the sum.
type Mix [kinds]float64

// Census is the mix of the fullest census known, of 16,305 registered remote
// endpoints in September 2026 (modelcontextprotocol/registry issue 1626): 58.5
// open, 25.4 gated, 8.6 not MCP, 6.4 unreachable, 0.6 time-outs, 0.6 JSON-RPC
// errors. How the open ones split by era follows a survey of 952 (74 % legacy
// only), and how the broken ones split follows another of 1,081 (80 % 404).
func Census() Mix {
	return Mix{
		KindLegacy: 23.0, KindSession: 16.0, KindDual: 12.0, KindModern: 3.5, KindSSE: 4.0,
		KindGated:    25.4,
		KindNotFound: 6.6, KindHTML: 1.2, KindMethod: 0.8,
		KindError: 1.0, KindRPCError: 0.6,
		KindNoName: 4.0, KindRefused: 0.6, KindExpired: 0.8,
		KindTimeout: 0.6,
	}
}

// WithTimeouts is the mix with the given share of time-outs, 0 to 1, the
// others scaled.
func (m Mix) WithTimeouts(share float64) Mix {
	rest := 0.0
	for k, v := range m {
		if Kind(k) != KindTimeout {
			rest += v
		}
	}
	m[KindTimeout] = rest * share / (1 - share)
	return m
}

// Flock is many virtual endpoints behind a few TCP listeners on 127.0.0.1,
// cheap to ask because whoever asks shares the processor with it. Every
// endpoint has a host name, a registrable domain and an address (11.x.y.z) of
// its own, as a scanner that queues by these would meet them; Dial leads all of
// them here. It keeps no state per endpoint.
type Flock struct {
	n      int
	bounds [kinds]int
	step   int
	gate   gate
	ctx    context.Context
	roots  *x509.CertPool
	root   []byte // the certificate in roots

	good, expired tls.Certificate
	doors         []netip.AddrPort
	closed        netip.AddrPort
	old           *Server // answers for KindSSE
	bodies        flockBodies

	requests, opened, deleted, connections atomic.Int64
}

// flockDoors is how many listeners there are: one alone would run out of
// ephemeral ports at some ten thousand connections a minute.
const flockDoors = 8

// NewFlock makes a flock of n endpoints that ends with the test.
func NewFlock(tb testing.TB, n int, mix Mix) *Flock {
	tb.Helper()
	ca, err := newAuthority()
	if err != nil {
		tb.Fatalf("make flock: %v", err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	f := &Flock{n: n, ctx: ctx, roots: x509.NewCertPool(), step: coprime(n), bodies: newFlockBodies()}
	f.roots.AddCert(ca.root)
	f.root = ca.root.Raw
	f.old = NewServer(Config{Era: SSE2024, Tools: HeavyTools(20, 400)})
	f.share(mix)
	spec := certificate{names: []string{"*.example"}, notBefore: -day, notAfter: 90 * day}
	if f.good, err = ca.leaf("flock", spec); err == nil {
		spec.notBefore, spec.notAfter = -90*day, -day
		f.expired, err = ca.leaf("flock", spec)
	}
	if err != nil {
		tb.Fatalf("make flock: %v", err)
	}
	server := f.httpServer()
	for range flockDoors {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatalf("make flock: %v", err)
		}
		f.doors = append(f.doors, ln.Addr().(*net.TCPAddr).AddrPort())
		f.gate.run(func() { _ = server.ServeTLS(ln, "", "") }) // always http.ErrServerClosed
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("make flock: %v", err)
	}
	f.closed = ln.Addr().(*net.TCPAddr).AddrPort()
	_ = ln.Close() // from now on this port refuses
	tb.Cleanup(func() {
		cancel()
		f.gate.close()
		_ = server.Close()
		f.gate.wait()
	})
	return f
}

func (f *Flock) httpServer() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler: f, Protocols: protocols, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return f.ctx },
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				f.connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				f.connections.Add(-1)
			}
		},
		TLSConfig: &tls.Config{
			MinVersion:             tls.VersionTLS12,
			SessionTicketsDisabled: true, // a scanner never comes back
			// Cheapest for this side: clients send a share of it unasked.
			CurvePreferences: []tls.CurveID{tls.X25519},
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if i, ok := f.index(hello.ServerName); ok && f.Kind(i) == KindExpired {
					return &f.expired, nil
				}
				return &f.good, nil
			},
		},
	}
}

// share turns shares into counts that add up to n.
func (f *Flock) share(mix Mix) {
	total, sum := 0.0, 0.0
	for _, v := range mix {
		total += v
	}
	for k, v := range mix {
		sum += v
		f.bounds[k] = int(sum/total*float64(f.n) + 0.5)
	}
	f.bounds[kinds-1] = f.n
}

// coprime gives a step that visits every endpoint once and mixes the kinds.
func coprime(n int) int {
	gcd := func(a, b int) int {
		for b != 0 {
			a, b = b, a%b
		}
		return a
	}
	step := max(1, n*618/1000)
	for gcd(step, n) != 1 && n > 1 {
		step++
	}
	return step
}

// Len is the number of endpoints.
func (f *Flock) Len() int { return f.n }

// Kind is what endpoint i is. The kinds are spread evenly over the indices.
func (f *Flock) Kind(i int) Kind {
	at := int(int64(i) * int64(f.step) % int64(f.n))
	for k, b := range f.bounds {
		if at < b {
			return Kind(k)
		}
	}
	return kinds - 1
}

// URL is where endpoint i is.
func (f *Flock) URL(i int) string {
	path := "/mcp"
	if f.Kind(i) == KindSSE {
		path = "/sse"
	}
	return "https://" + f.host(i) + path
}

// URLs are all of them.
func (f *Flock) URLs() []string {
	out := make([]string, f.n)
	for i := range out {
		out[i] = f.URL(i)
	}
	return out
}

func (f *Flock) host(i int) string { return fmt.Sprintf("s%07d.example", i) }

func (f *Flock) index(host string) (int, bool) {
	digits, ok := strings.CutSuffix(host, ".example")
	if !ok || len(digits) != 8 || digits[0] != 's' {
		return 0, false
	}
	i, err := strconv.Atoi(digits[1:])
	return i, err == nil && i >= 0 && i < f.n
}

// RootCAs is what a client of the flock trusts.
func (f *Flock) RootCAs() *x509.CertPool { return f.roots }

const flockLogin = "login.example"

// Resolve gives every endpoint an address of its own.
func (f *Flock) Resolve(_ context.Context, host string) ([]netip.Addr, error) {
	if host == flockLogin {
		return []netip.Addr{netip.AddrFrom4([4]byte{11, 255, 255, 1})}, nil
	}
	i, ok := f.index(host)
	if !ok || f.Kind(i) == KindNoName {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})}, nil
}

// Dial leads the addresses that Resolve gives out to the listeners.
func (f *Flock) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().Is4() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
	}
	b := at.Addr().As4()
	i := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	to := f.doors[i%flockDoors]
	if i < f.n {
		switch f.Kind(i) {
		case KindTimeout:
			<-ctx.Done()
			return nil, dialError(net.TCPAddrFromAddrPort(at), contextError(ctx))
		case KindRefused:
			to = f.closed
		}
	}
	return new(net.Dialer).DialContext(ctx, network, to.String())
}

// FlockStats is what was done to a Flock so far.
type FlockStats struct {
	Requests int64
	// SessionsOpened and SessionsDeleted count sessions, those of HTTP+SSE
	// included; what was not deleted has leaked.
	SessionsOpened, SessionsDeleted int64
	// Connections are open now.
	Connections int64
}

// SessionsOpen are those that nobody ended.
func (s FlockStats) SessionsOpen() int64 { return s.SessionsOpened - s.SessionsDeleted }

// Stats gives the counts so far.
func (f *Flock) Stats() FlockStats {
	old := f.old.Stats()
	return FlockStats{
		Requests:        f.requests.Load(),
		SessionsOpened:  f.opened.Load() + int64(old.SessionsOpened),
		SessionsDeleted: f.deleted.Load() + int64(old.SessionsDeleted),
		Connections:     f.connections.Load(),
	}
}

// ServeHTTP implements http.Handler.
func (f *Flock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.gate.enter() {
		return
	}
	defer f.gate.leave()
	f.requests.Add(1)
	if r.Host == flockLogin {
		f.login(w, r)
		return
	}
	i, ok := f.index(r.Host)
	if !ok {
		http.Error(w, "no such endpoint", http.StatusMisdirectedRequest)
		return
	}
	switch f.Kind(i) {
	case KindSSE:
		f.old.ServeHTTP(w, r)
	case KindGated:
		f.gated(w, r)
	case KindHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Welcome</title></head><body></body></html>")
	case KindNotFound:
		http.NotFound(w, r)
	case KindMethod:
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	case KindError:
		http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
	default:
		f.mcp(w, r, f.Kind(i))
	}
}
