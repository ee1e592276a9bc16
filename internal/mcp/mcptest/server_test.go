package mcptest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

func lastEvent(t *testing.T, body []byte) *mcp.Message {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(body), 0)
	var last *mcp.Message
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatalf("event stream: %v", err)
		}
		if last, err = mcp.Parse(e.Data, mcp.Limits{}); err != nil {
			t.Fatalf("event %q: %v", e.Data, err)
		}
	}
}

// inWorld starts a server in a world in memory, inside a bubble.
func inWorld(t *testing.T, cfg Config, f func(t *testing.T, w *World, url string, s *Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(t)
		s := NewServer(cfg)
		f(t, w, w.Host("server.example", s).URL("/mcp"), s)
	})
}

func wantError(t *testing.T, what string, a answer, status int, code int64) {
	t.Helper()
	if a.status != status || a.msg == nil || a.msg.Error == nil || a.msg.Error.Code != code {
		t.Errorf("%s: %d %s, want %d with code %d", what, a.status, a.body, status, code)
	}
}

func TestModern(t *testing.T) {
	for _, framed := range []bool{false, true} {
		inWorld(t, Config{Era: Modern, SSE: framed, Tools: Tools(5), PageSize: 2}, func(t *testing.T, w *World, url string, s *Server) {
			a := ask(t, w, url, mcp.MethodDiscover, nil)
			var d struct {
				ResultType        string
				SupportedVersions []string
				TTL               *int           `json:"ttlMs"`
				CacheScope        string         `json:"cacheScope"`
				Meta              map[string]any `json:"_meta"`
			}
			if err := json.Unmarshal(a.msg.Result, &d); err != nil {
				t.Fatal(err)
			}
			if a.status != 200 || d.ResultType != "complete" || len(d.SupportedVersions) != 1 || d.SupportedVersions[0] != "2026-07-28" ||
				d.TTL == nil || *d.TTL < 0 || d.CacheScope != "private" || d.Meta[mcp.MetaServerInfo] == nil {
				t.Errorf("discover: %d %s", a.status, a.body)
			}
			if a.header.Get(mcp.HeaderSession) != "" {
				t.Error("a modern answer has a session id")
			}
			if framed != (a.header.Get("X-Accel-Buffering") == "no") {
				t.Errorf("framed %t, head %v", framed, a.header)
			}
			if got := pages(t, w, url); got != "tool-000,tool-001|tool-002,tool-003|tool-004" {
				t.Errorf("pages %q", got)
			}
			call := ask(t, w, url, mcp.MethodToolsCall, map[string]any{"name": "tool-001", "arguments": map[string]any{"a": 1}})
			if call.status != 200 || !strings.Contains(call.body, `"resultType":"complete"`) {
				t.Errorf("call: %d %s", call.status, call.body)
			}
			if got := s.Stats().ToolCalls["tool-001"]; got != 1 {
				t.Errorf("counted %d calls", got)
			}
		})
	}
}

func pages(t *testing.T, w *World, url string) string {
	t.Helper()
	var out []string
	params := map[string]any{}
	for {
		a := ask(t, w, url, mcp.MethodToolsList, params)
		var page struct {
			Tools      []struct{ Name string }
			NextCursor *string
			TTL        *int `json:"ttlMs"`
		}
		if err := json.Unmarshal(a.msg.Result, &page); err != nil || page.TTL == nil {
			t.Fatalf("list: %v %s", err, a.body)
		}
		var names []string
		for _, tool := range page.Tools {
			names = append(names, tool.Name)
		}
		out = append(out, strings.Join(names, ","))
		if page.NextCursor == nil {
			return strings.Join(out, "|")
		}
		params = map[string]any{"cursor": *page.NextCursor}
	}
}

