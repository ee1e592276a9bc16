package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// startOnly runs a gateway in front of a server that is taken to speak one era.
func startOnly(t *testing.T, era mcp.Era, url string) (*Gateway, func() error) {
	t.Helper()
	return startStoppable(t, client.Endpoint{URL: url}, func(c *Config) { c.Servers[0].Eras = []mcp.Era{era} })
}

// modernRequest is a request of 2026-07-28 and its headers.
func modernRequest(id, method, params, capabilities string) (http.Header, string) {
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":` + capabilities + `}`
	if params != "" {
		meta = params + "," + meta
	}
	h := headers("Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method)
	var p struct{ Name string }
	if json.Unmarshal([]byte("{"+meta+"}"), &p) == nil && p.Name != "" {
		h.Set("Mcp-Name", p.Name)
	}
	return h, `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `","params":{` + meta + `}}`
}

func TestModernClientOfLegacyServer(t *testing.T) {
	srv := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Sessions: true, SSE: true, Stream: true})
	upstream := httptest.NewServer(srv)
	defer upstream.Close()
	g, stop := startOnly(t, mcp.EraLegacy, upstream.URL)
	url := g.PublicURL() + "/mcp"
	ask := func(method, params string) answer {
		t.Helper()
		h, body := modernRequest("9007199254740993", method, params, "{}")
		return send(t, "POST", url, h, body)
	}
	a := ask("server/discover", "")
	if a.Status != 200 || !strings.Contains(a.Body, `"id":9007199254740993`) || !strings.Contains(a.Body, `"2026-07-28"`) || !strings.Contains(a.Body, `"mcptest"`) {
		t.Errorf("discover: %+v", a)
	}
	a = ask("tools/list", "")
	for _, part := range []string{`"echo"`, `"resultType":"complete"`, `"ttlMs":0`, `"cacheScope":"private"`, `"io.modelcontextprotocol/serverInfo"`} {
		if !strings.Contains(a.Body, part) {
			t.Errorf("list lacks %s: %s", part, a.Body)
		}
	}
	if a = ask("tools/call", `"name":"echo","arguments":{"text":"hi"}`); a.Status != 200 || !strings.Contains(a.Body, "hi") || strings.Contains(a.Body, "ttlMs") {
		t.Errorf("call: %+v", a)
	}
	for method, want := range map[string]int{"ping": 404, "initialize": 404, "logging/setLevel": 404, "no/such": 404} {
		if a := ask(method, ""); a.Status != want || a.Code != mcp.CodeMethodNotFound {
			t.Errorf("%s: %d code %d", method, a.Status, a.Code)
		}
	}
	srv.ForgetSessions()
	if a = ask("tools/call", `"name":"echo","arguments":{}`); a.Status != 200 {
		t.Errorf("call after the server forgot its sessions: %+v", a)
	}
	h, body := modernRequest("1", "tools/list", "", "{}")
	body = strings.Replace(body, `"io.modelcontextprotocol/clientCapabilities":{}`, `"x":1`, 1)
	if a := send(t, "POST", url, h, body); a.Status != 400 || a.Code != mcp.CodeInvalidParams {
		t.Errorf("no capabilities: %+v", a)
	}
	if s := srv.Stats(); s.ToolCalls["echo"] != 2 {
		t.Errorf("echo ran %d times, want 2", s.ToolCalls["echo"])
	}
	if err := stop(); err != nil {
		t.Errorf("drain: %v", err)
	}
	if n := srv.Stats().SessionsOpen(); n != 0 {
		t.Errorf("%d sessions left open at the server", n)
	}
}

