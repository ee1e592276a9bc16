package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// start runs a gateway in front of one endpoint until the test ends.
func start(t *testing.T, e client.Endpoint, change func(*Config)) *Gateway {
	t.Helper()
	g, _ := startStoppable(t, e, change)
	return g
}

// startStoppable also gives the function that begins the drain and returns its
// outcome.
func startStoppable(t *testing.T, e client.Endpoint, change func(*Config)) (*Gateway, func() error) {
	t.Helper()
	cfg := Config{
		Public: "127.0.0.1:0", Admin: "127.0.0.1:0", Servers: []Server{{Name: "peer", Endpoint: e}},
		Egress: egress.Options{Guard: egress.Guard{Allow: egress.Loopback()}}, Grace: 5 * time.Second, UserAgent: probeAgent,
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g, err := New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() }) // tests of the drain look at it themselves
	return g, stop
}

// probeAgent tells the gateway's own probes from the calls of a test.
const probeAgent = "the-probe"

// answer is what came back for one request.
type answer struct {
	Status int
	Code   int64 // of a JSON-RPC error
	Body   string
	Header http.Header
}

func send(t *testing.T, method, url string, header http.Header, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Status: res.StatusCode, Body: string(raw), Header: res.Header}
	if m, err := mcp.Parse(raw, mcp.Limits{}); err == nil && m.Error != nil {
		a.Code = m.Error.Code
	}
	return a
}

func headers(pairs ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {mcp.AcceptBoth}}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

const (
	legacyList  = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	initRequest = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	modernCall  = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
)

func modernHeaders(pairs ...string) http.Header {
	h := headers("Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "echo")
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = []string{pairs[i+1]}
	}
	return h
}

// recorder is an upstream that keeps what it was sent.
type recorder struct {
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	answer func(w http.ResponseWriter, r *http.Request)
}

func (u *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.UserAgent() == probeAgent {
		http.NotFound(w, r) // the health probe is not what is tested here
		return
	}
	u.mu.Lock()
	u.bodies, u.heads = append(u.bodies, string(body)), append(u.heads, r.Header.Clone())
	u.mu.Unlock()
	u.answer(w, r)
}