func TestModernRefuses(t *testing.T) {
	inWorld(t, Config{Era: Modern}, func(t *testing.T, w *World, url string, _ *Server) {
		wantError(t, "ping", ask(t, w, url, mcp.MethodPing, nil), 404, mcp.CodeMethodNotFound)
		wantError(t, "initialize", ask(t, w, url, mcp.MethodInitialize, nil), 404, mcp.CodeMethodNotFound)
		wantError(t, "plain initialize", post(t, w, url, nil, legacyMessage(mcp.MethodInitialize, 1, map[string]any{"protocolVersion": "2025-11-25"})),
			400, mcp.CodeUnsupportedVersion)
		wantError(t, "unknown tool", ask(t, w, url, mcp.MethodToolsCall, map[string]any{"name": "nobody"}), 400, mcp.CodeInvalidParams)
		wantError(t, "bad cursor", ask(t, w, url, mcp.MethodToolsList, map[string]any{"cursor": "?"}), 400, mcp.CodeInvalidParams)

		meta := func(version string) map[string]any {
			return map[string]any{"jsonrpc": "2.0", "id": "x", "method": mcp.MethodDiscover, "params": map[string]any{"_meta": map[string]any{
				mcp.MetaProtocolVersion: version, mcp.MetaClientCapabilities: struct{}{}}}}
		}
		head := func(version, method string) http.Header {
			return http.Header{mcp.HeaderVersion: {version}, mcp.HeaderMethod: {method}}
		}
		wantError(t, "other version in head", post(t, w, url, head("2026-07-29", mcp.MethodDiscover), meta("2026-07-28")), 400, mcp.CodeHeaderMismatch)
		wantError(t, "no method in head", post(t, w, url, http.Header{mcp.HeaderVersion: {"2026-07-28"}}, meta("2026-07-28")), 400, mcp.CodeHeaderMismatch)
		wantError(t, "other method in head", post(t, w, url, head("2026-07-28", "tools/list"), meta("2026-07-28")), 400, mcp.CodeHeaderMismatch)
		a := post(t, w, url, head("1900-01-01", mcp.MethodDiscover), meta("1900-01-01"))
		wantError(t, "unknown version", a, 400, mcp.CodeUnsupportedVersion)
		if got := string(a.msg.Error.Data); got != `{"requested":"1900-01-01","supported":["2026-07-28"]}` {
			t.Errorf("data of -32022: %s", got)
		}
		wantError(t, "no meta", post(t, w, url, head("2026-07-28", mcp.MethodDiscover), map[string]any{
			"jsonrpc": "2.0", "id": 1, "method": mcp.MethodDiscover}), 400, mcp.CodeInvalidParams)
		name := head("2026-07-28", mcp.MethodToolsCall)
		name.Set(mcp.HeaderName, "=?base64?ZWNobw==?=")
		call := meta("2026-07-28")
		call["method"] = mcp.MethodToolsCall
		call["params"].(map[string]any)["name"] = "echo"
		if a := post(t, w, url, name, call); a.status != 200 {
			t.Errorf("name in Base64: %d %s", a.status, a.body)
		}
		if status, err := get(t, w, url); status != 405 {
			t.Errorf("GET: %d %v", status, err)
		}
		accept := head("2026-07-28", mcp.MethodDiscover)
		accept.Set("Accept", mcp.TypeJSON)
		if a := post(t, w, url, accept, meta("2026-07-28")); a.status != 406 {
			t.Errorf("accepts JSON only: %d", a.status)
		}
	})
}

// stream opens a long stream and gives its events.
func stream(t *testing.T, w *World, req *http.Request) (*http.Response, *sse.Reader) {
	t.Helper()
	client := w.Client()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return res, sse.NewReader(bufio.NewReader(res.Body), 0)
}

