package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// process stands in for the test that a Flock lives as long as.
type process struct {
	testing.TB // for what is never called
	ctx        context.Context
	after      []func()
}

// Helper implements testing.TB.
func (p *process) Helper() {}

// Context implements testing.TB.
func (p *process) Context() context.Context { return p.ctx }

// Cleanup implements testing.TB.
func (p *process) Cleanup(f func()) { p.after = append(p.after, f) }

// Fatalf implements testing.TB.
func (p *process) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func (p *process) cleanUp() {
	for _, f := range slices.Backward(p.after) {
		f()
	}
}

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
