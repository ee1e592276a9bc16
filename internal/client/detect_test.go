package client_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// detected is the part of a Detection that the table names.
type detected struct {
	Era            mcp.Era
	Modern, Legacy mcp.Revision
	Transport      client.Transport
	Posts          int // POST requests that the server saw
}

func detect(t *testing.T, s *mcptest.Server, force mcp.Era, opts ...mcptest.HostOption) (detected, client.Detection) {
	t.Helper()
	w := mcptest.NewWorld(t)
	h := w.Host("server.example", s, opts...)
	c := dial(t, w, client.Endpoint{URL: h.URL("/mcp")})
	d := c.Detect(t.Context(), force)
	got := detected{Era: d.Era}
	for _, s := range []*client.Session{d.Modern, d.Legacy} {
		if s != nil {
			got.Transport = s.Transport
		}
	}
	if d.Modern != nil {
		got.Modern = d.Modern.Revision
	}
	if d.Legacy != nil {
		got.Legacy = d.Legacy.Revision
		d.Legacy.Close(t.Context())
	}
	for m, n := range s.Stats().Requests {
		if m != http.MethodGet && m != http.MethodDelete {
			got.Posts += n
		}
	}
	if len(d.Steps) == 0 || d.Decisive == nil {
		t.Error("no steps, or none is decisive")
	}
	return got, d
}

func TestDetect(t *testing.T) {
	legacy := func(posts int) detected {
		return detected{Era: mcp.EraLegacy, Legacy: mcp.Rev20251125, Transport: client.StreamableHTTP, Posts: posts}
	}
	modern := func(posts int) detected {
		return detected{Era: mcp.EraModern, Modern: mcp.Rev20260728, Transport: client.StreamableHTTP, Posts: posts}
	}
	both := func(posts int) detected {
		d := modern(posts)
		d.Legacy = mcp.Rev20251125
		return d
	}
	on := mcptest.On
	rpc := mcptest.RPCError
	cases := []struct {
		name  string
		cfg   mcptest.Config
		force mcp.Era
		want  detected
	}{
		{"modern", mcptest.Config{Era: mcptest.Modern}, 0, modern(1)},
		{"dual", mcptest.Config{}, 0, both(3)},
		{"dual, modern asked for", mcptest.Config{}, mcp.EraModern, modern(1)},
		{"dual, legacy asked for", mcptest.Config{}, mcp.EraLegacy, legacy(2)},
		{"modern, legacy asked for", mcptest.Config{Era: mcptest.Modern}, mcp.EraLegacy, detected{Posts: 1}},
		{"old transport", mcptest.Config{Era: mcptest.SSE2024}, 0,
			detected{Era: mcp.EraLegacy, Legacy: mcp.Rev20241105, Transport: client.HTTPSSE, Posts: 4}},
		{"modern without discover", mcptest.Config{Era: mcptest.Modern, Faults: []mcptest.Fault{on(rpc(404, mcp.CodeMethodNotFound, "x"), mcp.MethodDiscover)}}, 0, modern(2)},
		{"legacy with 404 and -32601", mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{on(rpc(404, mcp.CodeMethodNotFound, "x"), mcp.MethodDiscover)}}, 0, legacy(4)},
		{"headers stripped", mcptest.Config{Era: mcptest.Modern, Faults: []mcptest.Fault{mcptest.WithoutHeaders(mcp.HeaderMethod)}}, 0, detected{Era: mcp.EraModern, Posts: 1}},
		{"capability missing", mcptest.Config{Era: mcptest.Modern, Faults: []mcptest.Fault{rpc(400, mcp.CodeMissingCapability, "x")}}, 0, detected{Era: mcp.EraModern, Posts: 1}},
		{"only the future", mcptest.Config{Era: mcptest.Modern, Versions: []mcp.Revision{"2031-01-01"}}, 0, detected{Era: mcp.EraModern, Posts: 1}},
		{"numbers of a release candidate", mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{on(rpc(400, -32001, "Session not found"), mcp.MethodDiscover)}}, 0, legacy(3)},
		{"web page to discover only", mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{on(mcptest.HTML(200), mcp.MethodDiscover)}}, 0, legacy(3)},
		{"503 to discover only", mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{on(mcptest.Answer(503, "text/plain", "x"), mcp.MethodDiscover)}}, 0, legacy(4)},
		{"503 to the first request of both eras", mcptest.Config{Faults: []mcptest.Fault{mcptest.First(1, mcptest.Answer(503, "text/plain", "x"))}}, 0, both(4)},
		{"older legacy version after refusals", mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{on(mcptest.When(func(ex *mcptest.Exchange) bool {
			return !asksFor(ex, mcp.Rev20250326)
		}, mcptest.Answer(400, "text/plain", "Unsupported protocol version")), mcp.MethodInitialize)}}, 0,
			detected{Era: mcp.EraLegacy, Legacy: mcp.Rev20250326, Transport: client.StreamableHTTP, Posts: 5}},
	}
	for _, p := range mcptest.ProbeAnswers() {
		for _, stateful := range []bool{false, true} {
			cases = append(cases, struct {
				name  string
				cfg   mcptest.Config
				force mcp.Era
				want  detected
			}{fmt.Sprintf("legacy that answers a modern request with %d, sessions %t", p, stateful),
				mcptest.Config{Era: mcptest.Legacy, ModernProbe: p, Sessions: stateful}, 0, legacy(3)})
		}
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := mcptest.NewServer(c.cfg)
				got, d := detect(t, s, c.force)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				synctest.Wait() // a stream's end arrives when the server notices
				if left := s.Stats().SessionsOpen(); left != 0 {
					t.Errorf("%d sessions left open", left)
				}
				if got, want := d.Discover == nil, c.force == mcp.EraLegacy; got != want {
					t.Errorf("discover left out: %t, want %t", got, want)
				}
			})
		})
	}
}

