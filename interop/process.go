//go:build unix

package interop

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// maxOutput bounds what is kept of a peer's output, in bytes; the newest wins.
const maxOutput = 64 << 10

// errExited reports a peer that ended before its port answered.
var errExited = errors.New("exited before its port answered")

// process is one child in a process group of its own, so that whatever it
// starts dies with it.
type process struct {
	cmd    *exec.Cmd
	output *tail
	done   chan struct{} // closed once the child is reaped
	err    error         // of Wait, valid after done
}

func startProcess(argv, env []string) (*process, error) {
	p := &process{
		cmd:    exec.Command(argv[0], argv[1:]...),
		output: &tail{limit: maxOutput},
		done:   make(chan struct{}),
	}
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = ownGroup()
	// A grandchild that escaped the group may hold the pipes open.
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("run %s: %w", argv[0], err)
	}
	go func() { // ends with the child; stop waits for it
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// stop kills the group and waits for the child. The peers keep nothing worth a
// graceful end, and some of them wait for open streams on SIGTERM.
func (p *process) stop() {
	select {
	case <-p.done:
	default:
		// The child is not reaped yet, so its group id cannot be someone else's.
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
	<-p.done
}

// waitForPort polls until address accepts a connection, the child ends, or
// limit has passed.
func (p *process) waitForPort(address string, limit time.Duration) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(limit)
	for {
		select {
		case <-p.done:
			return fmt.Errorf("%w: %w", errExited, p.err)
		case <-deadline:
			return fmt.Errorf("wait for %s: no answer within %s", address, limit)
		case <-poll.C:
		}
		conn, err := net.DialTimeout("tcp4", address, time.Second)
		if err == nil {
			return conn.Close()
		}
	}
}

// tail is a writer that keeps the last limit bytes.
type tail struct {
	mu    sync.Mutex
	limit int
	buf   []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if extra := len(t.buf) - t.limit; extra > 0 {
		t.buf = append(t.buf[:0], t.buf[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