func TestRelayKeepsEveryByte(t *testing.T) {
	const reply = `{"jsonrpc":"2.0",  "id":9007199254740993,"result":{"z":1,"a":[1.0,1e3],"future":{}}}`
	u := &recorder{answer: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b")
		_, _ = io.WriteString(w, reply)
	}}
	upstream := httptest.NewServer(u)
	defer upstream.Close()
	g := start(t, client.Endpoint{URL: upstream.URL + "/x/mcp", Header: http.Header{"Authorization": {"Bearer ours"}}}, nil)
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{ "name" : "echo","arguments":{"b":1,"a":1.0} }}`,
		`{"params":{},"method":"x/y","id":"1","jsonrpc":"2.0","extra":[null]}`,
		"{\"jsonrpc\":\"2.0\",\n\"id\":12345678901234567890123,\"method\":\"ping\"}",
	} {
		h := headers("Authorization", "Bearer theirs", "Cookie", "c=d", "X-Forwarded-User", "root", "X-Mcp-User", "root", "Mcp-Session-Id", "s-1", "Traceparent", "00-1-2-01")
		a := send(t, "POST", g.PublicURL()+"/mcp", h, body)
		if a.Status != http.StatusOK || a.Body != reply || a.Header.Get("Set-Cookie") != "" {
			t.Fatalf("answer: %+v", a)
		}
		u.mu.Lock()
		got, head := u.bodies[len(u.bodies)-1], u.heads[len(u.heads)-1]
		u.mu.Unlock()
		if got != body {
			t.Errorf("body changed:\n%s\n%s", body, got)
		}
		for _, dropped := range []string{"Cookie", "X-Forwarded-User", "X-Mcp-User"} {
			if head.Get(dropped) != "" {
				t.Errorf("%s reached the server", dropped)
			}
		}
		want := []string{"Bearer ours", "s-1", "00-1-2-01"}
		if diff := cmp.Diff(want, []string{head.Get("Authorization"), head.Get("Mcp-Session-Id"), head.Get("Traceparent")}); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	srv := mcptest.NewServer(mcptest.Config{})
	upstream := httptest.NewServer(srv)
	defer upstream.Close()
	g := start(t, client.Endpoint{URL: upstream.URL}, func(c *Config) { c.AllowOrigins = []string{"https://app.example"} })
	before := len(srv.Stats().ToolCalls)
	for _, c := range []struct {
		name, method string
		header       http.Header
		body         string
		status       int
		code         int64
	}{
		{"no content type", "POST", http.Header{}, legacyList, 415, mcp.CodeInvalidRequest},
		{"form", "POST", http.Header{"Content-Type": {"text/plain"}}, legacyList, 415, mcp.CodeInvalidRequest},
		{"no JSON", "POST", headers(), `{"jsonrpc":`, 400, mcp.CodeParse},
		{"trailing bytes", "POST", headers(), legacyList + "x", 400, mcp.CodeParse},
		{"byte order mark", "POST", headers(), "\xef\xbb\xbf" + legacyList, 400, mcp.CodeParse},
		{"not UTF-8", "POST", headers(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", 400, mcp.CodeParse},
		{"method twice", "POST", headers(), `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, 400, mcp.CodeInvalidRequest},
		{"name twice", "POST", headers(), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","na\u006de":"b"}}`, 400, mcp.CodeInvalidRequest},
		{"batch", "POST", headers(), "[" + legacyList + "]", 400, mcp.CodeInvalidRequest},
		{"null id", "POST", headers(), `{"jsonrpc":"2.0","id":null,"method":"ping"}`, 400, mcp.CodeInvalidRequest},
		{"too large", "POST", headers(), `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("a", maxBody) + `"}}`, 413, mcp.CodeInvalidRequest},
		{"PUT", "PUT", headers(), legacyList, 405, mcp.CodeInvalidRequest},
		{"version differs", "POST", modernHeaders("Mcp-Protocol-Version", "2025-11-25"), modernCall, 400, mcp.CodeHeaderMismatch},
		{"version missing", "POST", headers("Mcp-Method", "tools/call", "Mcp-Name", "echo"), modernCall, 400, mcp.CodeHeaderMismatch},
		{"method differs", "POST", modernHeaders("Mcp-Method", "tools/list"), modernCall, 400, mcp.CodeHeaderMismatch},
		{"name differs", "POST", modernHeaders("Mcp-Name", "other"), modernCall, 400, mcp.CodeHeaderMismatch},
		{"name twice in headers", "POST", http.Header{"Content-Type": {"application/json"}, "Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"echo", "danger"}}, modernCall, 400, mcp.CodeHeaderMismatch},
		{"sentinel of another name", "POST", modernHeaders("Mcp-Name", "=?base64?b3RoZXI=?="), modernCall, 400, mcp.CodeHeaderMismatch},
		{"broken sentinel", "POST", modernHeaders("Mcp-Name", "=?base64?%%?="), modernCall, 400, mcp.CodeHeaderMismatch},
		{"foreign host", "POST", headers("Host", "evil.example"), legacyList, 403, mcp.CodeInvalidRequest},
		{"host that looks like ours", "POST", headers("Host", "127.0.0.1.evil.example"), legacyList, 403, mcp.CodeInvalidRequest},
		{"foreign origin", "POST", headers("Origin", "https://evil.example"), legacyList, 403, mcp.CodeInvalidRequest},
		{"null origin", "POST", headers("Origin", "null"), legacyList, 403, mcp.CodeInvalidRequest},
		{"two origins", "POST", headers("Origin", "https://app.example", "Origin", "https://evil.example"), legacyList, 403, mcp.CodeInvalidRequest},
		{"sentinel of this name", "POST", modernHeaders("Mcp-Name", "=?base64?ZWNobw==?="), modernCall, 200, 0},
		{"listed origin", "POST", headers("Origin", "https://app.example"), legacyList, 200, 0},
		{"page of this machine", "POST", headers("Origin", "http://localhost:5173"), legacyList, 200, 0},
	} {
		a := send(t, c.method, g.PublicURL()+"/mcp", c.header, c.body)
		if a.Status != c.status || a.Code != c.code {
			t.Errorf("%s: %d with code %d, want %d with %d: %s", c.name, a.Status, a.Code, c.status, c.code, a.Body[:min(len(a.Body), 200)])
		}
	}
	if got := len(srv.Stats().ToolCalls); got != before+1 {
		t.Errorf("tools called: %v", srv.Stats().ToolCalls)
	}
	if a := send(t, "POST", g.PublicURL()+"/servers/other/mcp", headers(), legacyList); a.Status != 404 {
		t.Errorf("unknown server: %d", a.Status)
	}
}

// TestFailingUpstream: the client is told what happened and whether its call
// may have run.
func TestFailingUpstream(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	cutting := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cutting.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="https://login.example"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer refusing.Close()
	for _, c := range []struct {
		name, url, says string
		status          int
	}{
		{"refused", "http://" + closed.Addr().String(), "did not run", 503},
		{"cut", cutting.URL, "may have run", 502},
		{"credential refused", refusing.URL, "credential", 502},
	} {
		g := start(t, client.Endpoint{URL: c.url}, nil)
		a := send(t, "POST", g.PublicURL()+"/mcp", headers(), `{"jsonrpc":"2.0","id":"abc","method":"tools/call","params":{"name":"x"}}`)
		if a.Status != c.status || !strings.Contains(a.Body, c.says) || !strings.Contains(a.Body, `"id":"abc"`) || a.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Body)
		}
	}
}

