package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// ExitError says that a stdio child ended while an answer was awaited, or
// before it was asked.
type ExitError struct {
	State  string // as os.ProcessState prints it
	Stderr string // the last lines of its standard error
}

func (e *ExitError) Error() string {
	if e.Stderr == "" {
		return "server process ended: " + e.State
	}
	return "server process ended: " + e.State + "; its last words: " + e.Stderr
}

// StartError says that a stdio child could not be started.
type StartError struct{ Err error }

func (e *StartError) Error() string { return "start server process: " + e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

const (
	stderrTail = 4 << 10
	// stopGrace is how long a child gets to end after its stdin was closed,
	// and again after SIGTERM.
	stopGrace = 2 * time.Second
)

// errLongLine is why a child was killed that printed a line without end.
var errLongLine = errors.New("server process printed a line longer than a message may be")

// child is a running stdio server: a Pipe. One goroutine waits for its end and
// for those that read its stdout and stderr; Close waits for it.
type child struct {
	cmd    *exec.Cmd
	stdin  *os.File
	limits mcp.Limits
	sink   Sink
	stderr *tail
	noise  *atomic.Int64
	exited chan struct{} // closed when the process is gone and its output is read
	tooBig atomic.Bool   // it was killed for a line without end
	turn   chan struct{} // holds a value while somebody writes
}

// Noise counts the lines on the stdout of children that were no message of
// MCP. It is 0 for URL endpoints.
func (c *Client) Noise() int { return int(c.noise.Load()) }

// line sends one message to the child, which it starts if need be, and waits
// for the answer.
func (c *Client) line(ctx context.Context, cl call) *Exchange {
	x := &Exchange{Method: cl.method, Framing: FramingLine}
	id, body, err := c.encode(cl)
	if err != nil {
		x.Err = err
		return x
	}
	x.ID, x.Request = id, body
	ch, answers, err := c.running()
	if err != nil {
		x.Err = err
		return x
	}
	answers.exchange(ctx, x, cl.notify, func() bool {
		x.Err = ch.Send(ctx, body)
		return x.Err == nil
	})
	return x
}

// running gives the child, started if it is not there yet.
func (c *Client) running() (*child, *correlator, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.child != nil {
		return c.child, c.answers, nil
	}
	answers := new(correlator)
	ch, err := c.startChild(answers)
	if err != nil {
		return nil, nil, err
	}
	c.child, c.answers = ch, answers
	return ch, answers, nil
}

// forgetChild ends the child, so that the next request starts another.
func (c *Client) forgetChild(ctx context.Context) {
	c.mu.Lock()
	ch := c.child
	c.child, c.answers = nil, nil
	c.mu.Unlock()
	if ch != nil {
		_ = ch.Close(ctx) // cannot fail
	}
}

// startChild starts the endpoint's command with pipes of our own: those of
// os/exec would close before the last answer is read, and would wait for
// grandchildren that hold them open.
func (c *Client) startChild(sink Sink) (*child, error) {
	var ours, theirs [3]*os.File
	closeAll := func(files ...*os.File) {
		for _, f := range files {
			if f != nil {
				_ = f.Close() // nothing was written
			}
		}
	}
	for fd := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(ours[:], theirs[:]...)...)
			return nil, &StartError{Err: err}
		}
		ours[fd], theirs[fd] = r, w
		if fd == 0 {
			ours[fd], theirs[fd] = w, r
		}
	}
	e := c.endpoint
	cmd := exec.Command(e.Command[0], e.Command[1:]...)
	cmd.Dir = e.Dir
	cmd.Env = append(minimalEnv(c.opts.Parent), e.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children end with it
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	err := cmd.Start()
	closeAll(theirs[:]...) // the child has its copies
	if err != nil {
		closeAll(ours[:]...)
		return nil, &StartError{Err: err}
	}
	ch := &child{
		cmd: cmd, stdin: ours[0], limits: c.limits(), sink: sink, stderr: &tail{also: c.opts.Stderr}, noise: &c.noise,
		exited: make(chan struct{}), turn: make(chan struct{}, 1),
	}
	go ch.watch(ours[1], ours[2])
	return ch, nil
}

// minimalEnv keeps a parent's secrets from a child: only what programs need to
// start is passed on.
func minimalEnv(parent []string) []string {
	var env []string
	for _, kv := range parent {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains([]string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "SHELL", "TERM"}, name) {
			env = append(env, kv)
		}
	}
	return env
}

