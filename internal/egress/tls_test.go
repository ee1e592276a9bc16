package egress

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// authority signs test certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	der := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-24 * 365 * time.Hour), NotAfter: time.Now().Add(24 * 365 * time.Hour),
	})
	a.key = der.PrivateKey.(*ecdsa.PrivateKey)
	a.cert = der.Leaf
	a.pool.AddCert(a.cert)
	return a
}

// sign makes a certificate, self-signed while the authority has none itself.
func (a *authority) sign(t testing.TB, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// leaf is a server certificate for mcp.example and others.example, valid now.
func leaf() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "leaf"}, DNSNames: []string{"mcp.example", "other.example"},
		NotBefore: time.Now().Add(-time.Hour).Truncate(time.Second), NotAfter: time.Now().Add(time.Hour).Truncate(time.Second),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func serveTLS(t testing.TB, cert tls.Certificate, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes are the point
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// to makes a client for which every name is on the server at addr.
func to(t testing.TB, addr string, o Options) *Client {
	t.Helper()
	o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddrPort(addr).Addr()}, nil
	}
	o.Guard = Guard{Loopback()}
	c := New(o)
	t.Cleanup(c.CloseIdle)
	return c
}

func portOfAddr(addr string) string { _, p, _ := net.SplitHostPort(addr); return p }

func TestCertificates(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	past, future := time.Now().Add(-48*time.Hour).Truncate(time.Second), time.Now().Add(48*time.Hour).Truncate(time.Second)
	tests := []struct {
		name   string
		by     *authority
		change func(*x509.Certificate)
		host   string
		kind   Kind
		expiry time.Time // zero: that of the leaf
	}{
		{"good", ca, func(*x509.Certificate) {}, "mcp.example", Unknown, time.Time{}},
		{"good with a final dot", ca, func(*x509.Certificate) {}, "mcp.example.", Unknown, time.Time{}},
		{"expired", ca, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = past.Add(-time.Hour), past }, "mcp.example", CertExpired, past},
		{"not yet valid", ca, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = future, future.Add(time.Hour) }, "mcp.example", CertNotYetValid, future.Add(time.Hour)},
		{"wrong name", ca, func(*x509.Certificate) {}, "wrong.example", CertName, time.Time{}},
		{"no name", ca, func(c *x509.Certificate) { c.DNSNames = nil }, "mcp.example", CertName, time.Time{}},
		{"address not in it", ca, func(*x509.Certificate) {}, "127.0.0.1", CertName, time.Time{}},
		{"unknown root", stranger, func(*x509.Certificate) {}, "mcp.example", CertUnknownCA, time.Time{}},
		{"self-signed", &authority{}, func(*x509.Certificate) {}, "mcp.example", CertUnknownCA, time.Time{}},
		{"client certificate", ca, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "mcp.example", CertInvalid, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			template := leaf()
			tt.change(template)
			cert := tt.by.sign(t, template)
			var calls atomic.Int64
			s := serveTLS(t, cert, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
			addr := s.Listener.Addr().String()
			client := to(t, addr, Options{RootCAs: ca.pool})
			res, err := client.Do(newGet(t, "https://"+tt.host+":"+portOfAddr(addr)+"/"))
			if tt.kind == Unknown {
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.TLS == nil || !res.TLS.PeerCertificates[0].Equal(cert.Leaf) || res.ProtoMajor != 2 || res.Timing.TLS <= 0 {
					t.Errorf("response lacks certificate, HTTP/2 or TLS time: %v %v %v", res.TLS, res.Proto, res.Timing)
				}
				return
			}
			e := failure(t, err)
			if e.Kind != tt.kind || e.Phase != PhaseTLS || e.Addr.String() != addr {
				t.Errorf("got %v, want %s in tls", e, tt.kind)
			}
			if tt.expiry.IsZero() {
				tt.expiry = cert.Leaf.NotAfter
			}
			if e.Leaf == nil || !e.Leaf.Equal(cert.Leaf) || !e.Expiry.Equal(tt.expiry) {
				t.Errorf("leaf %v, expiry %v, want %v", e.Leaf, e.Expiry, tt.expiry)
			}
			if calls.Load() != 0 {
				t.Error("the request was sent")
			}
		})
	}
}

func TestExpiredIntermediate(t *testing.T) {
	ca := newAuthority(t)
	past := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	middle := ca.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "middle"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: past.Add(-time.Hour), NotAfter: past})
	issuer := &authority{cert: middle.Leaf, key: middle.PrivateKey.(*ecdsa.PrivateKey)}
	cert := issuer.sign(t, leaf())
	cert.Certificate = append(cert.Certificate, middle.Certificate[0])
	addr := serveTLS(t, cert, func(http.ResponseWriter, *http.Request) {}).Listener.Addr().String()
	_, err := to(t, addr, Options{RootCAs: ca.pool}).Do(newGet(t, "https://mcp.example:"+portOfAddr(addr)+"/"))
	e := failure(t, err)
	if e.Kind != CertExpired || !e.Expiry.Equal(past) || !e.Leaf.Equal(cert.Leaf) {
		t.Errorf("got %v, expiry %v, leaf until %v", e, e.Expiry, e.Leaf.NotAfter)
	}
}

