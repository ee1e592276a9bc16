package scan

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/probe"
)

const (
	// healthWindow is how many of the last probes are looked at, healthLeast
	// how many there must be.
	healthWindow = 100
	healthLeast  = 30
	// controlEvery is how many probes come between two of the control target.
	controlEvery = 200
	// controlPause is the wait between two questions to a control target that
	// does not answer. After controlGiveUp of them the scan ends; a control
	// that we chose ourselves is no longer believed after controlDoubt.
	controlPause  = 5 * time.Second
	controlGiveUp = 36
	controlDoubt  = 6
)

// verdict is what one probe says about our own network.
type verdict uint8

const (
	verdictNone    verdict = iota // nothing: refused by our rules, not a URL
	verdictAnswer                 // somebody answered
	verdictFailure                // nothing came back
	verdictRefusal                // a host or name server said no; a dead network hardly does
)

// health judges whether our own network works: it does as long as anybody
// answers. When most of the last probes failed before any answer and none got
// one, a control target decides; without one, the network is taken for down
// until somebody answers or at least refuses.
type health struct {
	ring     [healthWindow]verdict
	n        int // probes seen
	control  *Target
	worked   *Target // the last that answered, a control for want of a better
	since    int     // probes since the control was asked
	asking   bool    // the control is under way
	down     bool
	failures int // of the control, in a row
	retryAt  time.Time
}

// observe files a probe and tells whether the control should be asked.
func (h *health) observe(t *Target, res probe.Result) (ask bool) {
	v := judge(res)
	h.ring[h.n%healthWindow] = v
	h.n++
	h.since++
	if v == verdictAnswer {
		h.worked = t
	}
	if h.control == nil && (v == verdictAnswer || v == verdictRefusal && h.worked == nil) {
		h.down = false
	}
	switch {
	case h.asking || h.down:
		return false
	case h.suspect():
		if h.target() == nil {
			h.down = !h.has(verdictRefusal)
			return false
		}
		return true
	default:
		return h.control != nil && h.since >= controlEvery
	}
}

// suspect: more than half of the window are failures and nobody answered.
func (h *health) suspect() bool {
	failures, seen := 0, min(h.n, healthWindow)
	for _, v := range h.ring[:seen] {
		switch v {
		case verdictAnswer:
			return false
		case verdictFailure, verdictRefusal:
			failures++
		}
	}
	return seen >= healthLeast && 2*failures > seen
}

// has tells whether the window holds a verdict.
func (h *health) has(v verdict) bool {
	return slices.Contains(h.ring[:min(h.n, healthWindow)], v)
}

// target gives what to ask, nil if there is nothing.
func (h *health) target() *Target {
	if h.control != nil {
		return h.control
	}
	return h.worked
}

// asked files what the control said. It returns whether the network is down,
// and whether to give up.
func (h *health) asked(ok bool, now time.Time) (down, giveUp bool) {
	h.asking, h.since = false, 0
	if ok {
		*h = health{control: h.control, worked: h.worked}
		return false, false
	}
	h.down = true
	h.failures++
	h.retryAt = now.Add(controlPause)
	if h.control == nil && h.failures >= controlDoubt {
		h.worked = nil
	}
	return true, h.failures >= controlGiveUp
}

// judge reads from the codes whether anything came back.
func judge(res probe.Result) verdict {
	if len(res.Codes) == 0 {
		return verdictAnswer
	}
	for _, code := range res.Codes {
		switch {
		case code == "ssrf.blocked", code == "probe.canceled", strings.HasPrefix(code, "url."):
			return verdictNone
		case code == "tcp.refused", code == "tcp.reset", code == "dns.nxdomain":
			return verdictRefusal
		case isNetworkFailure(code):
			return verdictFailure
		}
	}
	return verdictAnswer
}

// isNetworkFailure: the codes of a probe to which nothing came back, as a dead
// network shows them too.
func isNetworkFailure(code string) bool {
	return strings.HasPrefix(code, "dns.") || strings.HasPrefix(code, "tcp.") || code == "http.timeout"
}
