package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

var update = flag.Bool("update", false, "write the golden files")

func now() time.Time { return time.Date(2026, 11, 22, 16, 20, 5, 0, time.UTC) }

// measured is a server as the last probe but one minute ago left it.
func measured(name string, g finding.Grade, f ...finding.Finding) Server {
	s := Server{
		Name: name, Endpoint: "https://" + name + ".example.com/mcp", Transport: "streamable-http", Measured: true, Grade: g, Findings: f,
		Since: now().Add(-3 * time.Hour), Checked: now().Add(-12 * time.Second), Next: now().Add(18 * time.Second), StaleAt: now().Add(78 * time.Second),
		Eras: []string{"modern", "legacy"}, Versions: []string{"2026-07-28", "2025-11-25"}, Tools: 3, Auth: "open", Ready: !g.Accuses(),
	}
	for i := range 40 {
		s.Probes = append(s.Probes, Probe{At: now().Add(time.Duration(i-40) * 30 * time.Second), Grade: finding.Healthy, Took: time.Duration(20+i*i%37) * time.Millisecond})
	}
	s.Probes[39].Grade = g
	return s
}

// everything is a view in which everything occurs that can.
func everything() View {
	expected := 5
	dead := measured("payments", finding.Dead, finding.New("tls.expired", "https://payments.example.com/mcp", "the certificate ended on 2026-11-22 13:20 UTC, 3 h ago"))
	dead.Findings[0].Evidence = "curl -sS -i -H 'Content-Type: application/json' 'https://payments.example.com/mcp'"
	dead.Eras, dead.Versions, dead.Tools, dead.Auth = nil, nil, 0, ""
	dead.CertificateExpires = now().Add(-3 * time.Hour)
	half := measured("search", finding.Degraded, finding.New("slow.p95", "", "the list of tools took 14.2 s, the budget is 10 s"), finding.New("tls.expiring", "", "the certificate ends on 2026-11-30"))
	half.ToolsExpected, half.ToolsInvalid, half.Sessions = &expected, 1, 7
	half.CertificateExpires = now().AddDate(0, 0, 8)
	half.Software = "search-mcp 1.4.2"
	half.About = "the company's search, used by everybody"
	stale := measured("archive", finding.Healthy)
	stale.Checked, stale.Next, stale.StaleAt = now().Add(-40*time.Minute), now().Add(-39*time.Minute), now().Add(-38*time.Minute)
	unknown := measured("throttled", finding.Unknown, finding.New("http.429", "", "asked to come back in 60 s"))
	gate := measured("crm", finding.Gated, finding.New("auth.required_ok", "", "401 with a challenge that leads to https://login.example.com"))
	gate.Auth = "gated"
	return View{Now: now(), Version: "v0.3.0", Draining: true, Servers: []Server{
		measured("weather", finding.Healthy), gate, half, {Name: "fresh", Endpoint: "stdio:uvx"}, stale, unknown, dead, measured("files", finding.Healthy),
	}}
}

func get(t *testing.T, v View, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Page(func() View { return v }).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func render(t *testing.T, v View) string {
	t.Helper()
	w := get(t, v, http.MethodGet, "/")
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	wellFormed(t, w.Body.String())
	return w.Body.String()
}

// body drops what has tests of its own.
func body(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "<style></style>")
	return regexp.MustCompile(`(?s)<script>.*?</script>`).ReplaceAllString(page, "<script></script>")
}

// wellFormed wants every element closed where it was opened, and ids unique.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(body(page)))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link"}, xml.HTMLEntity
	var open []string
	ids := map[string]bool{}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
			for _, a := range e.Attr {
				if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("<%s> has attribute %s, which the policy forbids", e.Name.Local, a.Name.Local)
				}
				if a.Name.Local == "id" {
					if ids[a.Value] {
						t.Errorf("id %q twice", a.Value)
					}
					ids[a.Value] = true
				}
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> closes %v", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("a link leads to #%s, which is not there", m[1])
		}
	}
}

