package gateway

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// adminOf builds a gateway whose admin handler can be asked as if it listened
// on any address.
func adminOf(t *testing.T, change func(*Config)) http.Handler {
	t.Helper()
	cfg := Config{
		Public: "127.0.0.1:0", Admin: "127.0.0.1:0", Servers: []Server{{Name: "peer", Endpoint: client.Endpoint{URL: "http://127.0.0.1:1/mcp"}}},
		Metrics: telemetry.New("test"),
		StatusPage: func(func() Overview) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) }) // a recorder takes all
		},
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g, err := New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = g.Run(ctx) }) // closes the listeners
	return g.admin()
}

// ask sends a request that came in at the address local.
func ask(t *testing.T, h http.Handler, local string, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(at))))
	return w
}

// bare makes a request without a body; a Host among the headers is its Host.
func bare(method, path string, header http.Header) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header = header
	return r
}

// TestAdminGuard: which names and pages may ask, on a laptop, in a pod, and in a
// pod whose public name is configured.
func TestAdminGuard(t *testing.T) {
	const laptop, pod = "127.0.0.1:9090", "10.1.2.3:9090"
	open, named := adminOf(t, nil), adminOf(t, func(c *Config) { c.AllowHosts = []string{"mcp.example.com"} })
	for _, tt := range []struct {
		h                   http.Handler
		local, host, origin string
		want                int
	}{
		{open, laptop, "localhost:9090", "", 200},
		{open, laptop, "127.0.0.1:9090", "", 200},
		{open, laptop, "[::1]:9090", "", 200},
		{open, laptop, "LOCALHOST", "", 200},
		{open, laptop, "evil.example", "", 403},
		{open, laptop, "127.0.0.1.evil.example", "", 403},
		{open, laptop, "localhost.", "", 403},
		{open, laptop, "0.0.0.0:9090", "", 403},
		{open, laptop, "10.1.2.3:9090", "", 403},
		{open, laptop, "2130706433:9090", "", 403},
		{open, laptop, "localhost:9090", "http://localhost:9090", 200},
		{open, laptop, "localhost:9090", "https://evil.example", 403},
		{open, laptop, "localhost:9090", "null", 403},
		{open, pod, "10.1.2.3:9090", "", 200},
		{open, pod, "front.tools.svc:9090", "", 200},
		{open, pod, "10.1.2.3:9090", "https://evil.example", 403},
		{named, pod, "10.1.2.3:9090", "", 200},
		{named, pod, "[fd00::3]:9090", "", 200},
		{named, pod, "mcp.example.com", "", 200},
		{named, pod, "0.0.0.0:9090", "", 403},
		{named, pod, "[fe80::1%25eth0]:9090", "", 403},
		{named, pod, "evil.example", "", 403},
	} {
		header := http.Header{"Host": {tt.host}}
		if tt.origin != "" {
			header.Set("Origin", tt.origin)
		}
		for _, path := range []string{"/", "/metrics", "/api/status"} {
			if w := ask(t, tt.h, tt.local, bare("GET", path, header)); w.Code != tt.want {
				t.Errorf("%s at %s, Host %s, Origin %q: %d, want %d", path, tt.local, tt.host, tt.origin, w.Code, tt.want)
			}
		}
		if w := ask(t, tt.h, tt.local, bare("GET", "/livez", header)); w.Code != 200 || w.Body.String() != "alive\n" {
			t.Errorf("/livez, Host %s: %d %s", tt.host, w.Code, w.Body)
		}
	}
	text := ask(t, open, laptop, bare("GET", "/metrics", http.Header{"Host": {"localhost"}})).Body.String()
	if !strings.Contains(text, `holdfast_refusals_total{reason="host"} 18`) || !strings.Contains(text, `holdfast_refusals_total{reason="origin"} 9`) {
		t.Errorf("refusals are not counted:\n%s", text)
	}
}

// TestAdminMethods: nothing on this listener changes anything.
func TestAdminMethods(t *testing.T) {
	h := adminOf(t, nil)
	for _, path := range []string{"/", "/metrics", "/api/status", "/livez", "/readyz", "/startupz"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			w := ask(t, h, "127.0.0.1:9090", bare(method, path, http.Header{"Host": {"localhost"}}))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		w := ask(t, h, "127.0.0.1:9090", bare("HEAD", path, http.Header{"Host": {"localhost"}}))
		if w.Code == http.StatusMethodNotAllowed || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("HEAD %s: %d %v", path, w.Code, w.Header())
		}
	}
}

// TestOverviewAndMetrics follows one probe of a real server into both.
func TestOverviewAndMetrics(t *testing.T) {
	server := httptest.NewServer(mcptest.NewServer(mcptest.Config{}))
	defer server.Close()
	g := start(t, client.Endpoint{URL: server.URL}, func(c *Config) { c.Metrics = telemetry.New("test") })
	var o Overview
	for len(o.Servers) == 0 || !o.Servers[0].Measured { // the first probe is quick and nothing else waits
		if err := json.Unmarshal([]byte(send(t, "GET", g.AdminURL()+"/api/status", http.Header{}, "").Body), &o); err != nil {
			t.Fatal(err)
		}
	}
	s := o.Servers[0]
	if s.Grade != finding.Healthy || len(s.Recent) != 1 || s.Tools == 0 || !s.StaleAt.After(s.Next) || !s.Next.After(s.Checked) || s.Endpoint != server.URL {
		t.Errorf("%+v", s)
	}
	text := send(t, "GET", g.AdminURL()+"/metrics", http.Header{}, "").Body
	for _, want := range []string{
		`probe_success{server="peer"} 1`, `probe_mcp_grade{grade="healthy",server="peer"} 1`, `holdfast_server_usable{server="peer"} 1`,
		`holdfast_probes_total{grade="healthy",server="peer"} 1`, `holdfast_draining 0`, `holdfast_tools_served{server="peer"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// TestRecent: the memory is bounded, and an unknown grade is no verdict.
func TestRecent(t *testing.T) {
	r := newRecent(nil, "a")
	at := time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)
	for i := range keepProbes + 5 {
		r.note(probe.Result{At: at.Add(time.Duration(i) * time.Minute), Grade: finding.Dead}, time.Minute)
	}
	r.note(probe.Result{At: at, Grade: finding.Unknown, Phases: probe.Phases{Total: time.Second}}, time.Minute)
	m := r.recall()
	want := ProbeSample{At: at.Add(6 * time.Minute), Grade: finding.Dead}
	if diff := cmp.Diff(want, m.samples[0]); diff != "" || len(m.samples) != keepProbes {
		t.Errorf("%d samples, the first -want +got:\n%s", len(m.samples), diff)
	}
	if m.verdict != finding.Dead || m.next != at.Add(61*time.Second) {
		t.Errorf("verdict %s, next %s", m.verdict, m.next)
	}
}
