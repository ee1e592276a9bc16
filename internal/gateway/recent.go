package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// keepProbes is how many probes of a server are remembered for the status page.
const keepProbes = 32

// patience is how much later than announced a probe may end before what is
// known counts as stale: probes of a slow server take their time.
const patience = time.Minute

// ProbeSample is one past probe of a server.
type ProbeSample struct {
	At    time.Time     `json:"at"`
	Grade finding.Grade `json:"grade"`
	// Seconds to the end of the list of tools.
	Seconds float64 `json:"seconds"`
}

// recent remembers the last probes of a server, for people.
type recent struct {
	server  string
	metrics *telemetry.Metrics

	mu      sync.Mutex
	samples []ProbeSample // oldest first
	next    time.Time     // when the next probe begins
	verdict finding.Grade // the last grade that was not unknown
}

func newRecent(m *telemetry.Metrics, server string) *recent {
	return &recent{server: server, metrics: m}
}

// note files a result. wait is the pause to the next probe.
func (r *recent) note(res probe.Result, wait time.Duration) {
	r.metrics.Probed(r.server, res.Grade)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = res.At.Add(res.Phases.Total + wait)
	if res.Grade != finding.Unknown {
		r.verdict = res.Grade
	}
	if len(r.samples) == keepProbes {
		r.samples = slices.Delete(r.samples, 0, 1)
	}
	r.samples = append(r.samples, ProbeSample{At: res.At, Grade: res.Grade, Seconds: res.Phases.Total.Round(time.Microsecond).Seconds()})
}

// memory is a copy of what recent remembers.
type memory struct {
	samples []ProbeSample
	next    time.Time
	verdict finding.Grade
}

func (r *recent) recall() memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	return memory{slices.Clone(r.samples), r.next, r.verdict}
}
