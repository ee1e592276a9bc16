package egress

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// spellings: one host a line as it stands in a URL, then the address it is
// dialled at when a Guard allows that address, "-" when it must never be
// dialled whatever is allowed.
//
//nolint:gochecknoglobals // a table
const spellings = `
127.0.0.1                        127.0.0.1
127.0.0.0                        127.0.0.0
127.1.2.3                        127.1.2.3
127.255.255.254                  127.255.255.254
127.1                            -
127.0.1                          -
127.0.0.1.                       -
127.0.0.1..                      -
127                              -
2130706433                       -
2130706433.                      -
02130706433                      -
017700000001                     -
017700000001.                    -
0177.0.0.1                       -
0177.0.0.01                      -
0177.1                           -
00000177.0.0.1                   -
127.0.0.01                       -
127.00.00.01                     -
127.0.0.001                      -
0x7f.1                           -
0x7f.1.                          -
0x7f.0.0.1                       -
0x7f.0x0.0x0.0x1                 -
0X7F.0.0.1                       -
0x7F000001                       -
0x7f000001                       -
0x07f000001                      -
0x7f.0.1                         -
127.0.0.0x1                      -
127.0x0.1                        -
0x                               -
foo.0x                           -
6425673729                       -
256.0.0.1                        -
383.0.0.1                        -
127.0.0.257                      -
127.0.0.1.0                      -
1.2.3.4.5                        -
evil.example.127                 -
0                                -
0.                               -
0.0                              -
0x0                              -
00                               -
0.0.0.0                          0.0.0.0
0.0.0.1                          0.0.0.1
127.0.0.1              127.0.0.1
127。0。0。1                      127.0.0.1
①②⑦.⓪.⓪.①                        127.0.0.1
127。1                        -
0x7f.1                      -
localhost                        127.0.0.1
LOCALHOST                        127.0.0.1
LocalHost                        127.0.0.1
localhost.                       127.0.0.1
localhost..                      127.0.0.1
foo.localhost                    127.0.0.1
localhost.localdomain            127.0.0.1
ip6-localhost                    127.0.0.1
localhost                 127.0.0.1
ⓛⓞⓒⓐⓛⓗⓞⓢⓣ                      127.0.0.1
127.0.0.1.nip.example            127.0.0.1
rebind_me.example                127.0.0.1
xn--localhost-.example           127.0.0.1
[::1]                            ::1
[0:0:0:0:0:0:0:1]                ::1
[0000:0000:0000:0000:0000:0000:0000:0001] ::1
[::0001]                         ::1
[::0.0.0.1]                      ::1
[::1%25lo]                       ::1%25lo
[::1%lo]                         ::1%lo
[::ffff:127.0.0.1]               127.0.0.1
[::FFFF:127.0.0.1]               127.0.0.1
[::ffff:7f00:1]                  127.0.0.1
[0:0:0:0:0:ffff:7f00:0001]       127.0.0.1
[::ffff:127.0.0.1%25eth0]        127.0.0.1
[::ffff:0x7f.1]                  -
[::ffff:127.1]                   -
[::ffff:0177.0.0.1]              -
[::127.0.0.1]                    ::7f00:1
[::7f00:1]                       ::7f00:1
[::ffff:0:127.0.0.1]             ::ffff:0:7f00:1
[64:ff9b::127.0.0.1]             64:ff9b::7f00:1
[64:ff9b::7f00:1]                64:ff9b::7f00:1
[64:ff9b:1::7f00:1]              64:ff9b:1::7f00:1
[2002:7f00:1::]                  2002:7f00:1::
[2002:7f00:0001::1]              2002:7f00:1::1
[2001:0:7f00:1::]                2001:0:7f00:1::
[2001::1]                        2001::1
[2606:4700::5efe:127.0.0.1]      2606:4700::5efe:7f00:1
[::]                             ::
[0:0:0:0:0:0:0:0]                ::
[::%25lo]                        ::%25lo
[::ffff:0.0.0.0]                 0.0.0.0
10.0.0.1                         10.0.0.1
10.255.255.255                   10.255.255.255
10.1                             -
012.0.0.1                        -
0xa.0.0.1                        -
0x0a000001                       -
167772161                        -
01200000001                      -
[::ffff:10.0.0.1]                10.0.0.1
[::ffff:a00:1]                   10.0.0.1
[64:ff9b::10.0.0.1]              64:ff9b::a00:1
[2002:a00:1::]                   2002:a00:1::
172.16.0.1                       172.16.0.1
172.31.255.254                   172.31.255.254
0xac.0x10.0.1                    -
2886729729                       -
192.168.0.1                      192.168.0.1
192.168.1                        -
3232235521                       -
0300.0250.0.1                    -
[::ffff:c0a8:1]                  192.168.0.1
100.64.0.1                       100.64.0.1
[fd00::1]                        fd00::1
[fc00::1]                        fc00::1
[fdff:ffff::1]                   fdff:ffff::1
[fec0::1]                        fec0::1
[fe80::1]                        fe80::1
[fe80::1%25eth0]                 fe80::1%25eth0
[ff02::1]                        ff02::1
169.254.169.254                  -
169.254.169.254.                 -
169.254.43518                    -
2852039166                       -
0xa9fea9fe                       -
0xa9.0xfe.0xa9.0xfe              -
0251.0376.0251.0376              -
025177524776                     -
[::ffff:169.254.169.254]         -
[::ffff:a9fe:a9fe]               -
[0:0:0:0:0:ffff:a9fe:a9fe]       -
[64:ff9b::a9fe:a9fe]             -
[64:ff9b::169.254.169.254]       -
[2002:a9fe:a9fe::]               -
[2002:a9fe:a9fe::1]              -
[fd00:ec2::254]                  -
[fd00:0ec2:0:0:0:0:0:0254]       -
[fd00:ec2::254%25eth0]           -
[fd20:ce::254]                   -
[fe80::a9fe:a9fe%25eth0]         -
169.254.170.2                    -
169.254.170.23                   -
100.100.100.200                  -
168.63.129.16                    -
metadata.example                 -
metadata.example.                -
169.254.1.1                      169.254.1.1
192.0.2.1                        192.0.2.1
198.18.0.1                       198.18.0.1
224.0.0.1                        224.0.0.1
240.0.0.1                        240.0.0.1
255.255.255.255                  255.255.255.255
4294967295                       -
127.0.0.1%00.example             -
127.0.0.1%2f.example             -
127.0.0.1\.example               -
127.0.0.1#.example               -
127.0.0.1,example                -
127.0.0.1;example                -
127.0.0.1\t                      -
public.example@127.0.0.1         -
[127.0.0.1]                      127.0.0.1
[localhost]                      127.0.0.1
`

