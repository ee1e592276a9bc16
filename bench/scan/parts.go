package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"net"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// part is one figure.
type part struct {
	name string
	run  func(ctx context.Context, memprofile string, scale float64) error
}

func parts() []part {
	return []part{{"speed", speed}, {"article", article}, {"census", census}, {"cost", cost}}
}

// outcome is what a run showed.
type outcome struct {
	wall, cpu        time.Duration
	peak             int64 // bytes
	most             int64 // connections and dials at once
	wrong            int   // grades that are not what the endpoint is
	records          int
	byKind           map[mcptest.Kind]*spent
	before, after    resources
	sessions         int64
	mistakes         map[string]int
	wrongAccusations int
}

type spent struct{ n, requests, bytes int }

// resources are what must not grow.
type resources struct{ goroutines, descriptors int }

func now() resources {
	runtime.GC()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return resources{goroutines: runtime.NumGoroutine(), descriptors: -1}
	}
	return resources{runtime.NumGoroutine(), len(fds)}
}

// load is what is scanned, and how.
type load struct {
	n        int
	timeouts float64
	parallel int
	think    time.Duration // added to each connection, to have many in flight
	memory   string
}

func (l load) run(ctx context.Context) (out outcome, err error) {
	servers, err := spawn(ctx, l.n, l.timeouts)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, servers.stop()) }()
	urls := servers.URLs()
	targets := make([]scan.Target, len(urls))
	kinds := make(map[string]mcptest.Kind, len(urls))
	for i, u := range urls {
		targets[i] = scan.NewTarget(u, "", "flock")
		kinds[targets[i].Key] = servers.Kind(i)
	}
	var dialing, most atomic.Int64
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		for n, m := dialing.Add(1), most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if !pause(ctx, l.slow(address)) {
			dialing.Add(-1)
			return nil, ctx.Err()
		}
		c, err := servers.Dial(ctx, network, address)
		if err != nil {
			dialing.Add(-1)
			return nil, err
		}
		return &counted{Conn: c, open: &dialing}, nil
	}
	scanner := scan.New(scan.Options{
		Probe: probe.Options{
			Egress: egress.Options{Resolve: servers.Resolve, Dial: dial, RootCAs: servers.RootCAs()}, Budget: 10 * time.Second,
		},
		Parallel: l.parallel, Gap: 600 * time.Millisecond, PerAddress: 1,
	})
	out.before, out.byKind, out.mistakes = now(), map[mcptest.Kind]*spent{}, map[string]int{}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(scan.MemoryLimit(l.n, l.parallel))) // as the command does
	resetPeak()
	cpu, start := cpuTime(), time.Now()
	summary := scan.NewCensus()
	err = scanner.Run(ctx, targets, func(r scan.Record) error {
		out.add(kinds[r.Key], r)
		summary.Add(r)
		if out.records == l.n/2 && l.memory != "" {
			return heapProfile(l.memory)
		}
		return nil
	})
	out.wall, out.cpu, out.peak, out.most = time.Since(start), cpuTime()-cpu, peakMemory(), most.Load()
	if err != nil {
		return out, err
	}
	stats, err := settled(ctx, servers)
	out.sessions, out.after = stats.SessionsOpen(), now()
	return out, err
}

// slow is how long a connection takes to come about. That of the login server
// takes no longer than it has to: two that are slow would use a budget up.
func (l load) slow(address string) time.Duration {
	if strings.HasPrefix(address, "11.255.255.") {
		return 0
	}
	return l.think
}