func TestGolden(t *testing.T) {
	for name, v := range map[string]View{
		"everything": everything(),
		"empty":      {Now: now()},
		"starting":   {Now: now(), Version: "dev", Servers: []Server{{Name: "weather", Endpoint: "http://localhost:8000/mcp"}}},
		"fine":       {Now: now(), Servers: []Server{measured("weather", finding.Healthy)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := body(render(t, v))
			golden := filepath.Join("testdata", name+".html")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestPolicy holds the header against what the page has inside.
func TestPolicy(t *testing.T) {
	for _, path := range []string{"/", "/findings"} {
		w := get(t, everything(), http.MethodGet, path)
		policy, page := w.Header().Get("Content-Security-Policy"), w.Body.String()
		for _, element := range []string{"style", "script"} {
			for _, m := range regexp.MustCompile(`(?s)<`+element+`[^>]*>(.*?)</`+element+`>`).FindAllStringSubmatch(page, -1) {
				sum := sha256.Sum256([]byte(m[1]))
				hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
				if !strings.Contains(policy, element+"-src "+hash) {
					t.Errorf("%s: %s would not be used: %s", path, element, policy)
				}
			}
		}
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy is not strict: %s", path, policy)
		}
		if m := regexp.MustCompile(`(src|href|action)="(https?:)?//[^"]*"`).FindString(page); m != "" {
			t.Errorf("%s: something from elsewhere: %s", path, m)
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Type": "text/html; charset=utf-8", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	if len(script) > 2<<10 {
		t.Errorf("the script has %d bytes", len(script))
	}
}

func TestMethods(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 200}, {"GET", "/findings", 200}, {"GET", "/icon.svg", 200}, {"GET", "/nothing", 404}, {"HEAD", "/", 200},
		{"POST", "/", 405}, {"DELETE", "/findings", 405}, {"OPTIONS", "/", 405}, {"PUT", "/icon.svg", 405},
	} {
		if w := get(t, everything(), tt.method, tt.path); w.Code != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, w.Code, tt.want)
		}
	}
}

// TestHead goes over a real connection: same head as GET, nothing behind it.
func TestHead(t *testing.T) {
	s := httptest.NewServer(Page(everything))
	defer s.Close()
	ask := func(method string) (http.Header, []byte) {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Header.Del("Date")
		return res.Header, raw
	}
	head, none := ask(http.MethodHead)
	full, page := ask(http.MethodGet)
	if diff := cmp.Diff(full, head); diff != "" || len(none) > 0 || len(page) == 0 {
		t.Errorf("HEAD has %d bytes and other headers:\n%s", len(none), diff)
	}
}

// TestHostile puts what a server might say into every text there is.
func TestHostile(t *testing.T) {
	for _, evil := range []string{
		`</bdi></summary><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`,
		`javascript:alert(1)`, `{{.Name}}`, `</style><script>`, `<!--`, `]]>`, "a\x00b\x1b[31mred\x07",
		"safe\u202egpj.exe\u202c", "\u2066\u2067\u200f\u061c", "zero\u200bwidth\ufeff", "two\nlines\r\nand\u2028more",
		"z" + strings.Repeat("\u0301", 500), "\xff\xfe broken", strings.Repeat("long ", 100_000), strings.Repeat("\u3164", 9),
	} {
		one := 1
		s := Server{
			Name: evil, About: evil, Endpoint: evil, Transport: evil, Software: evil, Measured: true, Grade: finding.Grade(evil),
			Findings: []finding.Finding{{Code: evil, Name: evil, Severity: finding.Severity(evil), Subject: evil, Seen: evil, Hint: evil, Evidence: evil}},
			Eras:     []string{evil}, Versions: []string{evil, evil}, Auth: evil, ToolsExpected: &one, Tools: math.MaxInt, ToolsInvalid: -1,
		}
		for range 100 {
			s.Findings = append(s.Findings, s.Findings[0])
			s.Versions = append(s.Versions, evil)
		}
		page := render(t, View{Now: now(), Version: evil, Servers: []Server{s}})
		text := body(page)
		for _, bad := range []string{"<script>alert", "<img", "onerror=alert(1)>", `href="javascript`, "<!--"} {
			if strings.Contains(text, bad) {
				t.Errorf("%.40q: the page has %q", evil, bad)
			}
		}
		for _, r := range text {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || r == '\u2028') {
				t.Errorf("%.40q: the page has U+%04X", evil, r)
			}
		}
		if len(text) > 120_000 {
			t.Errorf("%.40q: the page has %d bytes", evil, len(text))
		}
		if strings.Contains(text, strings.Repeat("\u0301", maxMarks+1)) {
			t.Errorf("%.40q: marks pile up", evil)
		}
	}
}

