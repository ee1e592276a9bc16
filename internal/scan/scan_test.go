package scan_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

const gap = 600 * time.Millisecond

// bench is one scan in a world of its own and in fake time.
type bench struct {
	*testing.T
	world  *mcptest.World
	ledger *ledger
	opts   scan.Options
	began  time.Time
}

// inWorld runs f in fake time. synctest fails the test when a goroutine is
// left; the rest is checked here.
func inWorld(t *testing.T, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := mcptest.NewWorld(t)
		b := &bench{T: t, world: w, ledger: &ledger{dial: w.Dial}, began: time.Now()}
		b.opts = scan.Options{
			Probe: probe.Options{
				Egress: egress.Options{Resolve: w.Resolve, Dial: b.ledger.Dial, RootCAs: w.RootCAs()}, Budget: 10 * time.Second,
			},
			Gap: gap, PerAddress: 1,
		}
		f(b)
		if n := b.ledger.open(); n != 0 {
			t.Errorf("%d connections are open after the scan", n)
		}
	})
}

// host puts a server at a name and gives the URLs of n endpoints there.
func (b *bench) host(name string, n int, cfg mcptest.Config, opts ...mcptest.HostOption) []string {
	srv := mcptest.NewServer(cfg)
	h := b.world.Host(name, srv, opts...)
	b.Cleanup(func() {
		if n := srv.Stats().SessionsOpen(); n != 0 {
			b.Errorf("%s: %d sessions were left open", name, n)
		}
	})
	var urls []string
	for i := range n {
		urls = append(urls, h.URL(fmt.Sprintf("/mcp/%d", i)))
	}
	return urls
}

func targets(urls ...string) []scan.Target {
	var out []scan.Target
	for i, u := range urls {
		out = append(out, scan.NewTarget(u, "", fmt.Sprintf("list:%d", i+1)))
	}
	return out
}

// scan runs to the end and gives the records by target.
func (b *bench) scan(urls ...string) map[string]scan.Record {
	b.Helper()
	out := map[string]scan.Record{}
	b.began = time.Now()
	err := scan.New(b.opts).Run(b.Context(), targets(urls...), func(r scan.Record) error {
		if _, twice := out[r.Target]; twice {
			b.Errorf("%s is reported twice", r.Target)
		}
		out[r.Target] = r
		return nil
	})
	if err != nil {
		b.Fatalf("scan: %v", err)
	}
	if len(out) != len(urls) {
		b.Errorf("%d records for %d targets", len(out), len(urls))
	}
	return out
}

// want checks grade, codes and reason of one record.
func (b *bench) want(r scan.Record, g finding.Grade, reason scan.Reason, codes ...string) {
	b.Helper()
	if r.Grade != g || r.NotMeasured != reason || !slices.Equal(r.Codes, codes) {
		b.Errorf("%s: %s %v not measured %q (%s), want %s %v %q", r.Target, r.Grade, r.Codes, r.NotMeasured, r.Note, g, codes, reason)
	}
}

func TestOneAtATimeWithAGap(t *testing.T) {
	inWorld(t, func(b *bench) {
		slow := mcptest.Config{Sessions: true, Faults: []mcptest.Fault{mcptest.Delay(100 * time.Millisecond)}}
		urls := slices.Concat(
			b.host("a.shop.example", 5, slow, mcptest.At("8.8.7.1")),
			b.host("b.shop.example", 5, slow, mcptest.At("8.8.7.2")),
			// A stranger that shares the address of the first.
			b.host("other.test", 5, slow, mcptest.At("8.8.7.1"), mcptest.PlainHTTP),
			// And one that has nothing to do with either.
			b.host("free.test", 5, slow, mcptest.At("8.8.7.9")),
		)
		for url, r := range b.scan(urls...) {
			if r.Grade != finding.Healthy {
				b.Errorf("%s: %s %v", url, r.Grade, r.Codes)
			}
		}
		b.ledger.polite(t, "domain shop.example", "8.8.7.2")
		b.ledger.polite(t, "address", "8.8.7.1")
		b.ledger.polite(t, "free", "8.8.7.9")
		if most := b.ledger.most(); most < 2 {
			b.Errorf("at most %d connections at once: nothing ran side by side", most)
		}
	})
}

