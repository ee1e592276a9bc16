package mcptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Host is one name of a World and what answers there.
type Host struct {
	world *World
	name  string
	cfg   HostConfig
	addr  netip.AddrPort // what Resolve and URL lead to
	// real is where the socket of a loopback world is, if addr is elsewhere.
	real netip.AddrPort

	listener net.Listener
	server   *http.Server
	lookups  atomic.Int64
	dials    atomic.Int64
	open     atomic.Int64
}

// HostConfig collects what the options of World.Host set.
type HostConfig struct {
	plain    bool
	http1    bool
	cert     certificate
	tls      *tls.Config
	addr     netip.Addr
	link     linkFault
	dns      dnsFault
	heal     int // the link fault only hits this many dials; 0: all
	dnsHeal  int
	dnsDelay time.Duration
	delay    time.Duration // before a dial succeeds
	raw      func(ctx context.Context, c net.Conn)
}

// HostOption is one way in which a host differs from a healthy HTTPS one.
type HostOption func(*HostConfig)

type linkFault uint8

const (
	linkOK linkFault = iota
	linkRefused
	linkReset
	linkSilent
	linkBlackhole
	linkUnreachable
	linkGarbage
	linkPlainOnTLS
)

type dnsFault uint8

const (
	dnsOK dnsFault = iota
	dnsNX
	dnsServFail
	dnsTimeout
	dnsNoAddress
)

// PlainHTTP serves http:// instead of https://.
func PlainHTTP(c *HostConfig) { c.plain = true }

// HTTP1 keeps TLS from negotiating HTTP/2.
func HTTP1(c *HostConfig) { c.http1 = true }

// ExpiredCert ended yesterday.
func ExpiredCert(c *HostConfig) { c.cert.notBefore, c.cert.notAfter = -90*day, -day }

// NotYetValidCert begins tomorrow.
func NotYetValidCert(c *HostConfig) { c.cert.notBefore = day }

// JustValidCert began this very second.
func JustValidCert(c *HostConfig) { c.cert.notBefore = 0 }

// WrongNameCert is for another host.
func WrongNameCert(c *HostConfig) { c.cert.names = []string{"somewhere-else.example"} }

// UnknownCACert is signed by a root that nobody trusts.
func UnknownCACert(c *HostConfig) { c.cert.issuer = byStranger }

// SelfSignedCert is signed by itself.
func SelfSignedCert(c *HostConfig) { c.cert.issuer = bySelf }

// IntermediateCert comes with the whole chain, as it should.
func IntermediateCert(c *HostConfig) { c.cert.issuer = byIntermediate }

// MissingIntermediateCert comes without its issuer.
func MissingIntermediateCert(c *HostConfig) { c.cert.issuer = byMissing }

// GarbageTLS answers the TLS handshake with the greeting of an SSH server.
func GarbageTLS(c *HostConfig) { c.link = linkGarbage }

// PlainOnTLS speaks plain HTTP where https:// leads.
func PlainOnTLS(c *HostConfig) { c.link = linkPlainOnTLS }

// Refused has nothing listening.
func Refused(c *HostConfig) { c.link = linkRefused }

// Reset accepts and drops the connection at the first byte.
func Reset(c *HostConfig) { c.link = linkReset }

// Silent accepts and never says a byte.
func Silent(c *HostConfig) { c.link = linkSilent }

// Blackhole never completes a connection.
func Blackhole(c *HostConfig) { c.link = linkBlackhole }

// Unreachable has no route to it.
func Unreachable(c *HostConfig) { c.link = linkUnreachable }

// NXDomain is a name that does not exist (any more).
func NXDomain(c *HostConfig) { c.dns = dnsNX }

// ServFail is a name whose zone is broken.
func ServFail(c *HostConfig) { c.dns = dnsServFail }

// DNSTimeout is a name whose servers do not answer.
func DNSTimeout(c *HostConfig) { c.dns = dnsTimeout }

// NoAddress is a name that exists and has no address record.
func NoAddress(c *HostConfig) { c.dns = dnsNoAddress }

// ExpiringCert ends in d from now.
func ExpiringCert(d time.Duration) HostOption {
	return func(c *HostConfig) { c.cert.notAfter = d }
}

// CertNames are the names in the certificate instead of the host's own.
func CertNames(names ...string) HostOption {
	return func(c *HostConfig) { c.cert.names = names }
}

// TLSVersions bounds the versions of TLS that the host speaks.
func TLSVersions(low, high uint16) HostOption {
	return func(c *HostConfig) { c.tls = &tls.Config{MinVersion: low, MaxVersion: high} }
}

// At is the address that the name resolves to, whatever it is.
func At(addr string) HostOption {
	return func(c *HostConfig) { c.addr = netip.MustParseAddr(addr) }
}

// DNSDelay is how long a look-up takes.
func DNSDelay(d time.Duration) HostOption { return func(c *HostConfig) { c.dnsDelay = d } }

// DialDelay is how long a connection takes to come about.
func DialDelay(d time.Duration) HostOption { return func(c *HostConfig) { c.delay = d } }

