package cli

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// TestScanScripts runs the scripts about scan, each with servers of its own.
func TestScanScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script/scan", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: scanPeers,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"await": await, "repeat": repeat, "lines": lines},
	})
}

// scanPeers starts the servers of one script and puts their URLs into its
// environment.
func scanPeers(env *testscript.Env) error {
	start := func(name string, h http.Handler) string {
		srv := httptest.NewServer(h)
		env.Defer(srv.Close)
		env.Setenv(name, srv.URL)
		return srv.URL
	}
	healthy := start("HEALTHY", mcptest.NewServer(mcptest.Config{}))
	legacy := start("LEGACY", mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Sessions: true}))
	start("HTML", mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.HTML(200)}}))
	start("GONE", http.NotFoundHandler())
	start("BUSY", mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.Answer(429, "text/plain", "slow down")}}))
	start("SLOW", mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.Delay(100 * time.Millisecond)}}))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Setenv("REFUSED", "http://"+ln.Addr().String())
	if err := ln.Close(); err != nil {
		return err
	}
	start("REGISTRY", registry(healthy, legacy, false))
	start("LOOP", registry(healthy, legacy, true))
	return nil
}

// registry is two pages of an MCP registry; one that loops names the first
// page as the one after the second, for ever.
func registry(healthy, legacy string, loops bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v0.1/servers" {
			http.NotFound(w, r)
			return
		}
		entry := func(name, status string, latest bool, url string) string {
			return fmt.Sprintf(`{"server":{"name":%q,"remotes":[{"type":"streamable-http","url":%q}]},"_meta":{"io.modelcontextprotocol.registry/official":{"status":%q,"isLatest":%t}}}`, name, url, status, latest)
		}
		page, next := []string{
			entry("com.example/good", "active", true, healthy+"/mcp"),
			entry("com.example/old-version", "active", false, healthy+"/old"),
			entry("com.example/gone", "deleted", true, healthy+"/deleted"),
			entry("com.example/template", "active", true, "https://{tenant}.example.com/mcp"),
		}, "page2"
		if c := r.URL.Query().Get("cursor"); c != "" {
			page, next = []string{entry("com.example/legacy", "active", true, legacy+"/mcp")}, ""
			if loops {
				next = "page2"
			}
		}
		fmt.Fprintf(w, `{"servers":[%s],"metadata":{"count":%d,"nextCursor":%q}}`, strings.Join(page, ","), len(page), next)
	})
}

// await waits until a file has at least so many lines: await FILE N.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		raw, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && bytes.Count(raw, []byte("\n")) >= want {
			return
		}
	}
	ts.Fatalf("%s has not got %d lines in 20 s", args[0], want)
}

// repeat writes a text so many times, %N being the number: repeat FILE N TEXT.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat FILE N TEXT")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\0`, "\x00").Replace(args[2])
	var b bytes.Buffer
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "%N", strconv.Itoa(i)))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// lines checks how many lines a file has: lines FILE N.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines FILE N")
	}
	if got := strings.Count(ts.ReadFile(args[0]), "\n"); strconv.Itoa(got) != args[1] {
		ts.Fatalf("%s has %d lines, want %s", args[0], got, args[1])
	}
}
