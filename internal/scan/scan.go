package scan

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// Options of a Scanner. The zero value scans strangers' endpoints politely.
type Options struct {
	// Probe says how one endpoint is probed. Patience is set to its Budget,
	// Thorough is off, Egress.Resolve is the name server that the scan's cache
	// asks (nil: the Go resolver).
	Probe probe.Options
	// Resolver bounds and caches name resolution; its Lookup is not used.
	Resolver ResolverOptions

	// Parallel is how many probes are under way at most; default 512.
	Parallel int
	// Gap is the least pause between two probes of one domain or address,
	// from the end of one to the start of the next. 0 is none.
	Gap time.Duration
	// PerDomain and PerAddress are how many probes one registrable domain and
	// one IP address take at a time. PerDomain defaults to 1; a PerAddress
	// below 1 sets no limit.
	PerDomain, PerAddress int
	// PerHost is how many endpoints of one host are measured; the others are
	// reported as not measured. 0 is all.
	PerHost int

	// ConfirmAfter is the least time between the two probes of an accusation,
	// default 5 s; four times that after a 5xx, which is often a restart.
	ConfirmAfter time.Duration
	// MaxRetryAfter is the longest that a server may ask us to wait; beyond it
	// its endpoints are left unmeasured. Default 2 minutes.
	MaxRetryAfter time.Duration

	// Robots is our token in robots.txt; "" ignores robots.txt, which only
	// suits one's own servers.
	Robots string
	// OptOut are hosts that do not want to be asked.
	OptOut OptOut
	// Control is an endpoint known to work, asked in between to tell a dead
	// list from a dead network; "" takes one that worked earlier in the run.
	Control string

	Logger *slog.Logger // nil: none
}

// Scanner scans. It is used for one Run.
type Scanner struct {
	opts     Options
	prober   *probe.Prober
	http     *egress.Client // robots.txt
	resolver *Resolver
	robots   *robots
	progress progressBox
	lag      lag
}

const (
	defaultParallel      = 512
	defaultConfirmAfter  = 5 * time.Second
	defaultMaxRetryAfter = 2 * time.Minute
	defaultBudget        = 10 * time.Second
	// serverErrorFactor lengthens ConfirmAfter for 5xx.
	serverErrorFactor = 4
	// maxThrottled answers 429 in a row make us leave a domain alone.
	maxThrottled = 8
	// maxRedone is how often a target is measured again because we were busy.
	maxRedone = 3
)

// New returns a Scanner.
func New(o Options) *Scanner {
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.ConfirmAfter <= 0 {
		o.ConfirmAfter = defaultConfirmAfter
	}
	if o.MaxRetryAfter <= 0 {
		o.MaxRetryAfter = defaultMaxRetryAfter
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Probe.Budget <= 0 {
		o.Probe.Budget = defaultBudget
	}
	s := &Scanner{}
	o.Resolver.Lookup = LookupFunc(o.Probe.Egress.Resolve)
	s.resolver = NewResolver(o.Resolver)
	o.Probe.Egress.Resolve = s.resolve
	o.Probe.Patience, o.Probe.Thorough = o.Probe.Budget, false
	s.opts = o
	s.prober = probe.New(o.Probe)
	robotsEgress := o.Probe.Egress
	robotsEgress.DisableKeepAlives = true
	s.http = egress.New(robotsEgress)
	if o.Robots != "" {
		s.robots = newRobots(s.http, o.Robots, o.Probe.UserAgent)
	}
	return s
}

// MemoryLimit is what a scan of so many targets with so many probes in flight
// needs, in bytes, generously: meant for debug.SetMemoryLimit, so that garbage
// is collected before a machine's memory is full of it.
func MemoryLimit(targets, parallel int) int64 {
	const base, perTarget, perProbe = 64 << 20, 1200, 110 << 10
	return base + int64(targets)*perTarget + int64(parallel)*perProbe
}

// pinKey carries the addresses that the schedule has reserved for a probe, so
// that the probe dials those and no others.
type pinKey struct{}

type pin struct {
	name  string
	addrs []netip.Addr
	err   error
}

func (s *Scanner) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if p, ok := ctx.Value(pinKey{}).(*pin); ok && p.name == strings.TrimSuffix(strings.ToLower(name), ".") {
		return slices.Clone(p.addrs), p.err
	}
	return s.resolver.Resolve(ctx, name)
}

// Run scans the targets and hands each record to emit, one at a time, as soon
// as it is final. When ctx ends it stops starting probes, waits for those under
// way to clean up, and returns the cause; what was emitted stands. An error of
// emit stops the scan the same way and is returned.
func (s *Scanner) Run(ctx context.Context, targets []Target, emit func(Record) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{Scanner: s, cancel: cancel, records: make(chan Record, 256)}
	emitted := make(chan struct{})
	go func() {
		defer close(emitted)
		var failed error
		for rec := range r.records {
			if failed != nil {
				continue
			}
			if failed = emit(rec); failed != nil {
				cancel(failed)
			}
		}
	}()
	r.run(ctx, targets)
	close(r.records)
	<-emitted
	s.resolver.Wait()
	s.http.Close()
	return context.Cause(ctx)
}

// finished is a probe that came back.
type finished struct {
	job    *job
	result probe.Result
	// forbidden is set when robots.txt kept us from probing.
	forbidden string
	control   bool
	// lost is how much time this process lost meanwhile.
	lost time.Duration
}

// measure makes one probe. It runs in a worker.
func (s *Scanner) measure(ctx context.Context, j *job, p *pin) finished {
	if p != nil {
		ctx = context.WithValue(ctx, pinKey{}, p)
	}
	f := finished{job: j}
	before := s.lag.soFar()
	if s.robots != nil && j.target.Host != "" && j.first == nil {
		if u, err := url.Parse(j.target.URL); err == nil {
			f.forbidden = s.robots.forbids(ctx, u)
		}
	}
	if f.forbidden == "" {
		f.result = s.prober.Once(ctx, probe.Target{
			Name: shown(j.target.URL), Endpoint: client.Endpoint{URL: j.target.URL},
		}).Brief()
	}
	f.lost = s.lag.soFar() - before
	return f
}

// literal gives the address of a host that is never looked up: an address, or
// a name that is answered here. The address may be invalid for spellings that
// the dialer refuses.
func literal(name string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(name); err == nil {
		return a, true
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if name == "" || last == "" || last[0] >= '0' && last[0] <= '9' {
		return netip.Addr{}, true
	}
	return netip.Addr{}, false
}

// ErrNetworkDown ends a scan whose control target stopped answering for good.
var ErrNetworkDown = errors.New("the control target does not answer: our own network seems to be down")
