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

// marked finds the commands of a page that stand under <!-- run -->, and the
// declaration that it says to write.
var marked = regexp.MustCompile("(?m)^(?:<!-- run -->\n```sh|```(yaml))\n((?:.+\n)+)```$")

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
	file := filepath.Join(t.TempDir(), "walkthrough.txtar")
	if err := os.WriteFile(file, walkthroughScript(t, string(page)), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files: []string{file}, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			return os.CopyFS(filepath.Join(e.WorkDir, "weather"), os.DirFS(example))
		},
	})
}

// walkthroughScript turns the page into a script.
func walkthroughScript(t *testing.T, page string) []byte {
	t.Helper()
	var script, declaration strings.Builder
	script.WriteString("cd weather\n")
	commands := 0
	for _, m := range marked.FindAllStringSubmatch(page, -1) {
		if m[1] == "yaml" {
			declaration.WriteString("-- mcpserver.yaml --\n" + m[2])
			script.WriteString("cp $WORK/mcpserver.yaml mcpserver.yaml\n")
			continue
		}
		for line := range strings.Lines(m[2]) {
			commands++
			line, output, redirected := strings.Cut(strings.TrimSpace(line), " >")
			fmt.Fprintf(&script, "exec %s\n", line)
			if redirected {
				fmt.Fprintf(&script, "cp stdout %s\n", output)
			}
		}
	}
	if commands == 0 || declaration.Len() == 0 {
		t.Fatalf("the page has %d commands to run and %d bytes of declaration", commands, declaration.Len())
	}
	script.WriteString(`exists Dockerfile .dockerignore mcpserver.yaml HOLDFAST.md .github/workflows/weather.yml
grep '^FROM python:3.13-slim@sha256:' Dockerfile
! grep 'NOT PINNED' Dockerfile
# The folder is clean once more with the rendered objects in it.
grep '^kind: Deployment$' objects.yaml
exec holdfast lint --fail-on info .
`)
	return []byte(script.String() + declaration.String())
}