// urlSpellings are tricks that need a whole URL; PORT is filled in. All lead
// to 127.0.0.1 when it is allowed.
var urlSpellings = []string{
	"http://public.example@127.0.0.1:PORT/",
	"http://public.example:80@127.0.0.1:PORT/",
	"http://public.example%40@127.0.0.1:PORT/",
	"http://user:public.example@127.0.0.1:PORT/",
	"http://127.0.0.1:PORT/@public.example",
	"http://127.0.0.1:PORT?@public.example/",
	"http://127.0.0.1:PORT#@public.example/",
	"http://[::ffff:127.0.0.1]:PORT/",
	"http://127.0.0.1:0PORT/",
	"HTTP://127.0.0.1:PORT/",
}

// hostileResolver answers like the worst one can: every name, known or not,
// is an inner address.
func hostileResolver(_ context.Context, host string) ([]netip.Addr, error) {
	if strings.HasPrefix(host, "metadata.") {
		return []netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// canary is a real server on loopback; every dial of a client made with its
// dial method is noted and led there, so that a slip is seen and harmless.
type canary struct {
	*http.Server
	addr string
	hits atomic.Int64
	mu   sync.Mutex
	seen []string
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &canary{addr: ln.Addr().String()}
	c.Server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.hits.Add(1)
		w.WriteHeader(http.StatusNoContent)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Serve(ln) }()
	t.Cleanup(func() { _ = c.Close(); <-done })
	return c
}

func (c *canary) port() string { _, p, _ := net.SplitHostPort(c.addr); return p }

func (c *canary) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	c.seen = append(c.seen, address)
	c.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, c.addr)
}

func (c *canary) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

