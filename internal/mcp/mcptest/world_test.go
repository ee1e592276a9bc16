package mcptest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// inWorlds runs a test in memory inside a bubble and again over real sockets.
func inWorlds(t *testing.T, f func(t *testing.T, w *World)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, NewWorld(t)) })
	})
	t.Run("loopback", func(t *testing.T) { f(t, NewLoopbackWorld(t)) })
}

func get(t *testing.T, w *World, url string) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := w.Client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestHealthyHost(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *World) {
		for name, opts := range map[string][]HostOption{
			"tls.example": nil, "plain.example": {PlainHTTP}, "one.example": {HTTP1},
			"chain.example": {IntermediateCert}, "new.example": {JustValidCert},
			"slow-dns.example": {DNSDelay(200 * time.Millisecond)}, "slow.example": {DialDelay(200 * time.Millisecond)},
			"public.example": {At("172.32.0.1")},
		} {
			h := w.Host(name, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(204) }), opts...)
			if status, err := get(t, w, h.URL("/x")); status != 204 {
				t.Errorf("%s: status %d, %v", name, status, err)
			}
		}
	})
}

func TestLinkFaults(t *testing.T) {
	dnsError := func(check func(*net.DNSError) bool) func(error) bool {
		return func(err error) bool { e, ok := errors.AsType[*net.DNSError](err); return ok && check(e) }
	}
	errno := func(n syscall.Errno) func(error) bool { return func(err error) bool { return errors.Is(err, n) } }
	text := func(s string) func(error) bool {
		return func(err error) bool { return strings.Contains(err.Error(), s) }
	}
	deadline := func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
	cases := map[string]struct {
		opt  HostOption
		want func(error) bool
	}{
		"nxdomain":     {NXDomain, dnsError(func(e *net.DNSError) bool { return e.IsNotFound })},
		"servfail":     {ServFail, dnsError(func(e *net.DNSError) bool { return !e.IsNotFound && e.IsTemporary && !e.IsTimeout })},
		"refused":      {Refused, errno(syscall.ECONNREFUSED)},
		"reset":        {Reset, errno(syscall.ECONNRESET)},
		"unreachable":  {Unreachable, errno(syscall.EHOSTUNREACH)},
		"silent":       {Silent, deadline},
		"blackhole":    {Blackhole, deadline},
		"expired":      {ExpiredCert, text("has expired")},
		"not yet":      {NotYetValidCert, text("not yet valid")},
		"wrong name":   {WrongNameCert, text("somewhere-else.example")},
		"unknown ca":   {UnknownCACert, text("unknown authority")},
		"self-signed":  {SelfSignedCert, text("unknown authority")},
		"no chain":     {MissingIntermediateCert, text("unknown authority")},
		"garbage":      {GarbageTLS, text("does not look like a TLS handshake")},
		"plain on tls": {PlainOnTLS, text("server gave HTTP response to HTTPS client")},
		"tls 1.0":      {TLSVersions(0x0301, 0x0302), text("protocol version not supported")},
	}
	inWorlds(t, func(t *testing.T, w *World) {
		for name, c := range cases {
			h := w.Host(strings.ReplaceAll(name, " ", "-")+".example", nil, c.opt)
			_, err := get(t, w, h.URL("/mcp"))
			if err == nil || !c.want(err) {
				t.Errorf("%s: error %v (%T)", name, err, err)
			}
		}
		if _, err := get(t, w, "https://nobody.example/"); !dnsError(func(e *net.DNSError) bool { return e.IsNotFound })(err) {
			t.Errorf("unknown name: %v", err)
		}
	})
}

func TestDNSTimeout(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *World) {
		h := w.Host("silent-dns.example", nil, DNSTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := w.Resolve(ctx, h.Name())
		if e, ok := errors.AsType[*net.DNSError](err); !ok || !e.IsTimeout {
			t.Errorf("error %v (%T), want a DNS time-out", err, err)
		}
	})
}

func TestFaultsHeal(t *testing.T) {
	inWorlds(t, func(t *testing.T, w *World) {
		h := w.Host("reset.example", nil, Reset, HealsAfter(1))
		if _, err := get(t, w, h.URL("/")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("first: %v", err)
		}
		if status, err := get(t, w, h.URL("/")); status != 404 {
			t.Errorf("second: %d %v", status, err)
		}
		h = w.Host("servfail.example", nil, ServFail, DNSHealsAfter(1))
		if _, err := get(t, w, h.URL("/")); err == nil {
			t.Error("first look-up succeeded")
		}
		if status, err := get(t, w, h.URL("/")); status != 404 {
			t.Errorf("second look-up: %d %v", status, err)
		}
	})
}

func TestColdStartTakesNoWallTime(t *testing.T) {
	wall := time.Now()
	synctest.Test(t, func(t *testing.T) {
		w := NewWorld(t)
		srv := NewServer(Config{Faults: []Fault{First(1, Delay(12*time.Second))}})
		h := w.Host("cold.example", srv)
		for i, want := range []time.Duration{12 * time.Second, 0} {
			start := time.Now()
			if r := ask(t, w, h.URL("/mcp"), mcp.MethodDiscover, nil); r.status != 200 {
				t.Fatalf("ask %d: %+v", i, r)
			}
			if took := time.Since(start); took != want {
				t.Errorf("ask %d took %v, want %v", i, took, want)
			}
		}
	})
	if took := time.Since(wall); took > 5*time.Second {
		t.Errorf("took %v of wall time", took)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	msg    *mcp.Message
}

// ask sends one modern request.
func ask(t *testing.T, w *World, url, method string, params map[string]any) answer {
	t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	params["_meta"] = map[string]any{mcp.MetaProtocolVersion: "2026-07-28", mcp.MetaClientCapabilities: struct{}{}}
	header := http.Header{mcp.HeaderVersion: {"2026-07-28"}, mcp.HeaderMethod: {method}}
	if name, ok := params["name"].(string); ok {
		header.Set(mcp.HeaderName, name)
	}
	return post(t, w, url, header, map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

func post(t *testing.T, w *World, url string, header http.Header, msg any) answer {
	t.Helper()
	body, err := json.Marshal(msg)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", mcp.TypeJSON)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", mcp.AcceptBoth)
	}
	client := w.Client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("POST %s: %v", url, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("POST %s: read: %v", url, err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(got)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), mcp.TypeEventStream) {
		a.msg = lastEvent(t, got)
	} else if m, err := mcp.Parse(got, mcp.Limits{}); err == nil {
		a.msg = m
	}
	return a
}
