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
)

// lag measures how late this process gets to run: a busy machine makes every
// server look slow, and a probe that runs out of time there accuses wrongly.
type lag struct{ last atomic.Int64 }

// watch measures until ctx ends.
func (l *lag) watch(ctx context.Context) {
	tick := time.NewTicker(lagTick)
	defer tick.Stop()
	for {
		select {
		case at := <-tick.C:
			l.last.Store(int64(time.Since(at)))
		case <-ctx.Done():
			return
		}
	}
}

func (l *lag) high() bool { return time.Duration(l.last.Load()) > lagHigh }
