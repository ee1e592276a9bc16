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

// child is a running stdio server. One goroutine reads its stdout, one waits
// for its end; stop waits for both.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	limits mcp.Limits
	stderr *tail
	exited chan struct{} // closed when the process is gone and stdout is read

	writing sync.Mutex
	mu      sync.Mutex
	waiting map[mcp.ID]chan *mcp.Message
	notes   []*mcp.Message
	noise   int
	state   string
}

// Noise counts the lines on the child's stdout that were no message of MCP. It
// is 0 for URL endpoints.
func (c *Client) Noise() int {
	if c.child == nil {
		return 0
	}
	c.child.mu.Lock()
	defer c.child.mu.Unlock()
	return c.child.noise
}

// line sends one message to the child, which it starts if need be.
func (c *Client) line(ctx context.Context, cl call) *Exchange {
	x := &Exchange{Method: cl.method, Framing: FramingLine}
	id, body, err := c.encode(cl)
	if err != nil {
		x.Err = err
		return x
	}
	x.ID, x.Request = id, body
	start := time.Now()
	if c.child == nil {
		if c.child, err = c.startChild(); err != nil {
			x.Err = &StartError{Err: err}
			return x
		}
	}
	c.child.exchange(ctx, x, cl.notify)
	x.Timing.Total = time.Since(start)
	x.Timing.FirstByte = x.Timing.Total
	return x
}

func (c *Client) startChild() (*child, error) {
	e := c.endpoint
	cmd := exec.Command(e.Command[0], e.Command[1:]...)
	cmd.Dir = e.Dir
	cmd.Env = append(minimalEnv(c.opts.Parent), e.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children end with it
	ch := &child{cmd: cmd, limits: c.limits(), stderr: &tail{}, exited: make(chan struct{}), waiting: map[mcp.ID]chan *mcp.Message{}}
	cmd.Stderr = ch.stderr
	cmd.WaitDelay = stopGrace
	var err error
	if ch.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	// An os.Pipe of our own: Wait must not close the reading end before the
	// reader has seen the last answer.
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = in
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, out.Close(), in.Close())
	}
	_ = in.Close() // the child has its copy
	read := make(chan struct{})
	go func() { defer close(read); ch.read(out) }()
	go func() { ch.wait(); <-read; _ = out.Close(); ch.end() }()
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
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		msg, err := mcp.Parse(bytes.Clone(line), ch.limits)
		ch.mu.Lock()
		if err != nil {
			ch.noise++
		} else {
			ch.deliver(msg)
		}
		ch.mu.Unlock()
	}
	if lines.Err() != nil {
		ch.kill(syscall.SIGKILL) // a line without end: nothing sound can follow
	}
}

func (ch *child) deliver(msg *mcp.Message) {
	if w, ok := ch.waiting[msg.ID]; ok && (msg.Kind == mcp.Response || msg.Kind == mcp.ErrorResponse) {
		delete(ch.waiting, msg.ID)
		w <- msg // buffered
		return
	}
	if len(ch.notes) < maxNotes {
		ch.notes = append(ch.notes, msg)
	}
}

func (ch *child) wait() {
	err := ch.cmd.Wait()
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.state = "unknown"
	if ch.cmd.ProcessState != nil {
		ch.state = ch.cmd.ProcessState.String()
	} else if err != nil {
		ch.state = err.Error()
	}
	ch.kill(syscall.SIGKILL) // whatever it left in its group
}

// end releases everybody who waits for an answer that can no longer come.
func (ch *child) end() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for id, w := range ch.waiting {
		delete(ch.waiting, id)
		close(w)
	}
	close(ch.exited)
}

func (ch *child) exchange(ctx context.Context, x *Exchange, notify bool) {
	answer := make(chan *mcp.Message, 1)
	if !ch.expect(x.ID, answer, notify) {
		x.Err = ch.exitError()
		return
	}
	if err := ch.write(x.Request); err != nil {
		ch.forget(x.ID)
		select {
		case <-ch.exited:
			x.Err = ch.exitError()
		case <-time.After(stopGrace):
			x.Err = fmt.Errorf("write to server process: %w", err)
		}
		return
	}
	if notify {
		return
	}
	select {
	case msg, ok := <-answer:
		if !ok {
			x.Err = ch.exitError()
			return
		}
		x.Response = msg
		x.Received = int64(len(msg.Result))
	case <-ctx.Done():
		ch.forget(x.ID)
		x.Fault, x.Err = FaultStalled, ctx.Err()
	}
}

// expect registers a wait; false when the child is gone.
func (ch *child) expect(id mcp.ID, answer chan *mcp.Message, notify bool) bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	select {
	case <-ch.exited:
		return false
	default:
	}
	if !notify {
		ch.waiting[id] = answer
	}
	return true
}

func (ch *child) forget(id mcp.ID) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	delete(ch.waiting, id)
}

func (ch *child) write(msg []byte) error {
	ch.writing.Lock()
	defer ch.writing.Unlock()
	_, err := ch.stdin.Write(append(slices.Clip(msg), '\n'))
	return err
}

func (ch *child) exitError() error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return &ExitError{State: ch.state, Stderr: ch.stderr.String()}
}

// stop ends the child the way the specification says: close its stdin, wait,
// SIGTERM, wait, SIGKILL. It returns when the process is gone.
func (ch *child) stop(ctx context.Context) error {
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

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
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