// TestStreamIsKeptAlive: a silent stream gets comments, but never inside an
// event.
func TestStreamIsKeptAlive(t *testing.T) {
	half, rest := make(chan struct{}), make(chan struct{})
	u := &recorder{answer: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: message\ndata: {\"half\":")
		_ = http.NewResponseController(w).Flush()
		close(half)
		<-rest
		_, _ = io.WriteString(w, "true}\n\n")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(200 * time.Millisecond) // silence: the comments are what is tested
	}}
	upstream := httptest.NewServer(u)
	defer upstream.Close()
	g := start(t, client.Endpoint{URL: upstream.URL}, func(c *Config) { c.Heartbeat = 20 * time.Millisecond })
	go func() { <-half; time.Sleep(100 * time.Millisecond); close(rest) }()
	a := send(t, "POST", g.PublicURL()+"/mcp", headers(), legacyList)
	if a.Header.Get("X-Accel-Buffering") != "no" || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("headers: %v", a.Header)
	}
	event, after, ok := strings.Cut(a.Body, "\n\n")
	if !ok || strings.Contains(event, ": still here") || strings.Count(after, ": still here\n\n") < 3 {
		t.Errorf("stream:\n%q", a.Body)
	}
}

func TestStdioSessions(t *testing.T) {
	g := start(t, client.Endpoint{Command: mcptest.StdioCommand("legacy")}, nil)
	url := g.PublicURL() + "/mcp"
	open := func() string {
		a := send(t, "POST", url, headers(), initRequest)
		id := a.Header.Get("Mcp-Session-Id")
		if a.Status != 200 || len(id) < 20 {
			t.Fatalf("initialize: %+v", a)
		}
		if a := send(t, "POST", url, headers("Mcp-Session-Id", id), `{"jsonrpc":"2.0","method":"notifications/initialized"}`); a.Status != 202 || a.Body != "" {
			t.Fatalf("initialized: %+v", a)
		}
		return id
	}
	first, second := open(), open()
	if first == second || g.Status()[0].Sessions != 2 {
		t.Fatalf("sessions %q %q, %d open", first, second, g.Status()[0].Sessions)
	}
	a := send(t, "POST", url, headers("Mcp-Session-Id", first), "{\"jsonrpc\":\"2.0\",\n\"id\":\"x1\",\"method\":\"tools/list\"}")
	if a.Status != 200 || !strings.Contains(a.Body, `"x1"`) || !strings.Contains(a.Body, `"echo"`) {
		t.Errorf("list: %+v", a)
	}
	if a := send(t, "DELETE", url, headers("Mcp-Session-Id", first), ""); a.Status != 204 {
		t.Errorf("delete: %+v", a)
	}
	for name, c := range map[string]struct {
		id     string
		status int
	}{"deleted": {first, 404}, "invented": {"nobody", 404}, "none": {"", 400}, "alive": {second, 200}} {
		h := headers()
		if c.id != "" {
			h.Set("Mcp-Session-Id", c.id)
		}
		if a := send(t, "POST", url, h, legacyList); a.Status != c.status {
			t.Errorf("%s session: %d %s", name, a.Status, a.Body)
		}
	}
	a = send(t, "POST", url, modernHeaders(), modernCall)
	if a.Status != 200 || !strings.Contains(a.Body, `"resultType":"complete"`) {
		t.Errorf("modern request: %+v", a)
	}
}

