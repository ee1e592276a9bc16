package mcptest

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// versionCases are servers with which a client finds no version or no era.
func versionCases() []spec {
	future := []mcp.Revision{"2030-01-01"}
	onlyLegacy := func(v mcp.Revision) func() Config {
		return func() Config { return Config{Versions: []mcp.Revision{v}} }
	}
	return []spec{
		{name: "only versions of the future", eras: []Era{Modern}, want: one("version.unsupported"), near: "headers.stripped", target: twice,
			cfg: func() Config { return Config{Versions: future} }},
		{name: "discover offers only the future", eras: []Era{Modern}, want: one("version.unsupported"), target: twice, cfg: func() Config {
			return Config{Faults: []Fault{
				On(BendResult(func(_ *Exchange, r map[string]any) { r["supportedVersions"] = future }), mcp.MethodDiscover),
			}}
		}},
		{name: "initialize answers with an unknown version", eras: []Era{Legacy}, want: one("version.unsupported"), target: twice, cfg: func() Config {
			return Config{Faults: []Fault{
				On(BendResult(func(_ *Exchange, r map[string]any) { r["protocolVersion"] = "1999-12-31" }), mcp.MethodInitialize),
			}}
		}},
		{name: "initialize refuses every version in text", eras: []Era{Legacy}, want: one("version.unsupported"), forbid: one("http.status"), target: twice,
			cfg: always(OnPost(Answer(400, "text/plain", "Unsupported protocol version")))},
		{name: "oldest streamable version only", eras: []Era{Legacy}, near: "version.unsupported", cfg: onlyLegacy(mcp.Rev20250326)},
		{name: "middle version only", eras: []Era{Legacy}, near: "version.echo", cfg: onlyLegacy(mcp.Rev20250618)},
		{name: "initialize echoes any version", eras: []Era{Legacy}, want: one("version.echo"), cfg: func() Config {
			return Config{Faults: []Fault{On(echoVersion, mcp.MethodInitialize)}}
		}},
		{name: "error codes of a release candidate", eras: []Era{Legacy}, want: one("version.prerelease"), cfg: func() Config {
			return Config{Faults: []Fault{On(prerelease, mcp.MethodDiscover)}}
		}},
		{name: "session error that looks like a release candidate", eras: []Era{Legacy}, near: "version.prerelease", cfg: func() Config {
			return Config{Faults: []Fault{On(RPCError(404, -32001, "Session not found"), mcp.MethodDiscover)}}
		}},
		{name: "old transport beside the new one", near: "transport.sse_only", cfg: always(On(func(ex *Exchange, _ func()) {
			ex.server.openRoom(ex)
		}, http.MethodGet))},
		{name: "modern without discover", eras: []Era{Modern}, want: one("discover.missing"), near: "http.404",
			cfg: always(On(RPCError(404, mcp.CodeMethodNotFound, "Method not found"), mcp.MethodDiscover))},
		{name: "legacy that says method not found", eras: []Era{Legacy}, near: "discover.missing",
			cfg: always(On(RPCError(404, mcp.CodeMethodNotFound, "Method not found"), mcp.MethodDiscover))},
		{name: "proxy strips all mcp headers", eras: []Era{Modern}, want: one("headers.stripped"), target: twice,
			cfg: always(WithoutHeaders(mcpHeaders()...))},
		{name: "proxy strips the method header", eras: []Era{Modern}, want: one("headers.stripped"), target: twice,
			cfg: always(WithoutHeaders(mcp.HeaderMethod))},
		{name: "proxy strips headers that are not needed", near: "headers.stripped",
			cfg: always(WithoutHeaders("User-Agent", "Origin", "Accept-Encoding"))},
		{name: "legacy loses its handshake, modern works", want: one("era.partial"), may: one("init.error"), forbid: one("http.5xx"), grade: finding.Degraded, target: twice,
			cfg: always(On(RPCError(200, mcp.CodeInternal, "Internal error"), mcp.MethodInitialize))},
		{name: "modern lists nothing, legacy works", want: one("era.partial"), may: one("list.error"), grade: finding.Degraded, target: twice, cfg: func() Config {
			return Config{Faults: []Fault{When(func(ex *Exchange) bool {
				return ex.Method() == mcp.MethodToolsList && ex.Msg.Meta.HasVersion
			}, RPCError(200, mcp.CodeInternal, "Internal error"))}}
		}},
		{name: "modern only names its versions to initialize", eras: []Era{Modern}, near: "era.partial", cfg: always(
			On(RPCError(400, mcp.CodeInvalidRequest, "This server speaks 2026-07-28 only"), mcp.MethodInitialize))},
	}
}

