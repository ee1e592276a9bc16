package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
)

// Registry reads the servers of an MCP registry: GET /v0.1/servers, page by
// page.
type Registry struct {
	HTTP      *egress.Client
	UserAgent string
	// Base is the registry's address, such as
	// https://registry.modelcontextprotocol.io.
	Base string
	// Retries of a page that fails, default 2, after Pause, default 1 s.
	Retries int
	Pause   time.Duration
}

const (
	pageSize = 100
	// maxPages bounds a registry; the largest known has some 300 pages.
	maxPages = 5000
	// maxPage bounds one page, in bytes, and maxCursor a cursor.
	maxPage     = 16 << 20
	maxCursor   = 4 << 10
	pageTimeout = 30 * time.Second
)

// RegistryError says where reading a registry broke off.
type RegistryError struct {
	URL  string
	Page int // from 1
	Err  error
}

func (e *RegistryError) Error() string {
	return fmt.Sprintf("read registry %s, page %d: %v", e.URL, e.Page, e.Err)
}

func (e *RegistryError) Unwrap() error { return e.Err }

// ErrCursorLoop says that a registry hands out a cursor for the second time.
var ErrCursorLoop = errors.New("the registry repeats a cursor: its pages have no end")

// registryPage is the part of an answer that we read.
type registryPage struct {
	Servers []struct {
		Server struct {
			Name    string `json:"name"`
			Remotes []struct {
				Type string `json:"type"`
				URL  string `json:"url"`
			} `json:"remotes"`
		} `json:"server"`
		Meta struct {
			Official *struct {
				Status   string `json:"status"`
				IsLatest *bool  `json:"isLatest"`
			} `json:"io.modelcontextprotocol.registry/official"`
		} `json:"_meta"`
	} `json:"servers"`
	Metadata struct {
		NextCursor string `json:"nextCursor"`
	} `json:"metadata"`
}

// Read adds the remotes of all active servers in their latest version to the
// list. On an error, a *[RegistryError], the list has what was read before it.
// onPage, if set, is told after each page.
func (g Registry) Read(ctx context.Context, to *List, onPage func(page int)) error {
	base, err := client.ParseURL(g.Base)
	if err != nil {
		return &RegistryError{URL: shown(g.Base), Page: 1, Err: err}
	}
	source := shown(g.Base)
	seen := map[string]bool{}
	cursor := ""
	for n := 1; ; n++ {
		page, err := g.page(ctx, base, cursor)
		if err == nil {
			err = page.addTo(to, source)
		}
		next := page.Metadata.NextCursor
		switch {
		case err != nil:
		case next == "":
			return nil
		case seen[next]:
			err = ErrCursorLoop
		case len(next) > maxCursor:
			err = fmt.Errorf("the cursor is longer than %d bytes", maxCursor)
		case n == maxPages:
			err = fmt.Errorf("more than %d pages", maxPages)
		}
		if err != nil {
			return &RegistryError{URL: source, Page: n, Err: err}
		}
		if onPage != nil {
			onPage(n)
		}
		seen[next] = true
		cursor = next
	}
}

func (p registryPage) addTo(to *List, source string) error {
	for _, s := range p.Servers {
		official := s.Meta.Official
		if official != nil && (official.Status != "" && official.Status != "active" || official.IsLatest != nil && !*official.IsLatest) {
			continue
		}
		for _, remote := range s.Server.Remotes {
			if remote.Type != "streamable-http" && remote.Type != "sse" {
				continue
			}
			if err := to.Add(NewTarget(strings.TrimSpace(remote.URL), clip(s.Server.Name), source)); err != nil {
				return err
			}
		}
	}
	return nil
}

// page fetches one page, again when it fails.
func (g Registry) page(ctx context.Context, base *url.URL, cursor string) (registryPage, error) {
	at := base.JoinPath("v0.1", "servers")
	q := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	at.RawQuery = q.Encode()
	retries, pause := g.Retries, g.Pause
	if retries <= 0 {
		retries = 2
	}
	if pause <= 0 {
		pause = time.Second
	}
	for try := 0; ; try++ {
		page, wait, err := g.get(ctx, at)
		if err == nil || try == retries || ctx.Err() != nil || wait > time.Minute {
			return page, err
		}
		select {
		case <-time.After(max(wait, pause<<try)):
		case <-ctx.Done():
			return page, ctx.Err()
		}
	}
}

// get fetches and reads one page. wait is what the registry asks us to wait.
func (g Registry) get(ctx context.Context, at *url.URL) (page registryPage, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return page, 0, err
	}
	req.Header.Set("User-Agent", g.UserAgent)
	req.Header.Set("Accept", "application/json")
	res, err := g.HTTP.Do(req)
	if err != nil {
		return page, 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 if it is none
		return page, time.Duration(seconds) * time.Second, fmt.Errorf("status %d where 200 is due", res.StatusCode)
	}
	res.LimitBody(maxPage)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return page, 0, err
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return page, 0, fmt.Errorf("the answer is no list of servers: %w", err)
	}
	if page.Servers == nil {
		return page, 0, errors.New(`the answer has no "servers"`)
	}
	return page, 0, nil
}
