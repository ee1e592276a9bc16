package mcptest

import (
	"fmt"
	"net/http"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// goodToken opens every gated peer of the corpus.
const goodToken = "the-right-token"

// gated is one login wall: what differs from a right one.
type gated struct {
	auth Auth
	as   AuthorizationServer
	// asHost are the faults of the authorization server's host.
	asHost []HostOption
	token  string // shown by the probe
}

// start makes the start of a case with a login wall.
func (g *gated) start(name string) func(w *World) Target {
	return func(w *World) Target {
		as := w.AuthorizationServer("login-"+hostName(name), &AuthorizationServer{
			Path: g.as.Path, Bend: g.as.Bend, OIDC: g.as.OIDC, Status: g.as.Status}, g.asHost...)
		auth := g.auth
		auth.Token = goodToken
		if auth.Issuer == "" {
			auth.Issuer = as.Issuer
		}
		s := NewServer(Config{Auth: &auth, Sessions: true})
		h := w.Host(hostName(name), s)
		t := Target{URL: h.URL("/mcp"), Server: s, AuthServer: as, Probes: 2}
		if g.token != "" {
			t.Header = http.Header{"Authorization": {"Bearer " + g.token}}
		}
		return t
	}
}

func authCases() []spec {
	var out []spec
	add := func(s spec, g *gated) {
		s.start = g.start(s.name)
		out = append(out, s)
	}
	bareBearer := func(string) []string { return []string{`Bearer realm="mcp"`} }
	set := func(key string, v any) func(map[string]any) { return func(d map[string]any) { d[key] = v } }
	drop := func(key string) func(map[string]any) { return func(d map[string]any) { delete(d, key) } }

	add(spec{name: "gated as it should be", want: one("auth.required_ok"), near: "auth.prm_404"}, &gated{})
	add(spec{name: "gated, metadata by well-known path only", want: one("auth.required_ok"), near: "auth.no_challenge"},
		&gated{auth: Auth{Challenge: func(string) []string { return nil }}})
	add(spec{name: "gated, challenge without metadata link", want: one("auth.required_ok"), near: "auth.prm_404"}, &gated{auth: Auth{Challenge: bareBearer}})
	add(spec{name: "gated, metadata at the root", want: one("auth.required_ok"), near: "auth.prm_404"},
		&gated{auth: Auth{Challenge: bareBearer, MetadataAt: metadataPath}})
	add(spec{name: "gated, two challenges", want: one("auth.required_ok"), near: "auth.static_key"}, &gated{auth: Auth{Challenge: func(m string) []string {
		return []string{`Basic realm="admin"`, fmt.Sprintf(`Bearer realm="a, b", resource_metadata=%q, scope="x y"`, m)}
	}}})
	add(spec{name: "gated, openid configuration only", want: one("auth.required_ok"), near: "auth.as_unreachable"}, &gated{as: AuthorizationServer{OIDC: true}})
	add(spec{name: "gated, issuer with a path", want: one("auth.required_ok"), near: "auth.issuer_mismatch"}, &gated{as: AuthorizationServer{Path: "/tenant-1"}})
	add(spec{name: "gated, issuer with a path and openid only", want: one("auth.required_ok"), near: "auth.as_unreachable"},
		&gated{as: AuthorizationServer{Path: "/tenant-1", OIDC: true}})
	add(spec{name: "gated, plain and s256", want: one("auth.required_ok"), near: "auth.no_pkce"},
		&gated{as: AuthorizationServer{Bend: set("code_challenge_methods_supported", []string{"plain", "S256"})}})
	add(spec{name: "gated, host in capitals", want: one("auth.required_ok"), near: "auth.prm_mismatch"}, &gated{})
	out[len(out)-1].start = upperCase(out[len(out)-1].start)

	add(spec{name: "wall without a word", want: one("auth.no_challenge"), near: "auth.static_key"},
		&gated{auth: Auth{NoMetadata: true, Body: "Unauthorized", Challenge: func(string) []string { return nil }}})
	add(spec{name: "metadata link leads nowhere", want: one("auth.prm_404"), near: "auth.required_ok"}, &gated{auth: Auth{NoMetadata: true}})
	add(spec{name: "bearer without any metadata", want: one("auth.prm_404"), may: one("auth.static_key"), forbid: one("auth.required_ok")},
		&gated{auth: Auth{NoMetadata: true, Challenge: bareBearer}})
	add(spec{name: "metadata is a web page", want: one("auth.prm_404"), forbid: one("body.html")}, &gated{auth: Auth{MetadataBody: "<html>app</html>"}})
	add(spec{name: "metadata for another resource", want: one("auth.prm_mismatch"), near: "auth.required_ok"},
		&gated{auth: Auth{Metadata: set("resource", "https://staging.mcp.example/mcp")}})
	add(spec{name: "metadata for another path", want: one("auth.prm_mismatch")}, &gated{auth: Auth{Metadata: func(d map[string]any) { d["resource"] = d["resource"].(string) + "/v2" }}})
	add(spec{name: "metadata for plain http", want: one("auth.prm_mismatch")}, &gated{auth: Auth{Metadata: func(d map[string]any) { d["resource"] = "http" + d["resource"].(string)[5:] }}})
	add(spec{name: "metadata without resource", want: one("auth.prm_mismatch")}, &gated{auth: Auth{Metadata: drop("resource")}})
	add(spec{name: "metadata without authorization servers", anyOf: []string{"auth.as_unreachable", "auth.prm_mismatch", "auth.prm_404"}},
		&gated{auth: Auth{Metadata: drop("authorization_servers")}})
	add(spec{name: "authorization servers empty", anyOf: []string{"auth.as_unreachable", "auth.prm_mismatch", "auth.prm_404"}},
		&gated{auth: Auth{Metadata: set("authorization_servers", []string{})}})
	add(spec{name: "authorization server gone", want: one("auth.as_unreachable"), forbid: one("dns.nxdomain")}, &gated{asHost: []HostOption{NXDomain}})
	add(spec{name: "authorization server refuses", want: one("auth.as_unreachable"), near: "tcp.refused"}, &gated{asHost: []HostOption{Refused}})
	add(spec{name: "authorization server expired", want: one("auth.as_unreachable"), near: "tls.expired"}, &gated{asHost: []HostOption{ExpiredCert}})
	add(spec{name: "authorization server silent", want: one("auth.as_unreachable"), near: "http.timeout"}, &gated{asHost: []HostOption{Silent}})
	add(spec{name: "authorization server has no metadata", want: one("auth.as_unreachable"), near: "http.404"}, &gated{as: AuthorizationServer{Status: 404}})
	add(spec{name: "authorization server answers 500", want: one("auth.as_unreachable"), near: "http.5xx"}, &gated{as: AuthorizationServer{Status: 500}})
	add(spec{name: "authorization server on a private address", want: one("auth.as_unreachable"), may: one("ssrf.blocked"), grade: finding.Unusable},
		&gated{asHost: []HostOption{At("10.9.8.7")}})
	add(spec{name: "another issuer", want: one("auth.issuer_mismatch"), near: "auth.as_unreachable"}, &gated{as: AuthorizationServer{Bend: set("issuer", "https://accounts.other.example")}})
	add(spec{name: "issuer with a slash too many", want: one("auth.issuer_mismatch")},
		&gated{as: AuthorizationServer{Bend: func(d map[string]any) { d["issuer"] = d["issuer"].(string) + "/" }}})
	add(spec{name: "no issuer", anyOf: []string{"auth.issuer_mismatch", "auth.as_unreachable"}}, &gated{as: AuthorizationServer{Bend: drop("issuer")}})
	add(spec{name: "no pkce", want: one("auth.no_pkce"), near: "auth.required_ok"}, &gated{as: AuthorizationServer{Bend: drop("code_challenge_methods_supported")}})
	add(spec{name: "plain pkce only", want: one("auth.no_pkce")}, &gated{as: AuthorizationServer{Bend: set("code_challenge_methods_supported", []string{"plain"})}})

	add(spec{name: "key in a header of its own", want: one("auth.static_key"), near: "auth.no_challenge"},
		&gated{auth: Auth{NoMetadata: true, Key: "k", Body: `{"error":"missing x-api-key"}`, Challenge: func(string) []string { return []string{`ApiKey realm="api"`} }}})
	add(spec{name: "basic authentication", want: one("auth.static_key"), near: "auth.no_challenge"},
		&gated{auth: Auth{NoMetadata: true, Body: "Unauthorized", Challenge: func(string) []string { return []string{`Basic realm="mcp"`} }}})
	add(spec{name: "token is right", near: "auth.rejected"}, &gated{token: goodToken})
	add(spec{name: "token has expired", want: one("auth.rejected"), near: "auth.required_ok"}, &gated{token: "expired"})
	add(spec{name: "token is forbidden", want: one("auth.rejected"), near: "auth.forbidden"}, &gated{token: "scopeless", auth: Auth{Status: 403, Challenge: func(m string) []string {
		return []string{fmt.Sprintf(`Bearer error="insufficient_scope", scope="mcp:all", resource_metadata=%q`, m)}
	}}})
	add(spec{name: "token refused by a wall with broken metadata", want: one("auth.rejected"), may: one("auth.prm_404")}, &gated{token: "expired", auth: Auth{NoMetadata: true}})
	return append(out, openCases()...)
}

// openCases are servers that list without a credential.
func openCases() []spec {
	call := []Call{{Tool: "echo"}}
	callsOnly := func(status int) func() Config {
		return func() Config {
			return Config{Auth: &Auth{CallOnly: true, Token: goodToken, NoMetadata: true, Status: status}}
		}
	}
	calls := func(_ *World, _ *Host, t *Target) { t.Calls = call }
	return []spec{
		{name: "open although it has metadata", near: "auth.required_ok", cfg: func() Config {
			return Config{Auth: &Auth{CallOnly: true, Issuer: "https://login.example"}}
		}},
		{name: "calls are gated", eras: threeEras(), want: one("auth.call_time"), near: "call.upstream_auth", cfg: callsOnly(401), target: calls},
		{name: "call fails with an upstream's 401", want: one("call.upstream_auth"), may: one("call.is_error"), near: "auth.call_time", target: calls, cfg: func() Config {
			return Config{Call: says(ErrorResult("Upstream API error: 401 Unauthorized: token expired"))}
		}},
		{name: "gated for GET only", near: "auth.required_ok", cfg: always(On(AnswerWith(401,
			http.Header{"Www-Authenticate": {"Bearer"}}, ""), http.MethodGet))},
		{name: "initialize is gated, discover is open", anyOf: []string{"era.partial", "auth.required_ok", "auth.no_challenge", "auth.prm_404"},
			may: []string{"era.partial", "auth.no_challenge", "auth.prm_404", "auth.required_ok", "auth.static_key"}, grade: finding.Degraded,
			cfg: always(On(AnswerWith(401, http.Header{"Www-Authenticate": {"Bearer"}}, ""), mcp.MethodInitialize))},
	}
}

// upperCase probes the host's name in capitals.
func upperCase(start func(w *World) Target) func(w *World) Target {
	return func(w *World) Target {
		t := start(w)
		t.URL = upperHost(t.URL)
		return t
	}
}

func upperHost(url string) string {
	b := []byte(url)
	for i := len("https://"); i < len(b) && b[i] != '/'; i++ {
		if b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}
