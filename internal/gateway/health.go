package gateway

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// failuresToUnready is how many accusing probes in a row take readiness away;
// one good probe gives it back.
const failuresToUnready = 3

// health keeps the probe's answer about one server.
type health struct {
	prober *probe.Prober
	target probe.Target
	every  time.Duration
	log    *slog.Logger

	mu       sync.Mutex
	last     probe.Result
	measured bool
	ready    bool
	worked   bool // at least once
	failures int
	since    time.Time // of the present grade
	via      client.Transport
	fixed    []mcp.Era // by configuration
	eras     []mcp.Era // those that worked last; kept while nothing works
	recent   *recent
}

func newHealth(cfg Config, s Server, log *slog.Logger) *health {
	every := cfg.ProbeEvery
	if len(s.Endpoint.Command) > 0 {
		every = max(every, StdioProbeEvery)
	}
	return &health{
		prober: probe.New(probe.Options{
			Egress: cfg.Egress, Info: cfg.Info, UserAgent: cfg.UserAgent, Budget: cfg.ProbeBudget, ParentEnv: cfg.ParentEnv,
			BothEras: true, Observations: 1, // hysteresis below takes the place of a second look
		}),
		target: probe.Target{Name: s.Name, Endpoint: s.Endpoint, Calls: s.Calls},
		every:  every, log: log, via: s.Transport, fixed: s.Eras, recent: newRecent(cfg.Metrics, s.Name),
	}
}

// StdioProbeEvery is the least pause between probes of a command: each starts a
// process.
const StdioProbeEvery = 5 * time.Minute

// run probes until ctx ends: at once, then every so often with jitter, sooner
// while the server is not ready.
func (h *health) run(ctx context.Context) {
	for {
		r := h.prober.Run(ctx, h.target)
		if ctx.Err() != nil {
			return
		}
		wait := h.note(r)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// note files a result and says how long to wait for the next.
func (h *health) note(r probe.Result) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed := !h.measured || r.Grade != h.last.Grade
	if changed {
		h.since = r.At
		h.log.Info("server graded", "grade", r.Grade, "codes", r.Codes, "eras", r.Eras, "tools", r.Tools)
	}
	switch {
	case r.Grade == finding.Unknown: // proves nothing, changes nothing
	case r.Grade.Accuses():
		h.failures++
		h.ready = h.ready && h.failures < failuresToUnready
	default:
		h.failures, h.ready, h.worked = 0, true, true
	}
	h.last, h.measured = r, true
	if r.Transport != "" {
		h.via = r.Transport
	}
	if len(r.Eras) > 0 {
		h.eras = r.Eras
	}
	wait := h.every
	switch {
	case !h.worked: // starting: whoever waits for it wants to know at once
		wait = min(wait, startProbeEvery)
	case !h.ready || h.failures > 0:
		wait = min(wait, time.Duration(1<<min(h.failures, 5))*time.Second)
	}
	wait = max(wait, r.RetryAfter)
	h.recent.note(r, wait)
	return wait + time.Duration(rand.Int64N(int64(wait)/10+1))
}

// everReady tells whether the server has worked at least once.
func (h *health) everReady() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.worked
}

// startProbeEvery is the pause between probes of a server that has not worked
// yet.
const startProbeEvery = time.Second

// state gives what is known: the last result, whether the server is ready, and
// since when it has had its grade.
func (h *health) state() (r probe.Result, ready, measured bool, since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.ready, h.measured, h.since
}

// speaks tells whether the server is known to speak an era. As long as nothing
// is known both are assumed, so that a request is passed on rather than
// translated wrongly; over a pipe, sessions are legacy ones.
func (h *health) speaks(era mcp.Era, piped bool) bool {
	if piped {
		return era == mcp.EraLegacy
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.fixed) > 0 {
		return slices.Contains(h.fixed, era)
	}
	return len(h.eras) == 0 || slices.Contains(h.eras, era)
}

func (h *health) transport() client.Transport {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.via
}
