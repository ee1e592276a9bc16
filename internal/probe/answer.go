package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// explain says why a detection found no session.
func (j *journey) explain(ctx context.Context, found client.Detection) {
	x := found.Decisive
	if found.Stripped {
		j.report("headers.stripped", "the server refuses our headers with -32020 although they repeat the body")
		j.step("answer", StepFail, "headers do not arrive as sent", latency(found))
		return
	}
	if found.Era == mcp.EraModern && found.Handshake == nil && found.Decisive.RPCError() == nil {
		j.report("version.unsupported", "the server offers "+j.clip(strings.Join(found.Versions, ", "))+", none of which clients speak today")
		j.step("answer", StepFail, "no common version", latency(found))
		return
	}
	if h := found.Handshake; h != nil && h.Version != "" {
		j.report("version.unsupported", fmt.Sprintf("initialize is answered with version %q, which does not exist", j.clip(h.Version)))
		j.step("answer", StepFail, "no common version", latency(found))
		return
	}
	before := len(j.res.Findings)
	j.judge(ctx, x)
	if len(j.res.Findings) == before {
		j.report("body.not_jsonrpc", "the answer is not one of MCP: "+j.answerOf(x))
	}
	detail := j.res.Findings[before].Seen
	if e, ok := errors.AsType[*egress.Error](x.Err); ok {
		detail = j.cause(e) // where it was is known from the line above
	}
	state := StepFail
	if j.res.Auth == AuthGated { // a wall that can be climbed is no failure
		state = StepWarn
	}
	j.step(failedStep(x), state, detail, x.Timing.Total)
}

// failedStep names the rung on which an exchange broke.
func failedStep(x *client.Exchange) string {
	if e, ok := errors.AsType[*egress.Error](x.Err); ok {
		switch e.Phase {
		case egress.PhaseDNS, egress.PhaseQueue:
			return "resolve"
		case egress.PhaseConnect:
			return "connect"
		case egress.PhaseTLS:
			return "tls"
		}
	}
	if x.Status == http.StatusUnauthorized || x.Status == http.StatusForbidden {
		return "auth"
	}
	return "answer"
}

// judge turns one failed exchange into findings.
func (j *journey) judge(ctx context.Context, x *client.Exchange) {
	j.decisive = x
	switch {
	case x.Err != nil && (x.Status == 0 || x.Fault == client.NoFault):
		j.judgeError(x)
	case x.HTTPMethod == "" && x.Fault != client.NoFault:
		j.judgeFault(x)
	case x.Redirect != nil:
		j.judgeRedirect(x)
	case x.Status == http.StatusUnauthorized, x.Status == http.StatusForbidden, x.Status == http.StatusProxyAuthRequired:
		j.judgeWall(ctx, x)
	case x.Status >= 400 && !j.judgeStatus(x) && x.RPCError() != nil, x.RPCError() != nil && x.Status/100 == 2, x.Status == 0 && x.RPCError() != nil:
		j.judgeRPC(x)
	case x.Status/100 == 2, x.HTTPMethod == "":
		j.judgeFault(x)
	}
}

// judgeError names a failure before any answer.
func (j *journey) judgeError(x *client.Exchange) {
	if name := processFault(x.Err); name != "" {
		j.report(name, x.Err.Error())
		return
	}
	e, ok := errors.AsType[*egress.Error](x.Err)
	switch {
	case ok:
		j.report(networkFault(e), j.networkText(e))
	case errors.Is(x.Err, context.DeadlineExceeded), x.Fault == client.FaultStalled:
		j.report("http.timeout", fmt.Sprintf("no answer to %s within %s", x.Method, j.prober.opts.Patience))
	case x.HTTPMethod == http.MethodGet:
		j.report("sse.stalled", x.Err.Error())
	default:
		j.report("http.timeout", x.Err.Error())
	}
}

func processFault(err error) string {
	if _, ok := errors.AsType[*client.StartError](err); ok {
		return "stdio.start"
	}
	if _, ok := errors.AsType[*client.ExitError](err); ok {
		return "stdio.exited"
	}
	return ""
}

// errorText says what went wrong, shorter than the error itself where we know
// how.
func (j *journey) errorText(err error) string {
	if e, ok := errors.AsType[*egress.Error](err); ok {
		return j.networkText(e)
	}
	return err.Error()
}

