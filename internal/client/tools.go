package client

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Bounds on a paged list: a server may not keep us busy for ever.
const (
	maxPages     = 100
	maxTools     = 10_000
	maxListBytes = 16 << 20
)

// ToolList is what tools/list brought, over all pages.
type ToolList struct {
	Tools []json.RawMessage
	Pages []*Exchange // one per page; the last may be a failure
	// Loop is set when a cursor came back that had been seen, or when the
	// bounds (100 pages, 10,000 tools, 16 MiB) were hit.
	Loop bool
	// Bytes is the size of all results.
	Bytes int

	failed *Exchange
}

// Failed gives the page that brought no list, nil if all did.
func (l *ToolList) Failed() *Exchange { return l.failed }

// toolsPage is one page of tools/list.
type toolsPage struct {
	Tools      *[]json.RawMessage `json:"tools"`
	NextCursor *string            `json:"nextCursor"`
}

// ListTools reads all pages of tools/list. The empty string is a valid cursor;
// only an absent or null one ends the list.
func (s *Session) ListTools(ctx context.Context) ToolList {
	var l ToolList
	var params map[string]any
	var seen []string
	for {
		x := s.Request(ctx, mcp.MethodToolsList, "", params)
		l.Pages = append(l.Pages, x)
		var page toolsPage
		if !x.OK() || json.Unmarshal(x.Response.Result, &page) != nil || page.Tools == nil {
			l.failed = x
			return l
		}
		l.Bytes += len(x.Response.Result)
		l.Tools = append(l.Tools, *page.Tools...)
		if page.NextCursor == nil {
			return l
		}
		if slices.Contains(seen, *page.NextCursor) || len(l.Pages) >= maxPages || len(l.Tools) > maxTools || l.Bytes > maxListBytes {
			l.Loop = true
			return l
		}
		seen = append(seen, *page.NextCursor)
		params = map[string]any{"cursor": *page.NextCursor}
	}
}

// Call runs one tool. args is a JSON object or nil.
func (s *Session) Call(ctx context.Context, tool string, args json.RawMessage) *Exchange {
	if args == nil {
		args = json.RawMessage("{}")
	}
	return s.Request(ctx, mcp.MethodToolsCall, tool, map[string]any{"name": tool, "arguments": args})
}
