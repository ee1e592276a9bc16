//go:build interop && unix

package interop

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// verdict is what a probe must say of a peer.
type verdict struct {
	Grade finding.Grade
	Codes []string
	Eras  []mcp.Era
	// Newest is the newest version it must have named.
	Newest string
	Tools  int
}

const (
	legacyNewest = "2025-11-25"
	modernNewest = "2026-07-28"
)

// verdicts are the known truths about the pinned peers, directly and through
// our front, which bridges what the server does not speak itself.
func verdicts(name string) (direct, front verdict) {
	legacy := verdict{finding.Healthy, []string{}, []mcp.Era{mcp.EraLegacy}, legacyNewest, 0}
	dual := verdict{finding.Healthy, []string{}, []mcp.Era{mcp.EraModern, mcp.EraLegacy}, modernNewest, 0}
	modern := verdict{finding.Healthy, []string{}, []mcp.Era{mcp.EraModern}, modernNewest, 0}
	oldTransport := legacy
	oldTransport.Grade, oldTransport.Codes = finding.Degraded, []string{"transport.sse_only"}
	front = dual // whatever the server speaks
	switch name {
	case "everything-http", "gosdk-stateful", "everything-stdio":
		direct = legacy
	case "everything-sse", "fastmcp-sse", "pysdk-sse":
		direct = oldTransport
	case "fastmcp-stdio", "pysdk-stdio", "gosdk-stdio":
		direct = modern
	default:
		direct = dual
	}
	tools := map[string]int{"everything": 13, "fastmcp": 5, "pysdk": 3, "gosdk": 28}
	for prefix, n := range tools {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			direct.Tools, front.Tools = n, n
		}
	}
	return direct, front
}

func verdictOf(r probe.Result) verdict {
	v := verdict{Grade: r.Grade, Codes: r.Codes, Eras: r.Eras, Tools: r.Tools}
	if len(r.Versions) > 0 {
		v.Newest = slices.Max(r.Versions)
	}
	return v
}

func prober() *probe.Prober {
	return probe.New(probe.Options{
		Egress: egress.Options{Guard: egress.Guard{Allow: egress.Loopback()}}, Thorough: true, Budget: 20 * time.Second, ParentEnv: os.Environ(),
	})
}

// TestPeersAreHealthy: real servers that nobody here wrote, and the same ones
// through our front.
func TestPeersAreHealthy(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			peer := Start(t, name)
			direct, throughFront := verdicts(name)
			endpoint := client.Endpoint{URL: peer.URL, Command: peer.Command}
			got := prober().Run(t.Context(), probe.Target{Endpoint: endpoint})
			if diff := cmp.Diff(direct, verdictOf(got)); diff != "" {
				t.Errorf("directly (-want +got):\n%s\n%+v", diff, got.Findings)
			}
			url := startFront(t, endpoint)
			got = prober().Run(t.Context(), probe.Target{Endpoint: client.Endpoint{URL: url}})
			if diff := cmp.Diff(throughFront, verdictOf(got)); diff != "" {
				t.Errorf("through the front (-want +got):\n%s\n%+v", diff, got.Findings)
			}
		})
	}
}

// startFront puts our front before an endpoint, waits until it has probed it,
// and stops it cleanly at the end of the test.
func startFront(t *testing.T, e client.Endpoint, eras ...mcp.Era) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	g, err := gateway.New(ctx, gateway.Config{
		Public: "127.0.0.1:0", Admin: "127.0.0.1:0", ProbeBudget: 20 * time.Second, ParentEnv: os.Environ(),
		Servers: []gateway.Server{{Name: "peer", Endpoint: e, Eras: eras}},
		Egress:  egress.Options{Guard: egress.Guard{Allow: egress.Loopback()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("drain: %v", err)
		}
	})
	for deadline := time.Now().Add(startTimeout); !g.Status()[0].Ready; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the front never became ready: %+v", g.Status()[0])
		}
	}
	return g.PublicURL() + "/mcp"
}

// cell is one combination of server and revision, through the front.
type cell struct {
	peer, revision string
	eras           []mcp.Era // forced upon the front, to make it bridge
	least          int       // required scenarios that must pass through the front
}

// TestConformanceThroughFront: what passes the official suite directly passes
// it through our front, check by check; and where the front has to bridge the
// eras, at least as much as docs/bridge.md says.
func TestConformanceThroughFront(t *testing.T) {
	for _, c := range []cell{
		{"gosdk-stateless", "2026-07-28", nil, 37},
		{"gosdk-stateful", "2025-11-25", nil, 30},
		{"gosdk-stateful", "2026-07-28", nil, 34},
		{"gosdk-stateless", "2025-11-25", []mcp.Era{mcp.EraModern}, 26},
		{"gosdk-stdio", "2025-11-25", nil, 30},
		{"gosdk-stdio", "2026-07-28", nil, 34},
	} {
		t.Run(c.peer+"/"+c.revision, func(t *testing.T) {
			p := Start(t, c.peer)
			front := Conformance(t, startFront(t, client.Endpoint{URL: p.URL, Command: p.Command}, c.eras...), c.revision)
			passed, total := front.Score()
			t.Logf("%s %s: %d of %d required scenarios through the front; failing: %v", c.peer, c.revision, passed, total, front.Failures())
			if passed < c.least {
				t.Errorf("%d scenarios pass, want at least %d", passed, c.least)
			}
			if p.URL == "" {
				return
			}
			if lost := front.Lost(Conformance(t, p.URL, c.revision)); len(lost) > 0 && c.eras == nil {
				t.Errorf("lost on the way: %v", lost)
			}
		})
	}
}
