package probe_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

var update = flag.Bool("update", false, "write golden files")

// TestAgree: what two observations support together.
func TestAgree(t *testing.T) {
	t.Parallel()
	is := func(g finding.Grade, codes ...string) probe.Result {
		return probe.Result{Grade: g, Codes: codes, Observations: 1, Requests: 2, Received: 10}
	}
	for _, c := range []struct {
		name          string
		first, second probe.Result
		grade         finding.Grade
		codes         []string
		unconfirmed   []string
	}{
		{"same", is(finding.Dead, "tcp.refused"), is(finding.Dead, "tcp.refused"), finding.Dead, []string{"tcp.refused"}, nil},
		{"milder second", is(finding.Dead, "tcp.refused"), is(finding.Unusable, "init.error"), finding.Unusable, []string{"init.error"}, nil},
		{"worse second", is(finding.Unusable, "init.error"), is(finding.Dead, "tcp.refused"), finding.Unusable, []string{"init.error"}, nil},
		{"another reason", is(finding.Dead, "http.5xx"), is(finding.Dead, "tcp.refused"), finding.Dead, []string{"http.5xx"}, nil},
		{"acquitted", is(finding.Dead, "tcp.refused"), is(finding.Healthy), finding.Healthy, nil, []string{"tcp.refused"}},
		{"acquitted in part", is(finding.Unusable, "list.error"), is(finding.Degraded, "list.empty"), finding.Degraded, []string{"list.empty"}, []string{"list.error"}},
		{"gated after all", is(finding.Dead, "http.5xx"), is(finding.Gated, "auth.required_ok"), finding.Gated, []string{"auth.required_ok"}, []string{"http.5xx"}},
		{"not measured", is(finding.Dead, "http.5xx"), is(finding.Unknown, "http.429"), finding.Unknown, []string{"http.429"}, []string{"http.5xx"}},
	} {
		got := probe.Agree(c.first, c.second)
		if got.Grade != c.grade || !slices.Equal(got.Codes, c.codes) || !slices.Equal(got.Unconfirmed, c.unconfirmed) {
			t.Errorf("%s: %s %v, unconfirmed %v", c.name, got.Grade, got.Codes, got.Unconfirmed)
		}
		if got.Observations != 2 || got.Requests != 4 || got.Received != 20 {
			t.Errorf("%s: %d observations, %d requests, %d bytes", c.name, got.Observations, got.Requests, got.Received)
		}
	}
}

// TestObservations: how often a server is asked before it is accused.
func TestObservations(t *testing.T) {
	t.Parallel()
	down := mcptest.Answer(503, "text/plain", "no healthy upstream")
	for _, c := range []struct {
		name  string
		fault mcptest.Fault
		want  int // observations
		grade finding.Grade
	}{
		{"healthy", nil, 1, finding.Healthy},
		{"down", down, 3, finding.Dead},
		{"down once", mcptest.First(2, down), 2, finding.Healthy},
		{"throttled", mcptest.Answer(429, "text/plain", ""), 1, finding.Unknown},
		{"degraded", mcptest.On(mcptest.BendResult(func(_ *mcptest.Exchange, r map[string]any) { r["tools"] = []any{} }), mcp.MethodToolsList), 1, finding.Degraded},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := mcptest.NewWorld(t)
			cfg := mcptest.Config{}
			if c.fault != nil {
				cfg.Faults = []mcptest.Fault{c.fault}
			}
			o := optionsFor(w)
			o.Observations, o.Thorough = 3, false
			start := time.Now()
			r := probe.New(o).Run(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: w.Host("a.example", mcptest.NewServer(cfg)).URL("/mcp")}})
			if r.Observations != c.want || r.Grade != c.grade {
				t.Errorf("%s: %d observations, grade %s, codes %v", c.name, r.Observations, r.Grade, r.Codes)
			}
			if pauses := time.Since(start); pauses != time.Duration(c.want-1)*500*time.Millisecond {
				t.Errorf("%s: took %s", c.name, pauses)
			}
		})
	}
}

