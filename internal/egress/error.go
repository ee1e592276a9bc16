package egress

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Phase is the part of a call in which it failed, in the order of a call.
// Before PhaseSend no byte of the request can have reached the server.
type Phase uint8

const (
	PhaseQueue   Phase = iota // waiting for a connection of the pool, or refused before that
	PhaseDNS                  // resolving the name and checking its addresses
	PhaseConnect              // opening the connection
	PhaseTLS                  // TLS handshake
	PhaseSend                 // writing the request
	PhaseHead                 // waiting for and reading the response head
	PhaseBody                 // reading the response body
)

// String returns the phase in snake_case; it is stable and may be stored.
func (p Phase) String() string {
	names := [...]string{"queue", "dns", "connect", "tls", "send", "head", "body"}
	if int(p) < len(names) {
		return names[p]
	}
	return "phase_" + strconv.Itoa(int(p))
}

// MarshalText returns String.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Kind is what went wrong.
type Kind uint8

const (
	Unknown         Kind = iota // none of the below
	BadRequest                  // the request could never be sent: no host, wrong scheme, invalid header
	NXDomain                    // the name has no address
	ServFail                    // any other fault of the resolver
	Timeout                     // the caller's deadline or one of our time-outs passed
	Canceled                    // the caller's context was cancelled
	Blocked                     // refused by our own rules; nothing was dialled
	Local                       // our own machine failed: no file descriptor, port, permission or trust store
	Refused                     // connection refused
	Reset                       // connection or HTTP/2 stream reset
	Unreachable                 // no route to the host or network
	EOF                         // connection closed before the head, or inside the body
	CertExpired                 // a certificate of the chain has expired
	CertNotYetValid             // a certificate of the chain is not valid yet
	CertName                    // the certificate is for another name
	CertUnknownCA               // the chain leads to no trusted root
	CertInvalid                 // any other reason not to trust the chain
	Handshake                   // TLS handshake failed, or the peer does not speak TLS
	BadHTTP                     // the peer does not speak HTTP correctly
	TooLarge                    // head or body over its cap
	Encoded                     // the answer is compressed although we did not ask for it
)

// String returns the kind in snake_case; it is stable and may be stored.
func (k Kind) String() string {
	names := [...]string{
		"unknown", "bad_request", "nxdomain", "servfail", "timeout", "canceled", "blocked", "local",
		"refused", "reset", "unreachable", "eof", "cert_expired", "cert_not_yet_valid", "cert_name",
		"cert_unknown_ca", "cert_invalid", "handshake", "bad_http", "too_large", "encoded",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind_" + strconv.Itoa(int(k))
}

// MarshalText returns String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Error is every failure of a call, classified once. It never contains the
// path, query or user info of the URL.
type Error struct {
	Phase  Phase
	Kind   Kind
	Host   string         // host name or literal address of the request, no port
	Addr   netip.AddrPort // the address dialled; invalid before PhaseConnect
	Reused bool           // the connection had served another call before
	Status int            // HTTP status when the head was read (Encoded, PhaseBody), else 0
	// Leaf is the certificate the server showed and Expiry the NotAfter of the
	// certificate that is at fault (for CertExpired that may be an
	// intermediate) or else of Leaf. Both are zero unless Kind is Cert….
	Leaf   *x509.Certificate
	Expiry time.Time
	Err    error // cause, never nil
}

// maxErrorText bounds what a peer can put into our logs by way of an error text.
const maxErrorText = 300

func (e *Error) Error() string {
	where := e.Host
	if e.Addr.IsValid() {
		where += " (" + e.Addr.String() + ")"
	}
	cause := strings.Map(printable, strings.ToValidUTF8(e.Err.Error(), "?"))
	if len(cause) > maxErrorText {
		cause = strings.ToValidUTF8(cause[:maxErrorText], "") + "…"
	}
	return fmt.Sprintf("%s %s: %s: %s", e.Phase, where, e.Kind, cause)
}

// printable keeps a peer's control and direction characters, which reach us in
// certificate names, out of logs and terminals.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '?'
}

func (e *Error) Unwrap() error { return e.Err }

// TooLargeError says that a peer sent more than we take. It is the cause
// inside an *[Error] of kind [TooLarge].
type TooLargeError struct {
	Limit int64  // bytes
	Part  string // "head" or "body"
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s exceeds %d bytes", e.Part, e.Limit)
}
