package telemetry

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Metrics are the figures of one process. Its methods may be called
// concurrently, and on nil.
type Metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	streams  *prometheus.GaugeVec
	failures *prometheus.CounterVec
	refusals *prometheus.CounterVec
	probes   *prometheus.CounterVec

	mu      sync.Mutex
	sources []func() State
}

// buckets of call durations, in seconds: from what a relay adds to what a slow
// tool takes.
func buckets() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
}

// New returns empty Metrics that name version as the build.
func New(version string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewPedanticRegistry(),
		calls:    counter("holdfast_calls_total", "Calls of clients that have ended, by what became of them.", "server", "era", "method", "outcome"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "holdfast_call_duration_seconds", Help: "Time from a client's message to the end of its answer.", Buckets: buckets(),
		}, []string{"server", "method"}),
		inFlight: gauge("holdfast_calls_in_flight", "Calls of clients that have not ended.", "server"),
		streams:  gauge("holdfast_streams_open", "Event streams open to clients: listen lasts until somebody ends it, answer as long as its call.", "server", "kind"),
		failures: counter("holdfast_upstream_failures_total", "Requests to a server that failed, by the part of the call in which they did. Before send nothing can have run.", "server", "phase"),
		refusals: counter("holdfast_refusals_total", "Requests that were refused before they belonged to a server.", "reason"),
		probes:   counter("holdfast_probes_total", "Health probes that have ended, by the grade they gave.", "server", "grade"),
	}
	build := gauge("holdfast_build_info", "Always 1; says which build this is.", "version", "goversion")
	build.WithLabelValues(version, runtime.Version()).Set(1)
	for _, r := range Refusals() {
		m.refusals.WithLabelValues(string(r)) // a series that is missing cannot rise
	}
	m.registry.MustRegister(m.calls, m.duration, m.inFlight, m.streams, m.failures, m.refusals, m.probes, build,
		&watcher{metrics: m, desc: descriptions()},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const (
	scrapeTimeout = 10 * time.Second
	scrapesAtOnce = 4
)

// Handler answers scrapes; of nil, with 404.
func (m *Metrics) Handler() http.Handler {
	if m == nil {
		return http.NotFoundHandler()
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeTimeout,
	})
}

// Watch asks source for the present state at each scrape. source must be quick
// and may be called concurrently. Of two sources that know the same server the
// first one is believed.
func (m *Metrics) Watch(source func() State) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = append(m.sources, source)
}

// states asks all sources.
func (m *Metrics) states() []State {
	m.mu.Lock()
	sources := m.sources // only ever appended to
	m.mu.Unlock()
	var out []State
	for _, s := range sources {
		out = append(out, s())
	}
	return out
}

// Refusal is why a request was refused before it belonged to a server.
type Refusal string

// The refusals.
const (
	RefusedHost      Refusal = "host"       // Host is not ours
	RefusedOrigin    Refusal = "origin"     // Origin may not call
	RefusedMethod    Refusal = "method"     // HTTP method
	RefusedMediaType Refusal = "media_type" // no JSON
	RefusedTooLarge  Refusal = "too_large"
	RefusedMalformed Refusal = "malformed" // no single JSON-RPC message
	RefusedHeaders   Refusal = "headers"   // headers disagree with the body
	RefusedSession   Refusal = "session"   // no such session, or none given
	RefusedFull      Refusal = "full"      // a limit of ours is reached
	RefusedDraining  Refusal = "draining"
)

// Refusals lists them all.
func Refusals() []Refusal {
	return []Refusal{
		RefusedHost, RefusedOrigin, RefusedMethod, RefusedMediaType, RefusedTooLarge, RefusedMalformed,
		RefusedHeaders, RefusedSession, RefusedFull, RefusedDraining,
	}
}

// Refused counts a request that was refused.
func (m *Metrics) Refused(r Refusal) {
	if m != nil {
		m.refusals.WithLabelValues(string(r)).Inc()
	}
}

// Probed counts a probe that has ended.
func (m *Metrics) Probed(server string, g finding.Grade) {
	if m != nil {
		m.probes.WithLabelValues(server, string(g)).Inc()
	}
}

// Forget drops what was counted about a server that is no longer configured.
func (m *Metrics) Forget(server string) {
	if m == nil {
		return
	}
	of := prometheus.Labels{"server": server}
	m.calls.DeletePartialMatch(of)
	m.duration.DeletePartialMatch(of)
	m.inFlight.DeletePartialMatch(of)
	m.streams.DeletePartialMatch(of)
	m.failures.DeletePartialMatch(of)
	m.probes.DeletePartialMatch(of)
}
