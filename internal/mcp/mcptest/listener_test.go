package mcptest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

func pipe() (*Conn, *Conn) {
	return Pipe(netip.MustParseAddrPort("8.8.0.1:1024"), netip.MustParseAddrPort("8.8.0.2:443"))
}

// TestConnIsAConn runs the Go project's own tests of net.Conn.
func TestConnIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		a, b := pipe()
		return a, b, func() { _ = a.Close(); _ = b.Close() }, nil
	})
}

func TestConnEnds(t *testing.T) {
	read := func(c net.Conn) (string, error) {
		b, err := io.ReadAll(c)
		return string(b), err
	}
	cases := []struct {
		name      string
		end       func(*Conn) error
		wantRead  string // at the peer
		readErr   error
		writeErr  error // at the peer
		localRead error
	}{
		{"close", (*Conn).Close, "bye", nil, syscall.EPIPE, net.ErrClosed},
		{"half-close", (*Conn).CloseWrite, "bye", nil, nil, os.ErrDeadlineExceeded},
		{"reset", (*Conn).Reset, "", syscall.ECONNRESET, syscall.ECONNRESET, net.ErrClosed},
	}
	for _, c := range cases {
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe()
			if _, err := a.Write([]byte("bye")); err != nil {
				t.Fatal(err)
			}
			if err := c.end(a); err != nil {
				t.Fatal(err)
			}
			if got, err := read(b); got != c.wantRead || !errors.Is(err, c.readErr) {
				t.Errorf("%s: peer read %q, %v", c.name, got, err)
			}
			if _, err := b.Write([]byte("x")); !errors.Is(err, c.writeErr) {
				t.Errorf("%s: peer write %v, want %v", c.name, err, c.writeErr)
			}
			if _, err := a.Write([]byte("x")); err == nil {
				t.Errorf("%s: local write succeeded", c.name)
			}
			_ = a.SetReadDeadline(time.Now().Add(time.Hour))
			if _, err := io.ReadAll(a); !errors.Is(err, c.localRead) {
				t.Errorf("%s: local read %v, want %v", c.name, err, c.localRead)
			}
		})
	}
}

func TestConnPushesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe()
		_ = a.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := a.Write(make([]byte, 2*pipeBuffer))
		if n != pipeBuffer || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v", n, err)
		}
		if _, err := io.ReadFull(b, make([]byte, 10)); err != nil {
			t.Error(err)
		}
		_ = a.SetWriteDeadline(time.Time{})
		if n, err := a.Write(make([]byte, 10)); n != 10 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	})
}

func TestListenerRefusesAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener(netip.MustParseAddrPort("8.8.0.2:443"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var timeout net.Error
		if _, err := ln.Dial(ctx, netip.AddrPort{}); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("nobody accepts: %v", err)
		}
		_ = ln.Close()
		if _, err := ln.Dial(t.Context(), netip.AddrPort{}); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("closed: %v", err)
		}
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
	})
}