func TestDomainIsOneQueue(t *testing.T) {
	inWorld(t, func(b *bench) {
		var urls []string
		for i := range 4 {
			urls = append(urls, b.host(fmt.Sprintf("h%d.shop.co.uk", i), 2, mcptest.Config{}, mcptest.At(fmt.Sprintf("8.8.6.%d", i)))...)
		}
		b.scan(urls...)
		b.ledger.polite(t, "shop.co.uk", "8.8.6.0", "8.8.6.1", "8.8.6.2", "8.8.6.3")
	})
}

func TestPerAddressCanBeRelaxed(t *testing.T) {
	for _, tt := range []struct{ limit, atMost, atLeast int }{{1, 1, 1}, {3, 3, 3}, {0, 20, 10}} {
		inWorld(t, func(b *bench) {
			b.opts.PerAddress = tt.limit
			var urls []string
			for i := range 20 {
				srv := mcptest.NewServer(mcptest.Config{Faults: []mcptest.Fault{mcptest.Delay(time.Second)}})
				h := b.world.Host(fmt.Sprintf("s%d.test", i), srv, mcptest.At("8.8.5.5"), mcptest.CertNames("*.test"))
				urls = append(urls, h.URL("/mcp"))
			}
			b.scan(urls...)
			if most := b.ledger.most(); most > tt.atMost || most < tt.atLeast {
				b.Errorf("per address %d: %d at once, want %d to %d", tt.limit, most, tt.atLeast, tt.atMost)
			}
		})
	}
}

func TestAccusationNeedsTwo(t *testing.T) {
	inWorld(t, func(b *bench) {
		dead := b.world.Host("dead.test", nil, mcptest.Refused).URL("/mcp")
		back := b.world.Host("back.test", mcptest.NewServer(mcptest.Config{}), mcptest.Refused, mcptest.HealsAfter(1)).URL("/mcp")
		busy := b.host("busy.test", 1, mcptest.Config{Faults: []mcptest.Fault{mcptest.Answer(503, "text/plain", "no healthy upstream")}})[0]
		fine := b.host("fine.test", 1, mcptest.Config{})[0]
		got := b.scan(dead, back, busy, fine)
		b.want(got[dead], finding.Dead, "", "tcp.refused")
		b.want(got[back], finding.Healthy, "")
		b.want(got[busy], finding.Dead, "", "http.5xx")
		b.want(got[fine], finding.Healthy, "")
		if got[dead].Observations != 2 || got[fine].Observations != 1 {
			b.Errorf("observations: dead %d, healthy %d", got[dead].Observations, got[fine].Observations)
		}
		if !slices.Equal(got[back].Unconfirmed, []string{"tcp.refused"}) {
			b.Errorf("back: unconfirmed %v", got[back].Unconfirmed)
		}
		for host, least := range map[string]time.Duration{"dead.test": 5 * time.Second, "busy.test": 20 * time.Second} {
			addrs, err := b.world.Resolve(b.Context(), host)
			if err != nil {
				b.Fatal(err)
			}
			spans := b.ledger.at(addrs[0].String())
			if apart := spans[len(spans)-1].from.Sub(spans[0].to); apart < least {
				b.Errorf("%s: the second probe came after %s, want %s", host, apart, least)
			}
		}
	})
}

// A second probe waits its turn outside the pool: ten workers full of time-outs
// must not keep a healthy endpoint waiting for the confirmations.
func TestTimeoutsDoNotBlock(t *testing.T) {
	inWorld(t, func(b *bench) {
		b.opts.Parallel = 10
		var urls []string
		for i := range 40 {
			urls = append(urls, b.world.Host(fmt.Sprintf("hole%d.test", i), nil, mcptest.Blackhole).URL("/mcp"))
		}
		fine := b.host("fine.test", 3, mcptest.Config{}) // the longest queue goes first
		for _, r := range b.scan(append(urls, fine...)...) {
			if slices.Contains(fine, r.Target) {
				b.want(r, finding.Healthy, "")
			} else {
				b.want(r, finding.Dead, "", "tcp.timeout")
			}
		}
		// 40 x 2 probes of 10 s on 10 workers.
		if took := time.Since(b.began); took > 100*time.Second {
			b.Errorf("took %s, want about 80 s", took)
		}
	})
}

