package probe_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

const testAgent = "holdfast-test/1 (+https://example.com/why)"

// asker is optionsFor with an identity, quick or thorough.
func asker(w *mcptest.World, thorough bool) probe.Options {
	o := optionsFor(w)
	o.Thorough = thorough
	o.Info = client.Implementation{Name: "holdfast-test", Version: "1"}
	o.UserAgent = testAgent
	return o
}

// cost is the most that one probe of a healthy server with one page of tools
// may ask of it: the project's own figure, to be changed only on purpose.
func cost() map[mcptest.Era]struct{ quick, thorough int } {
	return map[mcptest.Era]struct{ quick, thorough int }{
		mcptest.Modern:  {quick: 2, thorough: 6},
		mcptest.Legacy:  {quick: 5, thorough: 11},
		mcptest.Dual:    {quick: 6, thorough: 13},
		mcptest.SSE2024: {quick: 6, thorough: 6},
	}
}

// TestHarmless: what a probe does to a healthy server.
func TestHarmless(t *testing.T) {
	seen := map[string]int{}
	for _, c := range mcptest.Corpus() {
		healthy := c.Grade == finding.Healthy || slices.Equal(c.Want, []string{"transport.sse_only"})
		if !healthy || c.Era == mcptest.Stdio {
			continue
		}
		for _, thorough := range []bool{false, true} {
			name := fmt.Sprintf("%s thorough=%t", c.Name, thorough)
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if n := harmless(t, c, thorough); n > 0 && strings.HasPrefix(c.Name, "healthy") && !strings.Contains(c.Name, "big") {
						key := fmt.Sprintf("%s thorough=%t", c.Era, thorough)
						seen[key] = max(seen[key], n)
					}
				})
			})
		}
	}
	for era, limit := range cost() {
		for mode, most := range map[string]int{"false": limit.quick, "true": limit.thorough} {
			if got := seen[string(era)+" thorough="+mode]; got != most {
				t.Errorf("%s thorough=%s: %d requests at most, the table says %d", era, mode, got, most)
			}
		}
	}
}

// harmless probes a case once and returns how many requests that took.
func harmless(t *testing.T, c mcptest.Case, thorough bool) int {
	t.Helper()
	w := mcptest.NewWorld(t)
	target := c.Start(w)
	if target.Server == nil || target.Probes > 1 {
		return 0
	}
	if target.Before != nil {
		target.Before(0)
	}
	target.Probes = 1
	r := runSeries(t.Context(), probe.New(asker(w, thorough)), target)[0]
	synctest.Wait() // streams end when the server notices
	st := target.Server.Stats()
	if st.SessionsOpen() != 0 && !strings.HasPrefix(c.Name, "delete not allowed") {
		t.Errorf("%d sessions opened, %d deleted", st.SessionsOpened, st.SessionsDeleted)
	}
	if st.StreamsOpen != 0 || st.InFlight != 0 {
		t.Errorf("%d streams and %d requests left open", st.StreamsOpen, st.InFlight)
	}
	named := map[string]int{}
	for _, call := range target.Calls {
		named[call.Tool]++
	}
	if !maps.Equal(named, st.ToolCalls) {
		t.Errorf("tools called: %v, named: %v", st.ToolCalls, named)
	}
	metadata := 0
	for m := range st.UserAgents {
		if m != testAgent {
			t.Errorf("User-Agent %q", m)
		}
	}
	if got := st.UserAgents[testAgent]; got != st.Total && !strings.Contains(c.Name, "strips") {
		t.Errorf("User-Agent on %d of %d requests", got, st.Total)
	}
	if len(st.Origins) != 0 {
		t.Errorf("origins %v: we are no browser", st.Origins)
	}
	if target.AuthServer != nil {
		metadata = target.AuthServer.Reads()
		if target.AuthServer.Writes() != 0 {
			t.Error("wrote to the authorization server")
		}
	}
	if r.Observations != 1 || r.Requests != st.Total+metadata {
		t.Errorf("result counts %d requests in %d observations, the servers saw %d", r.Requests, r.Observations, st.Total+metadata)
	}
	for _, l := range r.Transcript {
		asks := strings.Contains(l.Request, mcp.MethodInitialize+`"`) || strings.Contains(l.Request, mcp.MetaProtocolVersion)
		if asks && !strings.Contains(l.Request, `{"name":"holdfast-test","version":"1"}`) {
			t.Errorf("does not say who asks: %s", l.Request)
		}
	}
	return st.Total
}