func TestLegacyClientOfModernServer(t *testing.T) {
	srv := mcptest.NewServer(mcptest.Config{Era: mcptest.Modern})
	upstream := httptest.NewServer(srv)
	defer upstream.Close()
	g, _ := startOnly(t, mcp.EraModern, upstream.URL)
	url := g.PublicURL() + "/mcp"
	a := send(t, "POST", url, headers(), initRequest)
	id := a.Header.Get("Mcp-Session-Id")
	if a.Status != 200 || id == "" || !strings.Contains(a.Body, `"protocolVersion":"2025-11-25"`) || !strings.Contains(a.Body, `"mcptest"`) {
		t.Fatalf("initialize: %+v", a)
	}
	in := func(body string) answer { t.Helper(); return send(t, "POST", url, headers("Mcp-Session-Id", id), body) }
	if a := in(`{"jsonrpc":"2.0","method":"notifications/initialized"}`); a.Status != 202 {
		t.Errorf("initialized: %+v", a)
	}
	if a := in(`{"jsonrpc":"2.0","id":"p","method":"ping"}`); a.Status != 200 || !strings.Contains(a.Body, `"result":{}`) {
		t.Errorf("ping: %+v", a)
	}
	a = in(`{"jsonrpc":"2.0","id":"l","method":"tools/list"}`)
	if a.Status != 200 || !strings.Contains(a.Body, `"echo"`) || !strings.Contains(a.Body, `"id":"l"`) || strings.Contains(a.Body, "resultType") {
		t.Errorf("list: %+v", a)
	}
	if a = in(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}}`); !strings.Contains(a.Body, "hi") {
		t.Errorf("call: %+v", a)
	}
	if a := send(t, "DELETE", url, headers("Mcp-Session-Id", id), ""); a.Status != 204 {
		t.Errorf("delete: %+v", a)
	}
	if a := in(`{"jsonrpc":"2.0","id":4,"method":"ping"}`); a.Status != 404 {
		t.Errorf("after delete: %+v", a)
	}
	if s := srv.Stats(); s.SessionsOpened != 0 {
		t.Errorf("the modern server saw %d handshakes", s.SessionsOpened)
	}
}

// askingServer is a legacy server whose tool asks the user before it answers.
type askingServer struct {
	mu      sync.Mutex
	answers map[string]chan json.RawMessage
	ran     int
	n       int
}

func (s *askingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	msg, err := mcp.Parse(body, mcp.Limits{})
	switch {
	case err != nil || r.UserAgent() == probeAgent && r.Header.Get("Mcp-Session-Id") == "" && msg.Method != "initialize":
		w.WriteHeader(http.StatusMethodNotAllowed)
	case msg.Method == "initialize":
		w.Header().Set("Mcp-Session-Id", "session-of-the-asking-server")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"asks","version":"1"}}}`, msg.ID)
	case msg.Kind == mcp.Response:
		s.mu.Lock()
		s.answers[string(msg.ID)] <- msg.Result
		s.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	case msg.Method == "tools/call":
		s.call(w, r.Context(), msg)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func (s *askingServer) call(w http.ResponseWriter, ctx context.Context, msg *mcp.Message) {
	s.mu.Lock()
	s.n++
	s.ran++
	question, answer := fmt.Sprintf(`"q%d"`, s.n), make(chan json.RawMessage, 1)
	s.answers[question] = answer
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"elicitation/create\",\"params\":{\"message\":\"name?\",\"requestedSchema\":{\"type\":\"object\"}}}\n\n", question)
	_ = http.NewResponseController(w).Flush()
	select {
	case got := <-answer:
		fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[],\"structuredContent\":%s}}\n\n", msg.ID, got)
	case <-ctx.Done():
	}
}

// TestQuestionOfLegacyServer: the call waits while the modern client asks its
// user, runs once, and nobody else can take it over.
func TestQuestionOfLegacyServer(t *testing.T) {
	asking := &askingServer{answers: map[string]chan json.RawMessage{}}
	upstream := httptest.NewServer(asking)
	defer upstream.Close()
	g, _ := startOnly(t, mcp.EraLegacy, upstream.URL)
	url := g.PublicURL() + "/mcp"
	const declared = `{"elicitation":{"form":{}}}`
	ask := func(params, capabilities string) (answer, inputRequired) {
		t.Helper()
		h, body := modernRequest(`"c"`, "tools/call", params, capabilities)
		a := send(t, "POST", url, h, body)
		var r struct{ Result inputRequired }
		_ = json.Unmarshal([]byte(lastData(a.Body)), &r) // an error has none
		return a, r.Result
	}
	a, first := ask(`"name":"greet","arguments":{"x":1}`, declared)
	if first.Type != "input_required" || first.State == "" || !strings.Contains(string(first.Requests["question"]), "name?") {
		t.Fatalf("first answer: %+v", a)
	}
	retry := fmt.Sprintf(`"name":"greet","arguments":{"x":1},"requestState":%q,"inputResponses":{"question":{"action":"accept","content":{"name":"Ada"}}}`, first.State)
	if a, _ := ask(strings.Replace(retry, `"x":1`, `"x":2`, 1), declared); a.Status != 400 || a.Code != mcp.CodeInvalidParams {
		t.Errorf("another call with this state: %+v", a)
	}
	if a, _ := ask(retry, declared); a.Status != 200 || !strings.Contains(a.Body, `"Ada"`) || !strings.Contains(a.Body, `"id":"c"`) {
		t.Errorf("retry: %+v", a)
	}
	if a, _ := ask(retry, declared); a.Status != 400 {
		t.Errorf("the same state again: %+v", a)
	}
	if a, _ := ask(`"name":"greet","arguments":{}`, "{}"); a.Status != 400 || a.Code != mcp.CodeMissingCapability || !strings.Contains(a.Body, `"elicitation"`) {
		t.Errorf("client that cannot be asked: %+v", a)
	}
	asking.mu.Lock()
	defer asking.mu.Unlock()
	if asking.ran != 2 {
		t.Errorf("the tool ran %d times, want 2", asking.ran)
	}
}

type inputRequired struct {
	Type     string                     `json:"resultType"`
	State    string                     `json:"requestState"`
	Requests map[string]json.RawMessage `json:"inputRequests"`
}

