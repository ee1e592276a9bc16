package scan

import (
	"context"
	"net/url"

	"github.com/holdfast-mcp/holdfast/internal/egress"
)

type robots struct{}

func newRobots(*egress.Client, string, string) *robots { return &robots{} }

func (r *robots) forbids(context.Context, *url.URL) string { return "" }