// TestNothingIsWritten: no probe of the whole corpus posts to an authorization
// server or calls what was not named, and none leaves a secret in what it says.
func TestNothingIsWritten(t *testing.T) {
	sessionID := regexp.MustCompile(`[0-9a-f]{32}`)
	for _, c := range mcptest.Corpus() {
		if c.Era == mcptest.Stdio {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := mcptest.NewWorld(t)
				target := c.Start(w)
				target.Probes = 1
				addMarkers(&target)
				o := asker(w, len(c.Want) == 0) // what is broken early never gets to the deeper questions
				o.Observations = 1
				for _, r := range runSeries(t.Context(), probe.New(o), target) {
					noMarker(t, r)
					r.ToolsHash, r.Inventory = "", nil
					if id := sessionID.FindString(everything(t, r)); id != "" {
						t.Errorf("a session id is told: %s", id)
					}
				}
				synctest.Wait()
				if as := target.AuthServer; as != nil && as.Writes() != 0 {
					t.Errorf("%d writes to the authorization server", as.Writes())
				}
				if target.Server == nil {
					return
				}
				st := target.Server.Stats()
				if st.StreamsOpen != 0 || st.InFlight != 0 {
					t.Errorf("%d streams, %d requests left open", st.StreamsOpen, st.InFlight)
				}
				if len(target.Calls) == 0 && len(st.ToolCalls) != 0 {
					t.Errorf("called %v", st.ToolCalls)
				}
			})
		})
	}
}

// TestCanceled: wherever a probe is stopped, it says that it was, and leaves no
// session, no stream and no goroutine (which the bubble would wait for).
func TestCanceled(t *testing.T) {
	const slow = 100 * time.Millisecond
	for _, era := range mcptest.Eras() {
		for _, cut := range []string{"cancel", "deadline"} {
			t.Run(string(era)+" by "+cut, func(t *testing.T) {
				t.Parallel()
				finished := 0
				for at := time.Duration(0); finished < 3; at += 37 * time.Millisecond {
					synctest.Test(t, func(t *testing.T) {
						if stopped(t, era, cut, at, slow) == finding.Unknown {
							finished = 0
						} else {
							finished++
						}
					})
				}
			})
		}
	}
}

// late does at once what is asked, and answers only then: who leaves meanwhile
// leaves a session behind.
func late(d time.Duration) mcptest.Fault {
	return func(ex *mcptest.Exchange, next func()) {
		time.Sleep(d / 2)
		next()
		time.Sleep(d / 2)
	}
}

func stopped(t *testing.T, era mcptest.Era, cut string, at, slow time.Duration) finding.Grade {
	t.Helper()
	w := mcptest.NewWorld(t)
	s := mcptest.NewServer(mcptest.Config{Era: era, Sessions: true, Stream: true, Faults: []mcptest.Fault{late(slow)}})
	url := w.Host("slow.example", s, mcptest.DNSDelay(slow), mcptest.DialDelay(slow)).URL("/sse")
	ctx, cancel := contextUntil(t.Context(), cut, at)
	defer cancel()
	start := time.Now()
	r := probe.New(asker(w, true)).Run(ctx, probe.Target{
		Endpoint: client.Endpoint{URL: url}, Calls: []probe.Call{{Tool: "echo"}},
	})
	if late := time.Since(start) - at; late > 3*time.Second {
		t.Errorf("%s: ended %s late", at, late)
	}
	if r.Grade == finding.Unknown && !slices.Equal(r.Codes, []string{"probe.canceled"}) || r.Grade.Accuses() {
		t.Errorf("%s: grade %s, codes %v", at, r.Grade, r.Codes)
	}
	time.Sleep(time.Second) // fake: what was under way arrives
	synctest.Wait()
	if st := s.Stats(); st.StreamsOpen != 0 || st.SessionsOpen() != 0 && cut == "cancel" {
		t.Errorf("%s: %d sessions, %d streams left; requests %v", at, st.SessionsOpen(), st.StreamsOpen, st.Requests)
	}
	return r.Grade
}

// TestCanceledBetween: an accusation that could not be confirmed is none.
func TestCanceledBetween(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := mcptest.NewWorld(t)
		url := w.Host("gone.example", nil, mcptest.Refused).URL("/mcp")
		o := optionsFor(w)
		o.RetryAfter = time.Minute
		ctx, cancel := contextUntil(t.Context(), "cancel", time.Second)
		defer cancel()
		r := probe.New(o).Run(ctx, probe.Target{Endpoint: client.Endpoint{URL: url}})
		if r.Grade != finding.Unknown || !slices.Equal(r.Codes, []string{"probe.canceled"}) || !slices.Equal(r.Unconfirmed, []string{"tcp.refused"}) {
			t.Errorf("grade %s, codes %v, unconfirmed %v", r.Grade, r.Codes, r.Unconfirmed)
		}
	})
}

func everything(t *testing.T, r probe.Result) string {
	t.Helper()
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
