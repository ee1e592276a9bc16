package scan

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// lagTick is how often our own lateness is measured.
	lagTick = 20 * time.Millisecond
	// lagHigh is how late we may be before no more probes are added: what they
	// would measure is our own slowness.
	lagHigh = 50 * time.Millisecond
	// lagSevere is a lateness that spoils a measurement: a probe has to be woken
	// some twenty times, so that it loses half of the usual budget to this.
	lagSevere = 250 * time.Millisecond
)

// lag measures how late this process gets to run: a busy machine makes every
// server look slow, and a probe that runs out of time there accuses wrongly.
type lag struct {
	last atomic.Int64 // ns, of the last tick
	lost atomic.Int64 // ns, of all ticks that were severely late
}

// watch measures until ctx ends.
func (l *lag) watch(ctx context.Context) {
	tick := time.NewTicker(lagTick)
	defer tick.Stop()
	before := time.Now()
	for {
		select {
		case <-tick.C:
			now := time.Now()
			late := max(0, now.Sub(before)-lagTick)
			before = now
			l.last.Store(int64(late))
			if late > lagSevere {
				l.lost.Add(int64(late))
			}
		case <-ctx.Done():
			return
		}
	}
}

func (l *lag) high() bool { return time.Duration(l.last.Load()) > lagHigh }

// soFar is how much time was lost. What it grew by during a probe is what the
// probe may have lost.
func (l *lag) soFar() time.Duration { return time.Duration(l.lost.Load()) }

// startsPerSecond bounds how many probes one processor starts, above what it
// can carry to the end (some 450 cold TLS handshakes with two requests): probes
// that begin together also need the processor together.
const startsPerSecond = 600

// pacer is a bucket of starts.
type pacer struct {
	rate, most, have float64
	filled           time.Time
}

func newPacer(processors int, now time.Time) pacer {
	rate := float64(startsPerSecond * processors)
	most := rate * (2 * lagTick).Seconds()
	return pacer{rate: rate, most: most, have: most, filled: now}
}

// take takes one start if there is one.
func (p *pacer) take(now time.Time) bool {
	p.have = min(p.most, p.have+p.rate*now.Sub(p.filled).Seconds())
	p.filled = now
	if p.have < 1 {
		return false
	}
	p.have--
	return true
}

// giveBack returns a start that was not used.
func (p *pacer) giveBack() { p.have++ }