// settled waits until the servers have noticed that the last connections are
// closed.
func settled(ctx context.Context, s *servers) (mcptest.FlockStats, error) {
	for deadline := time.Now().Add(5 * time.Second); ; {
		st, err := s.stats()
		if err != nil || st.Connections == 0 && st.SessionsOpen() == 0 || time.Now().After(deadline) || !pause(ctx, 20*time.Millisecond) {
			return st, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (o *outcome) add(kind mcptest.Kind, r scan.Record) {
	o.records++
	s := o.byKind[kind]
	if s == nil {
		s = &spent{}
		o.byKind[kind] = s
	}
	s.n, s.requests, s.bytes = s.n+1, s.requests+r.Requests, s.bytes+int(r.Received)
	if r.Grade != kind.Grade() {
		o.wrong++
		if r.Grade.Accuses() && !kind.Grade().Accuses() {
			o.wrongAccusations++
		}
		o.mistakes[fmt.Sprintf("kind %d is %s %v %s", kind, r.Grade, r.Codes, r.NotMeasured)]++
	}
}

// print writes what was measured and whether it is good enough.
func (o outcome) print(title string) {
	fmt.Printf("\n%s\n", title)
	fmt.Printf("  wall %s, CPU of the scanner %s, %.0f endpoints/s, %.0f per second of CPU\n",
		o.wall.Round(10*time.Millisecond), o.cpu.Round(10*time.Millisecond), float64(o.records)/o.wall.Seconds(), float64(o.records)/o.cpu.Seconds())
	fmt.Printf("  peak RSS %d MB, at most %d connections at once\n", o.peak>>20, o.most)
	fmt.Printf("  grades that are not the peer's: %d of %d, wrong accusations %d\n", o.wrong, o.records, o.wrongAccusations)
	for _, m := range scan.Top(o.mistakes) {
		fmt.Printf("    %d x %s\n", m.N, m.Name)
	}
	fmt.Printf("  afterwards: %d sessions open on the servers, goroutines %d (before %d), descriptors %d (before %d)\n",
		o.sessions, o.after.goroutines, o.before.goroutines, o.after.descriptors, o.before.descriptors)
}

// bound is a figure to be kept.
func bound(what string, ok bool) error {
	if ok {
		fmt.Printf("  ok    %s\n", what)
		return nil
	}
	fmt.Printf("  MISS  %s\n", what)
	return fmt.Errorf("missed: %s", what)
}

func (o outcome) clean() error {
	return errors.Join(
		bound("0 sessions, goroutines and descriptors left", o.sessions == 0 && o.after.goroutines <= o.before.goroutines && o.after.descriptors <= o.before.descriptors),
		bound("no wrong accusation", o.wrongAccusations == 0),
	)
}

func speed(ctx context.Context, mem string, _ float64) error {
	o, err := load{n: 20000, parallel: 512, memory: mem}.run(ctx)
	if err != nil {
		return err
	}
	o.print("Speed: 20,000 endpoints in the census's mix, 512 in flight, one core")
	return errors.Join(bound("at least 400 endpoints/s per core", float64(o.records)/o.cpu.Seconds() >= 400), o.clean())
}

func article(ctx context.Context, _ string, _ float64) error {
	o, err := load{n: 2181, timeouts: 0.10, parallel: 512}.run(ctx)
	if err != nil {
		return err
	}
	o.print("The article's list: 2,181 endpoints, 10 % time-outs, budget 10 s")
	return errors.Join(bound("under 40 s", o.wall < 40*time.Second), o.clean())
}

func census(ctx context.Context, mem string, scale float64) error {
	n := int(100_000 * scale)
	o, err := load{n: n, timeouts: 0.05, parallel: 2000, think: 3 * time.Second, memory: mem}.run(ctx)
	if err != nil {
		return err
	}
	o.print(fmt.Sprintf("A census: %d endpoints, 5 %% time-outs, connections that take 3 s, 2,000 in flight", n))
	return errors.Join(bound("under 6 min", o.wall < 6*time.Minute), bound("under 500 MB", o.peak < 500<<20), o.clean())
}

// cost prints what one probe costs a server.
func cost(ctx context.Context, _ string, _ float64) error {
	o, err := load{n: 2000, parallel: 128}.run(ctx)
	if err != nil {
		return err
	}
	fmt.Println("\nWhat a probe costs the server (answers only; 20 tools)")
	names := []string{"legacy", "legacy with session", "dual", "modern", "HTTP+SSE", "gated", "404"}
	for k, name := range names {
		if s := o.byKind[mcptest.Kind(k)]; s != nil {
			fmt.Printf("  %-20s %5.1f requests, %7.1f KiB\n", name, float64(s.requests)/float64(s.n), float64(s.bytes)/1024/float64(s.n))
		}
	}
	return nil
}

// counted tells when a connection is closed.
type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func heapProfile(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

// peakMemory reads VmHWM, in bytes; 0 where there is no /proc.
func peakMemory() int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var kb int64
			if _, err := fmt.Sscan(rest, &kb); err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// resetPeak makes the peak begin now, where the system can (proc(5), clear_refs).
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) }
