// Command probe measures the probe: how often it is right about the labelled
// corpus, whether it ever accuses a healthy server under load, and what one
// probe costs both sides.
//
//	go run ./bench/probe [-only corpus,load,cost] [-n 10000] [-inflight 400] [-cpuprofile FILE]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if code, ok := mcptest.StdioMain(ctx, os.Args); ok { // the corpus has stdio servers
		os.Exit(code)
	}
	testing.Init()
	only := flag.String("only", "corpus,load,cost", "parts to run")
	n := flag.Int("n", 10_000, "healthy servers to probe under load")
	inflight := flag.Int("inflight", 400, "probes under way at once")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the load to this file")
	serve := flag.Bool("serve", false, "be the servers of the cost part")
	labelled := flag.Bool("corpus", false, "be the process of the corpus part")
	flag.Parse()
	var err error
	switch {
	case *labelled:
		runCorpus()
	case *serve:
		err = servePeers()
	default:
		err = measure(ctx, strings.Split(*only, ","), load{n: *n, inflight: *inflight, profile: *profile})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/probe:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, only []string, l load) error {
	if slices.Contains(only, "corpus") {
		if err := corpus(ctx); err != nil {
			return err
		}
	}
	if slices.Contains(only, "load") {
		if err := l.run(ctx); err != nil {
			return err
		}
	}
	if slices.Contains(only, "cost") {
		return cost(ctx)
	}
	return nil
}

// profiled runs f, under the profiler if a file is named.
func profiled(file string, f func()) error {
	if file == "" {
		f()
		return nil
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	f()
	pprof.StopCPUProfile()
	return out.Close()
}