func TestRetryAfterIsKept(t *testing.T) {
	inWorld(t, func(b *bench) {
		throttle := mcptest.First(1, mcptest.AnswerWith(429, http.Header{"Retry-After": {"30"}, "Content-Type": {"text/plain"}}, "slow down"))
		urls := b.host("api.test", 3, mcptest.Config{Faults: []mcptest.Fault{throttle}}, mcptest.At("8.8.4.4"))
		for url, r := range b.scan(urls...) {
			if r.Grade != finding.Healthy {
				b.Errorf("%s: %s %v %s", url, r.Grade, r.Codes, r.Note)
			}
		}
		spans := b.ledger.at("8.8.4.4")
		if pause := spans[1].from.Sub(spans[0].to); pause < 30*time.Second {
			b.Errorf("came back after %s, the host asked for 30 s", pause)
		}
		b.ledger.polite(t, "api.test", "8.8.4.4")
	})
}

func TestThrottledIsNotDead(t *testing.T) {
	inWorld(t, func(b *bench) {
		always := mcptest.Answer(429, "text/plain", "slow down")
		hour := mcptest.AnswerWith(429, http.Header{"Retry-After": {"3600"}}, "come back later")
		always429 := b.host("always.test", 20, mcptest.Config{Faults: []mcptest.Fault{always}}, mcptest.At("8.8.4.1"))
		hours := b.host("hour.test", 20, mcptest.Config{Faults: []mcptest.Fault{hour}}, mcptest.At("8.8.4.2"))
		for url, r := range b.scan(slices.Concat(always429, hours)...) {
			if r.Grade != finding.Unknown || r.NotMeasured != scan.SkipThrottled {
				b.Errorf("%s: %s %v %q", url, r.Grade, r.Codes, r.NotMeasured)
			}
		}
		if n := len(b.ledger.at("8.8.4.2")); n != 1 {
			b.Errorf("asked %d times although the first answer said to come back in an hour", n)
		}
		if n := len(b.ledger.at("8.8.4.1")); n > 10 {
			b.Errorf("asked %d times although every answer was 429", n)
		}
		// Each 429 widens the gap.
		spans := b.ledger.at("8.8.4.1")
		for i := 2; i < len(spans); i++ {
			before, now := spans[i-1].from.Sub(spans[i-2].to), spans[i].from.Sub(spans[i-1].to)
			if now < before && now < 30*time.Second {
				b.Errorf("the gap shrank from %s to %s", before, now)
			}
		}
	})
}

func TestRobotsAndOptOut(t *testing.T) {
	inWorld(t, func(b *bench) {
		b.opts.Robots = "holdfast"
		b.opts.OptOut = scan.OptOut{"shy.test": {}}
		robots := func(text string) mcptest.Config {
			return mcptest.Config{Faults: []mcptest.Fault{mcptest.When(
				func(ex *mcptest.Exchange) bool { return ex.R.URL.Path == "/robots.txt" },
				mcptest.Answer(200, "text/plain", text),
			)}}
		}
		closed := b.host("closed.test", 2, robots("User-agent: Holdfast\nDisallow: /mcp/1\n"))
		open := b.host("open.test", 1, robots("User-agent: *\nDisallow: /private\n"))[0]
		none := b.host("none.test", 1, mcptest.Config{})[0]
		shy := b.host("mcp.shy.test", 1, mcptest.Config{})[0]
		down := b.world.Host("down.test", nil, mcptest.Blackhole).URL("/mcp")
		got := b.scan(append(closed, open, none, shy, down)...)
		b.want(got[closed[0]], finding.Healthy, "")
		b.want(got[closed[1]], finding.Unknown, scan.SkipRobots)
		b.want(got[open], finding.Healthy, "")
		b.want(got[none], finding.Healthy, "")
		b.want(got[shy], finding.Unknown, scan.SkipOptOut)
		b.want(got[down], finding.Dead, "", "tcp.timeout")
	})
}

func TestSample(t *testing.T) {
	inWorld(t, func(b *bench) {
		b.opts.PerHost = 3
		urls := b.host("big.test", 12, mcptest.Config{})
		few := b.host("few.test", 2, mcptest.Config{})
		measured := func() (out []string) {
			for url, r := range b.scan(slices.Concat(urls, few)...) {
				if r.Grade == finding.Healthy {
					out = append(out, url)
				} else {
					b.want(r, finding.Unknown, scan.SkipSample)
				}
			}
			slices.Sort(out)
			return out
		}
		first := measured()
		if len(first) != 5 {
			b.Errorf("%d endpoints were measured, want 3 of big.test and 2 of few.test", len(first))
		}
		if again := measured(); !slices.Equal(first, again) {
			b.Errorf("another sample in the second run: %v, %v", first, again)
		}
	})
}

