package scan

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
)

// LookupFunc resolves a name.
type LookupFunc func(ctx context.Context, host string) ([]netip.Addr, error)

// ResolverOptions of a Resolver.
type ResolverOptions struct {
	// Lookup is asked; nil is the Go resolver.
	Lookup LookupFunc
	// TTL is how long an answer is kept, default 5 minutes; NegativeTTL how
	// long a failure is, default 2 s: long enough for the connections of one
	// probe, short enough that the second probe asks again.
	TTL, NegativeTTL time.Duration
	// Timeout bounds one lookup, default 5 s, and AtOnce how many are under
	// way, default 64: small resolvers drop what comes faster.
	Timeout time.Duration
	AtOnce  int
}

// Resolver is a cache in front of a name server: each name is asked for once
// at a time, so many names at a time. It is safe for concurrent use.
type Resolver struct {
	opts  ResolverOptions
	slots chan struct{}

	mu    sync.Mutex
	names map[string]*answer
	under sync.WaitGroup
}

// answer is what is known about a name, or the lookup that will tell.
type answer struct {
	done    chan struct{} // closed when the rest is set
	addrs   []netip.Addr
	err     error
	took    time.Duration
	expires time.Time
	// waiting callers; the lookup ends with the last of them.
	waiting int
	cancel  context.CancelFunc
}

// NewResolver returns a Resolver. Wait must be called before it is dropped.
func NewResolver(o ResolverOptions) *Resolver {
	if o.Lookup == nil {
		o.Lookup = egress.Resolve
	}
	for d, v := range map[*time.Duration]time.Duration{
		&o.TTL: 5 * time.Minute, &o.NegativeTTL: 2 * time.Second, &o.Timeout: 5 * time.Second,
	} {
		if *d <= 0 {
			*d = v
		}
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 64
	}
	return &Resolver{opts: o, slots: make(chan struct{}, o.AtOnce), names: map[string]*answer{}}
}

// Resolve has the shape that egress.Options asks for.
func (r *Resolver) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, _, err := r.Lookup(ctx, host)
	return addrs, err
}

// Lookup also tells how long the name server took, when the answer was fresh.
func (r *Resolver) Lookup(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	a := r.enter(ctx, host)
	select {
	case <-a.done:
		r.leave(a)
		return slices.Clone(a.addrs), a.took, a.err
	case <-ctx.Done():
		r.leave(a)
		return nil, 0, timedOut(host, ctx.Err())
	}
}

// enter finds or begins the lookup of a name.
func (r *Resolver) enter(ctx context.Context, host string) *answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.names[host]; a != nil && a.usable(time.Now()) {
		a.waiting++
		return a
	}
	// The lookup outlives the caller that began it as long as others wait.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a := &answer{done: make(chan struct{}), waiting: 1, cancel: cancel}
	r.makeRoom()
	r.names[host] = a
	r.under.Go(func() { r.ask(ctx, host, a) })
	return a
}

// maxNames is how many answers are kept. A scan remembers itself what it still
// needs, so that this serves the names met on the way, such as login servers.
const maxNames = 4096

// makeRoom forgets an answer, whichever comes first, when there are too many.
// The caller holds the lock.
func (r *Resolver) makeRoom() {
	if len(r.names) < maxNames {
		return
	}
	for name, a := range r.names {
		select {
		case <-a.done:
			delete(r.names, name)
			return
		default: // somebody waits for it
		}
	}
}

// usable tells whether an answer is fresh, or a lookup still wanted by
// somebody. The caller holds the lock.
func (a *answer) usable(now time.Time) bool {
	select {
	case <-a.done:
		return now.Before(a.expires)
	default:
		return a.waiting > 0
	}
}

func (r *Resolver) leave(a *answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.waiting--; a.waiting == 0 {
		a.cancel()
	}
}

// ask makes the lookup when a slot is free.
func (r *Resolver) ask(ctx context.Context, host string, a *answer) {
	defer a.cancel()
	var addrs []netip.Addr
	var took time.Duration
	var err error
	select {
	case r.slots <- struct{}{}:
		start := time.Now()
		limited, cancel := context.WithTimeout(ctx, r.opts.Timeout)
		addrs, err = r.opts.Lookup(limited, host)
		cancel()
		took = time.Since(start)
		<-r.slots
	case <-ctx.Done():
		err = timedOut(host, ctx.Err())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a.addrs, a.err, a.took = addrs, err, took
	ttl := r.opts.TTL
	switch {
	case ctx.Err() != nil:
		ttl = 0 // nobody waited for it to the end: it says nothing
	case err != nil:
		ttl = r.opts.NegativeTTL
	}
	a.expires = time.Now().Add(ttl)
	close(a.done)
}

// Wait returns when no lookup is under way. Lookups end when their callers
// have left.
func (r *Resolver) Wait() { r.under.Wait() }

// timedOut makes an error of the resolver's own of an ended context.
func timedOut(host string, err error) error {
	return &net.DNSError{
		UnwrapErr: err, Err: err.Error(), Name: host,
		IsTimeout: errors.Is(err, context.DeadlineExceeded), IsTemporary: true,
	}
}

// life is how long an answer is good for.
func (r *Resolver) life(err error) time.Duration {
	if err != nil {
		return r.opts.NegativeTTL
	}
	return r.opts.TTL
}
