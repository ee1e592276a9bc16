package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// marked finds the commands of a page that stand under <!-- run -->.
var marked = regexp.MustCompile("(?m)^<!-- run -->\n```sh\n((?:.+\n)+)```$")

// TestWalkthrough types the commands of docs/from-script-to-production.md that
// need nothing but the folder, in order, in a copy of the example.
func TestWalkthrough(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "from-script-to-production.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := filepath.Abs(filepath.Join("..", "..", "examples", "weather-python"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, m := range marked.FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(m[1]) {
			fmt.Fprintf(&script, "exec %s", line)
		}
	}
	if script.Len() == 0 {
		t.Fatal("no command of the page is marked to be run")
	}
	script.WriteString("exists Dockerfile .dockerignore mcpserver.yaml HOLDFAST.md .github/workflows/weather.yml\n" +
		"grep '^FROM python:3.13-slim@sha256:' Dockerfile\n! grep 'NOT PINNED' Dockerfile\n")
	file := filepath.Join(t.TempDir(), "walkthrough.txtar")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files: []string{file}, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error { return os.CopyFS(e.WorkDir, os.DirFS(example)) },
	})
}