// networkText tells a failure of the network in one clause: where, then what.
func (j *journey) networkText(e *egress.Error) string {
	host := e.Host
	if e.Addr.IsValid() && e.Addr.Addr().String() == strings.Trim(e.Host, "[]") {
		host = e.Addr.String()
	} else if e.Addr.IsValid() {
		host += " (" + e.Addr.String() + ")"
	}
	doing := "request to "
	switch e.Phase {
	case egress.PhaseDNS:
		doing = "look-up of "
	case egress.PhaseConnect:
		doing = "connection to "
	case egress.PhaseTLS:
		doing = "TLS handshake with "
	case egress.PhaseHead, egress.PhaseBody:
		doing = "answer of "
	}
	return doing + host + ": " + j.cause(e)
}

// cause names what went wrong, in the words of the error only where ours say
// less.
func (j *journey) cause(e *egress.Error) string {
	switch e.Kind {
	case egress.NXDomain:
		return "there is no such name"
	case egress.ServFail:
		return "the name servers fail"
	case egress.Refused:
		return "refused"
	case egress.Reset:
		return "the connection was reset"
	case egress.EOF:
		return "the connection was closed"
	case egress.Canceled:
		return "stopped by us"
	case egress.CertExpired:
		return "the certificate expired on " + e.Expiry.UTC().Format(time.DateOnly)
	case egress.Timeout:
		if e.Phase >= egress.PhaseSend {
			return "none within " + j.prober.opts.Patience.String()
		}
		return "no answer in time"
	}
	return j.clip(e.Err.Error())
}

// networkFault gives the code for what the dialer and transport classified.
func networkFault(e *egress.Error) string {
	switch e.Kind {
	case egress.NXDomain:
		return "dns.nxdomain"
	case egress.ServFail:
		return "dns.servfail"
	case egress.Timeout:
		switch e.Phase {
		case egress.PhaseDNS:
			return "dns.timeout"
		case egress.PhaseConnect:
			return "tcp.timeout"
		default:
			return "http.timeout"
		}
	case egress.Refused:
		return "tcp.refused"
	case egress.Reset, egress.EOF:
		if e.Phase == egress.PhaseTLS && e.Kind == egress.EOF {
			return "tls.handshake"
		}
		return "tcp.reset"
	case egress.Unreachable, egress.Local:
		return "tcp.unreachable"
	case egress.Blocked:
		return "ssrf.blocked"
	case egress.Canceled:
		return "probe.canceled"
	default:
		return contentFault(e)
	}
}

func contentFault(e *egress.Error) string {
	switch e.Kind {
	case egress.CertExpired:
		return "tls.expired"
	case egress.CertNotYetValid:
		return "tls.not_yet_valid"
	case egress.CertName:
		return "tls.name"
	case egress.CertUnknownCA, egress.CertInvalid:
		return "tls.unknown_ca"
	case egress.Handshake:
		return "tls.handshake"
	case egress.TooLarge:
		return "body.too_large"
	case egress.Encoded:
		return "body.encoded"
	case egress.BadRequest:
		return "url.invalid"
	default:
		return "body.not_jsonrpc"
	}
}

func (j *journey) judgeRedirect(x *client.Exchange) {
	r := x.Redirect
	to := "nowhere"
	if r.Location != nil {
		to = r.Location.Scheme + "://" + r.Location.Host + r.Location.Path
	}
	seen := fmt.Sprintf("POST is redirected by %d to %s", x.Status, to)
	switch {
	case r.Location != nil && r.OtherHost:
		j.report("http.redirect_host", seen)
	case r.Downgrade, r.NotHTTP:
		j.report("http.redirect_scheme", seen)
	case r.MethodChange || r.Location == nil:
		j.report("http.redirect_method", seen)
	default:
		j.report("http.redirect_host", seen) // another port, or a second hop
	}
}

