package probe

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

const (
	// minSamples is how many results a judgement over time needs.
	minSamples = 5
	// flapTransitions between working and not, within the last flapWindow
	// results, are flapping.
	flapTransitions = 3
	flapWindow      = 10
)

// OverTime judges what no single probe can see, from results in order of time:
// a server that comes and goes (flap) and one that is slow when warm
// (slow.p95, the 95th percentile of the journey against budget). Unknown
// results are left out.
func OverTime(results []Result, budget time.Duration) []finding.Finding {
	known := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Grade == finding.Unknown })
	if len(known) < minSamples {
		return nil
	}
	known = known[max(0, len(known)-flapWindow):]
	last := known[len(known)-1]
	var out []finding.Finding
	if n := transitions(known); n >= flapTransitions {
		out = append(out, finding.New("flap", last.Target, fmt.Sprintf("%d changes between working and not in %d probes", n, len(known))))
	}
	var times []time.Duration
	for _, r := range known {
		if !r.Cold && r.Phases.Total > 0 {
			times = append(times, r.Phases.Total)
		}
	}
	if len(times) < minSamples {
		return out
	}
	slices.Sort(times)
	if p95 := times[(len(times)*95+99)/100-1]; p95 > budget {
		out = append(out, finding.New("slow.p95", last.Target, fmt.Sprintf("95 %% of the probes reached the tool list within %s; the budget is %s", p95.Round(time.Millisecond), budget)))
	}
	return out
}

func transitions(results []Result) int {
	n := 0
	for i := 1; i < len(results); i++ {
		if results[i].Grade.Accuses() != results[i-1].Grade.Accuses() {
			n++
		}
	}
	return n
}