func TestListen(t *testing.T) {
	inWorld(t, Config{Era: Modern}, func(t *testing.T, w *World, url string, s *Server) {
		body := `{"jsonrpc":"2.0","id":"sub","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true},` +
			`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		req.Header = http.Header{"Accept": {mcp.AcceptBoth}, mcp.HeaderVersion: {"2026-07-28"}, mcp.HeaderMethod: {mcp.MethodListen}}
		res, events := stream(t, w, req)
		defer res.Body.Close()
		next := func(want string) {
			t.Helper()
			e, err := events.Next()
			if err != nil || !strings.Contains(string(e.Data), want) || !strings.Contains(string(e.Data), `"io.modelcontextprotocol/subscriptionId":"sub"`) {
				t.Errorf("event %s, %v; want %s", e.Data, err, want)
			}
		}
		next(`"notifications":{"toolsListChanged":true}`)
		if got := s.Stats().StreamsOpen; got != 1 {
			t.Errorf("%d streams open", got)
		}
		time.Sleep(40 * time.Second) // of the bubble: two heartbeats pass
		s.SetTools(Tools(2))
		next(mcp.MethodToolsChanged)
		if events.Comments() != 2 {
			t.Errorf("%d heartbeats", events.Comments())
		}
		s.EndStreams()
		next(`"resultType":"complete"`)
		if _, err := events.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the result: %v", err)
		}
		synctest.Wait()
		if got := s.Stats().StreamsOpen; got != 0 {
			t.Errorf("%d streams open at the end", got)
		}
	})
}

func legacyMessage(method string, id any, params any) map[string]any {
	m := map[string]any{"jsonrpc": "2.0", "method": method}
	if id != nil {
		m["id"] = id
	}
	if params != nil {
		m["params"] = params
	}
	return m
}

func TestLegacySession(t *testing.T) {
	inWorld(t, Config{Era: Legacy, Sessions: true, Stream: true}, func(t *testing.T, w *World, url string, s *Server) {
		init := post(t, w, url, nil, legacyMessage(mcp.MethodInitialize, 1, map[string]any{"protocolVersion": "2025-06-18", "capabilities": struct{}{}}))
		id := init.header.Get(mcp.HeaderSession)
		if init.status != 200 || len(id) != 32 || !strings.Contains(init.body, `"protocolVersion":"2025-06-18"`) {
			t.Fatalf("initialize: %d %s, session %q", init.status, init.body, id)
		}
		mine := http.Header{mcp.HeaderSession: {id}, mcp.HeaderVersion: {"2025-06-18"}}
		if a := post(t, w, url, mine, legacyMessage(mcp.MethodInitialized, nil, nil)); a.status != 202 || a.body != "" {
			t.Errorf("initialized: %d %q", a.status, a.body)
		}
		if a := post(t, w, url, mine, legacyMessage(mcp.MethodPing, "p", nil)); a.status != 200 || string(a.msg.Result) != "{}" || a.msg.ID != `"p"` {
			t.Errorf("ping: %d %s", a.status, a.body)
		}
		if a := post(t, w, url, mine, legacyMessage(mcp.MethodToolsList, 2, nil)); a.status != 200 || !strings.Contains(a.body, `"echo"`) {
			t.Errorf("list: %d %s", a.status, a.body)
		}
		wantError(t, "no session", post(t, w, url, nil, legacyMessage(mcp.MethodToolsList, 3, nil)), 400, -32000)
		wantError(t, "unknown session", post(t, w, url, http.Header{mcp.HeaderSession: {"nobody"}}, legacyMessage(mcp.MethodToolsList, 4, nil)), 404, -32001)
		wantError(t, "bad version", post(t, w, url, http.Header{mcp.HeaderSession: {id}, mcp.HeaderVersion: {"1999-01-01"}}, legacyMessage(mcp.MethodPing, 5, nil)), 400, -32000)
		wantError(t, "unknown method", post(t, w, url, mine, legacyMessage("prompts/list", 6, nil)), 200, mcp.CodeMethodNotFound)

		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		req.Header = http.Header{"Accept": {mcp.TypeEventStream}, mcp.HeaderSession: {id}}
		res, events := stream(t, w, req)
		defer res.Body.Close()
		s.SetTools(Tools(2))
		if e, err := events.Next(); err != nil || !strings.Contains(string(e.Data), mcp.MethodToolsChanged) {
			t.Errorf("GET stream: %s %v", e.Data, err)
		}
		if st := s.Stats(); st.SessionsOpen() != 1 {
			t.Errorf("sessions open: %d", st.SessionsOpen())
		}
		del, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, url, nil)
		del.Header.Set(mcp.HeaderSession, id)
		out, err := w.Client().Do(del)
		if err != nil {
			t.Fatal(err)
		}
		if _ = out.Body.Close(); out.StatusCode != 204 {
			t.Errorf("DELETE: %v", out)
		}
		if _, err := events.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("GET stream after DELETE: %v", err)
		}
		wantError(t, "deleted session", post(t, w, url, mine, legacyMessage(mcp.MethodPing, 7, nil)), 404, -32001)
		if st := s.Stats(); st.SessionsOpen() != 0 || st.SessionsOpened != 1 {
			t.Errorf("sessions open: %d of %d", st.SessionsOpen(), st.SessionsOpened)
		}
	})
}

func TestLegacyAnswersToModern(t *testing.T) {
	want := map[ProbeAnswer]struct {
		status int
		part   string
	}{
		ProbeUnsupported:    {400, "Unsupported protocol version"},
		ProbeNoSession:      {400, "Missing session ID"},
		ProbeMethodNotFound: {200, "-32601"},
		ProbeNotFoundText:   {404, "Not Found"},
		ProbeMethodText:     {405, "Method Not Allowed"},
		ProbeDiscover:       {200, `"supportedVersions":["2025-03-26","2025-06-18","2025-11-25"]`},
		ProbeVersionCode:    {400, "-32022"},
	}
	for _, p := range ProbeAnswers() {
		inWorld(t, Config{Era: Legacy, ModernProbe: p}, func(t *testing.T, w *World, url string, _ *Server) {
			if a := ask(t, w, url, mcp.MethodDiscover, nil); a.status != want[p].status || !strings.Contains(a.body, want[p].part) {
				t.Errorf("answer %d: %d %s", p, a.status, a.body)
			}
			init := post(t, w, url, nil, legacyMessage(mcp.MethodInitialize, 1, map[string]any{"protocolVersion": "2026-07-28"}))
			if !strings.Contains(init.body, `"protocolVersion":"2025-11-25"`) {
				t.Errorf("answer %d: initialize with a modern version: %s", p, init.body)
			}
		})
	}
}

func TestDual(t *testing.T) {
	inWorld(t, Config{Sessions: true}, func(t *testing.T, w *World, url string, s *Server) {
		a := ask(t, w, url, mcp.MethodDiscover, nil)
		if !strings.Contains(a.body, `"supportedVersions":["2025-03-26","2025-06-18","2025-11-25","2026-07-28"]`) {
			t.Errorf("discover: %s", a.body)
		}
		if a := ask(t, w, url, mcp.MethodToolsList, nil); a.status != 200 || a.header.Get(mcp.HeaderSession) != "" {
			t.Errorf("modern list: %d %v", a.status, a.header)
		}
		init := post(t, w, url, nil, legacyMessage(mcp.MethodInitialize, 1, map[string]any{"protocolVersion": "2025-11-25"}))
		if init.status != 200 || init.header.Get(mcp.HeaderSession) == "" {
			t.Errorf("initialize: %d %s", init.status, init.body)
		}
		wantError(t, "legacy list without session", post(t, w, url, nil, legacyMessage(mcp.MethodToolsList, 2, nil)), 400, -32000)
		if got := s.Stats().Requests; got[mcp.MethodToolsList] != 2 || got[mcp.MethodInitialize] != 1 {
			t.Errorf("counted %v", got)
		}
	})
}

func TestSSE2024(t *testing.T) {
	inWorld(t, Config{Era: SSE2024}, func(t *testing.T, w *World, url string, s *Server) {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		req.Header.Set("Accept", mcp.TypeEventStream)
		res, events := stream(t, w, req)
		defer res.Body.Close()
		e, err := events.Next()
		if err != nil || e.Name != "endpoint" || !strings.HasPrefix(string(e.Data), "/mcp/message?session=") {
			t.Fatalf("first event %q %s, %v", e.Name, e.Data, err)
		}
		to := strings.TrimSuffix(url, "/mcp") + string(e.Data)
		if a := post(t, w, to, nil, legacyMessage(mcp.MethodInitialize, 1, map[string]any{"protocolVersion": "2024-11-05"})); a.status != 202 {
			t.Errorf("initialize: %d %s", a.status, a.body)
		}
		if e, err = events.Next(); err != nil || e.Name != "message" || !strings.Contains(string(e.Data), `"protocolVersion":"2024-11-05"`) {
			t.Errorf("answer %q %s, %v", e.Name, e.Data, err)
		}
		if a := post(t, w, url, nil, legacyMessage(mcp.MethodPing, 1, nil)); a.status != 405 {
			t.Errorf("POST to the stream: %d", a.status)
		}
		if a := post(t, w, url+"/message?session=nobody", nil, legacyMessage(mcp.MethodPing, 1, nil)); a.status != 404 {
			t.Errorf("unknown session: %d", a.status)
		}
		cancel()
		synctest.Wait()
		if st := s.Stats(); st.SessionsOpen() != 0 || st.StreamsOpen != 0 {
			t.Errorf("after leaving: %+v", st)
		}
	})
}

// TestLingeringStream holds that an answer is not held back by a stream that
// stays open behind it.
func TestLingeringStream(t *testing.T) {
	inWorld(t, Config{Era: Modern, SSE: true, Faults: []Fault{OnPost(lingering)}}, func(t *testing.T, w *World, url string, _ *Server) {
		body := `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{` +
			`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		req.Header = http.Header{"Accept": {mcp.AcceptBoth}, mcp.HeaderVersion: {"2026-07-28"}, mcp.HeaderMethod: {mcp.MethodDiscover}}
		start := time.Now()
		res, events := stream(t, w, req)
		defer res.Body.Close()
		if e, err := events.Next(); err != nil || !strings.Contains(string(e.Data), "supportedVersions") || time.Since(start) != 0 {
			t.Errorf("after %v: %s %v", time.Since(start), e.Data, err)
		}
	})
}
