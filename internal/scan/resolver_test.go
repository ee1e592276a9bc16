package scan_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// nameServer answers after a second, and counts.
type nameServer struct {
	asked, now, most atomic.Int64
	fail             atomic.Bool
}

func (n *nameServer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	n.asked.Add(1)
	n.most.Store(max(n.most.Load(), n.now.Add(1)))
	defer n.now.Add(-1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if n.fail.Load() {
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
}

func TestResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var server nameServer
		r := scan.NewResolver(scan.ResolverOptions{Lookup: server.lookup, AtOnce: 4})
		var callers sync.WaitGroup
		ask := func(host string) {
			callers.Go(func() {
				addrs, err := r.Resolve(t.Context(), host)
				if err != nil || len(addrs) != 1 {
					t.Errorf("%s: %v, %v", host, addrs, err)
				}
			})
		}
		for range 50 {
			ask("same.test")
		}
		callers.Wait()
		if n := server.asked.Load(); n != 1 {
			t.Errorf("50 callers caused %d lookups", n)
		}
		for i := range 20 {
			ask(fmt.Sprintf("h%d.test", i))
		}
		callers.Wait()
		if n := server.most.Load(); n != 4 {
			t.Errorf("%d lookups at once, want 4", n)
		}
		before := server.asked.Load()
		ask("same.test")
		callers.Wait()
		if server.asked.Load() != before {
			t.Error("a fresh answer was asked for again")
		}
		time.Sleep(5 * time.Minute)
		ask("same.test")
		callers.Wait()
		if server.asked.Load() != before+1 {
			t.Error("a stale answer was used")
		}
		r.Wait()
	})
}

// A failure is remembered for one probe's time, not for the next probe.
func TestResolverFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var server nameServer
		server.fail.Store(true)
		r := scan.NewResolver(scan.ResolverOptions{Lookup: server.lookup})
		for range 3 {
			if _, err := r.Resolve(t.Context(), "gone.test"); err == nil {
				t.Error("no error")
			}
		}
		if n := server.asked.Load(); n != 1 {
			t.Errorf("%d lookups in a row", n)
		}
		time.Sleep(5 * time.Second)
		server.fail.Store(false)
		if _, err := r.Resolve(t.Context(), "gone.test"); err != nil {
			t.Errorf("five seconds later: %v", err)
		}
		r.Wait()
	})
}

// Who stops waiting is let go at once; the lookup ends with the last of them,
// and says nothing to those who come after.
func TestResolverCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var server nameServer
		r := scan.NewResolver(scan.ResolverOptions{Lookup: server.lookup})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := r.Resolve(ctx, "slow.test")
		if dns, ok := errors.AsType[*net.DNSError](err); !ok || !dns.IsTimeout || time.Since(start) != 300*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if addrs, err := r.Resolve(t.Context(), "slow.test"); err != nil || len(addrs) != 1 {
			t.Errorf("the next caller got %v, %v", addrs, err)
		}
		r.Wait()
	})
}
