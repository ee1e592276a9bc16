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

// child is a running stdio server: a Pipe. One goroutine reads its stdout, one
// waits for its end; Close waits for both.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	limits mcp.Limits
	sink   Sink
	stderr *tail
	noise  atomic.Int64
	exited chan struct{} // closed when the process is gone and stdout is read

	writing sync.Mutex
}

// Noise counts the lines on the child's stdout that were no message of MCP. It
// is 0 for URL endpoints.
func (c *Client) Noise() int {
	if c.child == nil {
		return 0
	}
	return int(c.child.noise.Load())
}

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
	if c.child == nil {
		c.answers = new(correlator)
		if c.child, err = c.startChild(c.answers); err != nil {
			x.Err = err
			return x
		}
	}
	c.answers.exchange(ctx, x, cl.notify, func() bool {
		x.Err = c.child.Send(ctx, body)
		return x.Err == nil
	})
	return x
}

func (c *Client) startChild(sink Sink) (*child, error) {
	e := c.endpoint
	cmd := exec.Command(e.Command[0], e.Command[1:]...)
	cmd.Dir = e.Dir
	cmd.Env = append(minimalEnv(c.opts.Parent), e.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children end with it
	ch := &child{cmd: cmd, limits: c.limits(), sink: sink, stderr: &tail{also: c.opts.Stderr}, exited: make(chan struct{})}
	cmd.Stderr = ch.stderr
	cmd.WaitDelay = stopGrace
	var err error
	if ch.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, &StartError{Err: err}
	}
	// An os.Pipe of our own: Wait must not close the reading end before the
	// reader has seen the last answer.
	out, in, err := os.Pipe()
	if err != nil {
		return nil, &StartError{Err: err}
	}
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		return nil, &StartError{Err: errors.Join(err, out.Close(), in.Close())}
	}
	_ = in.Close() // the child has its copy
	read := make(chan struct{})
	go func() { defer close(read); ch.read(out) }()
	go func() {
		defer close(ch.exited)
		state := ch.wait()
		<-read
		_ = out.Close() // read to its end
		sink.End(&ExitError{State: state, Stderr: ch.stderr.String()})
	}()
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
	if lines.Err() != nil {
		ch.kill(syscall.SIGKILL) // a line without end: nothing sound can follow
	}
}

// wait reaps the process and whatever it left in its group.
func (ch *child) wait() (state string) {
	if err := ch.cmd.Wait(); err != nil && ch.cmd.ProcessState == nil {
		return err.Error()
	}
	ch.kill(syscall.SIGKILL)
	return ch.cmd.ProcessState.String()
}

// Send implements Pipe.
func (ch *child) Send(_ context.Context, msg []byte) error {
	ch.writing.Lock()
	defer ch.writing.Unlock()
	_, err := ch.stdin.Write(append(slices.Clip(msg), '\n'))
	if err == nil {
		return nil
	}
	select {
	case <-ch.exited:
		return &ExitError{State: ch.cmd.ProcessState.String(), Stderr: ch.stderr.String()}
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
