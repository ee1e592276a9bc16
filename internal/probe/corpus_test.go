package probe_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// TestCorpus holds the probe against every labelled peer: the right code, the
// right grade, nothing else, and nothing left behind.
func TestCorpus(t *testing.T) {
	for _, c := range mcptest.Corpus() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { judgeCase(t, c) })
		})
	}
}

func judgeCase(t *testing.T, c mcptest.Case) {
	w := mcptest.NewWorld(t)
	target := c.Start(w)
	p := probe.New(optionsFor(w))
	results := runSeries(t.Context(), p, target)
	last := results[len(results)-1]
	codes := slices.Clone(last.Codes)
	grade := last.Grade
	for _, f := range probe.OverTime(results, 10*time.Second) {
		codes = append(codes, f.Name)
		grade = finding.Worse(grade, finding.Degraded)
	}
	var wrong []string
	for _, name := range c.Want {
		if !slices.Contains(codes, name) {
			wrong = append(wrong, "missing "+name)
		}
	}
	if c.AnyOf != nil && !slices.ContainsFunc(c.AnyOf, func(n string) bool { return slices.Contains(codes, n) }) {
		wrong = append(wrong, "missing any of "+strings.Join(c.AnyOf, ", "))
	}
	for _, name := range codes {
		switch {
		case slices.Contains(c.Forbid, name):
			wrong = append(wrong, "forbidden "+name)
		case !slices.Contains(slices.Concat(c.Want, c.AnyOf, c.May), name):
			wrong = append(wrong, "unexpected "+name)
		}
	}
	if grade != c.Grade {
		wrong = append(wrong, "grade "+string(grade)+", want "+string(c.Grade))
	}
	if len(wrong) > 0 {
		t.Errorf("%s\n%s", strings.Join(wrong, "\n"), describe(last))
	}
}

// runSeries probes as often as the case wants.
func runSeries(ctx context.Context, p *probe.Prober, target mcptest.Target) []probe.Result {
	pt := probe.Target{Endpoint: client.Endpoint{URL: target.URL, Command: target.Command, Header: target.Header}}
	for _, call := range target.Calls {
		pt.Calls = append(pt.Calls, probe.Call{Tool: call.Tool, Args: call.Args})
	}
	var results []probe.Result
	for i := range max(1, target.Probes) {
		if target.Before != nil {
			target.Before(i)
		}
		if i > 0 {
			time.Sleep(target.Pause) // fake time: the pause the case asks for
		}
		results = append(results, p.Run(ctx, pt))
	}
	return results
}

func optionsFor(w *mcptest.World) probe.Options {
	return probe.Options{
		Egress:   egress.Options{Resolve: w.Resolve, Dial: w.Dial, RootCAs: w.RootCAs()},
		Thorough: true,
		Budget:   10 * time.Second,
	}
}

func describe(r probe.Result) string {
	var b strings.Builder
	b.WriteString("grade " + string(r.Grade) + "\n")
	for _, f := range r.Findings {
		b.WriteString("  " + f.String() + "\n")
	}
	for _, l := range r.Transcript {
		b.WriteString("  > " + strings.ReplaceAll(clip(l.Request), "\n", " | ") + "\n  < " + strings.ReplaceAll(clip(l.Response), "\n", " | ") + "\n")
	}
	return b.String()
}

func clip(s string) string { return s[:min(len(s), 400)] }

// TestCatalogueIsProven: every code of the probe has a fixture that yields it
// and one that nearly does.
func TestCatalogueIsProven(t *testing.T) {
	wanted, near := map[string]bool{}, map[string]bool{}
	for _, c := range mcptest.Corpus() {
		for _, n := range slices.Concat(c.Want, c.AnyOf) {
			wanted[n] = true
		}
		near[c.NearMiss] = true
	}
	var missing []string
	for _, e := range finding.Catalogue() {
		if e.Grade == "" || e.Name == "probe.canceled" {
			continue
		}
		if !wanted[e.Name] {
			missing = append(missing, e.Name+": no fixture")
		}
		if !near[e.Name] {
			missing = append(missing, e.Name+": no near miss")
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Error(diff)
	}
}