// TestStdioServerDies: the call that was running is answered, the session is
// gone, and a new one works.
func TestStdioServerDies(t *testing.T) {
	g := start(t, client.Endpoint{Command: mcptest.StdioCommand("dies")}, nil) // at tools/list
	url := g.PublicURL() + "/mcp"
	id := send(t, "POST", url, headers(), initRequest).Header.Get("Mcp-Session-Id")
	a := send(t, "POST", url, headers("Mcp-Session-Id", id), legacyList)
	if a.Status != 502 || !strings.Contains(a.Body, "may have run") {
		t.Errorf("call: %+v", a)
	}
	if a := send(t, "POST", url, headers("Mcp-Session-Id", id), legacyList); a.Status != 404 {
		t.Errorf("after: %+v", a)
	}
	if a := send(t, "POST", url, headers(), initRequest); a.Status != 200 {
		t.Errorf("anew: %+v", a)
	}
}

// TestDrain: calls under way are finished, endless streams are ended, nothing
// new is promised.
func TestDrain(t *testing.T) {
	entered, finish := make(chan struct{}), make(chan struct{})
	srv := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Stream: true, Sessions: true, Call: func(ctx context.Context, _ string, _ json.RawMessage) (any, *mcp.Error) {
		close(entered)
		<-finish
		return mcptest.TextResult("done"), nil
	}})
	upstream := httptest.NewServer(srv)
	defer upstream.Close()
	g, stop := startStoppable(t, client.Endpoint{URL: upstream.URL}, nil)
	url := g.PublicURL() + "/mcp"
	id := send(t, "POST", url, headers(), initRequest).Header.Get("Mcp-Session-Id")
	stream := openStream(t, url, id)
	call := make(chan answer, 1)
	go func() {
		call <- send(t, "POST", url, headers("Mcp-Session-Id", id), `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{}}}`)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	if _, err := io.ReadAll(stream); err != nil {
		t.Errorf("stream: %v", err)
	}
	if a := send(t, "GET", g.AdminURL()+"/readyz", nil, ""); a.Status != 503 || !strings.Contains(a.Body, "draining") {
		t.Errorf("readyz: %+v", a)
	}
	close(finish)
	if a := <-call; a.Status != 200 || !strings.Contains(a.Body, "done") {
		t.Errorf("call: %+v", a)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func openStream(t *testing.T, url, id string) io.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Accept": {"text/event-stream"}, "Mcp-Session-Id": {id}, "Mcp-Protocol-Version": {"2025-11-25"}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 {
		t.Fatalf("GET: %d", res.StatusCode)
	}
	return bufio.NewReader(res.Body)
}

// TestReadiness follows the probe: down, up, and down again only after three
// failures.
func TestReadiness(t *testing.T) {
	var broken sync.Map
	srv := mcptest.NewServer(mcptest.Config{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, is := broken.Load("x"); is {
			http.Error(w, "broken", http.StatusServiceUnavailable)
			return
		}
		srv.ServeHTTP(w, r)
	}))
	defer upstream.Close()
	broken.Store("x", true)
	g := start(t, client.Endpoint{URL: upstream.URL}, func(c *Config) { c.ProbeEvery = 20 * time.Millisecond })
	await := func(path string, status int, text string) {
		t.Helper()
		var a answer
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if a = send(t, "GET", g.AdminURL()+path, nil, ""); a.Status == status && strings.Contains(a.Body, text) {
				return
			}
		}
		t.Fatalf("%s: %d %s, want %d %s", path, a.Status, a.Body, status, text)
	}
	await("/livez", 200, "alive")
	await("/readyz", 503, "http.5xx")
	broken.Delete("x")
	await("/readyz", 200, "ready")
	await("/startupz", 200, "started")
	await("/api/status", 200, `"grade": "healthy"`)
	broken.Store("x", true)
	await("/readyz", 503, "http.5xx")
	await("/livez", 200, "alive")
}

