package web

import (
	"net/http"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/gateway"
)

// Gateway is the status page of a front.
func Gateway(overview func() gateway.Overview) http.Handler {
	return Page(func() View { return ofGateway(overview()) })
}

func ofGateway(o gateway.Overview) View {
	v := View{Now: o.Now, Version: o.Version, Draining: o.Draining}
	for _, s := range o.Servers {
		w := Server{
			Name: s.Name, About: s.About, Endpoint: s.Endpoint, Transport: string(s.Transport),
			Measured: s.Measured, Grade: s.Grade, Findings: s.Findings,
			Since: s.Since, Checked: s.Checked, Next: s.Next, StaleAt: s.StaleAt,
			Versions: s.Versions, Tools: s.Tools, ToolsInvalid: s.ToolsInvalid, ToolsExpected: s.ToolsExpected,
			Auth: string(s.Auth), Sessions: s.Sessions, Ready: s.Ready,
		}
		if s.Software != nil {
			w.Software = s.Software.Name + " " + s.Software.Version
		}
		if s.CertificateExpires != nil {
			w.CertificateExpires = *s.CertificateExpires
		}
		for _, e := range s.Eras {
			w.Eras = append(w.Eras, e.String())
		}
		for _, p := range s.Recent {
			w.Probes = append(w.Probes, Probe{At: p.At, Grade: p.Grade, Took: seconds(p.Seconds)})
		}
		v.Servers = append(v.Servers, w)
	}
	return v
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
