package mcptest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Listener is a net.Listener in memory. Its connections behave like TCP on one
// machine (buffered, half-closable, with deadlines and resets) and block in a
// way that testing/synctest takes for idle.
type Listener struct {
	addr   netip.AddrPort
	queue  chan *Conn
	closed chan struct{}
	once   sync.Once
}

// NewListener listens at an address that exists only here.
func NewListener(addr netip.AddrPort) *Listener {
	return &Listener{addr: addr, queue: make(chan *Conn), closed: make(chan struct{})}
}

// Accept waits for a connection; after Close it returns net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close stops accepting. Connections that are open stay open.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the address given to NewListener.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// Dial connects from an address of the caller's choice. It fails like connect
// does: refused after Close, or with the error of ctx.
func (l *Listener) Dial(ctx context.Context, from netip.AddrPort) (*Conn, error) {
	client, server := Pipe(from, l.addr)
	select {
	case l.queue <- server:
		return client, nil
	case <-l.closed:
		return nil, dialError(l.Addr(), os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case <-ctx.Done():
		return nil, dialError(l.Addr(), contextError(ctx))
	}
}

func dialError(addr net.Addr, err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: err}
}

// contextError is what net.Dialer makes of an ended context.
func contextError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return os.ErrDeadlineExceeded
	}
	return ctx.Err()
}

// Conn is one end of a connection in memory.
type Conn struct {
	in, out       *half
	local, remote net.Addr
}

// Pipe makes a connection and returns both ends.
func Pipe(client, server netip.AddrPort) (*Conn, *Conn) {
	up, down := newHalf(), newHalf()
	c, s := net.TCPAddrFromAddrPort(client), net.TCPAddrFromAddrPort(server)
	return &Conn{in: down, out: up, local: c, remote: s}, &Conn{in: up, out: down, local: s, remote: c}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write implements net.Conn. It blocks while the peer leaves 64 KiB unread.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close ends both directions: the peer reads what was written, then EOF, and
// its writes fail with EPIPE.
func (c *Conn) Close() error {
	c.out.finish(nil)
	c.in.abandon(syscall.EPIPE)
	return nil
}

// CloseWrite ends the sending direction only; the peer reads EOF.
func (c *Conn) CloseWrite() error {
	c.out.finish(nil)
	return nil
}

// Reset drops the connection as a RST does: the peer loses what it has not
// read and every operation on both ends fails.
func (c *Conn) Reset() error {
	c.out.finish(syscall.ECONNRESET)
	c.in.abandon(syscall.ECONNRESET)
	return nil
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reader, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writer, t)
	return nil
}

// pipeBuffer is how much one direction holds unread, in bytes.
const pipeBuffer = 64 << 10

// half is one direction of a connection.
type half struct {
	mu   sync.Mutex
	cond sync.Cond
	buf  []byte
	// ended: nothing more will be written; a read after the rest gives EOF, or
	// at once endErr if that is set.
	ended  bool
	endErr error
	// gone: nobody reads any more; a local read gives net.ErrClosed, the
	// peer's write goneErr.
	gone    bool
	goneErr error

	reader, writer deadline
}

type deadline struct {
	timer   *time.Timer
	expired bool
}

func newHalf() *half {
	h := &half{}
	h.cond.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.gone:
			return 0, net.ErrClosed
		case h.ended && h.endErr != nil:
			return 0, h.endErr
		case h.reader.expired:
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			h.cond.Broadcast()
			return n, nil
		case h.ended:
			return 0, io.EOF
		}
		h.cond.Wait()
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	done := 0
	for {
		switch {
		case h.ended && h.endErr != nil:
			return done, h.endErr
		case h.ended:
			return done, net.ErrClosed
		case h.gone:
			return done, h.goneErr
		case h.writer.expired:
			return done, os.ErrDeadlineExceeded
		}
		if room := pipeBuffer - len(h.buf); room > 0 {
			n := min(room, len(p)-done)
			h.buf = append(h.buf, p[done:done+n]...)
			done += n
			h.cond.Broadcast()
		}
		if done == len(p) {
			return done, nil
		}
		h.cond.Wait()
	}
}

// finish ends the writing side.
func (h *half) finish(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.ended, h.endErr = true, err
	}
	h.stop(&h.writer)
	h.cond.Broadcast()
}

// abandon ends the reading side; peerErr is what the writer gets from now on.
func (h *half) abandon(peerErr error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.gone {
		h.gone, h.goneErr = true, peerErr
	}
	h.stop(&h.reader)
	h.cond.Broadcast()
}

func (h *half) stop(d *deadline) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

func (h *half) setDeadline(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stop(d)
	d.expired = false
	switch left := time.Until(t); {
	case t.IsZero():
	case left <= 0:
		d.expired = true
	default:
		var timer *time.Timer
		timer = time.AfterFunc(left, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			if d.timer == timer { // not replaced meanwhile
				d.expired = true
				h.cond.Broadcast()
			}
		})
		d.timer = timer
	}
	h.cond.Broadcast()
}
