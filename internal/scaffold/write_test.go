package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/scaffold"
)

// TestLinksAreNotFollowed: a link in the place of a file or a folder on the way
// is refused, and what it leads to stays as it was.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"Dockerfile", ".github", ".github/workflows"} {
		for _, inside := range []bool{true, false} {
			dir, outside := t.TempDir(), t.TempDir()
			target := filepath.Join(outside, "victim")
			if inside {
				target = filepath.Join(dir, "victim")
			}
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(link)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(target, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
			root := openRoot(t, dir)
			name := link
			if strings.HasPrefix(link, ".github") {
				name = ".github/workflows/x.yml"
			}
			files := []scaffold.File{{Path: name, Data: []byte("ours")}}
			if _, err := scaffold.Compare(root, files); err == nil || !strings.Contains(err.Error(), "symbolic link") {
				t.Errorf("compare over the link %s: %v", link, err)
			}
			if err := scaffold.Write(root, []scaffold.Change{{File: files[0]}}); err == nil {
				t.Errorf("wrote over the link %s", link)
			}
			if got, err := os.ReadFile(target); err != nil || string(got) != "mine" {
				t.Errorf("behind the link %s is now %q (%v)", link, got, err)
			}
		}
	}
}

// TestPathsStayInside: what leads out of the folder is not written.
func TestPathsStayInside(t *testing.T) {
	t.Parallel()
	root := openRoot(t, t.TempDir())
	for _, name := range []string{"../x", "/x", "a/../../x"} {
		if err := scaffold.Write(root, []scaffold.Change{{File: scaffold.File{Path: name, Data: []byte("ours")}}}); err == nil {
			t.Errorf("wrote %s", name)
		}
	}
}

// TestLinkedSourcesAreNotRead: a server that is there only through a link is
// not there.
func TestLinkedSourcesAreNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	elsewhere, err := filepath.Abs("testdata/monorepo/in/services/weather")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server.py", "requirements.txt"} {
		if err := os.Symlink(filepath.Join(elsewhere, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "weather")); err != nil {
		t.Fatal(err)
	}
	if p, err := scaffold.Detect(t.Context(), openRoot(t, dir), scaffold.Options{}); err == nil {
		t.Errorf("found %s through a link", p.Candidate.Path)
	}
}

// TestWriteNoticesChanges: a file that somebody touched after the difference
// was shown is left alone, and no temporary file stays behind.
func TestWriteNoticesChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, []byte("before"), 0o640); err != nil {
		t.Fatal(err)
	}
	root := openRoot(t, dir)
	changes, err := scaffold.Compare(root, []scaffold.File{{Path: "Dockerfile", Data: []byte("ours")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("meanwhile"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := scaffold.Write(root, changes); err == nil {
		t.Error("wrote over a change that nobody saw")
	}
	if changes, err = scaffold.Compare(root, []scaffold.File{{Path: "Dockerfile", Data: []byte("ours")}}); err != nil {
		t.Fatal(err)
	}
	if err := scaffold.Write(root, changes); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != "ours" {
		t.Errorf("the file holds %q (%v)", got, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode is %v (%v), want it kept", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}

// TestHostileNames: what a stranger's folder is called does not end up as an
// instruction in a Dockerfile, a line of YAML or a shell word.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/monorepo/in/services/weather/server.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"a b", "a\nRUN id", "$(id)", "a;b", "a'b", `a"b`, "a`id`b"} {
		root := openRoot(t, t.TempDir())
		for name, data := range map[string]string{"server.py": string(source), "requirements.txt": "fastmcp==4.1.2\n"} {
			if err := root.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := root.WriteFile(dir+"/"+name, []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := scaffold.Detect(t.Context(), root, scaffold.Options{}); err == nil || !strings.Contains(err.Error(), "rename it") {
			t.Errorf("folder %q: %v", dir, err)
		}
	}
}

// TestOptionsDecide: what the caller says wins over what the code leaves open.
func TestOptionsDecide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/unknown-transport/in")); err != nil {
		t.Fatal(err)
	}
	p, err := scaffold.Detect(t.Context(), openRoot(t, dir), scaffold.Options{
		Name: "Über Wetter", Transport: scaffold.StreamableHTTP, Port: 7000, Command: []string{"python", "main.py", "http"}, Image: "registry.example.com/weather",
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "ber-wetter" || p.Transport != scaffold.StreamableHTTP || p.Port != 7000 || len(p.Command) != 3 {
		t.Errorf("got %s, %s, port %d, %q", p.Name, p.Transport, p.Port, p.Command)
	}
}
