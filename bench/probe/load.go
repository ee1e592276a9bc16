package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// load is many probes of healthy servers at once: whoever measures while the
// machine is busy must not take its own haste for a server's fault.
type load struct {
	n, inflight int
	profile     string
}

// run probes n healthy endpoints of all eras over TLS on loopback. Servers and
// probes share the machine, which is the point.
func (l load) run(ctx context.Context) error {
	before := runtime.NumGoroutine()
	tb := &process{ctx: ctx}
	mix := mcptest.Mix{}
	for _, k := range []mcptest.Kind{mcptest.KindLegacy, mcptest.KindSession, mcptest.KindDual, mcptest.KindModern, mcptest.KindSSE} {
		mix[k] = 1
	}
	flock := mcptest.NewFlock(tb, l.n, mix)
	p := probe.New(probe.Options{Egress: egress.Options{Resolve: flock.Resolve, Dial: flock.Dial, RootCAs: flock.RootCAs()}})
	results := make([]probe.Result, l.n)
	start, cpu := time.Now(), cpuTime()
	err := profiled(l.profile, func() {
		next := make(chan int)
		var workers sync.WaitGroup
		for range l.inflight {
			workers.Go(func() {
				for i := range next {
					results[i] = p.Run(ctx, probe.Target{Endpoint: client.Endpoint{URL: flock.URL(i)}}).Brief()
				}
			})
		}
		for i := range l.n {
			next <- i
		}
		close(next)
		workers.Wait()
	})
	if err != nil {
		return err
	}
	took, cpu := time.Since(start), cpuTime()-cpu
	wrong := l.print(flock, results, took, cpu)
	stats := flock.Stats()
	tb.cleanUp()
	left := runtime.NumGoroutine() - before
	fmt.Printf("  left behind: %d sessions, %d goroutines, %d sockets\n", stats.SessionsOpen(), max(0, left), sockets())
	if wrong > 0 || stats.SessionsOpen() != 0 {
		return errors.New("a healthy server was accused, or a session left open")
	}
	return nil
}

// print says what became of the probes; it returns how many verdicts accuse.
func (l load) print(flock *mcptest.Flock, results []probe.Result, took, cpu time.Duration) (accused int) {
	grades := map[string]int{}
	var times []time.Duration
	for i, r := range results {
		why := string(r.Grade)
		if r.Grade != finding.Healthy {
			why += " " + strings.Join(r.Codes, ",")
		}
		if flock.Kind(i) == mcptest.KindSSE {
			why += " (old transport)"
		}
		grades[why]++
		if r.Grade.Accuses() || r.Grade == finding.Unknown {
			accused++
			if accused <= 5 {
				fmt.Printf("  accused: %s: %s\n", r.Target, r.Findings[0])
			}
		}
		times = append(times, r.Phases.Total)
	}
	slices.Sort(times)
	fmt.Printf("\n%d probes of healthy servers, %d in flight, TLS on loopback\n", l.n, l.inflight)
	fmt.Printf("  %.1f s, %.0f probes/s, %.2f ms of processor a probe (servers included), to the list p50 %s p99 %s\n", took.Seconds(),
		float64(l.n)/took.Seconds(), float64(cpu.Microseconds())/1e3/float64(l.n), round(times[len(times)/2]), round(times[len(times)*99/100]))
	for _, why := range slices.Sorted(maps.Keys(grades)) {
		fmt.Printf("  %6d  %s\n", grades[why], why)
	}
	fmt.Printf("  accused or not measured: %d (want 0)\n", accused)
	return accused
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// sockets counts this process's open sockets, where /proc tells.
func sockets() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}
