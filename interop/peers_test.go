//go:build interop && unix

package interop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the recorded answers")

const (
	discover = `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientCapabilities":{},` +
		`"io.modelcontextprotocol/clientInfo":{"name":"interop","version":"1"}}}}`
	initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
		`"capabilities":{},"clientInfo":{"name":"interop","version":"1"}}}`
	// future is a modern request of a revision that nobody speaks.
	future = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2099-01-01",` +
		`"io.modelcontextprotocol/clientCapabilities":{}}}}`
	list      = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}`
	bothTypes = "application/json, text/event-stream"
)

const (
	// headerLimit is how long a peer may take over the head of an answer.
	headerLimit = 30 * time.Second
	// silence is how long an open stream is listened to before it is recorded
	// as saying nothing. Peers that do speak up do it with the headers.
	silence = 5 * time.Second
	// maxRecorded bounds how much of a body is recorded, in bytes.
	maxRecorded = 600
)

// TestFirstAnswers starts each peer and compares its answers to the three
// requests a stranger may open with to the recorded ones in testdata. A new
// version of a peer that answers otherwise shows up here first.
func TestFirstAnswers(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			peer := Start(t, name)
			t.Logf("ready after %s", time.Since(began).Round(time.Millisecond))
			var got strings.Builder
			if peer.URL != "" {
				recordHTTP(t, &got, peer.URL)
			} else {
				recordStdio(t, &got, peer.Command)
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("answers (-recorded +got):\n%s", diff)
			}
		})
	}
}

// TestDirectConformance pins what the suite says without us in between. Runs
// through a front are compared to these.
func TestDirectConformance(t *testing.T) {
	tests := []struct {
		peer, revision string
		passed, total  int
	}{
		{"gosdk-stateless", "2026-07-28", 37, 37},
		{"gosdk-stateful", "2025-11-25", 30, 30},
		// Without a session the server cannot ask back, so sampling and
		// elicitation fail, and server-sse-multiple-streams only warns.
		{"gosdk-stateless", "2025-11-25", 25, 30},
	}
	for _, test := range tests {
		t.Run(test.peer+"/"+test.revision, func(t *testing.T) {
			report := Conformance(t, Start(t, test.peer).URL, test.revision)
			passed, total := report.Score()
			t.Logf("%d of %d required scenarios in %s", passed, total, report.Took.Round(time.Millisecond))
			if passed != test.passed || total != test.total {
				t.Errorf("score = %d/%d, want %d/%d\n%s", passed, total, test.passed, test.total,
					strings.Join(report.Failures(), "\n"))
			}
		})
	}
}

// TestStopFreesThePort proves that a stopped peer is gone, not only signalled.
func TestStopFreesThePort(t *testing.T) {
	peer := Start(t, "gosdk-stateless")
	peer.Stop()
	peer.Stop()
	if response, err := http.Get(peer.URL); err == nil {
		response.Body.Close()
		t.Errorf("GET %s after Stop: %s, want no connection", peer.URL, response.Status)
	}
}

func recordHTTP(t *testing.T, out io.Writer, url string) {
	t.Helper()
	ask(t, out, question{"modern discover", url, discover,
		http.Header{"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"server/discover"}}})
	ask(t, out, question{"initialize", url, initialize, http.Header{}})
	ask(t, out, question{"GET", url, "", http.Header{"Accept": {"text/event-stream"}}})
	if strings.HasSuffix(url, "/sse") {
		return
	}
	ask(t, out, question{"revision of the future", url, future,
		http.Header{"Mcp-Protocol-Version": {"2099-01-01"}, "Mcp-Method": {"tools/list"}}})
	legacy := http.Header{"Mcp-Protocol-Version": {"2025-11-25"}}
	ask(t, out, question{"legacy without a session", url, list, legacy.Clone()})
	legacy.Set("Mcp-Session-Id", "00000000-0000-4000-8000-000000000000")
	ask(t, out, question{"legacy with an unknown session", url, list, legacy})
	evil := http.Header{"Origin": {"https://evil.example"}}
	ask(t, out, question{"initialize from a foreign origin", url, initialize, evil})
}

// question is one request; without a body it is a GET.
type question struct {
	title, url, body string
	header           http.Header
}

// ask sends one request and writes down status, telling headers and the body up
// to its end, its first SSE event with data, or the time limit.
func ask(t *testing.T, out io.Writer, q question) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	limit := time.AfterFunc(headerLimit, cancel)
	defer limit.Stop()
	method := http.MethodGet
	if q.body != "" {
		method = http.MethodPost
		q.header.Set("Content-Type", "application/json")
		q.header.Set("Accept", bothTypes)
	}
	request, err := http.NewRequestWithContext(ctx, method, q.url, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = q.header
	fmt.Fprintf(out, "> %s\n", q.title)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", q.title, err)
	}
	limit.Reset(silence)
	defer response.Body.Close()
	fmt.Fprintf(out, "< %d\n", response.StatusCode)
	for _, name := range []string{"Content-Type", "Mcp-Session-Id", "Allow", "X-Accel-Buffering"} {
		if value := response.Header.Get(name); value != "" {
			fmt.Fprintf(out, "%s: %s\n", name, stable(value))
		}
	}
	fmt.Fprintf(out, "\n%s\n\n", cut(stable(readSome(response.Body))))
}

// readSome reads to the end of the body or of its first SSE event with data.
func readSome(body io.Reader) string {
	var got strings.Builder
	lines := bufio.NewReader(io.LimitReader(body, 1<<20))
	for {
		line, err := lines.ReadString('\n')
		got.WriteString(line)
		if errors.Is(err, context.Canceled) {
			got.WriteString("(open, nothing more)")
		}
		data := regexp.MustCompile(`(?m)^data: *\S`).MatchString(got.String())
		if err != nil || (data && strings.TrimSpace(line) == "") {
			return strings.TrimSpace(got.String())
		}
	}
}

// recordStdio opens one process per request, as a stranger would.
func recordStdio(t *testing.T, out io.Writer, argv []string) {
	t.Helper()
	for _, q := range []question{{title: "modern discover", body: discover}, {title: "initialize", body: initialize}} {
		fmt.Fprintf(out, "> %s\n", q.title)
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.WaitDelay = time.Second
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(stdin, q.body+"\n"); err != nil {
			t.Errorf("write to %v: %v", argv, err)
		}
		answer, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil {
			t.Errorf("read from %v: %v\n%s", argv, err, stderr.String())
		}
		fmt.Fprintf(out, "< %s\n\n", cut(stable(strings.TrimSpace(answer))))
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, so always an error
	}
}

// cut keeps the beginning of a long answer.
func cut(s string) string {
	if len(s) <= maxRecorded {
		return s
	}
	return strings.ToValidUTF8(s[:maxRecorded], "") + " (cut)"
}

// stable replaces what differs from run to run.
func stable(s string) string {
	for pattern, replacement := range map[string]string{
		`[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}`: "(uuid)",
		`\b[A-Z2-7]{26}\b`: "(id)",
		`127\.0\.0\.1:\d+`: "127.0.0.1:(port)",
		`^HEAD, GET$`:      "GET, HEAD", // Python's sets have no order
		`^POST, DELETE$`:   "DELETE, POST",
	} {
		s = regexp.MustCompile(pattern).ReplaceAllString(s, replacement)
	}
	return strings.ReplaceAll(s, "\r\n", "\n")
}
