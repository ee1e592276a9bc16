package scaffold_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
	"github.com/holdfast-mcp/holdfast/internal/scaffold"
)

const repository = "../.."

// block is one fenced block of a page.
type block struct {
	language, text string
	line           int
	marker         string // the comment on the line before it
}

func blocks(t *testing.T, file string) []block {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var open *block
	var before string
	for i, line := range strings.Split(string(raw), "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && open == nil:
			open = &block{language: fence, line: i + 2, marker: before}
		case isFence:
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
		before = strings.TrimSpace(line)
	}
	if open != nil {
		t.Errorf("%s:%d: the block is not closed", file, open.line)
	}
	return out
}

// TestYAMLInDocs lints every Kubernetes object that a page shows, and renders
// every declaration.
func TestYAMLInDocs(t *testing.T) {
	t.Parallel()
	judged := 0
	err := filepath.WalkDir(filepath.Join(repository, "docs"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".md" {
			return err
		}
		for _, b := range blocks(t, file) {
			if b.language != "yaml" && b.language != "yml" || !strings.Contains(b.text, "apiVersion:") {
				continue
			}
			judged++
			judgeYAML(t, file, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if judged == 0 {
		t.Error("no page shows any object: the test looks in the wrong place")
	}
}

func judgeYAML(t *testing.T, file string, b block) {
	t.Helper()
	report, err := lint.Run(t.Context(), lint.Options{}, lint.Stream(filepath.Base(file)+".yaml", strings.NewReader(b.text)))
	if err != nil {
		t.Fatal(err)
	}
	if report.Objects == 0 {
		t.Errorf("%s:%d: lint saw no object", file, b.line)
	}
	for _, f := range report.Findings {
		t.Errorf("%s:%d: %s %s", file, b.line+f.Line-1, f.Code, f.Seen)
	}
	if !strings.Contains(b.text, "holdfast.dev/v1alpha1") {
		return
	}
	decls, err := manifest.Parse(file, strings.NewReader(b.text))
	if err != nil {
		t.Fatalf("%s:%d: %v", file, b.line, err)
	}
	lintRendered(t, decls)
}

// lintRendered makes the objects and lints them as one stream.
func lintRendered(t *testing.T, decls []manifest.Declaration) {
	t.Helper()
	set, err := manifest.Build(decls, manifest.Options{FrontImage: "ghcr.io/holdfast-mcp/holdfast:v0.1.0@sha256:" + strings.Repeat("1", 64)})
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	if err := manifest.WriteYAML(&stream, set.Objects); err != nil {
		t.Fatal(err)
	}
	report, err := lint.Run(t.Context(), lint.Options{}, lint.Stream("objects.yaml", &stream))
	if err != nil {
		t.Fatal(err)
	}
	if report.Servers == 0 {
		t.Error("lint saw no server in what was rendered")
	}
	for _, f := range report.Findings {
		t.Errorf("rendered %s:%d: %s %s", f.Object, f.Line, f.Code, f.Seen)
	}
}

// TestEveryCommandIsAccountedFor: in the walkthrough each command is run by a
// test, or the page says what it needs.
func TestEveryCommandIsAccountedFor(t *testing.T) {
	t.Parallel()
	file := filepath.Join(repository, "docs", "from-script-to-production.md")
	known := map[string]bool{
		"<!-- run -->":            true, // internal/cli TestWalkthrough
		"<!-- interop -->":        true, // interop TestWalkthrough
		"<!-- needs: python -->":  true,
		"<!-- needs: network -->": true,
		"<!-- needs: docker -->":  true,
		"<!-- needs: cluster -->": true,
	}
	for _, b := range blocks(t, file) {
		if b.language == "sh" && !known[b.marker] {
			t.Errorf("%s:%d: a command that neither a test runs nor the page says what it needs", file, b.line)
		}
	}
}

// TestWalkthroughByAPI does to the example what sections 2 to 4 do: init, the
// declaration of the page, lint, render. The whole folder is then clean, the
// example's own files included.
func TestWalkthroughByAPI(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "weather")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(repository, "examples", "weather-python"))); err != nil {
		t.Fatal(err)
	}
	opts := scaffold.Options{Name: "weather", Image: "ghcr.io/example/weather", Holdfast: "v0.1.0"}
	if p, _ := initialise(t, dir, opts, true); p == nil || len(p.Advice) > 0 {
		t.Fatalf("init of the example: %+v", p)
	}
	all := func(string) bool { return true }
	for _, f := range findings(t.Context(), t, dir, all) {
		t.Errorf("after init: %s:%d: %s %s", f.File, f.Line, f.Code, f.Seen)
	}
	for _, b := range blocks(t, filepath.Join(repository, "docs", "from-script-to-production.md")) {
		if b.language != "yaml" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "mcpserver.yaml"), []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range findings(t.Context(), t, dir, all) {
		t.Errorf("after the edit: %s:%d: %s %s", f.File, f.Line, f.Code, f.Seen)
	}
	objects := render(t, filepath.Join(dir, "mcpserver.yaml"))
	for _, f := range findings(t.Context(), t, objects, all) {
		t.Errorf("rendered: %s:%d: %s %s", f.File, f.Line, f.Code, f.Seen)
	}
}
