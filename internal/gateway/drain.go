package gateway

import (
	"net/http"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// quiesce is the first half of an end: readiness goes off, load balancers get
// the time to notice, endless streams are ended. It happens once; whoever calls
// it again waits until the first has done it.
func (g *Gateway) quiesce() {
	g.quiesced.Do(func() {
		g.draining.Store(true)
		if g.cfg.DrainDelay > 0 {
			<-time.After(g.cfg.DrainDelay) // only a second signal may cut this short
		}
		g.endStreams()
	})
}

// counted keeps count of the requests under way.
func (g *Gateway) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.inFlight.Add(1)
		defer g.inFlight.Add(-1)
		next.ServeHTTP(w, r)
	})
}

// drainHeader keeps a stray GET, a crawler's or a browser's, from ending us.
const drainHeader = "X-Holdfast-Drain"

// drain is for the preStop hook of the server that runs beside us: it answers
// when no call is left, or when --grace is over, so that the server gets its
// SIGTERM only then. This process goes on until it gets its own.
func (g *Gateway) drain(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(drainHeader) != "prestop" {
		plain(w, http.StatusForbidden, "wants the header "+drainHeader+": prestop")
		return
	}
	g.quiesce()
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	over := time.NewTimer(g.cfg.Grace)
	defer over.Stop()
	for g.inFlight.Load() > 0 {
		select {
		case <-tick.C:
		case <-over.C:
			plain(w, http.StatusOK, "calls still run after "+g.cfg.Grace.String())
			return
		case <-r.Context().Done():
			return
		}
	}
	plain(w, http.StatusOK, "drained")
}

const drainPoll = 50 * time.Millisecond

// serverStarted answers the startup probe of a server's own container: it has
// worked once.
func (g *Gateway) serverStarted(w http.ResponseWriter, r *http.Request) {
	g.forServer(w, r, func(h *health) (bool, string) {
		result, _, _, _ := h.state()
		return h.everReady(), "has not worked yet: " + first(result.Codes)
	})
}

// serverAlive answers the liveness probe of a server's own container. Only a
// server from which nothing at all comes, probe after probe, is restarted: one
// that answers wrongly would do so again.
func (g *Gateway) serverAlive(w http.ResponseWriter, r *http.Request) {
	g.forServer(w, r, func(h *health) (bool, string) {
		result, ready, _, _ := h.state()
		return ready || result.Grade != finding.Dead || !h.everReady(), "does not answer: " + first(result.Codes)
	})
}

func first(codes []string) string {
	if len(codes) == 0 {
		return "not probed"
	}
	return codes[0]
}

func (g *Gateway) forServer(w http.ResponseWriter, r *http.Request, good func(*health) (ok bool, why string)) {
	for _, f := range g.fronts {
		if f.server.Name != r.PathValue("name") {
			continue
		}
		if ok, why := good(f.health); !ok {
			plain(w, http.StatusServiceUnavailable, "server "+f.server.Name+" "+why)
			return
		}
		plain(w, http.StatusOK, "ok")
		return
	}
	plain(w, http.StatusNotFound, "no such server")
}
