package cli

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// TestCheckScripts runs the scripts about check, explain and version, each with
// servers of its own.
func TestCheckScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script/check", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: checkPeers,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"jsonlines": jsonLines, "exits": exits},
	})
}

// checkPeers starts the servers of one script. $DIR/ca.pem trusts $TLS.
func checkPeers(env *testscript.Env) error {
	start := func(name string, cfg mcptest.Config) {
		srv := httptest.NewServer(mcptest.NewServer(cfg))
		env.Defer(srv.Close)
		env.Setenv(name, srv.URL+"/mcp")
	}
	start("MODERN", mcptest.Config{Era: mcptest.Modern})
	start("LEGACY", mcptest.Config{Era: mcptest.Legacy, Sessions: true})
	start("BADTOOL", mcptest.Config{Era: mcptest.Legacy, Tools: []json.RawMessage{mcptest.EchoTool(), mcptest.ToolWith("odd", `{"type":"int"}`)}})
	start("FAILING", mcptest.Config{Era: mcptest.Modern, Call: nil, Faults: []mcptest.Fault{
		mcptest.On(mcptest.BendResult(func(_ *mcptest.Exchange, r map[string]any) {
			r["isError"], r["content"] = true, []any{map[string]any{"type": "text", "text": "city not found"}}
		}), mcp.MethodToolsCall),
	}})
	start("GATED", mcptest.Config{Auth: &mcptest.Auth{Token: "the-right-token", NoMetadata: true,
		Challenge: func(string) []string { return []string{`ApiKey realm="api"`} }}})
	start("KEYED", mcptest.Config{Auth: &mcptest.Auth{Key: "the-right-key", NoMetadata: true}})
	start("PAGE", mcptest.Config{Faults: []mcptest.Fault{mcptest.HTML(200)}})
	secure := httptest.NewUnstartedServer(mcptest.NewServer(mcptest.Config{Era: mcptest.Modern}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	secure.StartTLS()
	env.Defer(secure.Close)
	env.Setenv("TLS", secure.URL+"/mcp")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), ca, 0o600); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Setenv("REFUSED", "http://"+ln.Addr().String()+"/mcp")
	return ln.Close()
}

// jsonLines holds that a file is so many lines, each one JSON object that has
// all the named members.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: jsonlines FILE COUNT [MEMBER…]")
	}
	n := 0
	for lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[0]))); lines.Scan(); n++ {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil {
			ts.Fatalf("line %d is no JSON object: %v", n+1, err)
		}
		for _, member := range args[2:] {
			if object[member] == nil {
				ts.Fatalf("line %d has no %s: %s", n+1, member, lines.Text())
			}
		}
	}
	if got := strings.TrimSpace(args[1]); got != strconv.Itoa(n) {
		ts.Fatalf("%d lines, want %s", n, got)
	}
}

// exits runs holdfast and holds its exit code: exits CODE ARG….
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG…")
	}
	err := ts.Exec("holdfast", args[1:]...)
	code := 0
	if e, ok := err.(interface{ ExitCode() int }); ok { // testscript returns it bare
		code = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("holdfast %q: %v", args[1:], err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("holdfast %q: exit code %d, want %s", args[1:], code, args[0])
	}
}
