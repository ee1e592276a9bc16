package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/mcp/mcptest"
)

func spawn(t *testing.T, e client.Endpoint, change ...func(*client.Options)) *client.Client {
	t.Helper()
	o := client.Options{Info: client.Implementation{Name: "tester", Version: "1"}, Patience: 10 * time.Second, StdioDiscover: 300 * time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	c, err := client.New(e, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close(context.WithoutCancel(t.Context()))
		quiet(t)
	})
	return c
}

// quiet waits until no goroutine of the client is left.
func quiet(t *testing.T) {
	t.Helper()
	until(t, "goroutines of the client end", func() bool {
		buf := make([]byte, 1<<20)
		return !bytes.Contains(buf[:runtime.Stack(buf, true)], []byte("internal/client.(*child)"))
	})
}

// until polls a condition that must come true.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for start := time.Now(); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("waited in vain: ", what)
		}
	}
}

func initialize(ctx context.Context, c *client.Client) *client.Exchange {
	return c.Initialize(ctx, mcp.Rev20251125).Initialize
}

func TestStdioEras(t *testing.T) {
	for kind, want := range map[string]struct {
		era   mcp.Era
		rev   mcp.Revision
		noise int
	}{
		"healthy": {mcp.EraModern, mcp.Rev20260728, 0}, "modern": {mcp.EraModern, mcp.Rev20260728, 0},
		"legacy": {mcp.EraLegacy, mcp.Rev20251125, 0}, "noise": {mcp.EraModern, mcp.Rev20260728, 1},
		"silent": {mcp.EraUnknown, "", 0}, "exits": {mcp.EraUnknown, "", 0},
	} {
		t.Run(kind, func(t *testing.T) {
			c := spawn(t, client.Endpoint{Command: mcptest.StdioCommand(kind)}, func(o *client.Options) { o.Patience = time.Second })
			d := c.Detect(t.Context(), mcp.EraUnknown)
			if d.Era != want.era || c.Noise() != want.noise {
				t.Errorf("era %s, noise %d; want %s, %d", d.Era, c.Noise(), want.era, want.noise)
			}
			s := d.Modern
			if s == nil {
				s = d.Legacy
			}
			switch {
			case s == nil && want.rev != "":
				t.Fatalf("no session: %v", d.Decisive.Err)
			case s == nil:
				if d.Decisive.Err == nil {
					t.Error("no session and no error")
				}
				return
			}
			if list := s.ListTools(t.Context()); len(list.Tools) != 1 || s.Revision != want.rev || s.Transport != client.Stdio {
				t.Errorf("%d tools, revision %s, transport %s", len(list.Tools), s.Revision, s.Transport)
			}
		})
	}
}

// TestStdioExit: what a child said last, and its last words, are not lost.
func TestStdioExit(t *testing.T) {
	c := spawn(t, client.Endpoint{Command: command("brief")})
	x := initialize(t.Context(), c)
	if !x.OK() || !strings.Contains(string(x.Body), "words") {
		t.Fatalf("last answer %s, error %v", x.Body, x.Err)
	}
	x = initialize(t.Context(), c)
	e, ok := errors.AsType[*client.ExitError](x.Err)
	if !ok || e.State != "exit status 7" || e.Stderr != "goodbye" {
		t.Errorf("error %v", x.Err)
	}
}

// TestStdioRestart: a server that dies of a method it does not know gets a
// second process, and only one.
func TestStdioRestart(t *testing.T) {
	c := spawn(t, client.Endpoint{Command: command("fragile", filepath.Join(t.TempDir(), "died"))})
	d := c.Detect(t.Context(), mcp.EraUnknown)
	if d.Era != mcp.EraLegacy || d.Legacy == nil {
		t.Errorf("era %s, error %v", d.Era, d.Decisive.Err)
	}
}

// TestStdioEnds: however a child behaves, Close ends it, in the time that its
// habit costs.
func TestStdioEnds(t *testing.T) {
	for kind, most := range map[string]time.Duration{"deaf": 3 * time.Second, "stubborn": 5 * time.Second} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := spawn(t, client.Endpoint{Command: command(kind)}, func(o *client.Options) { o.Patience = 200 * time.Millisecond })
			x := initialize(t.Context(), c)
			if kind == "deaf" && x.Fault != client.FaultStalled {
				t.Errorf("fault %q, error %v", x.Fault, x.Err)
			}
			start := time.Now()
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > most {
				t.Errorf("close took %s", took)
			}
		})
	}
	t.Run("at once when the context has ended", func(t *testing.T) {
		c := spawn(t, client.Endpoint{Command: command("stubborn")})
		initialize(t.Context(), c)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		_ = c.Close(ctx)
		if took := time.Since(start); took > time.Second {
			t.Errorf("close took %s", took)
		}
	})
}

// TestStdioDeaf: a child that reads nothing blocks no caller longer than the
// caller's context, and what could not be written whole ends its input.
func TestStdioDeaf(t *testing.T) {
	c := spawn(t, client.Endpoint{Command: command("deaf")})
	in := new(inbox)
	pipe, err := c.OpenPipe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pipe.Close(t.Context()) }()
	big := []byte(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := pipe.Send(ctx, big); err == nil || time.Since(start) > time.Second {
				t.Errorf("send: %v after %s", err, time.Since(start))
			}
		})
	}
	all.Wait()
}

