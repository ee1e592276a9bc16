package egress

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestRedirects(t *testing.T) {
	elsewhere := newCanary(t)
	type want struct {
		location                                                   string
		same, other, downgrade, notHTTP, methodChange, notRedirect bool
	}
	tests := []struct {
		method   string
		status   int
		location string
		want     want
	}{
		{"POST", 301, "/next", want{location: "BASE/next", same: true, methodChange: true}},
		{"POST", 302, "/next", want{location: "BASE/next", same: true, methodChange: true}},
		{"POST", 303, "/next", want{location: "BASE/next", same: true, methodChange: true}},
		{"POST", 307, "/next", want{location: "BASE/next", same: true}},
		{"POST", 308, "next", want{location: "BASE/next", same: true}},
		{"GET", 301, "/next", want{location: "BASE/next", same: true}},
		{"HEAD", 303, "/next", want{location: "BASE/next", same: true}},
		{"DELETE", 302, "/next", want{location: "BASE/next", same: true, methodChange: true}},
		{"POST", 307, "http://MCP.example.:PORT/", want{location: "http://MCP.example.:PORT/", same: true}},
		{"POST", 307, "http://mcp.example:1/", want{location: "http://mcp.example:1/"}},
		{"POST", 307, "https://mcp.example:PORT/", want{location: "https://mcp.example:PORT/"}},
		{"POST", 307, "//evil.example/x", want{location: "http://evil.example/x", other: true}},
		{"POST", 308, "http://CANARY/steal", want{location: "http://CANARY/steal", other: true}},
		{"GET", 302, "http://CANARY/steal", want{location: "http://CANARY/steal", other: true}},
		{"GET", 302, "http://169.254.169.254/latest/", want{location: "http://169.254.169.254/latest/", other: true}},
		{"GET", 302, "javascript:alert(1)", want{location: "javascript:alert(1)", other: true, notHTTP: true}},
		{"GET", 302, "", want{}},
		{"GET", 302, "http://[::1", want{}},
		{"GET", 300, "/next", want{notRedirect: true}},
		{"GET", 304, "/next", want{notRedirect: true}},
		{"GET", 200, "/next", want{notRedirect: true}},
	}
	var hits atomic.Int64
	var s *httptest.Server
	fill := func(text string) string {
		port := portOfAddr(s.Listener.Addr().String())
		return strings.NewReplacer("BASE", "http://mcp.example:"+port, "PORT", port, "CANARY", elsewhere.addr).Replace(text)
	}
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		tt := tests[len(r.URL.Path)-1] // a path as long as the number of the case
		if tt.location != "" {
			w.Header().Set("Location", fill(tt.location))
		}
		w.WriteHeader(tt.status)
	})
	client := to(t, s.Listener.Addr().String(), Options{})
	for i, tt := range tests {
		req := newGet(t, fill("BASE/")+strings.Repeat("x", i))
		req.Method = tt.method
		req.Header.Set("Authorization", "Bearer canary")
		req.Header.Set("X-Api-Key", "canary")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		d, is := res.Redirect()
		got := want{same: d.SameOrigin, other: d.OtherHost, downgrade: d.Downgrade, notHTTP: d.NotHTTP, methodChange: d.MethodChange, notRedirect: !is}
		if d.Location != nil {
			got.location = d.Location.String()
		}
		tt.want.location = fill(tt.want.location)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); diff != "" {
			t.Errorf("%s %d %q (-want +got):\n%s", tt.method, tt.status, tt.location, diff)
		}
	}
	if n := hits.Load(); n != int64(len(tests)) {
		t.Errorf("%d requests for %d calls: a redirect was followed", n, len(tests))
	}
	if n := elsewhere.hits.Load(); n != 0 {
		t.Errorf("the other host was hit %d times, with our credentials", n)
	}
}

