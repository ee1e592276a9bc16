package gateway

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// admin is the operator's listener: health of this process, state of the
// servers. It never touches an MCP endpoint to answer, and changes nothing but
// by /drain: every path takes GET and HEAD only.
func (g *Gateway) admin() http.Handler {
	told := http.NewServeMux()
	told.HandleFunc("GET /api/status", g.status)
	if g.cfg.Metrics != nil {
		g.cfg.Metrics.Watch(g.state)
		told.Handle("GET /metrics", g.cfg.Metrics.Handler())
	}
	if g.cfg.StatusPage != nil {
		told.Handle("GET /", g.cfg.StatusPage(g.Overview))
	} else {
		told.HandleFunc("GET /{$}", g.status)
	}
	told.HandleFunc("GET /startupz", g.startupz)
	told.HandleFunc("GET /readyz", g.readyz)
	told.HandleFunc("GET /drain", g.drain)
	told.HandleFunc("GET /startupz/{name}", g.serverStarted)
	told.HandleFunc("GET /livez/{name}", g.serverAlive)
	mux := http.NewServeMux()
	// By any name: it tells nothing, and a wrong answer ends this process.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive") })
	mux.Handle("/", g.adminGuard(told))
	return quiet(mux)
}

// quiet keeps answers out of caches, frames and other sites' pages.
func quiet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// adminGuard refuses what a web page in the operator's browser could send, as
// originGuard does for the public listener. Besides the names that are ours,
// addresses are: a scraper calls pods by theirs, and a page that rebinds its
// name cannot.
func (g *Gateway) adminGuard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.hostAllowed(r) && !(isAddress(hostName(r.Host)) && !loopbackListener(r)):
			g.cfg.Metrics.Refused(telemetry.RefusedHost)
			plain(w, http.StatusForbidden, "Host is not one of ours; allow it with --allow-host")
		case !g.originAllowed(r):
			g.cfg.Metrics.Refused(telemetry.RefusedOrigin)
			plain(w, http.StatusForbidden, "Origin is not allowed")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func isAddress(name string) bool {
	a, err := netip.ParseAddr(name)
	return err == nil && !a.IsUnspecified() && a.Zone() == ""
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // the prober has left
}

// startupz: every server has been measured once.
func (g *Gateway) startupz(w http.ResponseWriter, _ *http.Request) {
	for _, f := range g.fronts {
		if _, _, measured, _ := f.health.state(); !measured {
			plain(w, http.StatusServiceUnavailable, "server "+f.server.Name+" has not been probed yet")
			return
		}
	}
	plain(w, http.StatusOK, "started")
}

// readyz: this instance takes calls, and at least one server works. One sick
// server of several must not take the others away.
func (g *Gateway) readyz(w http.ResponseWriter, _ *http.Request) {
	if g.draining.Load() {
		plain(w, http.StatusServiceUnavailable, "draining")
		return
	}
	reason := ""
	for _, f := range g.fronts {
		r, ready, measured, _ := f.health.state()
		switch {
		case ready:
			plain(w, http.StatusOK, "ready")
			return
		case !measured:
			reason = "server " + f.server.Name + " has not been probed yet"
		case len(r.Codes) > 0:
			reason = "server " + f.server.Name + " is " + string(r.Grade) + ": " + r.Codes[0]
		}
	}
	plain(w, http.StatusServiceUnavailable, reason)
}

// Overview is everything that the admin listener tells about this process and
// its servers.
type Overview struct {
	Now      time.Time      `json:"now"`
	Version  string         `json:"version,omitempty"`
	Draining bool           `json:"draining"`
	Servers  []ServerStatus `json:"servers"`
}

