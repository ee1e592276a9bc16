package mcptest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// always makes a server whose every request meets the faults.
func always(faults ...Fault) func() Config {
	return func() Config { return Config{Faults: faults} }
}

// statusCases are servers that answer with an HTTP status instead of MCP.
func statusCases() []spec {
	status := func(code int, text string) func() Config { return always(Answer(code, "text/plain", text)) }
	brief := 200 * time.Millisecond // as long as a restart behind a balancer is seen
	return []spec{
		{name: "404", want: one("http.404"), near: "http.410", cfg: status(404, "404 page not found"), target: twice},
		{name: "404 as html", want: one("http.404"), forbid: one("body.html"), cfg: always(HTML(404)), target: twice},
		{name: "404 as json", want: one("http.404"), forbid: one("discover.missing"), target: twice,
			cfg: always(Answer(404, mcp.TypeJSON, `{"message":"Application not found"}`))},
		{name: "404 then alive", near: "http.404", target: twice, cfg: func() Config {
			return Config{Faults: []Fault{Until(brief, Answer(404, "text/plain", "no such app"))}}
		}},
		{name: "404 to modern requests only", eras: []Era{Legacy}, near: "http.404",
			cfg: func() Config { return Config{ModernProbe: ProbeNotFoundText, Sessions: true} }},
		{name: "410", want: one("http.410"), near: "http.404", cfg: status(410, "Gone"), target: twice},
		{name: "402", want: one("http.402"), cfg: always(AnswerWith(402,
			http.Header{"Content-Type": {mcp.TypeJSON}}, `{"x402Version":1,"accepts":[{"scheme":"exact","network":"base"}]}`))},
		{name: "405 to everything", want: one("http.405"), target: twice, cfg: always(AnswerWith(405, http.Header{"Allow": {"GET, HEAD"}}, ""))},
		{name: "static page that refuses POST", want: one("http.405"), target: twice, cfg: always(
			On(HTML(200), http.MethodGet), AnswerWith(405, http.Header{"Allow": {"GET, HEAD"}}, ""))},
		{name: "405 to GET only", eras: []Era{Legacy}, near: "http.405"},
		{name: "405 to modern requests only", eras: []Era{Legacy}, near: "http.405",
			cfg: func() Config { return Config{ModernProbe: ProbeMethodText} }},
		{name: "406 to everything", want: one("http.406"), target: twice, cfg: status(406, "Not Acceptable")},
		{name: "406 unless both types are accepted", near: "http.406", cfg: always(When(acceptIsNot(mcp.AcceptBoth), Answer(406, "text/plain", "Not Acceptable")))},
		{name: "415 to everything", want: one("http.415"), target: twice, cfg: status(415, "Unsupported Media Type")},
		{name: "415 unless json", near: "http.415", cfg: always(OnPost(When(contentTypeIsNot(mcp.TypeJSON), Answer(415, "text/plain", "Unsupported Media Type"))))},
		{name: "429", want: one("http.429"), forbid: []string{"http.status", "http.404"}, target: twice,
			cfg: always(AnswerWith(429, http.Header{"Retry-After": {"120"}}, "slow down"))},
		{name: "429 without retry-after", want: one("http.429"), target: twice, cfg: status(429, "slow down")},
		{name: "500 for good", want: one("http.5xx"), cfg: status(500, "Internal Server Error"), target: twice},
		{name: "503 for good", want: one("http.5xx"), cfg: always(HTML(503)), forbid: one("body.html"), target: twice},
		{name: "522 from a proxy", want: one("http.5xx"), cfg: status(522, "error code: 522"), target: twice},
		{name: "503 once", near: "http.5xx", target: twice, cfg: func() Config {
			return Config{Faults: []Fault{Until(brief, Answer(503, "text/plain", "starting"))}}
		}},
		{name: "500 once", eras: []Era{Modern, Legacy}, near: "http.5xx", target: twice, cfg: func() Config {
			return Config{Faults: []Fault{Until(brief, Answer(500, "text/plain", "oops"))}}
		}},
		{name: "500 with json-rpc", want: one("init.error"), near: "http.5xx", target: twice, cfg: always(RPCError(500, mcp.CodeInternal, "Internal error"))},
		{name: "418", want: one("http.status"), cfg: status(418, "I'm a teapot"), target: twice},
		{name: "421", want: one("http.status"), cfg: status(421, "Misdirected Request"), target: twice},
		{name: "400 text", want: one("http.status"), cfg: status(400, "Bad Request"), target: twice},
		{name: "400 text to modern requests only", eras: []Era{Legacy}, near: "http.status", cfg: func() Config {
			return Config{Faults: []Fault{On(Answer(400, "text/plain", "Bad Request"), mcp.MethodDiscover)}}
		}},
		{name: "never answers", want: one("http.timeout"), forbid: []string{"tcp.timeout", "sse.stalled"}, cfg: always(Hang), target: twice},
		{name: "accepts and says nothing", anyOf: []string{"tls.handshake", "tcp.timeout", "http.timeout"}, host: []HostOption{Silent}, target: twice, grade: finding.Dead},
		{name: "plain http accepts and says nothing", want: one("http.timeout"), host: []HostOption{Silent, PlainHTTP}, target: twice},
		{name: "three seconds a request", near: "http.timeout", cfg: always(Delay(3 * time.Second))},
		{name: "forbidden by a firewall", want: one("auth.forbidden"), near: "http.402", cfg: always(HTML(403)), target: twice},
		{name: "forbidden for GET only", near: "auth.forbidden", cfg: always(On(HTML(403), http.MethodGet))},
	}
}