func echoVersion(ex *Exchange, next func()) {
	BendResult(func(ex *Exchange, r map[string]any) {
		if _, asked, ok := strings.Cut(string(ex.Msg.Params), `"protocolVersion":"`); ok {
			r["protocolVersion"], _, _ = strings.Cut(asked, `"`)
		}
	})(ex, next)
}

// prerelease refuses a modern version the way drafts of the revision said.
func prerelease(ex *Exchange, _ func()) {
	ex.failData(http.StatusBadRequest, &mcp.Error{Code: -32004, Message: "Unsupported protocol version",
		Data: []byte(`{"supported":["DRAFT-2026-v1"],"requested":"2026-07-28"}`)})
}

// sessionCases are handshakes and sessions that do not hold.
func sessionCases() []spec {
	stateful := func(faults ...Fault) func() Config {
		return func() Config { return Config{Sessions: true, Faults: faults} }
	}
	legacy := []Era{Legacy}
	return []spec{
		{name: "initialize fails", eras: legacy, want: one("init.error"), target: twice, cfg: stateful(On(RPCError(200, mcp.CodeInternal, "boom"), mcp.MethodInitialize))},
		{name: "initialize says invalid params", eras: legacy, want: one("init.error"), target: twice, cfg: stateful(On(RPCError(400, mcp.CodeInvalidParams, "Invalid params"), mcp.MethodInitialize))},
		{name: "discover fails, initialize works", eras: legacy, near: "init.error", cfg: stateful(On(RPCError(200, mcp.CodeInternal, "boom"), mcp.MethodDiscover))},
		{name: "initialized is rejected", eras: legacy, want: one("init.initialized_rejected"), forbid: one("session.unusable"), target: twice,
			cfg: stateful(On(Answer(400, "text/plain", "Bad Request"), mcp.MethodInitialized))},
		{name: "initialized is rejected with 500", eras: legacy, want: one("init.initialized_rejected"), forbid: one("http.5xx"), target: twice,
			cfg: stateful(On(Answer(500, "text/plain", "oops"), mcp.MethodInitialized))},
		{name: "initialized is answered with 200", eras: legacy, near: "init.initialized_rejected", cfg: stateful(On(Answer(200, "text/plain", ""), mcp.MethodInitialized))},
		{name: "initialized is answered with 204", eras: legacy, near: "init.initialized_rejected", cfg: stateful(On(Answer(204, "", ""), mcp.MethodInitialized))},
		{name: "every session is unknown", eras: legacy, want: one("session.unusable"), may: one("list.error"), near: "session.lost_404", target: twice, cfg: stateful(loseSession(-1, 404))},
		{name: "every session is refused with 400", eras: legacy, want: one("session.unusable"), may: one("list.error"), near: "session.lost_400", target: twice, cfg: stateful(loseSession(-1, 400))},
		{name: "session lost once with 404", eras: legacy, want: one("session.lost_404"), near: "session.unusable", cfg: func() Config {
			return Config{Sessions: true, Faults: []Fault{loseSession(1, 404)}}
		}},
		{name: "session lost once with 400", eras: legacy, want: one("session.lost_400"), near: "session.unusable", cfg: func() Config {
			return Config{Sessions: true, Faults: []Fault{loseSession(1, 400)}}
		}},
		{name: "two replicas that share no sessions", eras: legacy, want: one("session.unusable"), may: []string{"session.lost_404", "list.error"}, target: twice, cfg: func() Config {
			return Config{Sessions: true, Faults: []Fault{twoReplicas()}}
		}},
		{name: "sessions demanded as they should be", eras: legacy, near: "session.lost_400", cfg: stateful()},
		{name: "delete not allowed", eras: legacy, near: "session.lost_404", cfg: func() Config { return Config{Sessions: true, NoDelete: true} }},
		{name: "sessions are counted", eras: legacy, want: one("session.weak_id"), cfg: stateful(countedSessions())},
		{name: "session id is short", eras: legacy, want: one("session.weak_id"), cfg: stateful(renameSessions(func(id string) string { return id[:4] }))},
		{name: "session id is a uuid", eras: legacy, near: "session.weak_id", cfg: stateful(renameSessions(func(id string) string {
			return fmt.Sprintf("%s-%s-4%s-8%s-%s", id[:8], id[8:12], id[13:16], id[17:20], id[20:])
		}))},
		{name: "session id is a long token", eras: legacy, near: "session.weak_id", cfg: stateful(renameSessions(func(id string) string {
			return "eyJhbGciOiJkaXIifQ.." + strings.Repeat(id, 12) + ".~!$"
		}))},
	}
}

