package archtest_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/archtest"
)

func TestHoldfast(t *testing.T) {
	found, err := archtest.Check(t.Context(), "../..", archtest.Holdfast())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// testdata/house breaks every rule; "// want RULE…" says where.
func fixture() archtest.House {
	return archtest.House{
		Module: "example.com/house",
		Packages: map[string]archtest.Layer{
			"words": archtest.Vocabulary, "wire": archtest.Mechanism, "talk": archtest.Mechanism,
			"tool": archtest.Engine, "engine": archtest.Engine, "front": archtest.Workload,
			"twodocs": archtest.Shell, "nodoc": archtest.Shell, "gen": archtest.Shell, "peer": archtest.Test,
		},
		Edges: []archtest.Edge{{From: "talk", To: "wire", Why: "shown to work"}},
		Imports: []archtest.ImportRule{
			{Paths: []string{"example.org/sdk"}, In: []string{"peer"}, Tests: true},
			{Paths: []string{"k8s.io"}, In: []string{"front/..."}},
			{Paths: []string{"log"}, Exact: true},
			{Paths: []string{"os"}, Not: []string{"words"}},
		},
		Uses: []archtest.UseRule{
			{Objects: []string{"context.Background", "os.Get*"}},
			{Objects: []string{"net/http.Client", "net.Dial*"}, In: []string{"wire"}},
		},
		Revision:      "words.Revision",
		FunctionLines: 4, FileLines: 90, Params: 4,
		Exceptions: []archtest.Exception{{Rule: "size", Path: "front/...", Why: "its use function is long"}},
	}
}

func TestRulesBite(t *testing.T) {
	const dir = "testdata/house"
	found, err := archtest.Check(t.Context(), dir, fixture())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range found {
		at := fmt.Sprintf("%s:%d", v.File, v.Line)
		if !slices.Contains(strings.Fields(got[at]), v.Rule) {
			got[at] = strings.TrimSpace(got[at] + " " + v.Rule)
		}
	}
	if diff := cmp.Diff(wanted(t, dir), got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
		for _, v := range found {
			t.Log(v)
		}
	}
}

// wanted reads the want comments: file:line → rules.
func wanted(t *testing.T, dir string) map[string]string {
	t.Helper()
	want := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if _, rules, ok := strings.Cut(line, "// want "); ok {
				want[fmt.Sprintf("%s:%d", filepath.ToSlash(rel), n)] = strings.TrimSpace(rules)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func TestTableCannotGoStale(t *testing.T) {
	h := fixture()
	h.Edges = append(h.Edges, archtest.Edge{From: "front", To: "engine", Why: "nothing needs it"})
	h.Exceptions = append(h.Exceptions, archtest.Exception{Rule: "init", Path: "front/front.go", Why: "it has none"}, archtest.Exception{Rule: "init", Path: "tool/tool.go"})
	found, err := archtest.Check(t.Context(), "testdata/house", h)
	if err != nil {
		t.Fatal(err)
	}
	var stale []string
	for _, v := range found {
		if v.Rule == "stale" {
			stale = append(stale, v.Message)
		}
	}
	want := []string{
		"exception tool/tool.go for init has no reason",
		"no import needs the edge front -> engine any more",
		"nothing needs the exception front/front.go for init any more",
	}
	if diff := cmp.Diff(want, stale); diff != "" {
		t.Errorf("stale entries (-want +got):\n%s", diff)
	}
}

func TestBrokenModuleIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/house\n\ngo 1.26.0\n", "a.go": "package a\n\nvar x int = \"\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := archtest.Check(t.Context(), dir, fixture()); err == nil {
		t.Error("Check of a module that does not compile gave no error")
	}
}
