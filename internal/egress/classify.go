package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// newError classifies err, met in phase p of a call made with ctx.
func newError(ctx context.Context, p Phase, host string, at netip.AddrPort, err error) *Error {
	e := &Error{Phase: p, Host: host, Addr: at, Err: err}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind = Canceled
	case ctx.Err() != nil:
		e.Kind = Timeout
	case p == PhaseDNS:
		e.Kind = dnsKind(err)
	case p == PhaseTLS:
		e.Kind = tlsKind(err)
	default:
		e.Kind = wireKind(err)
	}
	e.Leaf, e.Expiry = certificate(err)
	return e
}

func dnsKind(err error) Kind {
	if _, ok := errors.AsType[*BlockedError](err); ok {
		return Blocked
	}
	if errors.Is(err, errBadHost) {
		return BadRequest
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return NXDomain
	}
	if isTimeout(err) {
		return Timeout
	}
	return ServFail
}

func tlsKind(err error) Kind {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch {
		case invalid.Reason != x509.Expired:
			return CertInvalid
		case invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
			return CertNotYetValid
		default:
			return CertExpired
		}
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return CertName
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return CertUnknownCA
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return Local
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return CertInvalid
	}
	if k := wireKind(err); k != Unknown {
		return k
	}
	return Handshake
}

// wireKind classifies what a connection can report in any phase.
func wireKind(err error) Kind {
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case isTimeout(err):
		return Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return Reset
	case isUnreachable(err):
		return Unreachable
	case isLocal(err):
		return Local
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return EOF
	}
	// crypto/tls reports alerts, for example "certificate required" in answer
	// to the first byte after a TLS 1.3 handshake, under these operations.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return Handshake
	}
	return Unknown
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

func isUnreachable(err error) bool {
	for _, no := range [...]syscall.Errno{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.EAFNOSUPPORT} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// isLocal is true for faults of this machine, which must not count against a target.
func isLocal(err error) bool {
	for _, no := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// streamError has the shape by which net/http lets callers see an HTTP/2
// stream error without importing its HTTP/2 code (errors.As converts by
// field names).
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

const codeProtocolError = 1 // RFC 9113 section 7

func (e streamError) Error() string { return "http2 stream error" }

// httpKind classifies what net/http returned after the connection stood.
// broken is what the connection itself met last.
func httpKind(err error, broken Kind) Kind {
	if k := wireKind(err); k != Unknown {
		return k
	}
	if isHeadTooLarge(err) {
		return TooLarge
	}
	if e, ok := errors.AsType[streamError](err); ok {
		if e.Code == codeProtocolError {
			return BadHTTP // by our judgement or the peer's
		}
		return Reset
	}
	if broken != Unknown {
		return broken
	}
	return BadHTTP
}

// isHeadTooLarge matches text because net/http gives the over-long head of
// HTTP/1 and of HTTP/2 no type; TestHeadTooLarge fails when the text changes.
func isHeadTooLarge(err error) bool {
	text := err.Error()
	return strings.Contains(text, "server response headers exceeded") ||
		strings.Contains(text, "response header list larger than advertised limit")
}

// certificate returns the leaf a failed verification was about and the expiry
// of the certificate at fault.
func certificate(err error) (*x509.Certificate, time.Time) {
	verification, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(verification.UnverifiedCertificates) == 0 {
		return nil, time.Time{}
	}
	leaf := verification.UnverifiedCertificates[0]
	expiry := leaf.NotAfter
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Cert != nil {
		expiry = invalid.Cert.NotAfter
	}
	return leaf, expiry
}
