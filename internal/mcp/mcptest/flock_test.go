package mcptest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

func TestFlockMixesEvenly(t *testing.T) {
	const n = 10_000
	f := NewFlock(t, n, Census())
	var all, first [kinds]int
	for i := range n {
		all[f.Kind(i)]++
		if i < n/10 {
			first[f.Kind(i)]++
		}
	}
	total := 0.0
	for _, v := range Census() {
		total += v
	}
	for k, share := range Census() {
		want := share / total * n
		if float64(all[k]) < want-1 || float64(all[k]) > want+1 {
			t.Errorf("kind %d: %d of %d, want %.1f", k, all[k], n, want)
		}
		if float64(first[k]) < want/10-6 || float64(first[k]) > want/10+6 {
			t.Errorf("kind %d: %d in the first tenth, want about %.1f", k, first[k], want/10)
		}
	}
	slow := NewFlock(t, 2181, Census().WithTimeouts(0.1))
	timeouts := 0
	for i := range slow.Len() {
		if slow.Kind(i) == KindTimeout {
			timeouts++
		}
	}
	if timeouts != 218 {
		t.Errorf("%d of 2181 time out, want 218", timeouts)
	}
}

// world makes the helpers for requests work with a flock.
func (f *Flock) transport(t *testing.T) *http.Client {
	t.Helper()
	tr := (&World{tb: t, roots: f.roots}).Transport()
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		addrs, err := f.Resolve(ctx, host)
		if err != nil {
			return nil, err
		}
		return f.Dial(ctx, network, netip.AddrPortFrom(addrs[0], 443).String()+strings.TrimPrefix(port, "443"))
	}
	return &http.Client{Transport: tr}
}

func TestFlockAnswers(t *testing.T) {
	f := NewFlock(t, 2000, Census())
	client := f.transport(t)
	send := func(url, body string, h http.Header) (int, http.Header, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if strings.HasSuffix(url, "/timeout") {
			ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(url, "/timeout"), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = h
		res, err := client.Do(req)
		if err != nil {
			return 0, nil, err
		}
		_ = res.Body.Close()
		return res.StatusCode, res.Header, nil
	}
	const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`
	status := map[Kind]int{KindLegacy: 200, KindSession: 200, KindDual: 200, KindModern: 400, KindSSE: 405, KindGated: 401,
		KindNotFound: 404, KindHTML: 200, KindMethod: 405, KindError: 503, KindRPCError: 200}
	seen := map[Kind]bool{}
	for i := range f.Len() {
		k := f.Kind(i)
		if seen[k] {
			continue
		}
		seen[k] = true
		url := f.URL(i)
		if k == KindTimeout {
			url += "/timeout"
		}
		got, head, err := send(url, initialize, http.Header{"Accept": {mcp.AcceptBoth}})
		if got != status[k] {
			t.Errorf("kind %d: %d, %v", k, got, err)
		}
		switch k {
		case KindNoName:
			if _, ok := errors.AsType[*net.DNSError](err); !ok {
				t.Errorf("no name: %v", err)
			}
		case KindRefused:
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("refused: %v", err)
			}
		case KindExpired:
			if err == nil || !strings.Contains(err.Error(), "expired") {
				t.Errorf("expired: %v", err)
			}
		case KindSession, KindDual:
			if id := head.Get(mcp.HeaderSession); len(id) != 32 {
				t.Errorf("session id %q", id)
			}
		}
	}
	if len(seen) != int(kinds) {
		t.Errorf("%d of %d kinds in the flock", len(seen), kinds)
	}
	if st := f.Stats(); st.SessionsOpen() != 2 {
		t.Errorf("%d sessions open", st.SessionsOpen())
	}
}

// BenchmarkFlock is what one endpoint costs both sides together: a fresh TLS
// connection, a handshake and a list.
func BenchmarkFlock(b *testing.B) {
	f := NewFlock(b, 1000, Mix{KindLegacy: 1})
	tr := (&World{tb: b, roots: f.roots}).Transport()
	tr.DisableKeepAlives = true
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return f.Dial(ctx, network, "11.0.0.1:443")
	}
	client := &http.Client{Transport: tr}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		res, err := client.Post(f.URL(i%1000), mcp.TypeJSON, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			b.Fatal(err)
		}
		_ = res.Body.Close()
	}
}
