package egress

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"
)

// call is one Do under way. It is the request's context, so that the dialer,
// which net/http calls in another goroutine, can find it, and so that one
// allocation holds what a call needs. The hooks below are the only ones set:
// the dialer records the rest on the connection.
type call struct {
	context.Context
	id        uint64
	start     time.Time
	host      string
	phase     atomic.Uint32 // Phase; only rises
	firstByte atomic.Int64  // since start, ns
	conn      *conn         // the last connection chosen; nil before that
	trace     httptrace.ClientTrace
	response  Response
	body      body
}

type callKey struct{}

func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// reach moves the phase forward. It never moves back: a dial may still run
// for a call that another connection serves already.
func (c *call) reach(p Phase) {
	for {
		old := c.phase.Load()
		if old >= uint32(p) || c.phase.CompareAndSwap(old, uint32(p)) {
			return
		}
	}
}

func (c *call) gotConn(info httptrace.GotConnInfo) {
	nc := info.Conn
	if over, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = over.NetConn()
	}
	c.conn, _ = nc.(*conn)
	c.reach(PhaseSend)
}

func (c *call) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		c.reach(PhaseHead)
	}
}

func (c *call) gotFirstByte() {
	c.firstByte.CompareAndSwap(0, int64(time.Since(c.start)))
	c.reach(PhaseHead)
}

func (c *call) remote() netip.AddrPort {
	if c.conn == nil {
		return netip.AddrPort{}
	}
	return c.conn.remote
}

// reused is true when the connection was not opened for this call.
func (c *call) reused() bool { return c.conn != nil && c.conn.owner != c.id }

// failed turns what the transport returned into the Error of this call.
func (c *call) failed(err error, maxHeader int64) *Error {
	phase := Phase(c.phase.Load())
	if e, ok := errors.AsType[*Error](err); ok { // from the dialer, which knows best
		if phase >= PhaseHead {
			// The transport was repeating a request that had gone out over a
			// connection since lost. Nobody may conclude that it did not run.
			e.Phase = PhaseHead
		}
		return e
	}
	e := newError(c.Context, phase, c.host, c.remote(), err)
	e.Reused = c.reused()
	switch {
	case e.Kind == Canceled || e.Kind == Timeout:
	case phase == PhaseQueue:
		e.Kind = BadRequest // net/http refuses an invalid method or header before it dials
	case c.conn != nil:
		e.Kind = httpKind(err, Kind(c.conn.broken.Load()))
	}
	if e.Kind == TooLarge {
		e.Err = &TooLargeError{Limit: maxHeader, Part: "head"}
	}
	return e
}
