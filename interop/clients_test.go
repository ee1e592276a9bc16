//go:build interop && unix

package interop

import (
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/holdfast-mcp/holdfast/internal/client"
)

// TestSDKClientThroughFront: the official Go client, of either era, lists and
// calls through our front whatever the server behind it speaks.
func TestSDKClientThroughFront(t *testing.T) {
	for _, c := range []struct {
		peer, tool string
		args       map[string]any
		tools      int // at least: server-everything has more for clients with roots
	}{
		{"everything-http", "echo", map[string]any{"message": "hello"}, 13},
		{"everything-sse", "echo", map[string]any{"message": "hello"}, 13},
		{"everything-stdio", "echo", map[string]any{"message": "hello"}, 13},
		{"gosdk-stateful", "test_simple_text", nil, 28},
		{"gosdk-stateless", "test_simple_text", nil, 28},
		{"fastmcp-stateful", "echo", map[string]any{"text": "hello"}, 5},
	} {
		t.Run(c.peer, func(t *testing.T) {
			t.Parallel()
			p := Start(t, c.peer)
			url := startFront(t, client.Endpoint{URL: p.URL, Command: p.Command})
			for _, version := range []string{legacyNewest, modernNewest} {
				began := time.Now()
				s, err := sdk.NewClient(&sdk.Implementation{Name: "interop", Version: "1"}, nil).Connect(t.Context(),
					&sdk.StreamableClientTransport{Endpoint: url}, &sdk.ClientSessionOptions{ProtocolVersion: version})
				if err != nil {
					t.Errorf("%s: connect: %v", version, err)
					continue
				}
				list, err := s.ListTools(t.Context(), nil)
				if err != nil || len(list.Tools) < c.tools {
					t.Errorf("%s: list: %v, %+v", version, err, list)
				}
				res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: c.args})
				if err != nil || res.IsError || len(res.Content) == 0 {
					t.Errorf("%s: call: %v, %+v", version, err, res)
				}
				if err := s.Close(); err != nil {
					t.Errorf("%s: close: %v", version, err)
				}
				t.Logf("%s in %s", version, time.Since(began).Round(time.Millisecond))
			}
		})
	}
}
