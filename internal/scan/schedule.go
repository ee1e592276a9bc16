package scan

import (
	"container/heap"
	"iter"
	"net/netip"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// job is one target on its way through the scan.
type job struct {
	target *Target
	// first is the accusation that a second probe has to confirm.
	first *probe.Result
	// retried is set once the target was put off because it was throttled, or
	// because our own network was down.
	retried bool
	// redone counts the probes that our own machine was too busy for.
	redone int
	// holds are the addresses taken while the probe is under way.
	holds []*address
}

// lane is the queue of one registrable domain.
type lane struct {
	name string
	// due are jobs that come a second time; they go before the queue.
	due, queue []*job
	free       int // probes that may still be started
	gap        time.Duration
	throttled  int // answers 429 in a row
	notBefore  time.Time
	place      place
	in         *laneHeap // where it is parked
	index      int       // in there
	// wokenBy is the address whose free slot brought the lane back.
	wokenBy *address
}

// place is where a lane waits.
type place uint8

const (
	placeIdle    place = iota // nothing to do, or no slot free
	placeLookup               // its next host has to be resolved
	placeAsking               // is being resolved
	placeReady                // can start as soon as a worker is free
	placeBlocked              // waits for an address
)

func (l *lane) len() int { return len(l.due) + len(l.queue) }

func (l *lane) head() *job {
	if len(l.due) > 0 {
		return l.due[0]
	}
	return l.queue[0]
}

func (l *lane) pop() *job {
	from := &l.queue
	if len(l.due) > 0 {
		from = &l.due
	}
	j := (*from)[0]
	(*from)[0] = nil
	*from = (*from)[1:]
	return j
}

// address is one IP address and how many probes it may still take.
type address struct {
	free    int
	waiting laneHeap
}

// host is what is known about a host name.
type host struct {
	raw     []netip.Addr
	err     error
	took    time.Duration
	expires time.Time // zero: never
	addrs   []*address
	known   bool
}

func (h *host) resolved(now time.Time) bool {
	return h != nil && h.known && (h.expires.IsZero() || now.Before(h.expires))
}

// schedule decides which target is next. It knows no goroutine and no clock:
// one goroutine owns it and tells it the time.
type schedule struct {
	gap        time.Duration // the least one
	perDomain  int
	perAddress int // 0: no limit

	lanes   map[string]*lane
	hosts   map[string]*host
	addrs   map[netip.Addr]*address
	ready   laneHeap
	lookups laneHeap
	timers  timerHeap
	queued  int // jobs in lanes and timers
}

func newSchedule(gap time.Duration, perDomain, perAddress int) *schedule {
	return &schedule{
		gap: gap, perDomain: max(1, perDomain), perAddress: perAddress,
		lanes: map[string]*lane{}, hosts: map[string]*host{}, addrs: map[netip.Addr]*address{},
	}
}

// add queues a job.
func (s *schedule) add(j *job) {
	l := s.lane(j)
	l.queue = append(l.queue, j)
	s.queued++
}

func (s *schedule) lane(j *job) *lane {
	name := j.target.Domain
	l := s.lanes[name]
	if l == nil {
		l = &lane{name: name, free: s.perDomain, gap: s.gap, index: -1}
		if name == "" { // no URLs at all: nobody to be polite to
			l.free, l.gap = 1<<30, 0
		}
		s.lanes[name] = l
	}
	return l
}

// open puts all lanes in their place, once the jobs are there.
func (s *schedule) open(now time.Time) {
	for _, l := range s.lanes {
		s.settle(l, now)
	}
}

// later queues a job again, to go before the others of its lane from at on.
func (s *schedule) later(j *job, at time.Time) {
	s.queued++
	heap.Push(&s.timers, timer{at: at, job: j})
}

// settle finds the place of a lane that is in none.
func (s *schedule) settle(l *lane, now time.Time) {
	switch {
	case l.free <= 0 || l.len() == 0 || now.Before(l.notBefore):
		l.place = placeIdle
	case !s.host(l.head().target.Host).resolved(now):
		s.park(l, placeLookup, &s.lookups)
	default:
		s.park(l, placeReady, &s.ready)
		return
	}
	s.passOn(l)
}

func (s *schedule) park(l *lane, p place, in *laneHeap) {
	l.place, l.in = p, in
	heap.Push(in, l)
}

// unpark takes a lane out of its heap, if it is in one.
func (s *schedule) unpark(l *lane) {
	if l.in != nil {
		heap.Remove(l.in, l.index)
		l.place, l.in = placeIdle, nil
	}
}

// passOn lets another lane have the address slot that woke this one, if it is
// still free.
func (s *schedule) passOn(l *lane) {
	if by := l.wokenBy; by != nil {
		l.wokenBy = nil
		s.wake(by)
	}
}

// host gives what is known of a name; literal addresses are known.
func (s *schedule) host(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = &host{}
		if a, ok := literal(name); ok {
			h.known = true
			if a.IsValid() {
				h.addrs = []*address{s.address(a)}
			}
		}
		s.hosts[name] = h
	}
	return h
}

func (s *schedule) address(a netip.Addr) *address {
	a = a.Unmap().WithZone("")
	if s.addrs[a] == nil {
		s.addrs[a] = &address{free: s.perAddress}
	}
	return s.addrs[a]
}

// nextLookup gives a lane whose next host has to be resolved.
func (s *schedule) nextLookup() *lane {
	if len(s.lookups) == 0 {
		return nil
	}
	l := s.lookups[0]
	s.unpark(l)
	l.place = placeAsking
	return l
}