// lastData gives the data of the last event, or the body if it is none.
func lastData(body string) string {
	if i := strings.LastIndex(body, "data: "); i >= 0 {
		return strings.TrimSpace(body[i+len("data: "):])
	}
	return body
}

// TestQuestionOfModernServer: input_required becomes a request on the stream of
// the legacy client's call.
func TestQuestionOfModernServer(t *testing.T) {
	var mu sync.Mutex
	var retried string
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		msg, err := mcp.Parse(body, mcp.Limits{})
		if err != nil || r.Header.Get("Mcp-Method") != msg.Method {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		result := `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}`
		switch {
		case msg.Method == "tools/call" && strings.Contains(string(body), "inputResponses"):
			mu.Lock()
			retried = string(body)
			mu.Unlock()
			result = `{"resultType":"complete","content":[{"type":"text","text":"hello"}]}`
		case msg.Method == "tools/call":
			result = `{"resultType":"input_required","requestState":"s1","inputRequests":{"who":{"method":"elicitation/create","params":{"message":"name?"}}}}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, msg.ID, result)
	}))
	defer upstream.Close()
	g, _ := startOnly(t, mcp.EraModern, upstream.URL)
	url := g.PublicURL() + "/mcp"
	capable := strings.Replace(initRequest, `"capabilities":{}`, `"capabilities":{"elicitation":{}}`, 1)
	id := send(t, "POST", url, headers(), capable).Header.Get("Mcp-Session-Id")
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"greet"}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = headers("Mcp-Session-Id", id)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	question := nextData(t, lines)
	if question.Method != "elicitation/create" || !strings.Contains(string(question.Params), "name?") {
		t.Fatalf("question: %+v", question)
	}
	reply := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"name":"Ada"}}}`, question.ID)
	if a := send(t, "POST", url, headers("Mcp-Session-Id", id), reply); a.Status != 202 {
		t.Errorf("reply: %+v", a)
	}
	if final := nextData(t, lines); final.ID != "5" || !strings.Contains(string(final.Result), "hello") || strings.Contains(string(final.Result), "resultType") {
		t.Errorf("final: %+v", final)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, part := range []string{`"requestState":"s1"`, `"who":{"action":"accept"`, `"name":"greet"`} {
		if !strings.Contains(retried, part) {
			t.Errorf("retry lacks %s: %s", part, retried)
		}
	}
	// A client that cannot be asked gets a tool error, not silence.
	id = send(t, "POST", url, headers(), initRequest).Header.Get("Mcp-Session-Id")
	a := send(t, "POST", url, headers("Mcp-Session-Id", id), `{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"greet"}}`)
	if a.Status != 200 || !strings.Contains(a.Body, `"isError":true`) || !strings.Contains(a.Body, "elicitation/create") {
		t.Errorf("client without elicitation: %+v", a)
	}
}

func nextData(t *testing.T, lines *bufio.Scanner) *mcp.Message {
	t.Helper()
	deadline := time.AfterFunc(20*time.Second, func() { panic("no event within 20 s") })
	defer deadline.Stop()
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			msg, err := mcp.Parse([]byte(data), mcp.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			return msg
		}
	}
	t.Fatalf("stream ended: %v", lines.Err())
	return nil
}

// TestSilentProcess: a process that never answers the handshake costs each
// caller its own patience and nothing else; the drain does not wait for it.
func TestSilentProcess(t *testing.T) {
	g, stop := startStoppable(t, client.Endpoint{Command: mcptest.StdioCommand("silent")}, func(c *Config) { c.ProbeBudget = 100 * time.Millisecond })
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		h, body := modernRequest("1", "tools/list", "", "{}")
		req, err := http.NewRequestWithContext(ctx, "POST", g.PublicURL()+"/mcp", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = h
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			t.Errorf("answered %d", res.StatusCode)
		}
		cancel()
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("drain: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the drain waits for a process that never answers")
	}
}

// TestHandshakeThatFailsLate leaves no session at the server.
func TestHandshakeThatFailsLate(t *testing.T) {
	srv := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Sessions: true, Faults: []mcptest.Fault{
		mcptest.On(mcptest.Answer(http.StatusBadRequest, "text/plain", "no"), mcp.MethodInitialized),
	}})
	upstream := httptest.NewServer(srv)
	defer upstream.Close()
	g, stop := startOnly(t, mcp.EraLegacy, upstream.URL)
	h, body := modernRequest("1", "tools/list", "", "{}")
	if a := send(t, "POST", g.PublicURL()+"/mcp", h, body); a.Status == 200 {
		t.Errorf("answer: %+v", a)
	}
	if err := stop(); err != nil {
		t.Errorf("drain: %v", err)
	}
	if n := srv.Stats().SessionsOpen(); n != 0 {
		t.Errorf("%d sessions left open", n)
	}
}