func TestMany(t *testing.T) {
	v := View{Now: now()}
	for i := range 60 {
		v.Servers = append(v.Servers, measured(fmt.Sprintf("server-%02d", i), finding.Grades()[i%6], finding.New("slow.p95", "", "it took 14 s")))
	}
	page := render(t, v)
	if n := strings.Count(page, `<details class="card`); n != 60 {
		t.Errorf("%d cards", n)
	}
	if len(page) > 500_000 {
		t.Errorf("%d bytes", len(page))
	}
	if n := strings.Count(page, " open>"); n != 0 {
		t.Errorf("%d of 60 cards are open", n)
	}
	// Within a group the order is that of the configuration.
	if strings.Index(page, `id="server-server-03"`) > strings.Index(page, `id="server-server-04"`) {
		t.Error("servers are out of order")
	}
	if dead, healthy := strings.Index(page, `id="server-server-04"`), strings.Index(page, `id="server-server-00"`); dead > healthy {
		t.Error("a dead server comes after a healthy one")
	}
}

func TestVerdict(t *testing.T) {
	all := func(grades ...finding.Grade) View {
		v := View{Now: now()}
		for i, g := range grades {
			v.Servers = append(v.Servers, measured(strconv.Itoa(i), g))
		}
		return v
	}
	late := all(finding.Healthy, finding.Healthy)
	late.Servers[1].StaleAt = now().Add(-time.Second)
	for _, tt := range []struct {
		view        View
		title, says string
	}{
		{all(), "Holdfast", "No server is configured."},
		{all(finding.Healthy), "✓ Holdfast", "The server works for a client."},
		{all(finding.Healthy, finding.Healthy), "✓ Holdfast", "All 2 servers work for a client."},
		{all(finding.Healthy, finding.Dead), "✕ 1 of 2 broken · Holdfast", "1 does not work for a client."},
		{all(finding.Unusable, finding.Dead, finding.Degraded), "✕ 2 of 3 broken · Holdfast", "0 and 1 do not work for a client."},
		{all(finding.Dead, finding.Dead, finding.Dead, finding.Healthy), "✕ 3 of 4 broken · Holdfast", "0, 1 and 2 do not work for a client."},
		{all(finding.Dead, finding.Dead, finding.Dead, finding.Dead), "✕ 4 of 4 broken · Holdfast", "4 of 4 servers do not work for a client."},
		{all(finding.Healthy, finding.Degraded), "! 1 of 2 in trouble · Holdfast", "1 of 2 servers works with trouble."},
		{all(finding.Gated, finding.Healthy), "Holdfast", "1 of 2 servers works; 1 asks for a credential that we do not hold."},
		{all(finding.Unknown), "? 1 of 1 not known · Holdfast", "It is not known whether 0 works."},
		{late, "? 1 of 2 not known · Holdfast", "It is not known whether 1 works."},
		{View{Now: now(), Servers: []Server{{Name: "a"}, measured("b", finding.Healthy)}}, "? 1 of 2 not known · Holdfast", "Waiting for the first probe of a."},
	} {
		s := newGlossary().screen(tt.view)
		if s.Title != tt.title || s.Verdict != tt.says {
			t.Errorf("%q %q, want %q %q", s.Title, s.Verdict, tt.title, tt.says)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "less than 1 s", 999 * time.Millisecond: "less than 1 s", 59 * time.Second: "59 s", time.Minute: "1 min",
		time.Hour: "1 h", 119 * time.Minute: "1 h 59 min", 24 * time.Hour: "1 d", 49*time.Hour + time.Minute: "2 d 1 h", 1000 * time.Hour: "41 days",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestContrast computes the ratio of WCAG 2.2 for every colour that text has:
// AA asks for 4.5.
func TestContrast(t *testing.T) {
	light, dark, ok := strings.Cut(styles, "prefers-color-scheme:dark")
	if !ok {
		t.Fatal("no dark colours")
	}
	for scheme, css := range map[string]string{"light": light, "dark": dark[:strings.Index(dark, "}}")]} {
		colour := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+):#([0-9a-f]+)`).FindAllStringSubmatch(css, -1) {
			colour[m[1]] = luminance(t, m[2])
		}
		pairs := 0
		for _, paper := range []string{"bg", "card"} {
			for _, ink := range []string{"ink", "dim", "link", "healthy", "degraded", "gated", "unusable", "dead", "unknown"} {
				pairs++
				if r := contrast(colour[paper], colour[ink]); r < 4.5 {
					t.Errorf("%s: %s on %s is %.2f", scheme, ink, paper, r)
				}
			}
		}
		if r := contrast(colour["code"], colour["ink"]); r < 4.5 {
			t.Errorf("%s: code is %.2f", scheme, r)
		}
		if r := contrast(colour["bg"], colour["focus"]); r < 3 {
			t.Errorf("%s: focus ring is %.2f", scheme, r)
		}
		if len(colour) != 15 || pairs != 18 {
			t.Errorf("%s: %d colours, %d pairs", scheme, len(colour), pairs)
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// TestFindings: every code has its place to be linked to.
func TestFindings(t *testing.T) {
	page := get(t, View{}, http.MethodGet, "/findings").Body.String()
	wellFormed(t, page)
	for _, e := range finding.Catalogue() {
		if !strings.Contains(page, `id="`+strings.ToLower(e.Code)+`"`) {
			t.Errorf("%s is missing", e.Code)
		}
	}
}

// TestGateway: nothing that a front tells is lost on the way to the page.
func TestGateway(t *testing.T) {
	end := now().AddDate(0, 1, 0)
	expected := 4
	got := ofGateway(gateway.Overview{Now: now(), Version: "v1", Draining: true, Servers: []gateway.ServerStatus{{
		Name: "a", About: "b", Endpoint: "c", Transport: "d", Measured: true, Grade: finding.Gated, Since: now(), Checked: now(), Next: now(), StaleAt: now(),
		Ready: true, Auth: probe.AuthGated, Versions: []string{"v"}, Tools: 3, ToolsInvalid: 2, ToolsExpected: &expected, CertificateExpires: &end, Sessions: 9,
		Findings: []finding.Finding{{Code: "HF001"}}, Recent: []gateway.ProbeSample{{At: now(), Grade: finding.Dead, Seconds: 1.5}},
	}}})
	want := View{Now: now(), Version: "v1", Draining: true, Servers: []Server{{
		Name: "a", About: "b", Endpoint: "c", Transport: "d", Measured: true, Grade: finding.Gated, Since: now(), Checked: now(), Next: now(), StaleAt: now(),
		Ready: true, Auth: "gated", Versions: []string{"v"}, Tools: 3, ToolsInvalid: 2, ToolsExpected: &expected, CertificateExpires: end, Sessions: 9,
		Findings: []finding.Finding{{Code: "HF001"}}, Probes: []Probe{{At: now(), Grade: finding.Dead, Took: 1500 * time.Millisecond}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func BenchmarkPage(b *testing.B) {
	v := View{Now: now()}
	for i := range 60 {
		v.Servers = append(v.Servers, measured(strconv.Itoa(i), finding.Grades()[i%6], finding.New("slow.p95", "", "it took 14 s")))
	}
	h := Page(func() View { return v })
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		w.Body = new(bytes.Buffer)
		h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil))
	}
}