// TestStdioEndless: a line of 100 MB is read no further than a message may be.
func TestStdioEndless(t *testing.T) {
	c := spawn(t, client.Endpoint{Command: command("endless")}, func(o *client.Options) { o.MaxMessage = 1 << 20 })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x := initialize(t.Context(), c)
	runtime.ReadMemStats(&after)
	if x.Fault != client.FaultTooLarge || x.Err != nil {
		t.Errorf("fault %q, error %v", x.Fault, x.Err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MB were allocated", grown>>20)
	}
	if x := initialize(t.Context(), c); x.Err == nil || !strings.Contains(x.Err.Error(), "longer than a message") {
		t.Errorf("after it: %v", x.Err)
	}
}

// TestStdioGrandchild: what a child leaves behind ends with it, and what has
// left its group does not hold us up.
func TestStdioGrandchild(t *testing.T) {
	for _, kind := range []string{"parent", "runaway"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pid")
			c := spawn(t, client.Endpoint{Command: command(kind, file)})
			if x := initialize(t.Context(), c); x.Err != nil {
				t.Fatal(x.Err)
			}
			pid := 0
			until(t, "the grandchild runs", func() bool {
				text, err := os.ReadFile(file)
				pid, _ = strconv.Atoi(string(text))
				return err == nil && pid > 0
			})
			start := time.Now()
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("close took %s", took)
			}
			if kind == "runaway" { // nobody else will
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Errorf("the runaway had ended: %v", err)
				}
				return
			}
			until(t, "the grandchild ends", func() bool { return gone(pid) })
		})
	}
}

// gone tells whether a process has ended; a zombie that its new parent has not
// reaped yet has.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return syscall.Kill(pid, 0) != nil
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

// TestStdioEnvironment: a child gets what programs need to start, what the
// operator gave it, and no secret of ours.
func TestStdioEnvironment(t *testing.T) {
	parent := []string{"PATH=/bin", "HOME=/home/x", "AWS_SECRET_ACCESS_KEY=s3cr3t", "GITHUB_TOKEN=s3cr3t", "LD_PRELOAD=/evil.so", "LANG=C", "TMPDIR=/tmp", "PATHS=1"}
	c := spawn(t, client.Endpoint{Command: command("environment"), Env: []string{"GIVEN=yes"}}, func(o *client.Options) { o.Parent = parent })
	x := initialize(t.Context(), c)
	if !x.OK() {
		t.Fatalf("fault %q, error %v", x.Fault, x.Err)
	}
	var result struct{ Env []string }
	if err := json.Unmarshal(x.Response.Result, &result); err != nil {
		t.Fatal(err)
	}
	want := []string{"GIVEN=yes", "HOME=/home/x", "LANG=C", "PATH=/bin", "TMPDIR=/tmp"}
	slices.Sort(result.Env)
	got := slices.DeleteFunc(result.Env, func(kv string) bool { return strings.HasPrefix(kv, "PWD=") })
	if !slices.Equal(got, want) {
		t.Errorf("environment %q, want %q", got, want)
	}
}

// TestStdioIDs: an answer to another question is told from silence, an error
// that could not read the id is an answer.
func TestStdioIDs(t *testing.T) {
	t.Run("stranger", func(t *testing.T) {
		c := spawn(t, client.Endpoint{Command: command("stranger")}, func(o *client.Options) { o.Patience = 500 * time.Millisecond })
		if x := initialize(t.Context(), c); x.Fault != client.FaultIDMismatch {
			t.Errorf("fault %q, error %v", x.Fault, x.Err)
		}
	})
	t.Run("blind", func(t *testing.T) {
		c := spawn(t, client.Endpoint{Command: command("blind")})
		if x := initialize(t.Context(), c); x.RPCError() == nil || x.RPCError().Code != mcp.CodeParse {
			t.Errorf("fault %q, error %v", x.Fault, x.Err)
		}
	})
}

// TestStdioConcurrent: many callers share one child; each gets its own answer.
func TestStdioConcurrent(t *testing.T) {
	c := spawn(t, client.Endpoint{Command: mcptest.StdioCommand("healthy")})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if x := initialize(t.Context(), c); !x.OK() {
				t.Errorf("fault %q, error %v", x.Fault, x.Err)
			}
		})
	}
	all.Wait()
	if got := children(t); got != 1 {
		t.Errorf("%d children", got)
	}
}

// children counts the stdio peers that this process has started and not reaped.
func children(t *testing.T) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no list of children: %v", err)
	}
	n := 0
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
		n += len(strings.Fields(string(text)))
	}
	return n
}

// TestStdioPipe: the gateway's way in: messages as they come, the end with its
// reason, and nothing left.
func TestStdioPipe(t *testing.T) {
	c := spawn(t, client.Endpoint{Command: mcptest.StdioCommand("legacy")})
	in := new(inbox)
	ctx, cancel := context.WithCancel(t.Context())
	pipe, err := c.OpenPipe(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // the pipe outlives it
	for _, id := range []string{"1", `"two"`, "9007199254740993"} {
		if err := pipe.Send(t.Context(), []byte(`{"jsonrpc":"2.0","id":`+id+`,"method":"ping"}`)); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "three answers", func() bool { return in.ids() == `1 "two" 9007199254740993` })
	if err := pipe.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if e, ok := errors.AsType[*client.ExitError](in.ended()); !ok || e.State != "exit status 0" {
		t.Errorf("ended %v", in.ended())
	}
	if err := pipe.Send(t.Context(), []byte("{}")); err == nil {
		t.Error("a closed pipe takes messages")
	}
	_, err = spawn(t, client.Endpoint{Command: []string{"/nonexistent/server"}}).OpenPipe(t.Context(), in)
	if _, ok := errors.AsType[*client.StartError](err); !ok {
		t.Errorf("start: %v", err)
	}
}

// TestStdioStartLeaksNothing: a program that is not there costs no descriptor.
func TestStdioStartLeaksNothing(t *testing.T) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	c := spawn(t, client.Endpoint{Command: []string{"/nonexistent/server"}})
	initialize(t.Context(), c)
	before := open()
	for range 50 {
		initialize(t.Context(), c)
	}
	if after := open(); after > before+2 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
