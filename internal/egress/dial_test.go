package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// answers is a resolver that gives its lists one after the other, the last for ever.
func answers(lists ...[]netip.Addr) (func(context.Context, string) ([]netip.Addr, error), *atomic.Int64) {
	asked := new(atomic.Int64)
	return func(context.Context, string) ([]netip.Addr, error) {
		n := int(asked.Add(1))
		return slices.Clone(lists[min(n, len(lists))-1]), nil
	}, asked
}

func TestRebinding(t *testing.T) {
	c := newCanary(t)
	resolve, asked := answers(addrs("93.184.215.14"), addrs("127.0.0.1"))
	client := New(Options{Resolve: resolve, Dial: c.dial, DisableKeepAlives: true})
	u := &url.URL{Scheme: "http", Host: "rebind.example:" + c.port()}
	if err := get(t, client, u); err != nil {
		t.Fatalf("first answer is public: %v", err)
	}
	if seen := c.take(); !slices.Equal(seen, []string{"93.184.215.14:" + c.port()}) || asked.Load() != 1 {
		t.Fatalf("dialled %v after %d resolutions; want the one checked address after one", seen, asked.Load())
	}
	e := failure(t, get(t, client, u))
	if e.Kind != Blocked || e.Phase != PhaseDNS {
		t.Errorf("second answer is private: %v", e)
	}
	if seen := c.take(); len(seen) > 0 {
		t.Errorf("dialled %v", seen)
	}
}

func TestMixedAnswers(t *testing.T) {
	tests := []struct {
		name  string
		allow []netip.Prefix
		in    []netip.Addr
		want  []string // dialled when every dial fails, in order
	}{
		{"private A, public AAAA", nil, addrs("10.0.0.1", "2606:4700::1"), []string{"[2606:4700::1]:80"}},
		{"public A, private AAAA", nil, addrs("93.184.215.14", "fd00::1", "::1"), []string{"93.184.215.14:80"}},
		{"mapped private", nil, addrs("::ffff:127.0.0.1", "::ffff:1.1.1.1"), []string{"1.1.1.1:80"}},
		{"metadata among allowed", Private(), addrs("10.0.0.1", "fd00:ec2::254", "fd00::1"), []string{"10.0.0.1:80", "[fd00::1]:80"}},
		{"only refused", nil, addrs("10.0.0.1", "169.254.169.254"), nil},
		{"families alternate", nil, addrs("2606:4700::1", "2606:4700::2", "1.1.1.1", "1.1.1.2"), []string{"[2606:4700::1]:80", "1.1.1.1:80", "[2606:4700::2]:80", "1.1.1.2:80"}},
		{"twice the same", nil, addrs("1.1.1.1", "::ffff:1.1.1.1", "1.1.1.1"), []string{"1.1.1.1:80"}},
		{"more than are tried", nil, addrs("1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.6", "1.1.1.7", "1.1.1.8", "1.1.1.9"), []string{"1.1.1.1:80", "1.1.1.2:80", "1.1.1.3:80", "1.1.1.4:80", "1.1.1.5:80", "1.1.1.6:80", "1.1.1.7:80", "1.1.1.8:80"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resolve, _ := answers(tt.in)
			var dialled []string
			client := New(Options{Guard: Guard{tt.allow}, Resolve: resolve, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				dialled = append(dialled, address) // one at a time: the next starts when this has failed
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}})
			e := failure(t, get(t, client, &url.URL{Scheme: "http", Host: "mixed.example"}))
			if diff := cmp.Diff(tt.want, dialled); diff != "" {
				t.Errorf("dialled (-want +got):\n%s", diff)
			}
			if want := map[bool]Kind{true: Blocked, false: Refused}[tt.want == nil]; e.Kind != want {
				t.Errorf("got %v, want %s", e, want)
			}
		})
	}
}

