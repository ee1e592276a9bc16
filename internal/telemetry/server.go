package telemetry

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Server counts the calls of one server. Its methods may be called
// concurrently, and on nil.
type Server struct {
	calls    *prometheus.CounterVec
	duration prometheus.ObserverVec
	inFlight prometheus.Gauge
	streams  *prometheus.GaugeVec
	failures *prometheus.CounterVec
}

// Server returns the counters of a server of the configuration; nil from nil.
func (m *Metrics) Server(name string) *Server {
	if m == nil {
		return nil
	}
	of := prometheus.Labels{"server": name}
	s := &Server{
		calls: m.calls.MustCurryWith(of), duration: m.duration.MustCurryWith(of),
		inFlight: m.inFlight.With(of), streams: m.streams.MustCurryWith(of), failures: m.failures.MustCurryWith(of),
	}
	for _, k := range []Stream{StreamListen, StreamAnswer} {
		s.streams.WithLabelValues(string(k))
	}
	return s
}

// Outcome is what became of a call.
type Outcome string

// The outcomes.
const (
	// Answered: the server's answer went back, whatever it says.
	Answered Outcome = "answered"
	// Failed: the server answered with an error, where we could see it: an HTTP
	// status of 400 and more, or a JSON-RPC error in a message that we read.
	Failed Outcome = "error"
	// Refused: we answered ourselves and never asked the server.
	Refused Outcome = "refused"
	// NotRun: the server could not be asked; the call did not run.
	NotRun Outcome = "not_run"
	// Ambiguous: the server was asked and did not answer; the call may have run.
	Ambiguous Outcome = "ambiguous"
	// Broken: the answer broke off.
	Broken Outcome = "broken"
	// Canceled: the client left before the answer.
	Canceled Outcome = "canceled"
)

// Call is one call of a client. It belongs to one goroutine. Its methods may be
// called on nil.
type Call struct {
	server  *Server
	era     mcp.Era
	method  string
	began   time.Time
	outcome Outcome
}

// Begin counts a call in. End must be called once. A method that we do not know
// is counted as "other".
func (s *Server) Begin(era mcp.Era, method string) *Call {
	if s == nil {
		return nil
	}
	s.inFlight.Inc()
	return &Call{server: s, era: era, method: class(method), began: time.Now(), outcome: Answered}
}

// Note says what became of the call; the last word counts. Without one it is
// Answered.
func (c *Call) Note(o Outcome) {
	if c != nil {
		c.outcome = o
	}
}

// End counts the call out. A second End does nothing.
func (c *Call) End() {
	if c == nil || c.server == nil {
		return
	}
	s := c.server
	c.server = nil
	s.inFlight.Dec()
	s.calls.WithLabelValues(c.era.String(), c.method, string(c.outcome)).Inc()
	s.duration.WithLabelValues(c.method).Observe(time.Since(c.began).Seconds())
}

// class maps a method, which a client chose, to a label.
func class(method string) string {
	switch method {
	case mcp.MethodInitialize, mcp.MethodPing, mcp.MethodDiscover, mcp.MethodToolsList, mcp.MethodToolsCall,
		mcp.MethodPromptsList, mcp.MethodPromptsGet, mcp.MethodResources, mcp.MethodTemplates, mcp.MethodResourceRead,
		mcp.MethodComplete, mcp.MethodListen, mcp.MethodSetLevel, mcp.MethodSubscribe, mcp.MethodUnsubscribe,
		mcp.MethodTasksGet, mcp.MethodTasksUpdate, mcp.MethodTasksCancel:
		return method
	}
	if strings.HasPrefix(method, "notifications/") {
		return "notification"
	}
	return "other"
}

// Stream is what an event stream is for.
type Stream string

// The kinds of streams.
const (
	StreamListen Stream = "listen" // a legacy GET stream, or a subscription
	StreamAnswer Stream = "answer" // the answer of one call
)

// Stream counts an open event stream in, and out when the returned function is
// called, which must happen once.
func (s *Server) Stream(kind Stream) (closed func()) {
	if s == nil {
		return func() {}
	}
	g := s.streams.WithLabelValues(string(kind))
	g.Inc()
	return g.Dec
}

// UpstreamFailed counts a request to the server that failed in a phase, which is
// one of queue, dns, connect, tls, send, head and body. Any other word is
// counted as "other": a pipe that broke, a process that did not start.
func (s *Server) UpstreamFailed(phase string) {
	if s == nil {
		return
	}
	switch phase {
	case "queue", "dns", "connect", "tls", "send", "head", "body":
	default:
		phase = "other"
	}
	s.failures.WithLabelValues(phase).Inc()
}
