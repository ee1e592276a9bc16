package scan_test

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// ledger notes every connection that a scan makes: when it was asked for, when
// it ended, and where it led.
type ledger struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	spans []*span
}

type span struct {
	addr     netip.Addr
	from, to time.Time // to is zero while it is open
}

func (l *ledger) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	s := &span{addr: netip.MustParseAddrPort(address).Addr(), from: time.Now()}
	l.mu.Lock()
	l.spans = append(l.spans, s)
	l.mu.Unlock()
	c, err := l.dial(ctx, network, address)
	if err != nil {
		l.end(s)
		return nil, err
	}
	return &noted{Conn: c, ledger: l, span: s}, nil
}

func (l *ledger) end(s *span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.to.IsZero() {
		s.to = time.Now()
	}
}

type noted struct {
	net.Conn
	ledger *ledger
	span   *span
}

func (c *noted) Close() error {
	c.ledger.end(c.span)
	return c.Conn.Close()
}

// at gives the connections to some addresses in order of time.
func (l *ledger) at(addrs ...string) []*span {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*span
	for _, s := range l.spans {
		if slices.Contains(addrs, s.addr.String()) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b *span) int { return a.from.Compare(b.from) })
	return out
}

// polite fails the test unless the connections to these addresses, taken as
// one group, never overlap and keep the gap.
func (l *ledger) polite(t *testing.T, group string, addrs ...string) {
	t.Helper()
	spans := l.at(addrs...)
	if len(spans) < 2 {
		t.Errorf("%s: %d connections prove nothing", group, len(spans))
	}
	for i := 1; i < len(spans); i++ {
		before, s := spans[i-1], spans[i]
		if before.to.IsZero() || s.from.Before(before.to) {
			t.Errorf("%s: connection %d begins while the one before is open", group, i)
		} else if pause := s.from.Sub(before.to); pause < gap {
			t.Errorf("%s: connection %d comes %s after the one before, gap is %s", group, i, pause, gap)
		}
	}
}

// most is how many connections were open at once.
func (l *ledger) most() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	type event struct {
		at    time.Time
		delta int
	}
	var events []event
	for _, s := range l.spans {
		events = append(events, event{s.from, 1}, event{s.to, -1})
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Or(a.at.Compare(b.at), a.delta-b.delta) })
	open, most := 0, 0
	for _, e := range events {
		open += e.delta
		most = max(most, open)
	}
	return most
}

// open counts the connections that nobody closed.
func (l *ledger) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.spans {
		if s.to.IsZero() {
			n++
		}
	}
	return n
}