func TestRedirectDowngrade(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, ca.sign(t, leaf()), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+r.Host+"/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	addr := s.Listener.Addr().String()
	res, err := to(t, addr, Options{RootCAs: ca.pool}).Do(newGet(t, "https://mcp.example:"+portOfAddr(addr)+"/"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if d, ok := res.Redirect(); !ok || !d.Downgrade || d.SameOrigin || d.OtherHost {
		t.Errorf("got %+v, %v", d, ok)
	}
}

// TestRequestOnTheWire: what we add, what we never send, what we leave alone.
func TestRequestOnTheWire(t *testing.T) {
	var seen http.Header
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
	})
	client := to(t, s.Listener.Addr().String(), Options{})
	for range 2 {
		req := newGet(t, s.URL)
		req.URL.User = newGet(t, "http://user:pass@x/").URL.User
		req.Header = http.Header{"User-Agent": {"test"}, "Accept-Encoding": {"gzip, br"}}
		before := req.Header.Clone()
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if diff := cmp.Diff(http.Header{"User-Agent": {"test"}, "Accept-Encoding": {"identity"}}, seen); diff != "" {
			t.Errorf("on the wire (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, req.Header); diff != "" {
			t.Errorf("the caller's header changed:\n%s", diff)
		}
	}
	req := newGet(t, s.URL)
	req.Header = nil
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("nil header: %v", err)
	}
	_ = res.Body.Close()
}

func TestEncodedRefused(t *testing.T) {
	tests := []struct {
		coding string
		body   bool
		want   bool // accepted
	}{
		{"gzip", true, false}, {"br", true, false}, {"zstd", true, false}, {"deflate", true, false},
		{"x-unheard-of", true, false}, {"identity, gzip", true, false}, {"gzip, gzip", true, false},
		{"identity", true, true}, {"IDENTITY", true, true}, {"", true, true}, {"gzip", false, true},
	}
	for _, tt := range tests {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Encoding"] = []string{tt.coding}
			if tt.body {
				_, _ = io.WriteString(w, "{}")
			}
		})
		res, err := to(t, s.Listener.Addr().String(), Options{}).Do(newGet(t, s.URL))
		if (err == nil) != tt.want {
			t.Errorf("coding %q, body %v: %v", tt.coding, tt.body, err)
		}
		if err == nil {
			_ = res.Body.Close()
			continue
		}
		if e := failure(t, err); e.Kind != Encoded || e.Phase != PhaseHead || e.Status != 200 || !e.Addr.IsValid() {
			t.Errorf("coding %q: %#v", tt.coding, e)
		}
	}
}

// TestEncodedWithoutBody: a coding in the head alone inflates nothing.
func TestEncodedWithoutBody(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, ca.sign(t, leaf()), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		switch r.Method {
		case http.MethodHead:
			w.Header().Set("Content-Length", "10")
		case http.MethodPut:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	addr := s.Listener.Addr().String()
	client := to(t, addr, Options{RootCAs: ca.pool})
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodGet} {
		req := newGet(t, "https://mcp.example:"+portOfAddr(addr)+"/")
		req.Method = method
		res, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		if res.Timing.Total == 0 {
			t.Errorf("%s: total is not settled although there is no body", method)
		}
		_ = res.Body.Close()
	}
}

// TestGzipBomb: a small answer that inflates a thousandfold is refused unread,
// whoever closes first.
func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	zw := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = zw.Write(zeros)
	}
	_ = zw.Close()
	sent := make(chan error, 1)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for { // for ever: ends only because the client hangs up
			if _, err := w.Write(bomb.Bytes()); err != nil {
				sent <- err
				return
			}
		}
	})
	_, err := to(t, s.Listener.Addr().String(), Options{}).Do(newGet(t, s.URL))
	if e := failure(t, err); e.Kind != Encoded {
		t.Errorf("got %v, want encoded", e)
	}
	<-sent
}