// TestDrainHook: the hook of the server beside us waits for its calls.
func TestDrainHook(t *testing.T) {
	entered, finish := make(chan struct{}), make(chan struct{})
	srv := mcptest.NewServer(mcptest.Config{Era: mcptest.Modern, Call: func(context.Context, string, json.RawMessage) (any, *mcp.Error) {
		close(entered)
		<-finish
		return mcptest.TextResult("done"), nil
	}})
	upstream := httptest.NewServer(srv)
	defer upstream.Close()
	g := start(t, client.Endpoint{URL: upstream.URL}, nil)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if a := send(t, "GET", g.AdminURL()+"/startupz/peer", nil, ""); a.Status == 200 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("startupz: %+v", a)
		}
	}
	if a := send(t, "GET", g.AdminURL()+"/livez/peer", nil, ""); a.Status != 200 {
		t.Errorf("livez: %+v", a)
	}
	if a := send(t, "GET", g.AdminURL()+"/livez/nobody", nil, ""); a.Status != 404 {
		t.Errorf("livez of nobody: %+v", a)
	}
	if a := send(t, "GET", g.AdminURL()+"/drain", nil, ""); a.Status != 403 || g.draining.Load() {
		t.Errorf("stray GET: %+v", a)
	}
	call, hook := make(chan answer, 1), make(chan answer, 1)
	go func() { call <- send(t, "POST", g.PublicURL()+"/mcp", modernHeaders(), modernCall) }()
	<-entered
	go func() { hook <- send(t, "GET", g.AdminURL()+"/drain", http.Header{drainHeader: {"prestop"}}, "") }()
	for !g.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	select {
	case a := <-hook:
		t.Errorf("the hook did not wait: %+v", a)
	default:
	}
	close(finish)
	if a := <-call; a.Status != 200 {
		t.Errorf("call: %+v", a)
	}
	if a := <-hook; a.Status != 200 || !strings.Contains(a.Body, "drained") {
		t.Errorf("hook: %+v", a)
	}
}

// TestSlowServer: the client of a waking server sees its answer begin, kept
// alive, and end with what the server said, errors included.
func TestSlowServer(t *testing.T) {
	replies := map[string]func(w http.ResponseWriter){
		"json": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{\"jsonrpc\":\"2.0\",\n\"id\":7,\"result\":{\"late\":true}}")
		},
		"stream": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"late\":true}}\n\n")
		},
		"web page": func(w http.ResponseWriter) { http.Error(w, "<html>no</html>", http.StatusBadGateway) },
		"nothing":  func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	}
	for name, want := range map[string]string{
		"json": `"late":true`, "stream": `"late":true`, "web page": "502 Bad Gateway without a message", "nothing": "may have run",
	} {
		u := &recorder{answer: func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(100 * time.Millisecond) // the slowness that is tested
			replies[name](w)
		}}
		upstream := httptest.NewServer(u)
		g := start(t, client.Endpoint{URL: upstream.URL}, func(c *Config) { c.FirstByte, c.Heartbeat = 10*time.Millisecond, 20*time.Millisecond })
		a := send(t, "POST", g.PublicURL()+"/mcp", modernHeaders(), modernCall)
		if a.Status != 200 || !strings.HasPrefix(a.Body, ": still here") || !strings.Contains(a.Body, want) {
			t.Errorf("%s: %+v", name, a)
		}
		if m, err := mcp.Parse([]byte(lastData(a.Body)), mcp.Limits{}); err != nil || m.ID != "7" {
			t.Errorf("%s: last event is no answer: %v", name, err)
		}
		h := modernHeaders("Accept", "application/json")
		if a := send(t, "POST", g.PublicURL()+"/mcp", h, modernCall); name == "json" && !strings.HasPrefix(a.Body, "{") {
			t.Errorf("client of JSON only: %+v", a)
		}
		upstream.Close()
	}
}
