package gateway

import (
	"context"
	"os"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

// TestMain lets this test binary be the stdio servers of the tests.
func TestMain(m *testing.M) {
	if code, ok := mcptest.StdioMain(context.Background(), os.Args); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
