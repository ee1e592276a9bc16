package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// tally counts the verdicts on one group of cases.
type tally struct {
	cases, right int
	missed       int // faults called healthy
	accused      int // healthy peers called dead or unusable
}

// corpus runs runCorpus in a process of its own: the testing package ends the
// one it runs in.
func corpus(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe, "-corpus")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// runCorpus probes every labelled peer in memory, in time that costs nothing.
// It does not return.
func runCorpus() {
	var mu sync.Mutex
	groups := map[string]*tally{}
	var wrong []string
	var tests []testing.InternalTest
	for _, c := range mcptest.Corpus() {
		tests = append(tests, testing.InternalTest{Name: c.Name, F: func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				codes, grade := judge(t, c)
				mu.Lock()
				defer mu.Unlock()
				if why := count(groups, c, codes, grade); why != "" {
					wrong = append(wrong, why)
				}
			})
		}})
	}
	start := time.Now()
	tests = append(tests, testing.InternalTest{Name: "all", F: func(t *testing.T) {
		printCorpus(groups, time.Since(start))
		for _, w := range wrong {
			t.Error("wrong: ", w)
		}
	}})
	testing.Main(func(_, _ string) (bool, error) { return true, nil }, tests, nil, nil)
}

func printCorpus(groups map[string]*tally, took time.Duration) {
	fmt.Printf("labelled corpus, %.1f s\n  %-8s %6s %8s %22s %18s\n", took.Seconds(), "era", "cases", "right", "faults called healthy", "healthy accused")
	total := tally{}
	for _, era := range slices.Sorted(maps.Keys(groups)) {
		groups[era].row(era)
		total.cases, total.right = total.cases+groups[era].cases, total.right+groups[era].right
		total.missed, total.accused = total.missed+groups[era].missed, total.accused+groups[era].accused
	}
	total.row("all")
}

func (t tally) row(era string) {
	fmt.Printf("  %-8s %6d %7.1f%% %22d %18d\n", era, t.cases, 100*float64(t.right)/float64(t.cases), t.missed, t.accused)
}

// judge probes one case as often as it wants.
func judge(t *testing.T, c mcptest.Case) ([]string, finding.Grade) {
	w := mcptest.NewWorld(t)
	target := c.Start(w)
	p := probe.New(probe.Options{
		Egress: egress.Options{Resolve: w.Resolve, Dial: w.Dial, RootCAs: w.RootCAs()}, Thorough: true,
	})
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
			<-time.After(target.Pause) // of the bubble's clock
		}
		results = append(results, p.Run(t.Context(), pt))
	}
	last := results[len(results)-1]
	codes, grade := slices.Clone(last.Codes), last.Grade
	for _, f := range probe.OverTime(results, 10*time.Second) {
		codes, grade = append(codes, f.Name), finding.Worse(grade, finding.Degraded)
	}
	return codes, grade
}

// count files one verdict; it says what was wrong with it.
func count(groups map[string]*tally, c mcptest.Case, codes []string, grade finding.Grade) string {
	g := groups[string(c.Era)]
	if g == nil {
		g = new(tally)
		groups[string(c.Era)] = g
	}
	g.cases++
	in := func(list []string) func(string) bool {
		return func(n string) bool { return slices.Contains(list, n) }
	}
	right := grade == c.Grade && !slices.ContainsFunc(c.Want, func(n string) bool { return !in(codes)(n) })
	right = right && (c.AnyOf == nil || slices.ContainsFunc(c.AnyOf, in(codes)))
	right = right && !slices.ContainsFunc(codes, func(n string) bool { return !in(slices.Concat(c.Want, c.AnyOf, c.May))(n) })
	if c.Grade != finding.Healthy && grade == finding.Healthy {
		g.missed++
	}
	if c.Grade == finding.Healthy && grade.Accuses() {
		g.accused++
	}
	if right {
		g.right++
		return ""
	}
	return fmt.Sprintf("%s: %s %v, label %s %v %v", c.Name, grade, codes, c.Grade, c.Want, c.AnyOf)
}
