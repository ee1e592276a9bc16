package mcptest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// stdioWord is the argument that makes a test binary act as a peer.
const stdioWord = "mcptest-stdio-peer"

// StdioMain lets a test binary be a stdio server. Tests that start stdio cases
// call it first in TestMain, with os.Args, and exit with the code if it was
// asked for:
//
//	func TestMain(m *testing.M) {
//		if code, ok := mcptest.StdioMain(context.Background(), os.Args); ok {
//			os.Exit(code)
//		}
//		os.Exit(m.Run())
//	}
func StdioMain(ctx context.Context, args []string) (code int, ok bool) {
	if len(args) != 3 || args[1] != stdioWord {
		return 0, false
	}
	return stdioPeer(ctx, args[2]), true
}

// StdioCommand starts this test binary as the stdio peer of the given kind:
// healthy, modern, legacy, stderr, noise, chatty, exits, dies or silent.
func StdioCommand(kind string) []string {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return []string{exe, stdioWord, kind}
}

func stdioPeer(ctx context.Context, kind string) int {
	in, out, logs := os.Stdin, os.Stdout, os.Stderr
	cfg := Config{Era: Stdio}
	switch kind {
	case "exits":
		_, _ = fmt.Fprintln(logs, "Error: Cannot find module './dist/index.js'")
		return 1
	case "silent":
		_, _ = io.Copy(io.Discard, in)
		return 0
	case "dies":
		cfg.Faults = []Fault{On(func(*Exchange, func()) { os.Exit(3) }, mcp.MethodToolsList)}
	case "noise":
		_, _ = fmt.Fprintln(out, "Server started on stdio")
	case "chatty":
		cfg.Faults = []Fault{func(_ *Exchange, next func()) {
			_, _ = fmt.Fprintln(out, "DEBUG handling request")
			next()
		}}
	case "stderr":
		_, _ = fmt.Fprintln(logs, "Server started on stdio")
	case "legacy":
		cfg.Versions = versionsOf(Legacy)
	case "modern":
		cfg.Versions = versionsOf(Modern)
	}
	if err := NewServer(cfg).ServeStdio(ctx, in, out); err != nil {
		_, _ = fmt.Fprintln(logs, err)
		return 1
	}
	return 0
}

// ServeStdio speaks newline-delimited JSON until in ends. Requests are
// answered one by one.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxRequest)
	var mu sync.Mutex
	for lines.Scan() {
		msg, err := mcp.Parse(lines.Bytes(), mcp.Limits{Bytes: maxRequest})
		if err != nil {
			continue
		}
		ex := &Exchange{W: &nowhere{header: http.Header{}}, R: mirror(ctx, msg), Body: lines.Bytes(), Msg: msg, server: s}
		ex.stream = func(body []byte) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = out.Write(append(body, '\n')) // the client went away
		}
		ex.N = s.stats.request(ex)
		s.serve(ex)
		s.stats.done()
	}
	return lines.Err()
}

// mirror makes the HTTP request that would carry a message.
func mirror(ctx context.Context, msg *mcp.Message) *http.Request {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://stdio/", nil)
	if err != nil {
		panic(err) // a constant URL
	}
	r.Header.Set("Accept", mcp.AcceptBoth)
	if msg.Meta.HasVersion {
		r.Header.Set(mcp.HeaderVersion, msg.Meta.ProtocolVersion)
		r.Header.Set(mcp.HeaderMethod, msg.Method)
		r.Header.Set(mcp.HeaderName, mcp.EncodeHeader(msg.Name))
	}
	return r
}

// nowhere is the HTTP answer that stdio does not have.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}

// stdioCases are child processes instead of URLs. They need real processes, so
// they cannot run in a synctest bubble.
func stdioCases() []spec {
	peer := func(kind string) func(w *World) Target {
		return func(*World) Target { return Target{Command: StdioCommand(kind)} }
	}
	stdio := []Era{Stdio}
	return []spec{
		{name: "stdio program is not there", eras: stdio, want: one("stdio.start"), near: "stdio.exited", start: func(*World) Target {
			return Target{Command: []string{"/nonexistent/mcp-server", "--stdio"}}
		}},
		{name: "stdio program not in the path", eras: stdio, want: one("stdio.start"), start: func(*World) Target {
			return Target{Command: []string{"no-such-mcp-server-anywhere"}}
		}},
		{name: "stdio exits at once", eras: stdio, want: one("stdio.exited"), near: "stdio.start", start: peer("exits")},
		{name: "stdio dies at the list", eras: stdio, want: one("stdio.exited"), may: one("list.error"), start: peer("dies")},
		{name: "stdio prints a banner", eras: stdio, want: one("stdio.noise"), start: peer("noise")},
		{name: "stdio prints between messages", eras: stdio, want: one("stdio.noise"), forbid: one("body.not_jsonrpc"), start: peer("chatty")},
		{name: "stdio logs to stderr", eras: stdio, near: "stdio.noise", start: peer("stderr")},
		{name: "stdio healthy", eras: stdio, near: "stdio.exited", grade: finding.Healthy, start: peer("healthy")},
		{name: "stdio legacy", eras: stdio, near: "stdio.exited", start: peer("legacy")},
		{name: "stdio modern", eras: stdio, near: "stdio.exited", start: peer("modern")},
	}
}