// TestOverTime: slowness and flapping need a series, and no cold start or
// unknown result counts against a server.
func TestOverTime(t *testing.T) {
	t.Parallel()
	const budget = 10 * time.Second
	series := func(letters string) (out []probe.Result) {
		for _, l := range letters {
			r := probe.Result{Grade: finding.Healthy, Phases: probe.Phases{Total: time.Second}}
			switch l {
			case 'd':
				r.Grade, r.Phases.Total = finding.Dead, 0
			case 'u':
				r.Grade, r.Phases.Total = finding.Unknown, 0
			case 's':
				r.Grade, r.Phases.Total = finding.Degraded, 11*time.Second
			case 'c':
				r.Grade, r.Phases.Total, r.Cold = finding.Degraded, 12*time.Second, true
			case 'b':
				r.Phases.Total = budget
			}
			out = append(out, r)
		}
		return out
	}
	for letters, want := range map[string]string{
		"": "", "hhhh": "", "dhdh": "", "hdhdh": "flap", "hhhhhhhhdh": "", "hdhhhhhhdd": "flap", "dddddddddd": "",
		"hduhuduuhh": "flap", "uuuuuuuuuuhd": "", "hdhdhhhhhhhhhhh": "", // long ago
		"sssss": "slow.p95", "ssss": "", "bbbbb": "", "hhhhhhhhhs": "slow.p95", "ccccc": "", "chhhh": "",
		"hhhhh" + "hhhhh" + "s" + "hhhhhhhhhh": "", "sdsdsss": "flap slow.p95",
	} {
		var got []string
		for _, f := range probe.OverTime(series(letters), budget) {
			got = append(got, f.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %q", letters, got, want)
		}
	}
}

// TestRetryAfter: how long a server wants to be left alone, bounded to a day.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"120": 2 * time.Minute, " 7 ": 7 * time.Second, "0": 0, "-5": 0, "1.5": 1500 * time.Millisecond, "": 0, "soon": 0, "1h": 0, "NaN": 0,
		"86401": 24 * time.Hour, "99999999999999999999999": 24 * time.Hour, "Inf": 24 * time.Hour, "-Inf": 0,
		"Sat, 01 Jan 2000 00:10:00 GMT": 10 * time.Minute, "Fri, 31 Dec 1999 00:00:00 GMT": 0, "Sat, 01 Jan 2050 00:00:00 GMT": 24 * time.Hour,
	} {
		for _, status := range []int{429, 503} {
			synctest.Test(t, func(t *testing.T) {
				w := mcptest.NewWorld(t)
				s := mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.AnswerWith(status, http.Header{"Retry-After": {header}}, "no")}})
				r := probe.New(optionsFor(w)).Once(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: w.Host("a.example", s).URL("/mcp")}})
				if r.RetryAfter != want || r.RetryAfterSeconds != want.Seconds() {
					t.Errorf("%d with %q: %s and %v s, want %s", status, header, r.RetryAfter, r.RetryAfterSeconds, want)
				}
				if want > 0 && !strings.Contains(r.Findings[0].Seen, want.String()) {
					t.Errorf("not said: %s", r.Findings[0].Seen)
				}
			})
		}
	}
}

// TestDualEra: a server of both eras is judged in both.
func TestDualEra(t *testing.T) {
	t.Parallel()
	modern := func(ex *mcptest.Exchange) bool { return ex.Msg != nil && ex.Msg.Meta.HasVersion }
	legacyList := func(ex *mcptest.Exchange) bool { return ex.Method() == mcp.MethodToolsList && !modern(ex) }
	fail := mcptest.RPCError(200, mcp.CodeInternal, "broken")
	noTools := mcptest.BendResult(func(_ *mcptest.Exchange, r map[string]any) { r["tools"] = []any{} })
	for _, c := range []struct {
		name  string
		fault mcptest.Fault
		codes []string
		eras  []mcp.Era
		tools int
	}{
		{"both work", nil, nil, []mcp.Era{mcp.EraModern, mcp.EraLegacy}, 1},
		{"legacy list fails", mcptest.When(legacyList, fail), []string{"era.partial"}, []mcp.Era{mcp.EraModern}, 1},
		{"modern list fails", mcptest.On(mcptest.When(modern, fail), mcp.MethodToolsList), []string{"era.partial"}, []mcp.Era{mcp.EraLegacy}, 1},
		{"both fail", mcptest.On(fail, mcp.MethodToolsList), []string{"list.error"}, []mcp.Era{mcp.EraModern, mcp.EraLegacy}, 0},
		{"legacy lists nothing", mcptest.When(legacyList, noTools), []string{"era.partial"}, []mcp.Era{mcp.EraModern}, 1},
		{"both list nothing", mcptest.On(noTools, mcp.MethodToolsList), []string{"list.empty"}, []mcp.Era{mcp.EraModern, mcp.EraLegacy}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := mcptest.NewWorld(t)
			cfg := mcptest.Config{Sessions: true}
			if c.fault != nil {
				cfg.Faults = []mcptest.Fault{c.fault}
			}
			r := probe.New(optionsFor(w)).Once(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: w.Host("a.example", mcptest.NewServer(cfg)).URL("/mcp")}})
			if !slices.Equal(r.Codes, c.codes) || !slices.Equal(r.Eras, c.eras) || r.Tools != c.tools {
				t.Errorf("%s: codes %v, eras %v, %d tools", c.name, r.Codes, r.Eras, r.Tools)
			}
		})
	}
}

