package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
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
