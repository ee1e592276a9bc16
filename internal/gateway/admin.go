package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// admin is the operator's listener: health of this process, state of the
// servers. It never touches an MCP endpoint to answer.
func (g *Gateway) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /startupz", g.startupz)
	mux.HandleFunc("GET /readyz", g.readyz)
	mux.HandleFunc("GET /api/status", g.status)
	mux.HandleFunc("GET /{$}", g.status)
	return mux
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

// ServerStatus is one server as /api/status shows it.
type ServerStatus struct {
	Name     string            `json:"name"`
	Grade    finding.Grade     `json:"grade"`
	Codes    []string          `json:"codes"`
	Why      string            `json:"why,omitempty"`
	Since    time.Time         `json:"since"`
	Checked  time.Time         `json:"checked"`
	Ready    bool              `json:"ready"`
	Eras     []mcp.Era         `json:"eras"`
	Tools    int               `json:"tools"`
	Sessions int               `json:"sessions"`
	Findings []finding.Finding `json:"findings"`
}

// Status lists all servers, in the order of the configuration.
func (g *Gateway) Status() []ServerStatus {
	out := []ServerStatus{}
	for _, f := range g.fronts {
		r, ready, measured, since := f.health.state()
		s := ServerStatus{
			Name: f.server.Name, Grade: r.Grade, Codes: r.Codes, Since: since, Checked: r.At, Ready: ready,
			Eras: r.Eras, Tools: r.Tools, Sessions: f.pipes.count(), Findings: r.Findings,
		}
		if !measured {
			s.Grade, s.Why = finding.Unknown, "not probed yet"
		}
		if len(r.Findings) > 0 {
			s.Why = r.Findings[0].Seen
		}
		out = append(out, s)
	}
	return out
}

func (g *Gateway) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(map[string]any{"servers": g.Status(), "draining": g.draining.Load()}) // the reader has left
}