// drainTime is how long what a dead child left in its pipes may take to read.
const drainTime = 500 * time.Millisecond

// watch reads what the child prints, reaps it and whatever it left in its
// process group, and tells the sink.
func (ch *child) watch(stdout, stderr *os.File) {
	defer close(ch.exited)
	var readers sync.WaitGroup
	readers.Go(func() { ch.read(stdout) })
	readers.Go(func() { _, _ = io.Copy(ch.stderr, stderr) }) // ends with the pipe
	waitErr := ch.cmd.Wait()
	ch.kill(syscall.SIGKILL)
	// A grandchild that left the group may hold the pipes open for ever.
	end := time.Now().Add(drainTime)
	_, _ = stdout.SetReadDeadline(end), stderr.SetReadDeadline(end)
	readers.Wait()
	_, _, _ = stdout.Close(), stderr.Close(), ch.stdin.Close() // read to the end, or given up
	ch.sink.End(ch.reason(waitErr))
}

// reason says why the child ended.
func (ch *child) reason(waitErr error) error {
	if ch.tooBig.Load() {
		return fmt.Errorf("%w: over %d bytes", errLongLine, ch.limits.Bytes)
	}
	state := "unknown"
	switch {
	case ch.cmd.ProcessState != nil:
		state = ch.cmd.ProcessState.String()
	case waitErr != nil:
		state = waitErr.Error()
	}
	return &ExitError{State: state, Stderr: ch.stderr.String()}
}

// read splits stdout into messages until it ends or a line exceeds the limit.
func (ch *child) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 0, 4<<10), ch.limits.Bytes)
	for lines.Scan() {
		line := bytes.Clone(bytes.TrimSpace(lines.Bytes()))
		if len(line) == 0 {
			continue
		}
		if msg, err := mcp.Parse(line, ch.limits); err == nil {
			ch.sink.Deliver(msg, line)
		} else {
			ch.noise.Add(1)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		ch.tooBig.Store(true)
		ch.kill(syscall.SIGKILL) // nothing sound can follow
	}
}

// Send implements Pipe. A child that reads nothing makes it wait until ctx
// ends; what was half written by then ends the child's input.
func (ch *child) Send(ctx context.Context, msg []byte) error {
	select {
	case ch.turn <- struct{}{}:
		defer func() { <-ch.turn }()
	case <-ch.exited:
		return ch.reason(nil)
	case <-ctx.Done():
		return fmt.Errorf("write to server process: %w", ctx.Err())
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = ch.stdin.SetWriteDeadline(time.Unix(1, 0))
	})
	n, err := ch.stdin.Write(append(slices.Clip(msg), '\n'))
	if !stop() {
		<-interrupted
		_ = ch.stdin.SetWriteDeadline(time.Time{})
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		if n > 0 {
			_ = ch.stdin.Close() // the next message would be part of this one
		}
		return fmt.Errorf("write to server process: %w", ctx.Err())
	}
	select {
	case <-ch.exited:
		return ch.reason(nil)
	case <-ctx.Done():
		return fmt.Errorf("write to server process: %w", err)
	case <-time.After(stopGrace): // stdin closed but still there
		return fmt.Errorf("write to server process: %w", err)
	}
}

// Close implements Pipe. It ends the child the way the specification says:
// close its stdin, wait, SIGTERM, wait, SIGKILL.
func (ch *child) Close(ctx context.Context) error {
	_ = ch.stdin.Close() // already closed if the child is gone
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-ch.exited:
			return nil
		case <-time.After(stopGrace):
		case <-ctx.Done():
		}
		ch.kill(sig)
	}
	<-ch.exited
	return nil
}

// kill signals the child's whole process group.
func (ch *child) kill(sig syscall.Signal) {
	if p := ch.cmd.Process; p != nil {
		_ = syscall.Kill(-p.Pid, sig) // ESRCH: gone already
	}
}

// tail keeps the last bytes written to it, and passes all of them on.
type tail struct {
	also io.Writer // may be nil

	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.also != nil {
		_, _ = t.also.Write(p) // a full log must not stop the child
	}
	t.buf = append(t.buf, p[max(0, len(p)-stderrTail):]...)
	if over := len(t.buf) - stderrTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(string(t.buf)), "?")
}
