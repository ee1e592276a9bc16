package mcptest

import "sync"

// gate counts what is under way and lets its owner wait for the end of it.
// Unlike a bare WaitGroup it may be entered while it is being shut.
type gate struct {
	mu   sync.Mutex
	shut bool
	wg   sync.WaitGroup
}

// enter returns false once the gate is shut; else leave must follow.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.wg.Add(1)
	return true
}

func (g *gate) leave() { g.wg.Done() }

// run starts f in a goroutine of the gate; not at all once it is shut.
func (g *gate) run(f func()) {
	if g.enter() {
		go func() {
			defer g.leave()
			f()
		}()
	}
}

// close lets nobody in any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
}

// wait returns when everybody has left.
func (g *gate) wait() { g.wg.Wait() }
