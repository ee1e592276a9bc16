package mcptest

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/sse"
)

func lastEvent(t *testing.T, body []byte) *mcp.Message {
	t.Helper()
	r := sse.NewReader(bytes.NewReader(body), 0)
	var last *mcp.Message
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatalf("event stream: %v", err)
		}
		if last, err = mcp.Parse(e.Data, mcp.Limits{}); err != nil {
			t.Fatalf("event %q: %v", e.Data, err)
		}
	}
}
