// Package lifecycle starts HTTP listeners, and ends them so that no call is
// lost: say that we are going, wait until everybody has heard it, end the
// streams that would never end, finish the calls, stop.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listener is one address and what answers there.
type Listener struct {
	Name    string // for messages: public, admin
	Address string // host:port; port 0 chooses one
	Handler http.Handler
	// Last listeners stop after the others: the admin listener has to answer
	// readiness probes while calls are being finished.
	Last bool
}

// Options of a Group.
type Options struct {
	Listeners []Listener
	// Draining is called first when the end begins, and waited for: readiness
	// goes off, load balancers notice, streams that last for ever are ended.
	Draining func()
	// Grace is how long calls get to finish after it.
	Grace  time.Duration
	Logger *slog.Logger
}

// Group is a set of listeners that start and end together.
type Group struct {
	opts    Options
	servers []*http.Server
	nets    []net.Listener
}

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 64 << 10
)

// Listen opens all addresses, or none.
func Listen(ctx context.Context, o Options) (*Group, error) {
	g := &Group{opts: o}
	for _, l := range o.Listeners {
		n, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Address)
		if err != nil {
			g.closeAll()
			return nil, fmt.Errorf("open %s listener: %w", l.Name, err)
		}
		protocols := new(http.Protocols)
		protocols.SetHTTP1(true)
		protocols.SetUnencryptedHTTP2(true)
		g.nets = append(g.nets, n)
		g.servers = append(g.servers, &http.Server{
			Handler: l.Handler, Protocols: protocols,
			ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
			ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
			// No WriteTimeout: it would cut streams. Handlers set deadlines.
		})
	}
	return g, nil
}

// Address gives the address that a listener got.
func (g *Group) Address(name string) net.Addr {
	for i, l := range g.opts.Listeners {
		if l.Name == name {
			return g.nets[i].Addr()
		}
	}
	return nil
}

// Run serves until ctx ends, then drains. It returns nil after a clean drain;
// when calls were still running after Grace, it says so.
func (g *Group) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make([]error, len(g.servers))
	var serving sync.WaitGroup
	for i, s := range g.servers {
		serving.Go(func() {
			if err := s.Serve(g.nets[i]); !errors.Is(err, http.ErrServerClosed) {
				failed[i] = fmt.Errorf("serve %s: %w", g.opts.Listeners[i].Name, err)
				cancel() // one listener gone: end the others in order
			}
		})
	}
	<-ctx.Done()
	err := g.drain(context.WithoutCancel(ctx))
	serving.Wait()
	return errors.Join(append(failed, err)...)
}

func (g *Group) drain(ctx context.Context) error {
	if g.opts.Draining != nil {
		g.opts.Draining()
	}
	ctx, cancel := context.WithTimeout(ctx, g.opts.Grace)
	defer cancel()
	return errors.Join(g.shutdown(ctx, false), g.shutdown(ctx, true))
}

// shutdown ends the listeners of one kind.
func (g *Group) shutdown(ctx context.Context, last bool) error {
	var errs []error
	for i, s := range g.servers {
		if g.opts.Listeners[i].Last != last {
			continue
		}
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("drain %s: calls still ran after %s: %w", g.opts.Listeners[i].Name, g.opts.Grace, err), s.Close())
		}
	}
	return errors.Join(errs...)
}

func (g *Group) closeAll() {
	for _, n := range g.nets {
		_ = n.Close() // never served
	}
}
