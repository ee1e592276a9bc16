package telemetry

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

var update = flag.Bool("update", false, "write the golden files")

// eventful returns metrics in which everything has happened once.
func eventful() *Metrics {
	m := New("v1.2.3")
	at := time.Date(2026, 11, 22, 16, 20, 0, 0, time.UTC)
	expected := 5
	m.Watch(func() State {
		return State{Draining: true, Servers: []ServerState{
			{
				Name: "weather", Measured: true, Grade: finding.Degraded, Verdict: finding.Degraded, Code: "HF067",
				Auth: "open", Transport: "streamable-http", Eras: []mcp.Era{mcp.EraModern, mcp.EraLegacy},
				Versions: []string{"2025-11-25", "2026-07-28", "9999-99-99\nevil"},
				Listed:   true, Tools: 4, ToolsInvalid: 1, ToolsExpected: &expected,
				Checked: at, Since: at.Add(-time.Hour), Duration: 120 * time.Millisecond,
				Phases:             []Phase{{"dns", 2 * time.Millisecond}, {"connect", 3 * time.Millisecond}, {"tls", 9 * time.Millisecond}, {"first_byte", 40 * time.Millisecond}},
				CertificateExpires: at.AddDate(0, 1, 0), Ready: true, Sessions: 2,
			},
			{Name: "gone", Measured: true, Grade: finding.Dead, Verdict: finding.Dead, Code: "HF006", Checked: at, Since: at},
			{Name: "unseen", Measured: true, Grade: finding.Unknown, Verdict: finding.Dead, Code: "HF009", Checked: at, Since: at},
			{Name: "new", Sessions: 1},
		}}
	})
	m.Watch(func() State { return State{Servers: []ServerState{{Name: "gone", Sessions: 99}}} })
	s := m.Server("weather")
	s.Begin(mcp.EraModern, mcp.MethodToolsCall).End()
	failed := s.Begin(mcp.EraLegacy, "tools/"+strings.Repeat("x", 100))
	failed.Note(NotRun)
	failed.End()
	failed.End()
	s.Begin(mcp.EraLegacy, mcp.MethodToolsList) // stays in flight
	s.Stream(StreamAnswer)()
	s.Stream(StreamListen)
	s.UpstreamFailed("connect")
	s.UpstreamFailed("stdio says \"no\"")
	m.Refused(RefusedHost)
	m.Probed("weather", finding.Degraded)
	return m
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// TestExposition holds every series. Those of the runtime are Go's own.
func TestExposition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // durations are exactly 0
		var ours []string
		for line := range strings.Lines(scrape(t, eventful())) {
			if !regexp.MustCompile(`^(# (HELP|TYPE) )?(go|process|promhttp)_`).MatchString(line) {
				ours = append(ours, line)
			}
		}
		got := regexp.MustCompile(`goversion="[^"]*"`).ReplaceAllString(strings.Join(ours, ""), `goversion="GO"`)
		const golden = "testdata/metrics.txt"
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

func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(eventful().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestDocumented holds docs/metrics.md to the registry, both ways.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("../../docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var written, real []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)").FindAllStringSubmatch(string(page), -1) {
		written = append(written, m[1])
	}
	families, err := eventful().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "go_") && !strings.HasPrefix(f.GetName(), "process_") {
			real = append(real, f.GetName())
		}
	}
	slices.Sort(written)
	slices.Sort(real)
	if diff := cmp.Diff(real, written); diff != "" {
		t.Errorf("docs/metrics.md, -registered +documented:\n%s", diff)
	}
}

// TestBounded shows that clients and servers cannot make series.
func TestBounded(t *testing.T) {
	m := New("dev")
	versions := []string{"2026-07-28"}
	m.Watch(func() State {
		return State{Servers: []ServerState{{Name: "a", Measured: true, Grade: finding.Healthy, Versions: versions}}}
	})
	s := m.Server("a")
	fill := func(i int) {
		versions = []string{fmt.Sprint("version-", i)}
		c := s.Begin(mcp.EraModern, fmt.Sprint("made/up-", i))
		c.Note(Failed)
		c.End()
		s.Begin(mcp.EraLegacy, fmt.Sprint("notifications/", i)).End()
		s.UpstreamFailed(fmt.Sprint("phase_", i))
	}
	count := func() int {
		n, err := testutil.GatherAndCount(m.registry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	fill(0)
	before := count()
	for i := range 1000 {
		fill(i)
	}
	if after := count(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

func TestForget(t *testing.T) {
	m := eventful()
	m.sources = nil
	m.Forget("weather")
	if text := scrape(t, m); strings.Contains(text, "weather") {
		t.Errorf("still there:\n%s", text)
	}
}

// TestNil uses everything that a front uses without metrics.
func TestNil(t *testing.T) {
	var m *Metrics
	m.Watch(func() State { t.Error("nobody asks"); return State{} })
	m.Refused(RefusedFull)
	m.Probed("a", finding.Healthy)
	m.Forget("a")
	s := m.Server("a")
	s.UpstreamFailed("dns")
	s.Stream(StreamListen)()
	c := s.Begin(mcp.EraLegacy, mcp.MethodPing)
	c.Note(Broken)
	c.End()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("handler of nil answers %d", w.Code)
	}
}

// TestConcurrent is for the race detector: calls, scrapes and reloads at once.
func TestConcurrent(t *testing.T) {
	m := New("dev")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				s := m.Server("a")
				c := s.Begin(mcp.EraModern, mcp.MethodToolsCall)
				s.Stream(StreamAnswer)()
				c.End()
				switch i {
				case 0:
					m.Watch(func() State {
						return State{Servers: []ServerState{{Name: "a", Measured: true, Grade: finding.Healthy}}}
					})
				case 1:
					if _, err := m.registry.Gather(); err != nil {
						t.Error(err)
					}
				case 2:
					m.Forget("b")
				}
			}
		})
	}
	all.Wait()
	if n := testutil.ToFloat64(m.inFlight.WithLabelValues("a")); n != 0 {
		t.Errorf("%v calls in flight after all have ended", n)
	}
}

func BenchmarkCall(b *testing.B) {
	s := New("dev").Server("a")
	b.ReportAllocs()
	for b.Loop() {
		s.Begin(mcp.EraModern, mcp.MethodToolsCall).End()
	}
}