// asksFor tells whether an initialize asks for one version.
func asksFor(ex *mcptest.Exchange, v mcp.Revision) bool {
	return bytes.Contains(ex.Msg.Params, []byte(v))
}

// TestUnknownStaysUnknown: an answer that proves nothing is never read as
// legacy, and where it says that asking on is pointless nobody does.
func TestUnknownStaysUnknown(t *testing.T) {
	answer := func(code int, header ...string) mcptest.Fault {
		h := http.Header{"Content-Type": {"text/plain"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return mcptest.AnswerWith(code, h, "no")
	}
	cases := []struct {
		name  string
		fault mcptest.Fault
		host  []mcptest.HostOption
		posts int // how often it may be asked at most
	}{
		{"401", answer(401, "WWW-Authenticate", "Bearer"), nil, 1},
		{"401 bare", answer(401), nil, 1},
		{"402", answer(402), nil, 1},
		{"403", answer(403), nil, 1},
		{"407", answer(407), nil, 1},
		{"429", answer(429, "Retry-After", "60"), nil, 1},
		{"301", answer(301, "Location", "/v2"), nil, 1},
		{"302 to a login", answer(302, "Location", "https://login.example/"), nil, 1},
		{"307", answer(307, "Location", "/v2"), nil, 1},
		{"308", answer(308, "Location", "/v2"), nil, 1},
		{"500", answer(500), nil, 2},
		{"502", answer(502), nil, 2},
		{"503", answer(503, "Retry-After", "5"), nil, 2},
		{"504", answer(504), nil, 2},
		{"522", answer(522), nil, 2},
		{"500 with json-rpc", mcptest.RPCError(500, mcp.CodeInternal, "x"), nil, 2},
		{"404", answer(404), nil, 2},
		{"web page", mcptest.HTML(200), nil, 2},
		{"hangs", mcptest.Hang, nil, 2},
		{"drops the connection", mcptest.Abort, nil, 1},
		{"never ends", mcptest.Endless, nil, 2},
		{"refused", nil, []mcptest.HostOption{mcptest.Refused}, 0},
		{"no name", nil, []mcptest.HostOption{mcptest.NXDomain}, 0},
		{"expired", nil, []mcptest.HostOption{mcptest.ExpiredCert}, 0},
		{"blackhole", nil, []mcptest.HostOption{mcptest.Blackhole}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := mcptest.Config{Era: mcptest.Legacy}
				if c.fault != nil {
					cfg.Faults = []mcptest.Fault{mcptest.OnPost(c.fault)}
				}
				got, d := detect(t, mcptest.NewServer(cfg), mcp.EraUnknown, c.host...)
				if d.Era != mcp.EraUnknown || d.Modern != nil || d.Legacy != nil {
					t.Errorf("era %s, sessions %v and %v", d.Era, d.Modern, d.Legacy)
				}
				if got.Posts > c.posts {
					t.Errorf("asked %d times, want at most %d", got.Posts, c.posts)
				}
			})
		})
	}
}

// TestHangingDiscover: a legacy server that ignores what it does not know is
// still found, with the patience of one and a half questions at most.
func TestHangingDiscover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Sessions: true, Faults: []mcptest.Fault{mcptest.On(mcptest.Hang, mcp.MethodDiscover)}})
		start := time.Now()
		got, _ := detect(t, s, mcp.EraUnknown)
		want := detected{Era: mcp.EraLegacy, Legacy: mcp.Rev20251125, Transport: client.StreamableHTTP, Posts: 3}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if took := time.Since(start); took != patience {
			t.Errorf("took %s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := mcptest.NewServer(mcptest.Config{Era: mcptest.Legacy, Faults: []mcptest.Fault{mcptest.Hang}})
		start := time.Now()
		_, d := detect(t, s, mcp.EraUnknown)
		if took := time.Since(start); took != patience+patience/2 || d.Era != mcp.EraUnknown || d.Decisive != d.Discover {
			t.Errorf("took %s, era %s, decisive %s", took, d.Era, d.Decisive.Method)
		}
	})
}

// TestBothEras: a server that speaks both without saying so is found out when
// that is asked for, and one that does not is none the worse for it.
func TestBothEras(t *testing.T) {
	t.Parallel()
	hide := mcptest.On(mcptest.BendResult(func(_ *mcptest.Exchange, r map[string]any) {
		r["supportedVersions"] = []string{string(mcp.Rev20260728)}
	}), mcp.MethodDiscover)
	for _, era := range []mcptest.Era{mcptest.Dual, mcptest.Modern} {
		synctest.Test(t, func(t *testing.T) {
			s := mcptest.NewServer(mcptest.Config{Era: era, Sessions: true, Faults: []mcptest.Fault{hide}})
			c := serve(t, s, func(o *client.Options) { o.BothEras = true })
			d := c.Detect(t.Context(), mcp.EraUnknown)
			if d.Modern == nil || (d.Legacy != nil) != (era == mcptest.Dual) || d.Era != mcp.EraModern {
				t.Errorf("%s: era %s, sessions %v and %v", era, d.Era, d.Modern, d.Legacy)
			}
			if d.Legacy != nil {
				d.Legacy.Close(t.Context())
			}
			if n := s.Stats().SessionsOpen(); n != 0 {
				t.Errorf("%s: %d sessions left", era, n)
			}
		})
	}
}
