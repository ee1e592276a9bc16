package mcptest

import (
	"crypto/tls"
	"time"
)

// reachCases are the faults on the way to a server: URL, name, connection, TLS.
func reachCases() []spec {
	var out []spec
	for _, group := range [][]spec{urlCases(), dnsCases(), tcpCases(), guardCases(), tlsCases()} {
		out = append(out, group...)
	}
	return out
}

// address probes a URL as it is written, with nobody behind it.
func address(url string) func(w *World) Target {
	return func(*World) Target { return Target{URL: url} }
}

// at probes a path of the case's host.
func at(path string) func(w *World, h *Host, t *Target) {
	return func(_ *World, h *Host, t *Target) { t.URL = h.URL(path) }
}

// twice asks for a second opinion: an accusation needs one.
func twice(_ *World, _ *Host, t *Target) { t.Probes, t.Pause = 2, time.Second }

func urlCases() []spec {
	return []spec{
		{name: "url without scheme", want: one("url.invalid"), start: address("mcp.example/mcp")},
		{name: "url with another scheme", want: one("url.invalid"), start: address("ftp://mcp.example/mcp")},
		{name: "url with a broken address", want: one("url.invalid"), start: address("https://[::1/mcp")},
		{name: "url without host", want: one("url.invalid"), start: address("https:///mcp")},
		{name: "url with port out of range", want: one("url.invalid"), start: address("https://mcp.example:99999/mcp")},
		{name: "url with control byte", want: one("url.invalid"), start: address("https://mcp.example/\x7fmcp")},
		{name: "url empty", want: one("url.invalid"), start: address("")},
		{name: "url with user info", want: one("url.invalid"), start: address("https://user:secret@mcp.example/mcp")},
		{name: "url with a fragment", want: one("url.invalid"), start: address("https://mcp.example/mcp#tools")},
		{name: "url with odd but valid path", near: "url.invalid", target: at("/a%20b/~c;v=1/mcp?x=%C3%A9&y=")},
		{name: "url with final dot", near: "url.invalid", host: []HostOption{CertNames("url-with-final-dot.example")},
			target: func(w *World, h *Host, t *Target) {
				if !w.Loopback() {
					t.URL = "https://" + h.Name() + "./mcp"
				}
			}},
		{name: "placeholder in host", want: one("url.placeholder"), start: address("https://{tenant}.mcp.example/mcp")},
		{name: "placeholder in path", want: one("url.placeholder"), start: address("https://mcp.example/{workspace_id}/mcp")},
		{name: "placeholder in query", want: one("url.placeholder"), start: address("https://mcp.example/mcp?key={api_key}")},
		{name: "placeholder with dollar", want: one("url.placeholder"), start: address("https://${HOST}/mcp")},
		{name: "escaped braces in query", near: "url.placeholder", target: at("/mcp?filter=%7B%22a%22%3A1%7D")},
	}
}

func dnsCases() []spec {
	return []spec{
		{name: "name gone", want: one("dns.nxdomain"), near: "dns.servfail", host: []HostOption{NXDomain}, target: twice},
		{name: "name without address", want: one("dns.nxdomain"), host: []HostOption{NoAddress}, target: twice},
		{name: "name comes back", near: "dns.nxdomain", host: []HostOption{NXDomain, DNSHealsAfter(1)}, target: twice},
		{name: "zone broken", want: one("dns.servfail"), near: "dns.nxdomain", host: []HostOption{ServFail}, target: twice},
		{name: "name server silent", want: one("dns.timeout"), forbid: one("dns.nxdomain"), host: []HostOption{DNSTimeout}, target: twice},
		{name: "name server slow", near: "dns.timeout", host: []HostOption{DNSDelay(2 * time.Second)}},
	}
}

