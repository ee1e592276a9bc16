package scan

import (
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// Reason is why a target was not measured.
type Reason string

// The reasons. All of them leave the grade unknown.
const (
	SkipRobots    Reason = "robots"    // robots.txt forbids it
	SkipOptOut    Reason = "opt-out"   // on the opt-out list
	SkipSample    Reason = "sample"    // its host has more endpoints than are sampled
	SkipThrottled Reason = "throttled" // the host asked us to slow down more than we can wait
	SkipNetwork   Reason = "network"   // our own network was down
	SkipOverload  Reason = "overload"  // this machine was too busy
	SkipCanceled  Reason = "canceled"  // the scan was stopped first
)

// Record is the outcome of one target: one line of a scan's output. The
// result's "target" is the URL without query and user info.
type Record struct {
	probe.Result
	Name   string `json:"name,omitempty"`
	Source string `json:"source,omitempty"`
	// Key is Target.Key.
	Key string `json:"key"`
	// NotMeasured is why the grade is unknown when the probe is not the reason.
	NotMeasured Reason `json:"notMeasured,omitempty"`
	Note        string `json:"note,omitempty"`
}

// Final tells whether there is no point in measuring the target again in this
// scan.
func (r Record) Final() bool { return r.Grade != "unknown" }