// loseSession forgets the session of the first n requests that carry one, bar
// the notification and DELETE; n < 0 is always.
func loseSession(n, status int) Fault {
	lose := func(ex *Exchange, _ func()) {
		ex.server.ForgetSessions()
		if status == http.StatusNotFound {
			ex.fail(status, -32001, "Session not found")
			return
		}
		ex.fail(status, -32000, "Bad Request: No valid session ID provided")
	}
	if n >= 0 {
		lose = First(n, lose)
	}
	return On(lose, mcp.MethodToolsList)
}

// twoReplicas sends every other request to a replica that knows no session.
func twoReplicas() Fault {
	var n atomic.Int64
	return When(func(ex *Exchange) bool { return ex.R.Header.Get(mcp.HeaderSession) != "" && ex.Msg != nil },
		func(ex *Exchange, next func()) {
			if n.Add(1)%2 == 0 {
				ex.fail(http.StatusNotFound, -32001, "Session not found")
				return
			}
			next()
		})
}

// renameSessions shows clients another spelling of each session id.
func renameSessions(spell func(id string) string) Fault {
	real := map[string]string{}
	return renamed(func(id string) string {
		shown := spell(id)
		real[shown] = id
		return shown
	}, real)
}

func countedSessions() Fault {
	real := map[string]string{}
	return renamed(func(id string) string {
		shown := fmt.Sprint(len(real) + 1)
		real[shown] = id
		return shown
	}, real)
}

func renamed(show func(id string) string, real map[string]string) Fault {
	var lock = make(chan struct{}, 1)
	return func(ex *Exchange, next func()) {
		lock <- struct{}{}
		if id, ok := real[ex.R.Header.Get(mcp.HeaderSession)]; ok {
			ex.R.Header.Set(mcp.HeaderSession, id)
		}
		<-lock
		ex.Bend(func(*Reply) {
			if id := ex.W.Header().Get(mcp.HeaderSession); id != "" {
				lock <- struct{}{}
				ex.W.Header().Set(mcp.HeaderSession, show(id))
				<-lock
			}
		})
		next()
	}
}

// seriesCases are judged over several results.
func seriesCases() []spec {
	series := func(n int, pause time.Duration) func(*World, *Host, *Target) {
		return func(_ *World, _ *Host, t *Target) { t.Probes, t.Pause = n, pause }
	}
	ill := func(n int, bad func(i int) bool) func(w *World) Target {
		return func(w *World) Target {
			var down atomic.Bool
			s := NewServer(Config{Faults: []Fault{When(func(*Exchange) bool { return down.Load() }, Answer(503, "text/plain", "no healthy upstream"))}})
			h := w.Host(w.fresh("moody"), s)
			return Target{URL: h.URL("/mcp"), Server: s, Probes: n, Pause: time.Minute, Before: func(i int) { down.Store(bad(i)) }}
		}
	}
	return []spec{
		{name: "cold start of twelve seconds", eras: []Era{Modern, Legacy, Dual}, want: one("slow.cold_start"), near: "http.timeout", cfg: func() Config {
			return Config{Faults: []Fault{First(1, Delay(12*time.Second))}}
		}},
		{name: "asleep after every idle minute", want: one("slow.cold_start"), cfg: func() Config {
			return Config{Faults: []Fault{sleepsAfter(time.Minute, 12*time.Second)}}
		}},
		{name: "always slow", want: one("slow.p95"), near: "slow.cold_start", target: series(10, time.Minute), cfg: func() Config {
			return Config{Faults: []Fault{On(Delay(11*time.Second), mcp.MethodToolsList)}}
		}},
		{name: "slow once in twenty-one", near: "slow.p95", target: func(_ *World, h *Host, t *Target) {
			t.Probes, t.Pause = 21, time.Minute
		}, cfg: func() Config {
			var n atomic.Int64
			return Config{Era: Modern, Faults: []Fault{On(When(func(*Exchange) bool { return n.Add(1) == 8 }, Delay(11*time.Second)), mcp.MethodToolsList)}}
		}},
		{name: "every other probe fails", want: one("flap"), may: one("http.5xx"), grade: finding.Degraded, start: ill(10, func(i int) bool { return i%2 == 1 && i < 9 })},
		{name: "one failure in ten", near: "flap", may: one("http.5xx"), grade: finding.Healthy, start: ill(10, func(i int) bool { return i == 4 })},
	}
}

// sleepsAfter makes a server that goes to sleep when idle and takes its time
// to wake.
func sleepsAfter(idle, wake time.Duration) Fault {
	var last atomic.Int64 // nanoseconds; 0 is asleep
	return func(ex *Exchange, next func()) {
		now := time.Now().UnixNano()
		if l := last.Load(); l == 0 || now-l > int64(idle) {
			if wait(ex.R.Context(), wake) != nil {
				return
			}
		}
		next()
		last.Store(time.Now().UnixNano())
	}
}
