package lint

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyTree copies a case into a folder that the test may change.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(filepath.Dir(from), name)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, rel)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), src, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// writePatches applies the fixes of a report and tells how many files changed.
func writePatches(t *testing.T, r Report) int {
	t.Helper()
	patches := r.Patches()
	for _, p := range patches {
		if err := os.WriteFile(p.File, p.New, 0o644); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(p.Diff(), "--- a/") {
			t.Errorf("%s: no unified diff: %q", p.File, p.Diff())
		}
	}
	return len(patches)
}

// TestFixesMend holds the property of fixes over every case: applied all
// together, none of the findings they belong to is found again, nothing new is
// found, and no comment is lost.
func TestFixesMend(t *testing.T) {
	cases, _ := filepath.Glob("testdata/HF*/bad*")
	guides, _ := filepath.Glob("testdata/guide")
	fixed := 0
	for _, name := range append(cases, guides...) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			copyTree(t, name, dir)
			before := mustRun(t, dir)
			fixable, removed := map[string]bool{}, 0
			for _, f := range before.Findings {
				if f.Fix != nil {
					fixable[f.Fingerprint()] = true
					fixed++
					for _, e := range f.Fix.edits {
						if e.path == nil && e.text == "" {
							removed++ // a line goes with the comment that stands on it
						}
					}
				}
			}
			comments := countComments(t, dir)
			if n := writePatches(t, before); (n > 0) != (len(fixable) > 0) {
				t.Fatalf("%d fixable findings, %d changed files", len(fixable), n)
			}
			after := mustRun(t, dir)
			if got := countComments(t, dir); got < comments-removed {
				t.Errorf("%d comments of %d are left", got, comments)
			}
			was := map[string]bool{}
			for _, f := range before.Findings {
				was[f.Code+f.Object] = true
			}
			for _, f := range after.Findings {
				if fixable[f.Fingerprint()] {
					t.Errorf("after its fix still: %s %s", f.Finding, f.Path)
				}
				if !was[f.Code+f.Object] {
					t.Errorf("new after the fixes: %s %s", f.Finding, f.Path)
				}
			}
		})
	}
	if fixed < 100 {
		t.Errorf("only %d findings had a fix, so this proved little", fixed)
	}
}

func mustRun(t *testing.T, dir string) Report {
	t.Helper()
	r, err := Run(context.Background(), Options{}, Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func countComments(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := os.ReadFile(name)
		n += strings.Count(string(src), "# ")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