func acceptIsNot(want string) func(ex *Exchange) bool {
	return func(ex *Exchange) bool {
		return ex.R.Method == http.MethodPost && strings.ReplaceAll(ex.R.Header.Get("Accept"), " ", "") != strings.ReplaceAll(want, " ", "")
	}
}

func contentTypeIsNot(want string) func(ex *Exchange) bool {
	return func(ex *Exchange) bool { return ex.R.Header.Get("Content-Type") != want }
}

// redirectCases send the client elsewhere.
func redirectCases() []spec {
	same := func(code int) func() Config { return always(Redirect(code, "/v2/mcp")) }
	elsewhere := func(code int, f func(h *Host) string) func(w *World) Target {
		return func(w *World) Target {
			other := w.Host(w.fresh("other"), NewServer(Config{}))
			s := NewServer(Config{Faults: []Fault{Redirect(code, f(other))}})
			return Target{URL: w.Host(w.fresh("moved"), s).URL("/mcp"), Server: s, Probes: 2, Pause: time.Second}
		}
	}
	there := func(h *Host) string { return h.URL("/mcp") }
	var out []spec
	for _, code := range []int{301, 302, 303} {
		out = append(out, spec{name: fmt.Sprintf("%d to a path", code), want: one("http.redirect_method"),
			forbid: one("http.redirect_same"), cfg: same(code), target: twice})
	}
	for _, code := range []int{307, 308} {
		out = append(out,
			spec{name: fmt.Sprintf("%d to a path", code), want: one("http.redirect_same"), near: "http.redirect_method", cfg: same(code)},
			spec{name: fmt.Sprintf("%d to another host", code), want: one("http.redirect_host"), near: "http.redirect_same", start: elsewhere(code, there)})
	}
	return append(out,
		spec{name: "307 to a slash", want: one("http.redirect_same"), near: "http.redirect_host", cfg: always(Redirect(307, "/mcp/"))},
		spec{name: "308 to itself with its origin", want: one("http.redirect_same"), near: "http.redirect_scheme", cfg: func() Config {
			return Config{Faults: []Fault{When(pathIs("/mcp"), func(ex *Exchange, next func()) {
				Redirect(308, originOf(ex.R)+"/new")(ex, next)
			})}}
		}},
		spec{name: "307 to plain http", want: one("http.redirect_scheme"), forbid: one("http.redirect_same"), start: func(w *World) Target {
			s := NewServer(Config{Faults: []Fault{When(func(ex *Exchange) bool { return ex.R.TLS != nil }, func(ex *Exchange, next func()) {
				Redirect(307, "http://"+ex.R.Host+"/plain")(ex, next)
			})}})
			name := w.fresh("downgrade")
			w.Host(name, s, PlainHTTP)
			return Target{URL: w.Host(name, s).URL("/mcp"), Server: s, Probes: 2, Pause: time.Second}
		}},
		spec{name: "redirect loop", anyOf: []string{"http.redirect_host", "http.redirect_method", "http.status"}, grade: finding.Unusable,
			may: one("http.redirect_same"), target: twice, cfg: func() Config {
				return Config{Faults: []Fault{func(ex *Exchange, _ func()) {
					ex.W.Header().Set("Location", fmt.Sprintf("/loop/%d", ex.N))
					ex.W.WriteHeader(307)
				}}}
			}},
		spec{name: "302 to a login page of its own", want: one("http.redirect_method"), target: twice, cfg: always(
			When(pathIs("/login"), HTML(200)), Redirect(302, "/login?next=%2Fmcp"))},
		spec{name: "302 to a login page elsewhere", want: one("http.redirect_host"), may: one("http.redirect_method"),
			start: elsewhere(302, func(h *Host) string { return h.URL("/login") })},
		spec{name: "redirect without location", anyOf: []string{"http.status", "http.redirect_method", "http.redirect_same"},
			grade: finding.Unusable, cfg: always(AnswerWith(307, nil, "")), target: twice},
		spec{name: "redirect to a private address", anyOf: []string{"http.redirect_host", "http.redirect_scheme"}, may: []string{"http.redirect_host", "http.redirect_scheme"},
			forbid: one("ssrf.blocked"), cfg: always(Redirect(307, "http://169.254.169.254/latest/meta-data")), target: twice},
	)
}

func pathIs(path string) func(ex *Exchange) bool {
	return func(ex *Exchange) bool { return ex.R.URL.Path == path }
}