// Our own network goes down in the middle of a scan and comes back.
func TestOurOwnNetworkDown(t *testing.T) {
	for _, withControl := range []bool{true, false} {
		inWorld(t, func(b *bench) {
			var from, to time.Time
			dial := b.ledger.dial
			b.ledger.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if now := time.Now(); now.After(from) && now.Before(to) {
					address = "8.9.9.9:443" // nobody is there
				}
				return dial(ctx, network, address)
			}
			var urls []string
			for i := range 600 {
				urls = append(urls, b.host(fmt.Sprintf("s%d.test", i), 1, mcptest.Config{Faults: []mcptest.Fault{mcptest.Delay(time.Second)}})...)
			}
			if withControl {
				b.opts.Control = b.host("control.example", 1, mcptest.Config{})[0]
			}
			b.opts.Parallel = 20
			from = time.Now().Add(10 * time.Second)
			to = from.Add(25 * time.Second)
			for url, r := range b.scan(urls...) {
				if r.Grade.Accuses() {
					b.Errorf("control %v: %s is called %s %v", withControl, url, r.Grade, r.Codes)
				}
			}
		})
	}
}

// A list on which nothing answers is not called dead: the fault may be ours.
func TestNothingAnswers(t *testing.T) {
	inWorld(t, func(b *bench) {
		var urls []string
		for i := range 200 {
			urls = append(urls, b.world.Host(fmt.Sprintf("s%d.test", i), nil, mcptest.Unreachable, mcptest.DNSTimeout).URL("/mcp"))
		}
		for _, r := range b.scan(urls...) {
			if r.Grade != finding.Unknown {
				b.Errorf("%s: %s %v", r.Target, r.Grade, r.Codes)
			}
		}
	})
}

func TestInterrupt(t *testing.T) {
	inWorld(t, func(b *bench) {
		var urls []string
		for i := range 50 {
			cfg := mcptest.Config{Sessions: true, Era: mcptest.Legacy, Faults: []mcptest.Fault{mcptest.Delay(time.Second)}}
			urls = append(urls, b.host(fmt.Sprintf("s%d.test", i), 2, cfg)...)
			urls = append(urls, b.world.Host(fmt.Sprintf("d%d.test", i), nil, mcptest.Refused).URL("/mcp"))
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(b.Context())
		time.AfterFunc(8*time.Second, func() { cancel(cause) })
		b.opts.Parallel = 60
		b.opts.ConfirmAfter = 9 * time.Second // due while the last probes clean up
		var healthy, unconfirmed int
		err := scan.New(b.opts).Run(ctx, targets(urls...), func(r scan.Record) error {
			switch {
			case r.Grade == finding.Healthy:
				healthy++
			case r.NotMeasured == scan.SkipCanceled && len(r.Unconfirmed) > 0:
				unconfirmed++
			default:
				b.Errorf("%s: %s %v %q", r.Target, r.Grade, r.Codes, r.NotMeasured)
			}
			return nil
		})
		if !errors.Is(err, cause) {
			b.Errorf("error %v, want %v", err, cause)
		}
		if unconfirmed == 0 {
			b.Error("no accusation was under way: the test proves nothing")
		}
		if took := time.Since(b.began); took > 10*time.Second {
			b.Errorf("took %s to stop", took)
		}
		if healthy == 0 {
			b.Error("nothing was measured before the end: the test proves nothing")
		}
	})
}

func TestSinkError(t *testing.T) {
	inWorld(t, func(b *bench) {
		full := errors.New("no space left on device")
		n := 0
		err := scan.New(b.opts).Run(b.Context(), targets(b.host("a.test", 30, mcptest.Config{})...), func(scan.Record) error {
			if n++; n == 3 {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) || n != 3 {
			b.Errorf("error %v after %d records", err, n)
		}
	})
}

func TestNotURLs(t *testing.T) {
	inWorld(t, func(b *bench) {
		got := b.scan("https://{tenant}.example.com/mcp", "nonsense", "https://user:secret@a.test/mcp?key=hidden", "ftp://a.test/", "http://[::1/mcp?key=hidden")
		for target, r := range got {
			if r.Grade != finding.Dead || !strings.HasPrefix(r.Codes[0], "url.") {
				b.Errorf("%s: %s %v", target, r.Grade, r.Codes)
			}
			if line := fmt.Sprintf("%+v", r); strings.Contains(line, "secret") || strings.Contains(line, "hidden") {
				b.Errorf("a secret of the URL is in the record: %s", line)
			}
		}
		if took := time.Since(b.began); took > time.Second {
			b.Errorf("took %s without a network", took)
		}
	})
}
