package mcptest

import (
	"context"
	"os"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

func TestMain(m *testing.M) {
	if code, ok := StdioMain(context.Background(), os.Args); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestCorpusIsComplete holds that every finding of the probe has a peer that
// yields it and one that nearly does.
func TestCorpusIsComplete(t *testing.T) {
	wanted, missed := map[string]int{}, map[string]int{}
	faults := 0
	for _, c := range Corpus() {
		for _, n := range slices.Concat(c.Want, c.AnyOf) {
			wanted[n]++
		}
		missed[c.NearMiss]++
		if len(c.Want)+len(c.AnyOf) > 0 {
			faults++
		}
	}
	for _, e := range finding.Catalogue() {
		if e.Code > "HF099" || e.Name == "probe.canceled" { // the latter is about the prober
			continue
		}
		if wanted[e.Name] == 0 {
			t.Errorf("no case wants %s %s", e.Code, e.Name)
		}
		if missed[e.Name] == 0 {
			t.Errorf("no case is a near miss of %s %s", e.Code, e.Name)
		}
	}
	t.Logf("%d cases, %d with a fault", len(Corpus()), faults)
	if faults < 60 {
		t.Errorf("only %d fault cases", faults)
	}
}

// TestCorpusIsConsistent finds mistakes of the labels themselves.
func TestCorpusIsConsistent(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Corpus() {
		if seen[c.Name] {
			t.Errorf("%s: name twice", c.Name)
		}
		seen[c.Name] = true
		for _, n := range slices.Concat(c.Want, c.AnyOf, c.May, c.Forbid) {
			if _, ok := finding.ByName(n); !ok {
				t.Errorf("%s: %s is not in the catalogue", c.Name, n)
			}
		}
		for _, n := range c.Forbid {
			if slices.Contains(c.Want, n) || slices.Contains(c.AnyOf, n) || slices.Contains(c.May, n) {
				t.Errorf("%s: %s is both wanted and forbidden", c.Name, n)
			}
		}
		if len(c.Want)+len(c.AnyOf) == 0 && c.Grade != finding.Healthy {
			t.Errorf("%s: nothing wanted but grade %s", c.Name, c.Grade)
		}
		if c.Grade == "" || c.Start == nil {
			t.Errorf("%s: no grade or start", c.Name)
		}
	}
}

// TestCorpusStarts starts every case in both kinds of world.
func TestCorpusStarts(t *testing.T) {
	start := func(t *testing.T, w *World, c Case) {
		target := c.Start(w)
		isStdio := len(target.Command) > 0
		if isStdio != (c.Era == Stdio) || isStdio && target.URL != "" {
			t.Errorf("%s: command %q, URL %q", c.Name, target.Command, target.URL)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(t)
		for _, c := range Corpus() {
			start(t, w, c)
		}
	})
	w := NewLoopbackWorld(t)
	for _, c := range Corpus() {
		start(t, w, c)
	}
}
