// Command scan measures what the scanner can do: endpoints a second and core,
// the time for 2,181 endpoints with 10 % time-outs, and 100,000 with 2,000 in
// flight, in the census's real mix of answers, over TLS on loopback. The
// servers run in a process of their own on another core; the scanner has one.
//
//	go run ./bench/scan [-only speed,article,census] [-cpuprofile FILE] [-memprofile FILE]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	serve := flag.String("serve", "", "be the servers: number of endpoints, comma, share of time-outs, comma, delay")
	only := flag.String("only", "speed,article,census,cost", "parts to run")
	cpu := flag.String("cpuprofile", "", "write a CPU profile of the scanner to this file")
	mem := flag.String("memprofile", "", "write a heap profile at the peak to this file")
	scale := flag.Float64("scale", 1, "make the census smaller, for a look")
	flag.Parse()
	var err error
	if *serve != "" {
		err = serveFlock(ctx, *serve)
	} else {
		err = measure(ctx, strings.Split(*only, ","), *cpu, *mem, *scale)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/scan:", err)
		os.Exit(1)
	}
}

// measure runs the parts one after the other.
func measure(ctx context.Context, only []string, cpu, mem string, scale float64) error {
	restrict()
	if cpu != "" {
		f, err := os.Create(cpu)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Printf("%s, %d CPUs, scanner GOMAXPROCS %d\n", runtime.Version(), runtime.NumCPU(), runtime.GOMAXPROCS(0))
	for _, p := range parts() {
		if !slices.Contains(only, p.name) {
			continue
		}
		if err := p.run(ctx, mem, scale); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// restrict puts this process on one core and leaves the other to the servers.
func restrict() {
	runtime.GOMAXPROCS(1)
	pinTo(os.Getpid(), 0)
}

// pinTo sets the cores of a process, where taskset can.
func pinTo(pid, core int) {
	if runtime.NumCPU() < 2 {
		return
	}
	out, err := exec.Command("taskset", "-a", "-c", "-p", strconv.Itoa(core), strconv.Itoa(pid)).CombinedOutput()
	if err != nil {
		fmt.Printf("not pinned to a core: %v %s\n", err, out)
	}
}

// servers is a flock in another process.
type servers struct {
	*mcptest.Flock
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// spawn starts the servers.
func spawn(ctx context.Context, n int, timeouts float64) (*servers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-serve", fmt.Sprintf("%d,%g", n, timeouts))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pinTo(cmd.Process.Pid, 1)
	s := &servers{cmd: cmd, in: in, out: json.NewDecoder(out)}
	var plan mcptest.FlockPlan
	if err := s.out.Decode(&plan); err != nil {
		return nil, fmt.Errorf("servers did not start: %w", err)
	}
	s.Flock, err = plan.Remote()
	return s, err
}

// stats asks the servers what was done to them.
func (s *servers) stats() (st mcptest.FlockStats, err error) {
	if _, err = io.WriteString(s.in, "\n"); err == nil {
		err = s.out.Decode(&st)
	}
	return st, err
}

func (s *servers) stop() error {
	_ = s.in.Close() // they end with it
	return s.cmd.Wait()
}

// serveFlock is the other process: it answers a line on stdin with its counts
// and ends with it.
func serveFlock(ctx context.Context, spec string) error {
	first, second, _ := strings.Cut(spec, ",")
	n, err1 := strconv.Atoi(first)
	timeouts, err2 := strconv.ParseFloat(second, 64)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("-serve %q is not number,share", spec)
	}
	debug.SetGCPercent(400)
	mix := mcptest.Census()
	if timeouts > 0 {
		mix = mix.WithTimeouts(timeouts)
	}
	tb := &process{ctx: ctx}
	defer tb.cleanUp()
	flock := mcptest.NewFlock(tb, n, mix)
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(flock.Plan()); err != nil {
		return err
	}
	var line [1]byte
	for {
		if _, err := os.Stdin.Read(line[:]); err != nil {
			return nil //nolint:nilerr // the other side has gone, which is how this ends
		}
		if err := out.Encode(flock.Stats()); err != nil {
			slog.ErrorContext(ctx, "write counts", "err", err)
			return err
		}
	}
}