// judgeStatus names an HTTP error status; false when the JSON-RPC body says more.
func (j *journey) judgeStatus(x *client.Exchange) bool {
	seen := j.answerOf(x)
	switch s := x.Status; {
	case s == http.StatusBadRequest && x.RPCError() == nil && client.ObjectsToVersion(x):
		j.report("version.unsupported", seen+`, whose text is about the version`)
	case s == http.StatusTooManyRequests:
		j.res.RetryAfter = retryAfter(x.Header, time.Now())
		j.report("http.429", seen+retryText(j.res.RetryAfter))
	case s == http.StatusPaymentRequired:
		j.res.Auth = AuthGated
		j.report("http.402", seen)
	case x.RPCError() != nil && (s < 500 || x.Response.ID == x.ID):
		return false // whatever the status, a server of MCP has answered
	case s >= 500:
		j.res.RetryAfter = retryAfter(x.Header, time.Now())
		j.report("http.5xx", seen+retryText(j.res.RetryAfter))
	case s == http.StatusNotFound:
		j.report("http.404", seen)
	case s == http.StatusGone:
		j.report("http.410", seen)
	case s == http.StatusMethodNotAllowed:
		j.report("http.405", seen)
	case s == http.StatusNotAcceptable:
		j.report("http.406", seen)
	case s == http.StatusUnsupportedMediaType:
		j.report("http.415", seen)
	default:
		j.report("http.status", seen)
	}
	return true
}

func retryText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", asks to come back in " + d.String()
}

// judgeRPC names a JSON-RPC error that met the handshake.
func (j *journey) judgeRPC(x *client.Exchange) {
	e := x.RPCError()
	seen := fmt.Sprintf("%s is answered with error %d: %s", x.Method, e.Code, j.clip(e.Message))
	switch {
	case x.Fault == client.FaultContentType:
		j.judgeFault(x)
	case e.Code == mcp.CodeUnsupportedVersion, strings.Contains(strings.ToLower(e.Message), "version"):
		j.report("version.unsupported", seen)
	case x.Method == mcp.MethodInitialize, x.Method == mcp.MethodDiscover:
		j.report("init.error", seen)
	default:
		j.report("list.error", seen)
	}
}

// judgeFault names an answer that arrived but is none of MCP.
func (j *journey) judgeFault(x *client.Exchange) {
	seen := j.answerOf(x)
	switch x.Fault {
	case client.FaultHTML:
		j.report("body.html", "the answer is a web page: "+seen)
	case client.FaultTooLarge:
		j.report("body.too_large", "the answer is larger than a client takes: "+seen)
	case client.FaultIDMismatch:
		j.report("body.id_mismatch", fmt.Sprintf("the answer to request %s carries another id", x.ID))
	case client.FaultContentType:
		j.report("body.content_type", fmt.Sprintf("the answer is JSON-RPC but declared as %q", j.clip(x.Header.Get("Content-Type"))))
	case client.FaultStalled:
		if x.Framing == client.FramingStream {
			j.report("sse.stalled", fmt.Sprintf("the event stream of %s began but brought no answer within %s", x.Method, j.prober.opts.Patience))
		} else {
			j.report("http.timeout", "the head of the answer came, its body did not: "+seen)
		}
	case client.FaultTruncated:
		if x.Framing == client.FramingStream {
			j.report("sse.truncated", fmt.Sprintf("the event stream of %s ended before the answer", x.Method))
		} else {
			j.report("tcp.reset", "the answer broke off: "+seen)
		}
	default:
		j.report("body.not_jsonrpc", "the answer is not one of MCP: "+seen)
	}
}

// answerOf describes an answer in a few words, without its content.
func (j *journey) answerOf(x *client.Exchange) string {
	if x == nil {
		return "nothing"
	}
	if x.Err != nil && x.Status == 0 {
		return j.errorText(x.Err)
	}
	parts := []string{}
	if x.Status != 0 {
		parts = append(parts, fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status)))
	}
	if t := x.Header.Get("Content-Type"); t != "" {
		parts = append(parts, clipTo(j.clip(t), 80))
	}
	if e := x.RPCError(); e != nil {
		parts = append(parts, fmt.Sprintf("JSON-RPC error %d", e.Code))
	} else if x.Received > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes", x.Received))
	}
	return strings.Join(parts, ", ")
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), bounded to a day.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	const most = 24 * time.Hour
	if seconds, err := strconv.ParseFloat(v, 64); err == nil { // whole ones by the book
		if seconds >= most.Seconds() {
			return most
		}
		return max(0, time.Duration(seconds*float64(time.Second)))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), most)
}
