package probe_test

import (
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// BenchmarkProbe is one quick probe of a server with 20 tools, 10 KB, in memory
// and without TLS: what is left is ours and the server's.
func BenchmarkProbe(b *testing.B) {
	for _, era := range mcptest.Eras() {
		b.Run(string(era), func(b *testing.B) {
			w := mcptest.NewWorld(b)
			s := mcptest.NewServer(mcptest.Config{Era: era, Sessions: true, Tools: mcptest.HeavyTools(20, 400)})
			target := probe.Target{Endpoint: client.Endpoint{URL: w.Host("server.example", s, mcptest.PlainHTTP).URL("/sse")}}
			o := optionsFor(w)
			o.Thorough = false
			p := probe.New(o)
			b.ReportAllocs()
			for b.Loop() {
				if r := p.Once(b.Context(), target); r.Grade != finding.Healthy && r.Grade != finding.Degraded {
					b.Fatal(r.Grade, r.Codes)
				}
			}
		})
	}
}