func TestSpellings(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(spellings), "\n")
	if len(lines) < 120 {
		t.Fatalf("%d spellings, want at least 120", len(lines))
	}
	guards := map[string][]netip.Prefix{
		"zero":     nil,
		"loopback": Loopback(),
		"private":  Private(),
		"every":    {netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	}
	for name, allow := range guards {
		t.Run(name, func(t *testing.T) {
			c := newCanary(t)
			client := New(Options{Guard: Guard{Allow: allow}, Resolve: hostileResolver, Dial: c.dial, DisableKeepAlives: true})
			passed := 0
			for _, line := range lines {
				i := strings.LastIndexByte(line, ' ')
				host, reach := strings.TrimSpace(line[:i]), line[i+1:]
				want := covered(allow, reach)
				err := get(t, client, &url.URL{Scheme: "http", Host: strings.ReplaceAll(host, `\t`, "\t") + ":" + c.port(), Path: "/"})
				seen := c.take()
				switch {
				case want && (err != nil || !slices.Equal(seen, []string{net.JoinHostPort(reach, c.port())})):
					t.Errorf("%s: dialled %v, %v; want %s", host, seen, err, reach)
				case !want && (err == nil || len(seen) > 0):
					t.Errorf("%s: dialled %v, %v; want no dial", host, seen, err)
				case want:
					passed++
				}
				if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Kind != Blocked && e.Kind != BadRequest) {
					t.Errorf("%s: %v is neither blocked nor bad_request", host, err)
				}
			}
			if int(c.hits.Load()) != passed {
				t.Errorf("the canary was hit %d times, %d spellings are allowed", c.hits.Load(), passed)
			}
			t.Logf("%d of %d spellings pass", passed, len(lines))
		})
	}
}

// covered judges without the Guard whether an allow list covers the address.
func covered(allow []netip.Prefix, reach string) bool {
	if reach == "-" {
		return false
	}
	a := netip.MustParseAddr(reach).WithZone("")
	return slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

func TestURLSpellings(t *testing.T) {
	for _, allow := range [][]netip.Prefix{nil, Loopback()} {
		c := newCanary(t)
		client := New(Options{Guard: Guard{Allow: allow}, Resolve: hostileResolver, Dial: c.dial, DisableKeepAlives: true})
		for _, s := range urlSpellings {
			u, err := url.Parse(strings.ReplaceAll(s, "PORT", c.port()))
			if err != nil {
				t.Fatalf("%s: %v; a spelling that is no URL proves nothing", s, err)
			}
			err = get(t, client, u)
			if want := len(allow) > 0; (err == nil) != want {
				t.Errorf("allow %v, %s: %v, want pass %v", allow, s, err, want)
			}
		}
		want := int64(0)
		if len(allow) > 0 {
			want = int64(len(urlSpellings))
		}
		if c.hits.Load() != want {
			t.Errorf("allow %v: the canary was hit %d times, want %d", allow, c.hits.Load(), want)
		}
	}
}

// TestRealDialer runs the spellings of loopback with nothing replaced: the
// system's resolver (literals and localhost only, which is never asked) and a
// real socket.
func TestRealDialer(t *testing.T) {
	c := newCanary(t)
	hosts := []string{"127.0.0.1", "localhost", "a.LOCALHOST.", "0x7f.1", "017700000001", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "0"}
	guarded, open := New(Options{DisableKeepAlives: true}), New(Options{Guard: Guard{Loopback()}, DisableKeepAlives: true})
	for _, h := range hosts {
		if err := get(t, guarded, &url.URL{Scheme: "http", Host: h + ":" + c.port()}); err == nil {
			t.Errorf("%s passed the zero guard", h)
		}
	}
	if n := c.hits.Load(); n != 0 {
		t.Fatalf("the canary was hit %d times", n)
	}
	for _, h := range hosts {
		_ = get(t, open, &url.URL{Scheme: "http", Host: h + ":" + c.port()}) // the hits tell
	}
	if n := c.hits.Load(); n != 4 { // 127.0.0.1, the two localhosts, the mapped one
		t.Errorf("with loopback allowed the canary was hit %d times, want 4", n)
	}
}

func get(t *testing.T, c *Client, u *url.URL) error {
	t.Helper()
	req := (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}).WithContext(t.Context())
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
