package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// originGuard refuses what a web page in somebody's browser could send: a Host
// that is not ours (DNS rebinding) and an Origin that is not allowed. The two
// are checked independently.
func (g *Gateway) originGuard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.hostAllowed(r):
			g.cfg.Metrics.Refused(telemetry.RefusedHost)
			refuse(w, http.StatusForbidden, "Host is not one of ours")
		case !g.originAllowed(r):
			g.cfg.Metrics.Refused(telemetry.RefusedOrigin)
			refuse(w, http.StatusForbidden, "Origin is not allowed")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostAllowed: on a loopback listener only loopback names and configured ones
// are ours; elsewhere any name is, unless some are configured.
func (g *Gateway) hostAllowed(r *http.Request) bool {
	name := hostName(r.Host)
	if slices.Contains(g.cfg.AllowHosts, name) || isLoopbackName(name) {
		return true
	}
	return len(g.cfg.AllowHosts) == 0 && !loopbackListener(r)
}

// originAllowed: clients that are no browsers send none. A browser may call
// from a configured origin, or from a page on this same machine.
func (g *Gateway) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	switch len(origins) {
	case 0:
		return true
	case 1:
	default:
		return false
	}
	if slices.Contains(g.cfg.AllowOrigins, origins[0]) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") &&
		isLoopbackName(hostName(u.Host)) && isLoopbackName(hostName(r.Host))
}

// hostName takes the port off and lowers the case.
func hostName(hostport string) string {
	name := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		name = h
	}
	return strings.ToLower(strings.Trim(name, "[]"))
}

func isLoopbackName(name string) bool {
	if name == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Unmap().IsLoopback()
}

func loopbackListener(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	a, err := netip.ParseAddrPort(local.String())
	return err == nil && a.Addr().Unmap().IsLoopback()
}
