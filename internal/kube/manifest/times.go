package manifest

import (
	"fmt"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// The numbers that nothing is derived from, in seconds.
const (
	// drainWait is how long a pod goes on serving after it was told to end:
	// it must outlast the way of the news through EndpointSlices to every
	// proxy. Without it 9 to 31 of 5,300 requests were lost per restart on a
	// two-node cluster, with 3s none; large clusters are slower.
	drainWait = 10
	// endMargin is what server and front need to exit once the last call is
	// done.
	endMargin = 15
	// readinessPeriod and its failures take a pod out of the Service within
	// 15s; the front answers from what it knows, so 2s is plenty.
	readinessPeriod   = 5
	readinessFailures = 3
	probeTimeout      = 2
	// livenessPeriod of both containers.
	livenessPeriod = 10
	// serverProbeTimeout allows for a server whose event loop is busy.
	serverProbeTimeout = 5
	// startupPeriod is how often a starting container is looked at.
	startupPeriod = 2
	// frontStartup is what the front may take until it listens.
	frontStartup = 60
)

// times are the numbers of one workload, each with its reason.
type times struct {
	longestCall v1alpha1.Duration
	// slowest names the server whose longestCall it is, when there are many.
	slowest   string
	heartbeat v1alpha1.Duration
	startup   v1alpha1.Duration
}

// longest names the longest call as reasons do.
func (t times) longest() string {
	if t.slowest != "" {
		return fmt.Sprintf("longestCall %s of %s", t.longestCall, t.slowest)
	}
	return "longestCall " + t.longestCall.String()
}

// grace is how long a pod may take to end.
func (t times) grace() (int64, string) {
	return int64(drainWait) + int64(t.longestCall.Seconds()) + endMargin,
		fmt.Sprintf("drain wait %ds + %s + %ds to exit", drainWait, t.longest(), endMargin)
}

// startupFailures is how many failed looks a starting server is allowed.
func (t times) startupFailures() (int32, string) {
	return max(1, ceil(t.startup.Seconds(), startupPeriod)), fmt.Sprintf("startup %s, looked at every %ds", t.startup, startupPeriod)
}

// livenessFailures keeps a server alive that is busy with one long call.
func (t times) livenessFailures() (int32, string) {
	return ceil(t.longestCall.Seconds(), livenessPeriod) + 3,
		fmt.Sprintf("%s in steps of %ds, and 3 more: a server busy with one call is not dead", t.longest(), livenessPeriod)
}

// minReady is how long a new pod must stay ready before an old one goes.
func (t times) minReady() (int32, string) {
	return 2 * readinessPeriod, fmt.Sprintf("two rounds of readiness, %ds each: a pod that answers once and dies does not replace a good one", readinessPeriod)
}

// progressDeadline is when a rollout counts as stuck.
func (t times) progressDeadline() (int32, string) {
	minReady, _ := t.minReady()
	return frontStartup + t.startup.Seconds() + minReady + 300,
		fmt.Sprintf("front %ds + startup %s + minReadySeconds + 300s to schedule and pull", frontStartup, t.startup)
}

// scaleDownPeriod is the time in which an autoscaler may take one pod away.
// The API allows at most 1800s.
func (t times) scaleDownPeriod() (int32, string) {
	grace, _ := t.grace()
	if grace > 1800 {
		return 1800, fmt.Sprintf("%s, cut to the API's limit of 1800s; the drain protects the calls", t.longest())
	}
	return max(60, int32(grace)), fmt.Sprintf("one pod in the time that one needs to drain (%s), at least 60s", t.longest())
}

// idle is the silence that a hop must tolerate: a call without a stream sends
// nothing until it is done.
func (t times) idle() (int32, string) {
	return t.longestCall.Seconds() + 2*t.heartbeat.Seconds(),
		fmt.Sprintf("%s + two heartbeats of %s", t.longest(), t.heartbeat)
}

func ceil(a, b int32) int32 { return (a + b - 1) / b }