// rawServer hands each accepted connection to serve and closes it afterwards.
func rawServer(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

func TestHandshakeFaults(t *testing.T) {
	hello := make([]byte, 1024)
	tests := []struct {
		name  string
		serve func(net.Conn)
		kind  Kind
	}{
		{"garbage", func(c net.Conn) { _, _ = c.Read(hello); _, _ = io.WriteString(c, "\x00\x01garbage garbage"); drain(c) }, Handshake},
		{"plain http", func(c net.Conn) {
			_, _ = c.Read(hello)
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			drain(c)
		}, Handshake},
		{"alert", func(c net.Conn) { _, _ = c.Read(hello); _, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 40}); drain(c) }, Handshake},
		{"closes at once", func(c net.Conn) { _, _ = c.Read(hello); _ = c.(*net.TCPConn).CloseWrite(); drain(c) }, EOF},
		{"resets", func(c net.Conn) { _, _ = c.Read(hello[:1]); _ = c.(*net.TCPConn).SetLinger(0) }, Reset},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := rawServer(t, tt.serve)
			e := failure(t, get(t, to(t, addr, Options{}), &url.URL{Scheme: "https", Host: addr}))
			if e.Kind != tt.kind || e.Phase != PhaseTLS || e.Leaf != nil {
				t.Errorf("got %v, want %s in tls", e, tt.kind)
			}
		})
	}
}

// drain reads until the peer closes, so that our close is no reset.
func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestTLSOldVersion(t *testing.T) {
	ca := newAuthority(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.sign(t, leaf())}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	s.StartTLS()
	defer s.Close()
	addr := s.Listener.Addr().String()
	if e := failure(t, get(t, to(t, addr, Options{RootCAs: ca.pool}), &url.URL{Scheme: "https", Host: addr})); e.Kind != Handshake || e.Phase != PhaseTLS {
		t.Errorf("got %v, want handshake in tls", e)
	}
}

// TestClientCertificateWanted: with TLS 1.3 the refusal arrives after the
// handshake, as the answer to the request.
func TestClientCertificateWanted(t *testing.T) {
	ca := newAuthority(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.sign(t, leaf())}, ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	defer s.Close()
	addr := s.Listener.Addr().String()
	_, err := to(t, addr, Options{RootCAs: ca.pool}).Do(newGet(t, "https://mcp.example:"+portOfAddr(addr)+"/"))
	if e := failure(t, err); e.Kind != Handshake {
		t.Errorf("got %v, want handshake", e)
	}
}

func TestSilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{TLSTimeout: 4 * time.Second, Dial: func(context.Context, string, string) (net.Conn, error) {
			c, s := net.Pipe()
			go drain(s)
			return c, nil
		}})
		start := time.Now()
		e := failure(t, get(t, client, &url.URL{Scheme: "https", Host: "1.1.1.1"}))
		if e.Kind != Timeout || e.Phase != PhaseTLS || time.Since(start) != 4*time.Second {
			t.Errorf("got %v after %v", e, time.Since(start))
		}
	})
}

// TestNoCoalescing: a certificate valid for two names on one address would let
// an HTTP/2 client send the second name's calls over the first's connection,
// past the second name's address check.
func TestNoCoalescing(t *testing.T) {
	ca := newAuthority(t)
	remotes := make(chan string, 8)
	s := serveTLS(t, ca.sign(t, leaf()), func(_ http.ResponseWriter, r *http.Request) { remotes <- r.Host + " " + r.RemoteAddr })
	port := portOfAddr(s.Listener.Addr().String())
	inner := new(atomic.Bool)
	client := New(Options{Guard: Guard{Loopback()}, RootCAs: ca.pool, Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
		if inner.Load() && host == "other.example" {
			return addrs("10.0.0.1"), nil
		}
		return addrs("127.0.0.1"), nil
	}})
	defer client.CloseIdle()
	u := func(host string) *url.URL { return &url.URL{Scheme: "https", Host: host + ":" + port} }
	inner.Store(true)
	if err := get(t, client, u("mcp.example")); err != nil {
		t.Fatal(err)
	}
	first := <-remotes
	if e := failure(t, get(t, client, u("other.example"))); e.Kind != Blocked {
		t.Errorf("the other name went out: %v", e)
	}
	inner.Store(false)
	if err := get(t, client, u("other.example")); err != nil {
		t.Fatal(err)
	}
	if second := <-remotes; second[len("other.example:"):] == first[len("mcp.example:"):] {
		t.Errorf("both names share a connection: %s, %s", first, second)
	}
	if err := get(t, client, u("mcp.example")); err != nil {
		t.Fatal(err)
	}
	if third := <-remotes; third != first {
		t.Errorf("the same name does not reuse its connection: %s, %s", first, third)
	}
}