func TestBodyCap(t *testing.T) {
	const limit = 1000
	for _, chunked := range []bool{false, true} {
		for _, size := range []int{0, 1, limit - 1, limit, limit + 1, 10 * limit, -1} {
			t.Run(fmt.Sprintf("chunked=%v/%d", chunked, size), func(t *testing.T) {
				if size < 0 && !chunked {
					size = 1 << 40 // only announced
				}
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if !chunked {
						w.Header().Set("Content-Length", fmt.Sprint(size))
					}
					_ = http.NewResponseController(w).Flush()
					line := bytes.Repeat([]byte("x"), 100)
					for n := 0; n < size || size < 0; n += len(line) {
						if size >= 0 {
							line = line[:min(len(line), size-n)]
						}
						if _, err := w.Write(line); err != nil {
							return
						}
					}
				})
				res, err := to(t, s.Listener.Addr().String(), Options{MaxBodyBytes: limit}).Do(newGet(t, s.URL))
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				text, err := io.ReadAll(res.Body)
				if size >= 0 && size <= limit {
					if len(text) != size || err != nil {
						t.Fatalf("read %d bytes, %v", len(text), err)
					}
					return
				}
				over, ok := errors.AsType[*TooLargeError](err)
				if !ok || over.Limit != limit || over.Part != "body" || len(text) > limit {
					t.Fatalf("read %d bytes, %v", len(text), err)
				}
				if !chunked && len(text) > 0 {
					t.Errorf("read %d bytes of a body announced too large", len(text))
				}
				e := failure(t, err)
				if e.Kind != TooLarge || e.Phase != PhaseBody || e.Status != 200 || res.Timing.Total == 0 {
					t.Errorf("got %#v", e)
				}
				if n, again := res.Body.Read(make([]byte, 1)); n != 0 || again != err { // the same value
					t.Errorf("the next Read: %d, %v", n, again)
				}
			})
		}
	}
}

func TestLimitBody(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5000)) })
	client := to(t, s.Listener.Addr().String(), Options{MaxBodyBytes: 1000})
	for limit, want := range map[int64]int{10: 10, 5000: 5000, math.MaxInt64: 5000} {
		res, err := client.Do(newGet(t, s.URL))
		if err != nil {
			t.Fatal(err)
		}
		res.LimitBody(limit)
		text, err := io.ReadAll(res.Body)
		if _, over := errors.AsType[*TooLargeError](err); len(text) > want || over != (want < 5000) {
			t.Errorf("limit %d: read %d, %v", limit, len(text), err)
		}
		_ = res.Body.Close()
	}
}

// TestHeadTooLarge also holds the two texts of net/http by which an over-long
// head is known.
func TestHeadTooLarge(t *testing.T) {
	endless := func(first, more string) string {
		return rawServer(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			for text := first; ; text = more {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
			}
		})
	}
	ca := newAuthority(t)
	h2 := func(kilobytes int) string {
		return serveTLS(t, ca.sign(t, leaf()), func(w http.ResponseWriter, _ *http.Request) {
			for i := range kilobytes {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
		}).Listener.Addr().String()
	}
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	tests := []struct {
		name, scheme, addr string
		kind               Kind
	}{
		{"many lines", "http", endless("HTTP/1.1 200 OK\r\n", "X: y\r\n"), TooLarge},
		{"one line", "http", endless("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxx"), TooLarge},
		{"interim responses", "http", endless(early, early), TooLarge},
		{"HTTP/2", "https", h2(70), TooLarge},
		// A frame more, and net/http ends the connection with a protocol error
		// that says no more than that.
		{"HTTP/2, far beyond", "https", h2(500), BadHTTP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := to(t, tt.addr, Options{RootCAs: ca.pool}).Do(newGet(t, tt.scheme+"://mcp.example:"+portOfAddr(tt.addr)+"/"))
			e := failure(t, err)
			if e.Kind != tt.kind || e.Phase != PhaseHead {
				t.Fatalf("got %v, want %s in head", e, tt.kind)
			}
			if over, ok := errors.AsType[*TooLargeError](err); tt.kind == TooLarge && (!ok || over.Limit != 64<<10 || over.Part != "head") {
				t.Errorf("cause is %#v", e.Err)
			}
		})
	}
}

