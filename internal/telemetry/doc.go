// Package telemetry counts what Holdfast does, for Prometheus. It has a registry
// of its own and never touches the default one, so that two daemons in one test
// share nothing.
//
// Two kinds of figures meet here. What is known at the moment (grades, tools,
// sessions, whether we drain) is asked for at each scrape through Watch, so that
// the metrics and the status page can never tell two stories. What happens (calls,
// failures, probes) is counted where it happens.
//
// Every label has a bounded set of values: server names come from the
// configuration, everything else from lists in this package. Nothing that a
// client or a server chose is ever a label.
//
// A nil *Metrics, and all that comes from it, may be used and does nothing.
package telemetry