// ServerStatus is one server as /api/status shows it.
type ServerStatus struct {
	Name      string           `json:"name"`
	About     string           `json:"about,omitempty"`
	Endpoint  string           `json:"endpoint"` // without user info and query
	Transport client.Transport `json:"transport,omitempty"`
	// Measured is false until the first probe has ended.
	Measured bool          `json:"measured"`
	Grade    finding.Grade `json:"grade"`
	Codes    []string      `json:"codes"`
	Why      string        `json:"why,omitempty"`
	Since    time.Time     `json:"since"`
	Checked  time.Time     `json:"checked"`
	// Next is when the next probe begins; after StaleAt nothing here may be
	// believed any more.
	Next     time.Time              `json:"next"`
	StaleAt  time.Time              `json:"staleAt"`
	Ready    bool                   `json:"ready"`
	Auth     probe.Auth             `json:"auth,omitempty"`
	Software *client.Implementation `json:"software,omitempty"`
	Eras     []mcp.Era              `json:"eras"`
	Versions []string               `json:"versions"`
	Tools    int                    `json:"tools"`
	// ToolsInvalid are those of Tools that a strict client drops, ToolsExpected
	// what a contract promises.
	ToolsInvalid       int               `json:"toolsInvalid"`
	ToolsExpected      *int              `json:"toolsExpected,omitempty"`
	CertificateExpires *time.Time        `json:"certificateExpires,omitempty"`
	Sessions           int               `json:"sessions"`
	Findings           []finding.Finding `json:"findings"`
	// Recent are the last probes, oldest first.
	Recent []ProbeSample `json:"recent"`
}

// Overview tells everything, for status pages.
func (g *Gateway) Overview() Overview {
	return Overview{Now: time.Now().UTC(), Version: g.cfg.Info.Version, Draining: g.draining.Load(), Servers: g.Status()}
}

// Status lists all servers, in the order of the configuration.
func (g *Gateway) Status() []ServerStatus {
	out := []ServerStatus{}
	for _, f := range g.fronts {
		out = append(out, f.status())
	}
	return out
}

func (f *front) status() ServerStatus {
	r, ready, measured, since := f.health.state()
	past := f.health.recent.recall()
	s := ServerStatus{
		Name: f.server.Name, About: f.server.About, Endpoint: f.server.Endpoint.String(), Transport: f.health.transport(),
		Measured: measured, Grade: r.Grade, Codes: r.Codes, Since: since, Checked: r.At, Ready: ready,
		Auth: r.Auth, Software: r.Server, Eras: r.Eras, Versions: r.Versions,
		Tools: r.Tools, ToolsInvalid: r.ToolsInvalid, CertificateExpires: r.CertificateExpires,
		Sessions: f.pipes.count() + f.legacy.count(), Findings: r.Findings, Recent: past.samples, Next: past.next,
	}
	if !measured {
		s.Grade, s.Why = finding.Unknown, "not probed yet"
	} else {
		s.StaleAt = s.Next.Add(patience)
	}
	if len(r.Findings) > 0 {
		s.Why = r.Findings[0].Seen
	}
	return s
}

// count tells how many sessions of legacy clients are open here; the server,
// which is modern, knows of none.
func (b *legacyBridge) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

func (g *Gateway) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(g.Overview()) // the reader has left
}

// state is the same for Prometheus.
func (g *Gateway) state() telemetry.State {
	out := telemetry.State{Draining: g.draining.Load()}
	for _, f := range g.fronts {
		r, _, _, _ := f.health.state()
		s := f.status()
		t := telemetry.ServerState{
			Name: s.Name, Measured: s.Measured, Grade: s.Grade, Verdict: f.health.recent.recall().verdict,
			Auth: string(s.Auth), Transport: string(s.Transport), Eras: s.Eras, Versions: s.Versions,
			Tools: s.Tools, ToolsInvalid: s.ToolsInvalid, ToolsExpected: s.ToolsExpected, Listed: r.ToolsHash != "",
			Checked: s.Checked, Since: s.Since, Duration: r.Phases.Total, Ready: s.Ready, Sessions: s.Sessions,
			Phases: phases(r.Phases),
		}
		if len(s.Findings) > 0 {
			t.Code = s.Findings[0].Code
		}
		if s.CertificateExpires != nil {
			t.CertificateExpires = *s.CertificateExpires
		}
		out.Servers = append(out.Servers, t)
	}
	return out
}

// phases lists those parts of the first connection that there were.
func phases(p probe.Phases) []telemetry.Phase {
	all := []telemetry.Phase{{Name: "dns", Took: p.DNS}, {Name: "connect", Took: p.Connect}, {Name: "tls", Took: p.TLS}, {Name: "first_byte", Took: p.FirstByte}}
	return slices.DeleteFunc(all, func(p telemetry.Phase) bool { return p.Took <= 0 })
}
