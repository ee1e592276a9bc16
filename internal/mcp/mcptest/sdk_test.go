package mcptest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestOfficialClient lets the Go SDK's client use the healthy servers of every
// era over real sockets: proof by code that nobody here wrote.
func TestOfficialClient(t *testing.T) {
	cases := []struct {
		name string
		cfg  Config
		host []HostOption
		want string // negotiated version
	}{
		{"modern", Config{Era: Modern}, nil, "2026-07-28"},
		{"modern framed", Config{Era: Modern, SSE: true}, nil, "2026-07-28"},
		{"modern http/1.1", Config{Era: Modern, SSE: true}, []HostOption{HTTP1}, "2026-07-28"},
		{"dual", Config{Era: Dual, Sessions: true, Stream: true}, nil, "2026-07-28"},
		{"legacy", Config{Era: Legacy}, nil, "2025-11-25"},
		{"legacy framed with sessions", Config{Era: Legacy, SSE: true, Sessions: true}, nil, "2025-11-25"},
		{"legacy with stream", Config{Era: Legacy, Sessions: true, Stream: true}, nil, "2025-11-25"},
		{"legacy plain http", Config{Era: Legacy, Sessions: true}, []HostOption{PlainHTTP}, "2025-11-25"},
		{"legacy 2025-06-18", Config{Era: Legacy, Versions: versionsOf(Legacy)[:2]}, nil, "2025-06-18"},
		{"sse", Config{Era: SSE2024}, nil, "2024-11-05"},
	}
	for _, p := range ProbeAnswers() {
		cases = append(cases, struct {
			name string
			cfg  Config
			host []HostOption
			want string
		}{fmt.Sprintf("legacy answer %d", p), Config{Era: Legacy, Sessions: true, ModernProbe: p}, nil, "2025-11-25"})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := NewLoopbackWorld(t)
			c.cfg.Tools = append(Tools(7), ForecastTool())
			c.cfg.PageSize = 3
			c.cfg.Call = says(StructuredResult(`{"high":20}`))
			srv := NewServer(c.cfg)
			h := w.Host("sdk.example", srv, c.host...)
			transport := sdk.Transport(&sdk.StreamableClientTransport{Endpoint: h.URL("/mcp"), HTTPClient: &http.Client{Transport: w.Transport()}})
			if c.cfg.Era == SSE2024 {
				transport = &sdk.SSEClientTransport{Endpoint: h.URL("/sse"), HTTPClient: &http.Client{Transport: w.Transport()}}
			}
			useBySDK(t, transport, c.want)
			stats := srv.Stats()
			if stats.ToolCalls["forecast"] != 1 {
				t.Errorf("tool calls: %v", stats.ToolCalls)
			}
			if c.cfg.Sessions && c.want != "2026-07-28" && (stats.SessionsOpened != 1 || stats.SessionsOpen() != 0) {
				t.Errorf("sessions opened %d, still open %d", stats.SessionsOpened, stats.SessionsOpen())
			}
		})
	}
}

func TestOfficialClientOverStdio(t *testing.T) {
	for kind, want := range map[string]string{"healthy": "2026-07-28", "modern": "2026-07-28", "legacy": "2025-11-25", "stderr": "2026-07-28"} {
		t.Run(kind, func(t *testing.T) {
			argv := StdioCommand(kind)
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			session := connect(t, &sdk.CommandTransport{Command: cmd}, want)
			defer session.Close()
			if tools := listBySDK(t, session); len(tools) != 1 || tools[0] != "echo" {
				t.Errorf("tools %v", tools)
			}
		})
	}
}

func connect(t *testing.T, transport sdk.Transport, want string) *sdk.ClientSession {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "mcptest", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	if got := session.InitializeResult(); got == nil || got.ProtocolVersion != want || got.ServerInfo.Name != "mcptest" {
		t.Errorf("handshake: %+v, want version %s", got, want)
	}
	return session
}

func listBySDK(t *testing.T, session *sdk.ClientSession) []string {
	t.Helper()
	var names []string
	for tool, err := range session.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		names = append(names, tool.Name)
	}
	return names
}

func useBySDK(t *testing.T, transport sdk.Transport, want string) {
	t.Helper()
	session := connect(t, transport, want)
	if names := listBySDK(t, session); len(names) != 8 || names[7] != "forecast" {
		t.Errorf("tools %v", names)
	}
	res, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "forecast", Arguments: map[string]any{"city": "Oslo"}})
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	got, err := json.Marshal(res.StructuredContent)
	if err != nil || string(got) != `{"high":20}` {
		t.Errorf("structured content %s, %v", got, err)
	}
	if _, err := session.CallTool(context.WithoutCancel(t.Context()), &sdk.CallToolParams{Name: "nobody"}); err == nil {
		t.Error("call of an unknown tool succeeded")
	}
	if err := session.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
