// Command front measures what the front costs: calls a second and latency
// through it, next to no proxy at all and to a bare httputil.ReverseProxy, all
// in one run on one machine. Only the ratios mean something.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

func main() {
	each := flag.Duration("each", 2*time.Second, "how long each figure is measured")
	flag.Parse()
	if err := run(context.Background(), *each, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/front:", err)
		os.Exit(1)
	}
}

// way is one way to the server.
type way struct {
	name string
	url  string
	call call
}

// call is the request that is repeated.
type call struct {
	header http.Header
	body   string
}

func run(ctx context.Context, each time.Duration, out io.Writer) error {
	t := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(t, "result\tway\tconns\tcalls/s\tfailed\tof ReverseProxy\tp50\tp99\tgarbage/call")
	for _, size := range []int{1 << 10, 100 << 10} {
		upstream := httptest.NewServer(server(strings.Repeat("x", size)))
		ways, stop, err := waysTo(ctx, upstream.URL)
		if err != nil {
			return err
		}
		for _, conns := range []int{1, 32} {
			base := 0.0
			for _, w := range ways {
				f := measure(w, conns, each)
				if w.name == "ReverseProxy" {
					base = f.rate
				}
				ratio := "-"
				if base > 0 && w.name != "ReverseProxy" {
					ratio = fmt.Sprintf("%.2f", f.rate/base)
				}
				fmt.Fprintf(t, "%d KB\t%s\t%d\t%.0f\t%d\t%s\t%s\t%s\t%.1f KB\n", size>>10, w.name, conns, f.rate, f.failed, ratio,
					f.p50.Round(time.Microsecond), f.p99.Round(time.Microsecond), f.garbage/1024)
				if f.failed*100 > f.calls {
					return fmt.Errorf("%s: %d of %d calls failed", w.name, f.failed, f.calls)
				}
			}
		}
		stop()
		upstream.Close()
	}
	return t.Flush()
}

// server answers both eras with one fixed result; what it costs is the same on
// every way.
func server(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		msg, parseErr := mcp.Parse(body, mcp.Limits{})
		if err != nil || parseErr != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		result := `{"content":[{"type":"text","text":"` + text + `"}]}`
		switch msg.Method {
		case mcp.MethodDiscover:
			result = `{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}}}`
		case mcp.MethodInitialize:
			w.Header().Set(mcp.HeaderSession, "a-session-that-never-ends")
			result = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}`
		case mcp.MethodToolsList:
			result = `{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}`
		case mcp.MethodInitialized:
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", mcp.TypeJSON)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, msg.ID, result)
	})
}

func modern() call {
	return call{
		header: http.Header{"Content-Type": {mcp.TypeJSON}, "Accept": {mcp.AcceptBoth}, mcp.HeaderVersion: {"2026-07-28"}, mcp.HeaderMethod: {"tools/call"}, mcp.HeaderName: {"echo"}},
		body:   `{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
	}
}

func legacy(session string) call {
	return call{
		header: http.Header{"Content-Type": {mcp.TypeJSON}, "Accept": {mcp.AcceptBoth}, mcp.HeaderVersion: {"2025-11-25"}, mcp.HeaderSession: {session}},
		body:   `{"jsonrpc":"2.0","id":ID,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}`,
	}
}

// waysTo opens every way to the server.
func waysTo(ctx context.Context, upstream string) ([]way, func(), error) {
	target, err := url.Parse(upstream)
	if err != nil {
		return nil, nil, err
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	})
	ways := []way{{"direct", upstream, modern()}, {"ReverseProxy", proxy.URL, modern()}}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop := func() { cancel(); running.Wait(); proxy.Close() }
	for _, f := range []struct {
		name string
		eras []mcp.Era
		call func(url string) (call, error)
	}{
		{"front modern→modern", nil, func(string) (call, error) { return modern(), nil }},
		{"front legacy→legacy", nil, func(string) (call, error) { return legacy("a-session-that-never-ends"), nil }},
		{"front modern→legacy", []mcp.Era{mcp.EraLegacy}, func(string) (call, error) { return modern(), nil }},
		{"front legacy→modern", []mcp.Era{mcp.EraModern}, openLegacy},
	} {
		g, err := gateway.New(ctx, gateway.Config{
			Public: "127.0.0.1:0", Admin: "127.0.0.1:0", Egress: egress.Options{Guard: egress.Guard{Allow: egress.Loopback()}},
			Servers: []gateway.Server{{Name: "bench", Endpoint: client.Endpoint{URL: upstream}, Eras: f.eras}},
		})
		if err != nil {
			stop()
			return nil, nil, err
		}
		running.Go(func() { _ = g.Run(ctx) }) // ends with stop; its calls are over
		url := g.PublicURL() + "/mcp"
		c, err := f.call(url)
		if err != nil {
			stop()
			return nil, nil, err
		}
		ways = append(ways, way{f.name, url, c})
	}
	return ways, stop, nil
}

// openLegacy performs the handshake that a legacy client begins with.
func openLegacy(url string) (call, error) {
	body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"b","version":"1"}}}`
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return call{}, err
	}
	req.Header = http.Header{"Content-Type": {mcp.TypeJSON}, "Accept": {mcp.AcceptBoth}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return call{}, err
	}
	defer res.Body.Close()
	return legacy(res.Header.Get(mcp.HeaderSession)), nil
}

// figure is what one way showed.
type figure struct {
	rate     float64
	p50, p99 time.Duration
	garbage  float64 // bytes allocated per call by the whole process, client and server included
	calls    int
	failed   int
}

func measure(w way, conns int, each time.Duration) figure {
	transport := &http.Transport{MaxIdleConnsPerHost: conns}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	repeat(c, w, conns, each/10) // warm up
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	times, failed := repeat(c, w, conns, each)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	n := max(len(times), 1)
	f := figure{rate: float64(len(times)) / took.Seconds(), garbage: float64(after.TotalAlloc-before.TotalAlloc) / float64(n), calls: len(times) + failed, failed: failed}
	if len(times) > 0 {
		f.p50, f.p99 = times[len(times)/2], times[len(times)*99/100]
	}
	return f
}

func repeat(c *http.Client, w way, conns int, each time.Duration) (times []time.Duration, failed int) {
	var mu sync.Mutex
	var ids atomic.Int64 // unique among those in flight
	var all sync.WaitGroup
	until := time.Now().Add(each)
	for range conns {
		all.Go(func() {
			var mine []time.Duration
			bad := 0
			for time.Now().Before(until) {
				start := time.Now()
				if once(c, w, ids.Add(1)) {
					mine = append(mine, time.Since(start))
				} else {
					bad++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			times, failed = append(times, mine...), failed+bad
		})
	}
	all.Wait()
	return times, failed
}

func once(c *http.Client, w way, id int64) bool {
	body := strings.Replace(w.call.body, `"id":ID`, `"id":`+strconv.FormatInt(id, 10), 1)
	req, err := http.NewRequest(http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header = w.call.header
	res, err := c.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusOK
}