// lookedUp files the answer for the head of a lane. However short its life, it
// serves the job that it was asked for.
func (s *schedule) lookedUp(l *lane, name string, found host, now time.Time) {
	found.known, found.addrs = true, nil
	for _, a := range found.raw {
		found.addrs = append(found.addrs, s.address(a))
	}
	*s.hosts[name] = found
	if l.free <= 0 || l.len() == 0 || now.Before(l.notBefore) {
		l.place = placeIdle
		return
	}
	s.park(l, placeReady, &s.ready)
}

// next gives the job to start, nil if none can start now.
func (s *schedule) next(now time.Time) *job {
	for len(s.ready) > 0 {
		l := s.ready[0]
		s.unpark(l)
		h := s.host(l.head().target.Host)
		if !h.known { // another job has come to the head
			s.settle(l, now)
			continue
		}
		if full := s.full(h); full != nil {
			s.park(l, placeBlocked, &full.waiting)
			s.passOn(l)
			continue
		}
		j := l.pop()
		s.queued--
		l.free--
		j.holds = h.addrs
		for _, a := range j.holds {
			a.free--
		}
		s.passOn(l)
		s.settle(l, now)
		return j
	}
	return nil
}

// full gives the address that keeps a host from being probed.
func (s *schedule) full(h *host) *address {
	if s.perAddress <= 0 {
		return nil
	}
	for _, a := range h.addrs {
		if a.free <= 0 {
			return a
		}
	}
	return nil
}

// wake lets the longest lane that waits for an address try again.
func (s *schedule) wake(a *address) {
	if a.free <= 0 || len(a.waiting) == 0 {
		return
	}
	l := a.waiting[0]
	s.unpark(l)
	l.wokenBy = a
	s.park(l, placeReady, &s.ready)
}

// done gives back what a finished probe held, after the gap of its lane.
func (s *schedule) done(j *job, now time.Time) {
	l := s.lane(j)
	heap.Push(&s.timers, timer{at: now.Add(l.gap), lane: l, slots: 1, addrs: j.holds})
	j.holds = nil
}

// slowDown doubles the gap of a lane and keeps it from starting anything
// before the pause is over.
func (s *schedule) slowDown(l *lane, pause time.Duration, now time.Time) {
	l.throttled++
	l.gap = min(max(2*l.gap, minBackOff), max(maxBackOff, s.gap))
	until := now.Add(max(pause, l.gap))
	if until.Before(l.notBefore) {
		return
	}
	l.notBefore = until
	heap.Push(&s.timers, timer{at: until, lane: l})
	s.unpark(l)
	s.passOn(l)
}

// ease narrows the gap of a lane again after a success.
func (s *schedule) ease(l *lane) {
	l.throttled = 0
	l.gap = max(s.gap, l.gap*3/4)
}

const (
	minBackOff = 2 * time.Second
	maxBackOff = 30 * time.Second
)

// drop takes the jobs for one host out of a lane. One whose name is being
// looked up stays.
func (s *schedule) drop(l *lane, host string, now time.Time) []*job {
	var asking *job
	if l.place == placeAsking {
		asking = l.head()
	}
	var out []*job
	leave := func(jobs []*job) (keep []*job) {
		for _, j := range jobs {
			if j.target.Host == host && j != asking {
				out = append(out, j)
			} else {
				keep = append(keep, j)
			}
		}
		return keep
	}
	s.unpark(l)
	l.due, l.queue = leave(l.due), leave(l.queue)
	s.queued -= len(out)
	if asking == nil {
		s.settle(l, now)
	}
	return out
}

// tick lets everything happen that is due.
func (s *schedule) tick(now time.Time) {
	for len(s.timers) > 0 && !s.timers[0].at.After(now) {
		t := heap.Pop(&s.timers).(timer)
		if t.job != nil {
			s.due(t.job, now)
			continue
		}
		t.lane.free += t.slots
		if t.lane.place == placeIdle {
			s.settle(t.lane, now)
		}
		for _, a := range t.addrs {
			a.free++
			s.wake(a)
		}
	}
}

func (s *schedule) due(j *job, now time.Time) {
	l := s.lane(j)
	l.due = append(l.due, j)
	if l.place == placeAsking {
		return
	}
	s.unpark(l) // the head may be another host now
	s.settle(l, now)
}

// again gives the jobs that were to be done a second time.
func (s *schedule) again() iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for _, t := range s.timers {
			if t.job != nil && !yield(t.job) {
				return
			}
		}
		for _, l := range s.lanes {
			for _, j := range l.due {
				if !yield(j) {
					return
				}
			}
		}
	}
}

// wait is how long nothing will become due, false if nothing ever will.
func (s *schedule) wait(now time.Time) (time.Duration, bool) {
	if len(s.timers) == 0 {
		return 0, false
	}
	return max(0, s.timers[0].at.Sub(now)), true
}

// longest is the length of the longest lane.
func (s *schedule) longest() int {
	n := 0
	for _, l := range s.lanes {
		n = max(n, l.len())
	}
	return n
}

// laneHeap has the longest lane on top.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].len() > h[j].len() }
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop implements heap.Interface.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	l.index = -1
	return l
}

// timer is something that happens at a time: a job comes back, or a lane and
// its addresses may be used again.
type timer struct {
	at    time.Time
	job   *job
	lane  *lane
	slots int
	addrs []*address
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) { *h = append(*h, x.(timer)) }

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return t
}
