package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// State is what is known at the moment of a scrape.
type State struct {
	// Draining is set from the moment we are told to go.
	Draining bool
	Servers  []ServerState
}

// ServerState is what the last probe of a server showed, and how many sessions
// it has. Zero values mean "not known" and give no series.
type ServerState struct {
	Name     string
	Measured bool // at least one probe has ended
	Grade    finding.Grade
	// Verdict is the last grade that was not unknown, "" before the first.
	Verdict   finding.Grade
	Code      string // number of the gravest finding, HF011
	Auth      string // posture
	Transport string
	Eras      []mcp.Era
	// Versions are the server's own words; only those that we know become
	// labels.
	Versions []string
	// Tools are those served, ToolsInvalid those of them that a strict client
	// drops, ToolsExpected what the contract says, nil without one.
	Tools, ToolsInvalid int
	ToolsExpected       *int
	// Listed tells whether there was a list of tools at all.
	Listed             bool
	Checked, Since     time.Time
	Duration           time.Duration
	Phases             []Phase
	CertificateExpires time.Time
	Ready              bool
	Sessions           int
}

// Phase is the time that one part of a probe's first connection took.
type Phase struct {
	Name string // dns, connect, tls, first_byte
	Took time.Duration
}

// descs are the descriptions of what is asked for at a scrape.
type descs map[string]*prometheus.Desc

func descriptions() descs {
	d := descs{}
	add := func(name, help string, labels ...string) {
		d[name] = prometheus.NewDesc(name, help, labels, nil)
	}
	add("probe_success", "1 if a client can work with the server (healthy, degraded), else 0. Absent while that is not known.", "server")
	add("probe_duration_seconds", "Time the last probe took to the list of tools. Absent if it did not come so far.", "server")
	add("probe_dns_lookup_time_seconds", "Time the last probe took to resolve the name.", "server")
	add("probe_ssl_earliest_cert_expiry", "End of the server's certificate, in seconds since 1970.", "server")
	add("probe_mcp_grade", "1 for the grade that the last probe gave, 0 for the others.", "server", "grade")
	add("probe_mcp_outcome_info", "Always 1; says what the last probe saw. code is the gravest finding, none without one.", "server", "code", "grade", "era", "version", "auth", "transport")
	add("probe_mcp_phase_duration_seconds", "Time of the parts of the last probe's first connection.", "server", "phase")
	add("probe_mcp_tools", "Tools in the list of the last probe.", "server")
	add("probe_mcp_tools_invalid", "Those of them that a strict client drops.", "server")
	add("holdfast_server_usable", "0 if the last verdict is unusable or dead, else 1. A probe that could not look changes nothing.", "server")
	add("holdfast_server_ready", "1 if the server counts for readiness: it takes three bad probes in a row to lose it, one good to regain it.", "server")
	add("holdfast_last_probe_timestamp_seconds", "When the last probe began, in seconds since 1970.", "server")
	add("holdfast_grade_since_timestamp_seconds", "Since when the server has its grade, in seconds since 1970.", "server")
	add("holdfast_tools_served", "Tools in the list of the last probe that a strict client keeps.", "server")
	add("holdfast_tools_expected", "Tools that the contract promises. Absent without a contract.", "server")
	add("holdfast_sessions", "Sessions of clients that are open.", "server")
	add("holdfast_draining", "1 from the moment this process was told to go.")
	return d
}

// watcher turns states into metrics at each scrape.
type watcher struct {
	metrics *Metrics
	desc    descs
}

// Describe implements prometheus.Collector.
func (w *watcher) Describe(to chan<- *prometheus.Desc) {
	for _, d := range w.desc {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(to chan<- prometheus.Metric) {
	gauge := func(name string, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(w.desc[name], prometheus.GaugeValue, v, labels...)
	}
	draining, seen := false, map[string]bool{}
	for _, state := range w.metrics.states() {
		draining = draining || state.Draining
		for _, s := range state.Servers {
			if !seen[s.Name] {
				seen[s.Name] = true
				s.collect(gauge)
			}
		}
	}
	gauge("holdfast_draining", number(draining))
}

type gaugeFunc func(name string, value float64, labels ...string)

func (s *ServerState) collect(gauge gaugeFunc) {
	gauge("holdfast_sessions", float64(s.Sessions), s.Name)
	gauge("holdfast_server_ready", number(s.Ready), s.Name)
	if s.ToolsExpected != nil {
		gauge("holdfast_tools_expected", float64(*s.ToolsExpected), s.Name)
	}
	if s.Verdict != "" {
		gauge("holdfast_server_usable", number(!s.Verdict.Accuses()), s.Name)
	}
	if !s.Measured {
		return
	}
	for _, g := range finding.Grades() {
		gauge("probe_mcp_grade", number(g == s.Grade), s.Name, string(g))
	}
	if s.Grade != finding.Unknown {
		gauge("probe_success", number(s.Grade == finding.Healthy || s.Grade == finding.Degraded), s.Name)
	}
	gauge("probe_mcp_outcome_info", 1, s.Name, word(s.Code), string(s.Grade), s.era(), s.version(), word(s.Auth), word(s.Transport))
	gauge("holdfast_last_probe_timestamp_seconds", seconds(s.Checked), s.Name)
	gauge("holdfast_grade_since_timestamp_seconds", seconds(s.Since), s.Name)
	s.collectTimes(gauge)
	if s.Listed {
		gauge("probe_mcp_tools", float64(s.Tools), s.Name)
		gauge("probe_mcp_tools_invalid", float64(s.ToolsInvalid), s.Name)
		gauge("holdfast_tools_served", float64(s.Tools-s.ToolsInvalid), s.Name)
	}
}

func (s *ServerState) collectTimes(gauge gaugeFunc) {
	if s.Duration > 0 {
		gauge("probe_duration_seconds", s.Duration.Seconds(), s.Name)
	}
	for _, p := range s.Phases {
		gauge("probe_mcp_phase_duration_seconds", p.Took.Seconds(), s.Name, p.Name)
		if p.Name == "dns" {
			gauge("probe_dns_lookup_time_seconds", p.Took.Seconds(), s.Name)
		}
	}
	if !s.CertificateExpires.IsZero() {
		gauge("probe_ssl_earliest_cert_expiry", seconds(s.CertificateExpires), s.Name)
	}
}

// era is one word for the eras in which the server works.
func (s *ServerState) era() string {
	switch len(s.Eras) {
	case 0:
		return "none"
	case 1:
		return s.Eras[0].String()
	}
	return "both"
}

// version is the newest revision that both sides know.
func (s *ServerState) version() string {
	newest := "none"
	for _, t := range mcp.Revisions() {
		for _, v := range s.Versions {
			if v == string(t.Revision) && (newest == "none" || v > newest) {
				newest = v
			}
		}
	}
	return newest
}

func word(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