func TestServerFaults(t *testing.T) {
	post := func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
	}
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) { post(c); _, _ = io.WriteString(c, text) }
	}
	headTaken := make(chan struct{}, 20)
	tests := []struct {
		name  string
		serve func(net.Conn)
		kind  Kind
		phase Phase
	}{
		{"closes after the request", post, EOF, PhaseHead},
		{"resets after the request", func(c net.Conn) { post(c); _ = c.(*net.TCPConn).SetLinger(0) }, Reset, PhaseHead},
		{"closes inside the head", say("HTTP/1.1 200 OK\r\nContent-"), EOF, PhaseHead},
		{"speaks ssh", say("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), BadHTTP, PhaseHead},
		{"speaks HTTP/0.9", say("<html>hello</html>\n"), BadHTTP, PhaseHead},
		{"bad status", say("HTTP/1.1 abc OK\r\n\r\n"), BadHTTP, PhaseHead},
		{"bad header", say("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), BadHTTP, PhaseHead},
		{"two lengths", say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), BadHTTP, PhaseHead},
		{"unknown transfer coding", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), BadHTTP, PhaseHead},
		{"closes inside the body", say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), EOF, PhaseBody},
		{"closes inside a chunk", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab"), EOF, PhaseBody},
		{"bad chunk", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"), BadHTTP, PhaseBody},
		{"resets inside the body", func(c net.Conn) {
			say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")(c)
			<-headTaken
			_ = c.(*net.TCPConn).SetLinger(0)
		}, Reset, PhaseBody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range len(headTaken) {
				<-headTaken // of the cases before
			}
			var conns atomic.Int64
			addr := rawServer(t, func(c net.Conn) { conns.Add(1); tt.serve(c) })
			req := newGet(t, "http://"+addr+"/")
			req.Method = http.MethodPost
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil }
			res, err := to(t, addr, Options{}).Do(req)
			if err == nil {
				headTaken <- struct{}{}
				_, err = io.ReadAll(res.Body)
				_ = res.Body.Close()
			}
			e := failure(t, err)
			if e.Kind != tt.kind || e.Phase != tt.phase || e.Addr.String() != addr {
				t.Errorf("got %v, want %s in %s", e, tt.kind, tt.phase)
			}
			if n := conns.Load(); n != 1 {
				t.Errorf("the POST went out %d times", n)
			}
		})
	}
}

// TestClosesAtOnce: the server hangs up without reading. Whether the request
// was written, and whether that shows as EOF or reset, is up to the kernel.
func TestClosesAtOnce(t *testing.T) {
	addr := rawServer(t, func(net.Conn) {})
	_, err := to(t, addr, Options{}).Do(newGet(t, "http://"+addr+"/"))
	if e := failure(t, err); e.Kind != EOF && e.Kind != Reset || e.Phase != PhaseSend && e.Phase != PhaseHead {
		t.Errorf("got %v, want eof or reset in send or head", e)
	}
}

func TestHTTP2StreamReset(t *testing.T) {
	ca := newAuthority(t)
	s := serveTLS(t, ca.sign(t, leaf()), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "ab")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	addr := s.Listener.Addr().String()
	client := to(t, addr, Options{RootCAs: ca.pool})
	for path, phase := range map[string]Phase{"/": PhaseHead, "/body": PhaseBody} {
		res, err := client.Do(newGet(t, "https://mcp.example:"+portOfAddr(addr)+path))
		if err == nil {
			_, err = io.ReadAll(res.Body)
			_ = res.Body.Close()
		}
		if e := failure(t, err); e.Kind != Reset || e.Phase != phase {
			t.Errorf("%s: got %v, want reset in %s", path, e, phase)
		}
	}
}

func TestErrorText(t *testing.T) {
	addr := rawServer(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, strings.Repeat("\x1b[31mé", 1000)+"\r\n\r\n")
	})
	_, err := to(t, addr, Options{}).Do(newGet(t, "http://"+addr+"/path?token=canary"))
	text := failure(t, err).Error()
	if len(text) > 400 || strings.ContainsAny(text, "\x1b\r\n") || strings.Contains(text, "canary") {
		t.Errorf("%d bytes: %q", len(text), text)
	}
}

// TestErrorTextOfCertificate: a certificate's names reach the text unquoted.
func TestErrorTextOfCertificate(t *testing.T) {
	e := &Error{Host: "x", Err: errors.New("valid for a\x1b[2J\r\nlevel=info, \u202ex\x00")}
	if text := e.Error(); strings.ContainsAny(text, "\x1b\r\n\x00\u202e") {
		t.Errorf("%q", text)
	}
}

func TestNames(t *testing.T) {
	for k := Unknown; k <= Encoded; k++ {
		if s := k.String(); s != strings.ToLower(s) || strings.HasPrefix(s, "kind_") {
			t.Errorf("kind %d is %q", k, s)
		}
	}
	for p := PhaseQueue; p <= PhaseBody; p++ {
		if strings.HasPrefix(p.String(), "phase_") {
			t.Errorf("phase %d has no name", p)
		}
	}
	if Encoded.String() != "encoded" || EOF.String() != "eof" || CertUnknownCA.String() != "cert_unknown_ca" || PhaseBody.String() != "body" {
		t.Error("names and constants are out of step")
	}
}