// TestThrottledCall: a call that is throttled says nothing of the tool.
func TestThrottledCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := mcptest.NewWorld(t)
		s := mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.On(mcptest.AnswerWith(429, http.Header{"Retry-After": {"9"}}, ""), mcp.MethodToolsCall)}})
		r := probe.New(optionsFor(w)).Run(t.Context(), probe.Target{
			Endpoint: client.Endpoint{URL: w.Host("a.example", s).URL("/mcp")}, Calls: []probe.Call{{Tool: "echo", Critical: true}},
		})
		if r.Grade != finding.Unknown || !slices.Equal(r.Codes, []string{"http.429"}) || r.RetryAfter != 9*time.Second {
			t.Errorf("grade %s, codes %v, retry after %s", r.Grade, r.Codes, r.RetryAfter)
		}
	})
}

// TestRedirectedCertificate: it is the certificate at the end of the way that
// is judged.
func TestRedirectedCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := mcptest.NewWorld(t)
		s := mcptest.NewServer(mcptest.Config{})
		w.Host("a.example", s, mcptest.ExpiringCert(48*time.Hour))
		plain := w.Host("a.example", mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.Redirect(308, "https://a.example/mcp")}}), mcptest.PlainHTTP)
		r := probe.New(optionsFor(w)).Run(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: plain.URL("/mcp"), Header: http.Header{"X-Key": {"value"}}}})
		if !slices.Equal(r.Codes, []string{"tls.expiring", "http.redirect_same"}) && !slices.Equal(r.Codes, []string{"http.redirect_same", "tls.expiring"}) {
			t.Errorf("codes %v, grade %s", r.Codes, r.Grade)
		}
	})
}

// TestResultJSON holds the shape that scripts and scans read.
func TestResultJSON(t *testing.T) {
	for name, start := range map[string]func(w *mcptest.World) probe.Target{
		"legacy": func(w *mcptest.World) probe.Target {
			s := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Sessions: true, Faults: []mcptest.Fault{mcptest.Delay(123456 * time.Microsecond)},
				Tools: []json.RawMessage{mcptest.EchoTool(), mcptest.ToolWith("odd", `{"type":"int"}`)}})
			return probe.Target{Endpoint: client.Endpoint{URL: w.Host("legacy.example", s, mcptest.DNSDelay(time.Millisecond), mcptest.DialDelay(2*time.Millisecond)).URL("/mcp")}, Calls: []probe.Call{{Tool: "echo"}}}
		},
		"refused": func(w *mcptest.World) probe.Target {
			return probe.Target{Name: "weather", Endpoint: client.Endpoint{URL: w.Host("gone.example", nil, mcptest.Refused).URL("/mcp?key=s3cr3tvalue")}}
		},
		"throttled": func(w *mcptest.World) probe.Target {
			s := mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.AnswerWith(429, http.Header{"Retry-After": {"30"}}, "")}})
			return probe.Target{Endpoint: client.Endpoint{URL: w.Host("busy.example", s).URL("/mcp")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := mcptest.NewWorld(t)
				o := asker(w, false)
				r := probe.New(o).Run(t.Context(), start(w))
				got, err := json.MarshalIndent(r, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "testdata/result-"+name+".json", append(got, '\n'))
				var back probe.Result
				if err := json.Unmarshal(got, &back); err != nil {
					t.Fatal(err)
				}
				back.RetryAfter = r.RetryAfter // not written; its seconds are
				if diff := cmp.Diff(r, back); diff != "" {
					t.Errorf("read back -want +got:\n%s", diff)
				}
			})
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s -want +got:\n%s", file, diff)
	}
}

// TestBombs: schemas made to hurt cost the probe milliseconds.
func TestBombs(t *testing.T) {
	tools := []json.RawMessage{mcptest.EchoTool()}
	for i, schema := range []string{
		`{"$ref":"#"}`, `{"type":"object","$ref":"#"}`, mcptest.DoublingSchema(22), mcptest.DeepSchema(800),
		`{"type":"object","properties":{"a":{"type":"string","pattern":"^(a+)+$"}}}`,
		`{"type":"object","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"properties":{"x":{"$ref":"#/$defs/a"}}}`,
	} {
		tools = append(tools, mcptest.ToolWith("bomb-"+string(rune('a'+i)), schema))
	}
	var calls atomic.Int32
	best := time.Hour
	for range 5 {
		w := mcptest.NewWorld(t)
		s := mcptest.NewServer(mcptest.Config{Era: mcptest.Modern, Tools: tools, Faults: []mcptest.Fault{func(_ *mcptest.Exchange, next func()) { calls.Add(1); next() }}})
		o := optionsFor(w)
		o.Thorough = false
		start := time.Now()
		r := probe.New(o).Once(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: w.Host("bombs.example", s, mcptest.PlainHTTP).URL("/mcp")}})
		best = min(best, time.Since(start))
		if r.Tools != len(tools) || r.Grade != finding.Degraded || r.ToolsInvalid < 3 {
			t.Fatalf("%d tools, %d invalid, grade %s, codes %v", r.Tools, r.ToolsInvalid, r.Grade, r.Codes)
		}
	}
	t.Logf("best of 5: %s", best)
	if best > 150*time.Millisecond {
		t.Errorf("best of 5: %s", best)
	}
}