func tcpCases() []spec {
	return []spec{
		{name: "refused", want: one("tcp.refused"), near: "tcp.unreachable", host: []HostOption{Refused}, target: twice},
		{name: "refused while restarting", near: "tcp.refused", host: []HostOption{Refused, HealsAfter(1)}, target: twice},
		{name: "blackhole", want: one("tcp.timeout"), forbid: one("http.timeout"), host: []HostOption{Blackhole}, target: twice},
		{name: "slow to connect", near: "tcp.timeout", host: []HostOption{DialDelay(2 * time.Second)}},
		{name: "reset", want: one("tcp.reset"), forbid: one("tls.handshake"), host: []HostOption{Reset}, target: twice},
		{name: "reset on plain http", want: one("tcp.reset"), host: []HostOption{Reset, PlainHTTP}, target: twice},
		{name: "reset once", near: "tcp.reset", host: []HostOption{Reset, HealsAfter(1)}, target: twice},
		{name: "unreachable", want: one("tcp.unreachable"), near: "tcp.refused", host: []HostOption{Unreachable}, target: twice},
	}
}

func guardCases() []spec {
	var out []spec
	for _, c := range []struct{ name, addr string }{
		{"metadata service", "169.254.169.254"}, {"private network", "10.0.0.7"}, {"metadata in nat64", "64:ff9b::a9fe:a9fe"},
		{"carrier network", "100.64.0.1"}, {"unique local", "fd00:ec2::254"}, {"unspecified", "0.0.0.0"},
	} {
		out = append(out, spec{name: "name leads to " + c.name, want: one("ssrf.blocked"), host: []HostOption{At(c.addr)}})
	}
	return append(out,
		spec{name: "literal metadata address", want: one("ssrf.blocked"), start: address("http://169.254.169.254/latest/meta-data")},
		spec{name: "literal mapped address", want: one("ssrf.blocked"), start: address("http://[::ffff:10.1.2.3]/mcp")},
		spec{name: "address beside the private ones", near: "ssrf.blocked", host: []HostOption{At("172.32.0.1")}},
		spec{name: "address beside the carrier ones", near: "ssrf.blocked", host: []HostOption{At("100.128.0.1")}},
	)
}

func tlsCases() []spec {
	tls12 := TLSVersions(tls.VersionTLS12, tls.VersionTLS12)
	old := TLSVersions(tls.VersionTLS10, tls.VersionTLS11)
	return []spec{
		{name: "certificate expired", want: one("tls.expired"), forbid: one("tls.expiring"), host: []HostOption{ExpiredCert}, target: twice},
		{name: "certificate ends within the hour", want: one("tls.expiring"), near: "tls.expired", host: []HostOption{ExpiringCert(time.Hour)}},
		{name: "certificate ends in five days", want: one("tls.expiring"), host: []HostOption{ExpiringCert(5 * day)}},
		{name: "certificate ends in three weeks", near: "tls.expiring", host: []HostOption{ExpiringCert(21 * day)}},
		{name: "certificate not yet valid", want: one("tls.not_yet_valid"), forbid: one("tls.expired"), host: []HostOption{NotYetValidCert}, target: twice},
		{name: "certificate valid since now", near: "tls.not_yet_valid", host: []HostOption{JustValidCert}},
		{name: "certificate for another name", want: one("tls.name"), host: []HostOption{WrongNameCert}, target: twice},
		{name: "wildcard-of-another-level", want: one("tls.name"), host: []HostOption{CertNames("*.wildcard-of-another-level.example")}, target: twice},
		{name: "wildcard certificate", near: "tls.name", host: []HostOption{CertNames("*.example")}},
		{name: "unknown authority", want: one("tls.unknown_ca"), host: []HostOption{UnknownCACert}, target: twice},
		{name: "self-signed", want: one("tls.unknown_ca"), host: []HostOption{SelfSignedCert}, target: twice},
		{name: "intermediate not sent", want: one("tls.unknown_ca"), host: []HostOption{MissingIntermediateCert}, target: twice},
		{name: "intermediate sent", near: "tls.unknown_ca", host: []HostOption{IntermediateCert}},
		{name: "no tls but ssh", want: one("tls.handshake"), host: []HostOption{GarbageTLS}, target: twice},
		{name: "plain http on the tls port", want: one("tls.handshake"), host: []HostOption{PlainOnTLS}, target: twice},
		{name: "tls 1.1 at most", want: one("tls.handshake"), host: []HostOption{old}, target: twice},
		{name: "tls 1.2 at most", near: "tls.handshake", host: []HostOption{tls12}},
		{name: "plain http", near: "tls.handshake", host: []HostOption{PlainHTTP}},
		{name: "http 1.1 only", near: "tls.handshake", host: []HostOption{HTTP1}},
	}
}
