//go:build interop && unix

package interop

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	dockerEntry = regexp.MustCompile(`(?m)^ENTRYPOINT (\[.*\])$`)
	dockerHost  = regexp.MustCompile(`(?m)^ENV (FASTMCP_HOST=\S+)$`)
	pageCommand = regexp.MustCompile("(?m)^<!-- interop -->\n```sh\n((?:.+\n)+)```$")
)

// TestWalkthrough starts the example server the way the Dockerfile that
// `holdfast init` writes starts it, environment and ENTRYPOINT as written, and
// makes the client's journey of docs/from-script-to-production.md. There is no
// engine here to build the image: what runs is the installed peers' Python,
// with the same fastmcp.
func TestWalkthrough(t *testing.T) {
	src := root(t)
	holdfast := buildHoldfast(t, src)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "weather")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(src, "..", "examples", "weather-python"))); err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(dir, "main.py"), "port=8000", "port="+port)
	entry, dockerfile := initialise(t, holdfast, dir)
	host := dockerHost.FindStringSubmatch(dockerfile)
	if host == nil || !strings.Contains(dockerfile, "\nEXPOSE "+port+"\n") {
		t.Fatalf("the Dockerfile opens no listener on port %s:\n%s", port, dockerfile)
	}
	serveAndCheck(t, dir, port, append([]string{host[1]}, entry...), func() {
		page, err := os.ReadFile(filepath.Join(src, "..", "docs", "from-script-to-production.md"))
		if err != nil {
			t.Fatal(err)
		}
		commands := pageCommand.FindAllStringSubmatch(string(page), -1)
		if len(commands) == 0 {
			t.Fatal("no command of the page is marked for interop")
		}
		for _, m := range commands {
			journey(t, holdfast, dir, strings.ReplaceAll(m[1], ":8000", ":"+port), "2 tools")
		}
	})
}

// TestWalkthroughStdio does the same with a server that speaks stdio, which the
// image starts behind Holdfast, and runs the image's own HEALTHCHECK.
func TestWalkthroughStdio(t *testing.T) {
	src := root(t)
	holdfast := buildHoldfast(t, src)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "weather")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(src, "..", "examples", "weather-python"))); err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(dir, "main.py"), `transport="http", port=8000, stateless_http=True`, `show_banner=False`)
	entry, dockerfile := initialise(t, holdfast, dir)
	if !strings.Contains(dockerfile, "\nHEALTHCHECK ") || !strings.Contains(dockerfile, "http://127.0.0.1:8080/mcp") {
		t.Fatalf("the Dockerfile checks no health:\n%s", dockerfile)
	}
	for i, word := range entry {
		switch word {
		case "/usr/local/bin/holdfast":
			entry[i] = holdfast
		case "0.0.0.0:8080":
			entry[i] = "127.0.0.1:" + port
		}
	}
	// The admin port is the image's own; here it must not be taken.
	entry = append([]string{entry[0], entry[1], "--admin", "127.0.0.1:0"}, entry[2:]...)
	serveAndCheck(t, dir, port, entry, func() {
		journey(t, holdfast, dir, "holdfast check --quick --budget 60s http://127.0.0.1:"+port+"/mcp", "2 tools")
	})
}

func buildHoldfast(t *testing.T, src string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "holdfast")
	cmd := exec.Command("go", "build", "-o", out, "./cmd/holdfast")
	cmd.Dir = filepath.Dir(src)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build holdfast: %v\n%s", err, output)
	}
	return out
}

func rewrite(t *testing.T, file, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), from) {
		t.Fatalf("%s does not say %s any more", file, from)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(raw), from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// initialise runs holdfast init and gives the ENTRYPOINT and the Dockerfile.
func initialise(t *testing.T, holdfast, dir string) (entry []string, dockerfile string) {
	t.Helper()
	if out, err := exec.Command(holdfast, "init", dir).CombinedOutput(); err != nil {
		t.Fatalf("holdfast init: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	m := dockerEntry.FindStringSubmatch(string(raw))
	if m == nil {
		t.Fatalf("no ENTRYPOINT:\n%s", raw)
	}
	if err := json.Unmarshal([]byte(m[1]), &entry); err != nil {
		t.Fatalf("ENTRYPOINT %s: %v", m[1], err)
	}
	return entry, string(raw)
}

// serveAndCheck starts the image's command line (variables may stand in front of
// it, as for env) in the folder, with the
// installed Python in front of everything else on PATH, and runs the check.
func serveAndCheck(t *testing.T, dir, port string, line []string, check func()) {
	t.Helper()
	python, err := installed(root(t), "bin/python")
	if err != nil {
		t.Fatal(err)
	}
	argv := append([]string{"env", "-C", dir, "PATH=" + filepath.Dir(python) + ":" + os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1"}, line...)
	server, err := startProcess(argv, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.stop()
		if t.Failed() {
			t.Logf("output of %q:\n%s", argv, server.output.String())
		}
	})
	if err := server.waitForPort(net.JoinHostPort("127.0.0.1", port), startTimeout); err != nil {
		t.Fatal(err)
	}
	check()
}

// journey runs a command of the page and wants a healthy server.
func journey(t *testing.T, holdfast, dir, command, want string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(holdfast)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "  healthy") || !strings.Contains(string(out), want) {
		t.Errorf("%s: %v\n%s", strings.TrimSpace(command), err, out)
	}
}
