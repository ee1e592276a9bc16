package client

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/netip"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Fault says why an answer that did arrive is no answer of MCP.
type Fault string

// The faults. NoFault also covers an HTTP error without a body: the status
// says it all.
const (
	NoFault          Fault = ""
	FaultEmpty       Fault = "empty"        // 200 without a body
	FaultHTML        Fault = "html"         // a web page
	FaultNotJSONRPC  Fault = "not_jsonrpc"  // anything else that does not parse
	FaultContentType Fault = "content_type" // JSON-RPC, but declared as something else
	FaultTooLarge    Fault = "too_large"    // beyond Options.MaxMessage
	FaultIDMismatch  Fault = "id_mismatch"  // an answer to another question
	FaultStalled     Fault = "stalled"      // head or stream began, then silence until the deadline
	FaultTruncated   Fault = "truncated"    // the stream ended before the answer
)

// Exchange is one question and whatever came back, as it was on the wire.
type Exchange struct {
	// Method is the JSON-RPC method, or "" for a bare GET or DELETE.
	Method     string
	HTTPMethod string // "" on stdio
	URL        string
	// Request is the message sent. RequestHeader lacks the endpoint's own
	// headers, which hold the credential.
	Request       []byte
	RequestHeader http.Header
	ID            mcp.ID

	Status  int // HTTP; 0 on stdio and when no head came
	Header  http.Header
	Timing  egress.Timing
	Remote  netip.AddrPort
	TLS     *tls.ConnectionState
	Framing Framing
	// Redirect is set for a 3xx; it was not followed.
	Redirect *egress.Redirect

	// Response is the matching answer; nil if none came.
	Response *mcp.Message
	// Notes are the messages that came before it: notifications and, in the
	// legacy era, requests of the server.
	Notes []*mcp.Message
	// Body is what came, whole when it parsed, else its first 64 KiB.
	Body []byte
	// Received counts the bytes of the body that were read.
	Received int64
	// KeepAlives counts the comment lines of an event stream.
	KeepAlives int
	Fault      Fault
	// Err is set when there was no answer: an *egress.Error, a context error,
	// or what became of a stdio child.
	Err error
}

// Framing is how an answer was wrapped.
type Framing string

// The framings.
const (
	FramingNone   Framing = ""
	FramingJSON   Framing = "json"
	FramingStream Framing = "event-stream"
	FramingLine   Framing = "line" // stdio
)

// keepBody is how much of an unusable body is kept to be judged and shown.
const keepBody = 64 << 10

// OK tells whether the exchange brought a result.
func (x *Exchange) OK() bool {
	return x.Err == nil && x.Response != nil && x.Response.Kind == mcp.Response
}

// RPCError gives the JSON-RPC error of the answer, nil if it is none.
func (x *Exchange) RPCError() *mcp.Error {
	if x.Response == nil {
		return nil
	}
	return x.Response.Error
}

// Accepted tells whether a notification was taken: any 2xx will do, 202 is
// right; on stdio there is no answer.
func (x *Exchange) Accepted() bool {
	return x.Err == nil && (x.Status == 0 || x.Status/100 == 2)
}

// AuthChallenge gives the WWW-Authenticate lines.
func (x *Exchange) AuthChallenge() []string { return x.Header.Values("Www-Authenticate") }

// parse reads one message that should answer id, and sets Response or Fault.
// An error without id is taken as an answer: the server could not read ours.
func (x *Exchange) parse(data []byte, limits mcp.Limits) {
	msg, err := mcp.Parse(data, limits)
	switch {
	case err != nil && looksLikeHTML(data):
		x.Fault = FaultHTML
	case err != nil:
		x.Fault = FaultNotJSONRPC
	case x.take(msg):
	case msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse:
		x.Fault = FaultIDMismatch
	default:
		x.Fault = FaultNotJSONRPC
	}
}

// take files a message; true when it is the answer.
func (x *Exchange) take(msg *mcp.Message) bool {
	switch {
	case msg.Kind == mcp.Response && sameID(msg.ID, x.ID),
		msg.Kind == mcp.ErrorResponse && (msg.ID == "" || sameID(msg.ID, x.ID)):
		x.Response = msg
		x.Fault = NoFault
		return true
	case msg.Kind == mcp.Request || msg.Kind == mcp.Notification:
		if len(x.Notes) < maxNotes {
			x.Notes = append(x.Notes, msg)
		}
	}
	return false
}

// maxNotes bounds the messages kept of one exchange.
const maxNotes = 256

// sameID compares ids byte for byte. Our own are small integers, so there is
// only one way to spell them.
func sameID(a, b mcp.ID) bool { return a == b }

// looksLikeHTML sniffs the beginning of a body.
func looksLikeHTML(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	b = bytes.ToLower(b[:min(len(b), 256)])
	for _, mark := range []string{"<!doctype html", "<html", "<head", "<body", "<script", "<title", "<!--", "<?xml", "<h1", "<p>", "<pre>"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return true
		}
	}
	return false
}