// HealsAfter lets the fault of the connection hit only the first n of them.
func HealsAfter(n int) HostOption { return func(c *HostConfig) { c.heal = n } }

// DNSHealsAfter lets the fault of the name hit only the first n look-ups.
func DNSHealsAfter(n int) HostOption { return func(c *HostConfig) { c.dnsHeal = n } }

// Raw hands every connection (after TLS, unless PlainHTTP) to f instead of an
// HTTP server. f must return soon after ctx ends; the connection is closed
// then.
func Raw(f func(ctx context.Context, c net.Conn)) HostOption {
	return func(c *HostConfig) { c.raw = f }
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// URL is how a client reaches path on this host.
func (h *Host) URL(path string) string { return h.Origin() + path }

// Origin is URL without a path.
func (h *Host) Origin() string {
	scheme, port := "https", 443
	if h.cfg.plain {
		scheme, port = "http", 80
	}
	host := h.name
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if int(h.addr.Port()) != port {
		host += ":" + strconv.Itoa(int(h.addr.Port()))
	}
	return scheme + "://" + host
}

// Lookups counts how often the name was resolved.
func (h *Host) Lookups() int { return int(h.lookups.Load()) }

// Dials counts the connections asked for.
func (h *Host) Dials() int { return int(h.dials.Load()) }

// Open counts the HTTP connections that are open now.
func (h *Host) Open() int { return int(h.open.Load()) }

// linkNow gives the fault that the nth dial meets.
func (h *Host) linkNow() linkFault {
	if n := h.dials.Load(); h.cfg.heal > 0 && n > int64(h.cfg.heal) {
		return linkOK
	}
	return h.cfg.link
}

func (h *Host) dnsNow() dnsFault {
	if n := h.lookups.Load(); h.cfg.dnsHeal > 0 && n > int64(h.cfg.dnsHeal) {
		return dnsOK
	}
	return h.cfg.dns
}

// serve starts what answers at the listener.
func (h *Host) serve(handler http.Handler) error {
	ln := net.Listener(&faultyListener{Listener: h.listener, host: h})
	if !h.cfg.plain && h.cfg.link != linkPlainOnTLS {
		conf, err := h.tlsConfig()
		if err != nil {
			return err
		}
		ln = tls.NewListener(ln, conf)
	}
	if h.cfg.raw != nil {
		h.world.gate.run(func() { h.serveRaw(ln) })
		return nil
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(!h.cfg.http1 && !h.cfg.plain)
	h.server = &http.Server{
		Handler:   h.world.counted(handler),
		Protocols: protocols,
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, int(h.world.conns.Add(1)))
		},
		ConnState:   h.count,
		BaseContext: func(net.Listener) context.Context { return h.world.ctx },
	}
	h.world.gate.run(func() { _ = h.server.Serve(ln) }) // always http.ErrServerClosed
	return nil
}

type connKey struct{}

func (h *Host) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		h.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		h.open.Add(-1)
	}
}

func (h *Host) tlsConfig() (*tls.Config, error) {
	conf := &tls.Config{}
	if h.cfg.tls != nil {
		conf = h.cfg.tls.Clone()
	}
	cert, err := h.world.ca.leaf(h.name, h.cfg.cert)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", h.name, err)
	}
	conf.Certificates = []tls.Certificate{cert}
	conf.NextProtos = []string{"h2", "http/1.1"}
	if h.cfg.http1 || h.cfg.raw != nil {
		conf.NextProtos = []string{"http/1.1"}
	}
	return conf, nil
}

func (h *Host) serveRaw(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		h.world.gate.run(func() {
			defer context.AfterFunc(h.world.ctx, func() { _ = c.Close() })()
			defer c.Close()
			h.cfg.raw(h.world.ctx, c)
		})
	}
}

// faultyListener applies the faults that a host shows after accepting.
type faultyListener struct {
	net.Listener
	host *Host
}

// Accept returns only connections that are to be served.
func (l *faultyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		fault := l.host.linkNow()
		if fault == linkOK || fault == linkPlainOnTLS {
			return c, nil
		}
		l.host.world.gate.run(func() { l.host.spoil(c, fault) })
	}
}

func (h *Host) spoil(c net.Conn, fault linkFault) {
	defer context.AfterFunc(h.world.ctx, func() { _ = c.Close() })()
	defer c.Close()
	var one [1]byte
	switch fault {
	case linkReset:
		// Only once the client has spoken: an earlier RST meets some clients
		// in connect, others in write.
		_, _ = c.Read(one[:])
		ResetConn(c)
	case linkGarbage:
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n")
		_, _ = io.Copy(io.Discard, c)
	case linkSilent:
		_, _ = io.Copy(io.Discard, c)
	}
}

// ResetConn drops a connection with a RST, in memory or on TCP, also through TLS.
func ResetConn(c net.Conn) {
	switch c := c.(type) {
	case *tls.Conn:
		ResetConn(c.NetConn())
	case *Conn:
		_ = c.Reset()
	case *net.TCPConn:
		_ = c.SetLinger(0)
		_ = c.Close()
	default:
		_ = c.Close()
	}
}