// TestConnectRace checks in fake time what each address is given, and which
// failure is told when none answers.
func TestConnectRace(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	noRoute := &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
	type host struct {
		after time.Duration // 0: silent for ever
		err   error
	}
	tests := []struct {
		name   string
		hosts  map[string]host
		took   time.Duration
		kind   Kind // Unknown: connected
		remote string
	}{
		{"first answers", map[string]host{"1.1.1.1": {20 * time.Millisecond, nil}, "1.1.1.2": {time.Millisecond, nil}}, 20 * time.Millisecond, Unknown, "1.1.1.1"},
		{"first is silent", map[string]host{"1.1.1.1": {}, "1.1.1.2": {20 * time.Millisecond, nil}}, 270 * time.Millisecond, Unknown, "1.1.1.2"},
		{"two are silent", map[string]host{"1.1.1.1": {}, "1.1.1.2": {}, "1.1.1.3": {20 * time.Millisecond, nil}}, 520 * time.Millisecond, Unknown, "1.1.1.3"},
		{"silent, no route, answers", map[string]host{"1.1.1.1": {}, "1.1.1.2": {time.Millisecond, noRoute}, "1.1.1.3": {20 * time.Millisecond, nil}}, 271 * time.Millisecond, Unknown, "1.1.1.3"},
		{"first is slow and wins", map[string]host{"1.1.1.1": {300 * time.Millisecond, nil}, "1.1.1.2": {100 * time.Millisecond, nil}}, 300 * time.Millisecond, Unknown, "1.1.1.1"},
		{"first has no route", map[string]host{"1.1.1.1": {time.Millisecond, noRoute}, "1.1.1.2": {20 * time.Millisecond, nil}}, 21 * time.Millisecond, Unknown, "1.1.1.2"},
		{"no route, then refused", map[string]host{"1.1.1.1": {time.Millisecond, noRoute}, "1.1.1.2": {time.Millisecond, refused}}, 2 * time.Millisecond, Refused, "1.1.1.2"},
		{"refused, then no route", map[string]host{"1.1.1.1": {time.Millisecond, refused}, "1.1.1.2": {time.Millisecond, noRoute}}, 2 * time.Millisecond, Refused, "1.1.1.1"},
		{"both silent", map[string]host{"1.1.1.1": {}, "1.1.1.2": {}}, 5 * time.Second, Timeout, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				resolve, _ := answers(addrs("1.1.1.1", "1.1.1.2", "1.1.1.3")[:len(tt.hosts)])
				client := New(Options{Resolve: resolve, ConnectTimeout: 5 * time.Second, DisableKeepAlives: true,
					Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
						h := tt.hosts[strings.TrimSuffix(address, ":80")]
						if h.after == 0 {
							<-ctx.Done()
							return nil, ctx.Err()
						}
						select {
						case <-time.After(h.after):
						case <-ctx.Done():
							return nil, ctx.Err()
						}
						if h.err != nil {
							return nil, h.err
						}
						return pipeServer(answerOK), nil
					}})
				start := time.Now()
				res, err := client.Do(newGet(t, "http://race.example/"))
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if tt.kind == Unknown {
					if err != nil {
						t.Fatal(err)
					}
					if res.Remote.Addr().String() != tt.remote || res.Timing.Connect != tt.took {
						t.Errorf("connected to %v in %v, want %s in %v", res.Remote, res.Timing.Connect, tt.remote, tt.took)
					}
					_ = res.Body.Close()
					return
				}
				e := failure(t, err)
				if e.Kind != tt.kind || e.Phase != PhaseConnect || tt.remote != "" && e.Addr.Addr().String() != tt.remote {
					t.Errorf("got %#v, want %s of %s", e, tt.kind, tt.remote)
				}
			})
		})
	}
}

func TestResolverFaults(t *testing.T) {
	tests := []struct {
		name string
		err  error
		kind Kind
	}{
		{"nxdomain", &net.DNSError{Err: "no such host", IsNotFound: true}, NXDomain},
		{"servfail", &net.DNSError{Err: "server misbehaving", IsTemporary: true}, ServFail},
		{"timeout", &net.DNSError{Err: "i/o timeout", IsTimeout: true}, Timeout},
		{"other", errors.New("boom"), ServFail},
		{"no address", nil, NXDomain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := New(Options{Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, tt.err }})
			e := failure(t, get(t, client, &url.URL{Scheme: "https", Host: "x.example"}))
			if e.Kind != tt.kind || e.Phase != PhaseDNS || e.Host != "x.example" || e.Addr.IsValid() {
				t.Errorf("got %#v, want %s in dns", e, tt.kind)
			}
		})
	}
}

func TestSilentResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := New(Options{ConnectTimeout: 3 * time.Second, Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		start := time.Now()
		e := failure(t, get(t, client, &url.URL{Scheme: "http", Host: "x.example"}))
		if e.Kind != Timeout || e.Phase != PhaseDNS || time.Since(start) != 3*time.Second {
			t.Errorf("got %v after %v", e, time.Since(start))
		}
	})
}

// TestDialEndsWithCall: net/http lets a dial outlive its request; ours must not.
func TestDialEndsWithCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		client := New(Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			ended <- time.Now()
			return nil, ctx.Err()
		}})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Do(newGet(t, "http://1.1.1.1/").WithContext(ctx))
		if e := failure(t, err); e.Kind != Timeout || e.Phase != PhaseConnect {
			t.Errorf("got %v, want a time-out in connect", e)
		}
		if at := <-ended; at.Sub(start) != time.Second {
			t.Errorf("the dial ended after %v, the call after 1s", at.Sub(start))
		}
	})
}

func TestRefusedForReal(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	client := New(Options{Guard: Guard{Loopback()}})
	_, err = client.Do(newGet(t, "http://"+ln.Addr().String()+"/secret?token=abc"))
	e := failure(t, err)
	if e.Kind != Refused || e.Phase != PhaseConnect || e.Addr.String() != ln.Addr().String() {
		t.Errorf("got %#v", e)
	}
	if strings.Contains(e.Error(), "abc") || strings.Contains(e.Error(), "secret") {
		t.Errorf("the error shows the path or query: %v", e)
	}
}

func TestProxyVariablesIgnored(t *testing.T) {
	c := newCanary(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+c.addr)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	// net/http reads the variables once a process: were they read before this
	// test, it could not fail. (With -count the earlier canary's address stays.)
	if p, err := http.ProxyFromEnvironment(newGet(t, "http://mcp.example/")); err != nil || p == nil {
		t.Fatalf("the test has no teeth: net/http would use proxy %v, %v", p, err)
	}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer backend.Close()
	resolve, _ := answers(addrs("93.184.215.14"))
	client := New(Options{Resolve: resolve, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "93.184.215.14:80" {
			t.Errorf("dialled %s", address)
		}
		return new(net.Dialer).DialContext(ctx, network, backend.Listener.Addr().String())
	}})
	defer client.CloseIdle()
	res, err := client.Do(newGet(t, "http://mcp.example/"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusAccepted || c.hits.Load() != 0 {
		t.Errorf("status %d, the proxy was hit %d times", res.StatusCode, c.hits.Load())
	}
}

func TestBadRequests(t *testing.T) {
	for _, raw := range []string{"ftp://1.1.1.1/", "file:///etc/passwd", "http:///x", "//1.1.1.1/", "gopher://1.1.1.1:70/", "unix:///run/x.sock"} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if e := failure(t, get(t, New(Options{}), u)); e.Kind != BadRequest || e.Phase != PhaseQueue {
			t.Errorf("%s: %v", raw, e)
		}
	}
	req := newGet(t, "http://1.1.1.1/")
	req.Header["X"] = []string{"a\r\nb: c"}
	_, err := New(Options{}).Do(req)
	if e := failure(t, err); e.Kind != BadRequest {
		t.Errorf("header with CRLF: %v", e)
	}
	if e := failure(t, get(t, New(Options{}), &url.URL{Scheme: "http", Host: "1.1.1.1:0"})); e.Kind != BadRequest {
		t.Errorf("port 0: %v", e)
	}
	if e := failure(t, get(t, New(Options{HTTPSOnly: true}), &url.URL{Scheme: "http", Host: "1.1.1.1"})); e.Kind != Blocked {
		t.Errorf("http with HTTPSOnly: %v", e)
	}
}

func failure(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	if e.Err == nil {
		t.Fatal("the Error has no cause")
	}
	return e
}

func newGet(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}
