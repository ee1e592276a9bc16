package scaffold_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
	"github.com/holdfast-mcp/holdfast/internal/scaffold"
)

var update = flag.Bool("update", false, "rewrite testdata/*/out and error.txt")

// cases copies every input folder to a folder of its own and hands it over.
func cases(t *testing.T, each func(t *testing.T, name, dir string, opts scaffold.Options)) {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), e.Name())
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", e.Name(), "in"))); err != nil {
				t.Fatal(err)
			}
			// Git does not store a .git.
			if err := os.Rename(filepath.Join(dir, "dot-git"), filepath.Join(dir, ".git")); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			opts := scaffold.Options{Folder: e.Name(), Holdfast: "v0.1.0"}
			if raw, err := os.ReadFile(filepath.Join("testdata", e.Name(), "options.json")); err == nil {
				if err := json.Unmarshal(raw, &opts); err != nil {
					t.Fatal(err)
				}
			}
			each(t, e.Name(), dir, opts)
		})
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// TestGolden compares what is written for each input, or the error, to what is
// recorded.
func TestGolden(t *testing.T) {
	cases(t, func(t *testing.T, name, dir string, opts scaffold.Options) {
		got := map[string]string{}
		p, err := scaffold.Detect(t.Context(), openRoot(t, dir), opts)
		if err != nil {
			got["error.txt"] = err.Error() + "\n"
		} else {
			files, err := scaffold.Files(p, opts)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				got["out/"+strings.ReplaceAll(f.Path, ".github", "dot-github")] = string(f.Data)
			}
			got["out/advice.txt"] = strings.Join(p.Advice, "\n") + "\n"
		}
		compareTree(t, filepath.Join("testdata", name), got)
	})
}

// compareTree holds the recorded outputs of a case against what came out.
func compareTree(t *testing.T, dir string, got map[string]string) {
	t.Helper()
	if *update {
		for _, stale := range []string{"out", "error.txt"} {
			if err := os.RemoveAll(filepath.Join(dir, stale)); err != nil {
				t.Fatal(err)
			}
		}
		for name, data := range got {
			full := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(full, []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		if err != nil || d.IsDir() || !strings.HasPrefix(rel, "out/") && rel != "error.txt" {
			return err
		}
		data, err := os.ReadFile(name)
		want[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is written (-recorded +got), go test -update records it:\n%s", diff)
	}
}

// digests invents one per image, the way a registry would answer.
func digests(images []string) map[string]string {
	out := map[string]string{}
	for i, image := range images {
		out[image] = fmt.Sprintf("sha256:%064x", i+1)
	}
	return out
}

// initialise does all of it in a folder and gives the paths that were written.
func initialise(t *testing.T, dir string, opts scaffold.Options, pin bool) (*scaffold.Project, map[string]bool) {
	t.Helper()
	root := openRoot(t, dir)
	p, err := scaffold.Detect(t.Context(), root, opts)
	if err != nil {
		return nil, nil
	}
	if pin {
		opts.Digests = digests(p.Images(opts))
	}
	files, err := scaffold.Files(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := scaffold.Compare(root, files)
	if err != nil {
		t.Fatal(err)
	}
	if err := scaffold.Write(root, changes); err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, f := range files {
		written[f.Path] = true
	}
	return p, written
}

// findings lints a folder and keeps what is about the files named.
func findings(ctx context.Context, t *testing.T, dir string, about func(file string) bool) []lint.Result {
	t.Helper()
	report, err := lint.Run(ctx, lint.Options{}, lint.Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	var out []lint.Result
	for _, f := range report.Findings {
		rel, _ := filepath.Rel(dir, f.File)
		if about(filepath.ToSlash(rel)) {
			out = append(out, f)
		}
	}
	return out
}

// TestLintIsSilentOncePinned is the promise of init: lint finds nothing in what
// it wrote, nor in what render makes of it.
func TestLintIsSilentOncePinned(t *testing.T) {
	cases(t, func(t *testing.T, _, dir string, opts scaffold.Options) {
		p, written := initialise(t, dir, opts, true)
		if p == nil {
			return
		}
		for _, f := range findings(t.Context(), t, dir, func(file string) bool { return written[file] }) {
			t.Errorf("%s:%d: %s %s", f.File, f.Line, f.Code, f.Seen)
		}
		objects := render(t, filepath.Join(dir, filepath.FromSlash(p.Dir), "mcpserver.yaml"))
		for _, f := range findings(t.Context(), t, objects, func(string) bool { return true }) {
			t.Errorf("rendered: %s:%d: %s %s %s", f.File, f.Line, f.Code, f.Object, f.Seen)
		}
	})
}

// TestLintNamesWhatIsNotPinned: without digests lint says HF501 of each base
// image and nothing else, so an offline run hides nothing.
func TestLintNamesWhatIsNotPinned(t *testing.T) {
	cases(t, func(t *testing.T, name, dir string, opts scaffold.Options) {
		p, written := initialise(t, dir, opts, false)
		if p == nil {
			return
		}
		got := map[string]bool{}
		for _, f := range findings(t.Context(), t, dir, func(file string) bool { return written[file] }) {
			if f.Code != "HF501" || filepath.Base(f.File) != "Dockerfile" {
				t.Errorf("%s:%d: %s %s", f.File, f.Line, f.Code, f.Seen)
			}
			for _, image := range p.Images(opts) {
				if strings.Contains(f.Seen, image) {
					got[image] = true
				}
			}
		}
		for _, image := range p.Unpinned(opts) {
			if !got[image] {
				t.Errorf("lint does not say that %s is not pinned", image)
			}
		}
		if want := len(p.Unpinned(opts)); len(got) != want || name != "existing" && want == 0 {
			t.Errorf("lint names %d of %d unpinned images", len(got), want)
		}
	})
}

// TestSecondRunChangesNothing: what a first run wrote, pins included, a second
// run without the digests leaves as it is.
func TestSecondRunChangesNothing(t *testing.T) {
	cases(t, func(t *testing.T, _, dir string, opts scaffold.Options) {
		if p, _ := initialise(t, dir, opts, true); p == nil {
			return
		}
		root := openRoot(t, dir)
		p, err := scaffold.Detect(t.Context(), root, opts)
		if err != nil {
			t.Fatal(err)
		}
		files, err := scaffold.Files(p, opts)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := scaffold.Compare(root, files)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if !c.Same() {
				t.Errorf("second run:\n%s", c.Diff())
			}
		}
	})
}

// render makes the objects of a declaration in a folder of their own.
func render(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decls, err := manifest.Parse(file, f)
	if err != nil {
		t.Fatal(err)
	}
	set, err := manifest.Build(decls, manifest.Options{FrontImage: "ghcr.io/holdfast-mcp/holdfast:v0.1.0@sha256:" + strings.Repeat("1", 64)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := manifest.Split(dir, set.Objects); err != nil {
		t.Fatal(err)
	}
	return dir
}
