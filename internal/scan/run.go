package scan

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// run is one Run: the state of the goroutine that dispatches. Only workers and
// lookups run beside it, and talk to it by channels.
type run struct {
	*Scanner
	cancel  context.CancelCauseFunc
	records chan Record

	sched     *schedule
	work      chan assignment
	finished  chan finished
	lookups   chan lookup
	workers   sync.WaitGroup
	started   int // workers
	busy      int // of them
	inFlight  int
	asking    int // lookups
	health    health
	pacer     pacer
	held      bool // probes wait for the pacer or for our own machine
	lastStart time.Time
}

type assignment struct {
	job *job
	pin *pin
}

type lookup struct {
	lane *lane
	name string
	host host
}

func (r *run) run(ctx context.Context, targets []Target) {
	r.work = make(chan assignment)
	r.finished = make(chan finished, r.opts.Parallel)
	r.lookups = make(chan lookup, r.lookupsAtOnce())
	r.sched = newSchedule(r.opts.Gap, r.opts.PerDomain, r.opts.PerAddress)
	r.progress.begin(len(targets))
	if r.opts.Control != "" {
		t := NewTarget(r.opts.Control, "", "--control")
		r.health.control = &t
	}
	r.admit(ctx, targets)
	r.sched.open(time.Now())
	r.pacer = newPacer(runtime.GOMAXPROCS(0), time.Now())
	lagging, stop := context.WithCancel(ctx)
	r.workers.Go(func() { r.lag.watch(lagging) })
	r.dispatch(ctx)
	stop()
	close(r.work)
	r.workers.Wait()
	r.progress.end()
}

func (r *run) lookupsAtOnce() int {
	if n := r.opts.Resolver.AtOnce; n > 0 {
		return n
	}
	return 64
}

// admit queues the targets that may be measured and reports the others.
func (r *run) admit(ctx context.Context, targets []Target) {
	sampled := sample(targets, r.opts.PerHost)
	for i := range targets {
		t := &targets[i]
		switch {
		case ctx.Err() != nil:
			return
		case r.opts.OptOut.Has(t.Host):
			r.skip(t, SkipOptOut, "on the opt-out list")
		case !sampled(t):
			r.skip(t, SkipSample, fmt.Sprintf("%d endpoints of this host are measured", r.opts.PerHost))
		default:
			r.sched.add(&job{target: t})
		}
	}
}

// sample keeps n targets of each host, the same ones in every run: those with
// the smallest keys, which are as good as drawn by lot.
func sample(targets []Target, n int) func(*Target) bool {
	if n <= 0 {
		return func(*Target) bool { return true }
	}
	keys := map[string][]string{}
	for _, t := range targets {
		if t.Host != "" {
			keys[t.Host] = append(keys[t.Host], t.Key)
		}
	}
	last := map[string]string{}
	for host, k := range keys {
		if len(k) > n {
			slices.Sort(k)
			last[host] = k[n-1]
		}
	}
	return func(t *Target) bool {
		limit, ok := last[t.Host]
		return !ok || t.Key <= limit
	}
}

// dispatch gives work to workers until all of it is done or ctx ends.
func (r *run) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for {
		now := time.Now()
		if ctx.Err() == nil {
			r.sched.tick(now)
			r.askControl(ctx, now)
			r.start(ctx, now)
		}
		if r.inFlight == 0 && r.asking == 0 && (ctx.Err() != nil || r.sched.queued == 0) {
			break
		}
		r.progress.set(r.sched.queued, r.inFlight, r.sched)
		if d, ok := r.wait(now); ok && ctx.Err() == nil {
			timer.Reset(d)
		} else {
			timer.Stop()
		}
		select {
		case f := <-r.finished:
			r.take(ctx, f)
		case l := <-r.lookups:
			r.asking--
			r.sched.lookedUp(l.lane, l.name, l.host, time.Now())
		case <-timer.C:
		case <-stop:
			stop = nil // go on until what is under way has ended
		}
	}
	r.abandon()
}

// wait is how long the dispatcher may sleep.
func (r *run) wait(now time.Time) (time.Duration, bool) {
	d, ok := r.sched.wait(now)
	if r.held && (!ok || lagTick < d) {
		d, ok = lagTick, true
	}
	if r.paused() && !r.health.asking {
		until := max(0, r.health.retryAt.Sub(now))
		if !ok || until < d {
			d, ok = until, true
		}
	}
	return d, ok
}

// paused: nothing is started while a control target does not answer.
func (r *run) paused() bool { return r.health.down && r.health.target() != nil }

// askControl probes the control target again while the network is down.
func (r *run) askControl(ctx context.Context, now time.Time) {
	if r.paused() && !r.health.asking && !now.Before(r.health.retryAt) {
		r.control(ctx)
	}
}

// control probes the control target, outside the schedule.
func (r *run) control(ctx context.Context) {
	t := r.health.target()
	r.health.asking = true
	r.inFlight++
	r.workers.Go(func() {
		f := r.measure(ctx, &job{target: t, first: &probe.Result{}}, nil)
		f.control = true
		r.finished <- f
	})
}

// controlled judges the answer of the control target.
func (r *run) controlled(ctx context.Context, f finished) {
	if ctx.Err() != nil {
		return
	}
	down, giveUp := r.health.asked(judge(f.result) == verdictAnswer, time.Now())
	r.progress.down(down)
	if down {
		r.opts.Logger.WarnContext(ctx, "the control target does not answer", "target", f.job.target.Host, "codes", f.result.Codes)
	}
	if giveUp {
		r.cancel(ErrNetworkDown)
	}
}

// start begins lookups and probes as long as there is room.
func (r *run) start(ctx context.Context, now time.Time) {
	// Names are resolved a little ahead of the probes, not all at once: an
	// answer ages.
	for r.asking < cap(r.lookups) && len(r.sched.ready) < 2*r.opts.Parallel {
		l := r.sched.nextLookup()
		if l == nil {
			break
		}
		r.ask(ctx, l)
	}
	r.held = false
	for began := 0; r.inFlight < r.opts.Parallel && !r.paused(); began++ {
		if r.lag.high() && (began > 0 || now.Sub(r.lastStart) < lagTick) || !r.pacer.take(now) {
			r.held = true
			return
		}
		j := r.sched.next(now)
		if j == nil {
			r.pacer.giveBack()
			return
		}
		r.lastStart = now
		r.assign(ctx, j)
	}
}

// ask resolves the next host of a lane.
func (r *run) ask(ctx context.Context, l *lane) {
	r.asking++
	name := l.head().target.Host
	r.workers.Go(func() {
		addrs, took, err := r.resolver.Lookup(ctx, name)
		found := host{raw: addrs, err: err, took: took, expires: time.Now().Add(r.resolver.life(err))}
		r.lookups <- lookup{lane: l, name: name, host: found}
	})
}

// assign hands a job to a worker, a new one if all are busy.
func (r *run) assign(ctx context.Context, j *job) {
	a := assignment{job: j}
	if h := r.sched.host(j.target.Host); h.raw != nil || h.err != nil {
		a.pin = &pin{name: j.target.Host, addrs: h.raw, err: h.err}
	}
	if r.busy == r.started {
		r.started++
		r.workers.Go(func() {
			for a := range r.work {
				r.finished <- r.measure(ctx, a.job, a.pin)
			}
		})
	}
	r.inFlight++
	r.busy++
	r.work <- a
}

// take judges what came back: final, or to be measured again later.
func (r *run) take(ctx context.Context, f finished) {
	r.inFlight--
	if f.control {
		r.controlled(ctx, f)
		return
	}
	r.busy--
	now := time.Now()
	j, res := f.job, f.result
	l := r.sched.lane(j)
	h := r.sched.host(j.target.Host)
	if f.forbidden != "" {
		r.sched.done(j, now)
		r.skip(j.target, SkipRobots, f.forbidden)
		return
	}
	addLookup(&res, h)
	r.pace(l, res, now)
	r.sched.done(j, now)
	if ctx.Err() != nil && res.Grade == finding.Unknown {
		return // stopped, not measured
	}
	if r.health.observe(j.target, res) {
		r.control(ctx)
	}
	r.progress.down(r.health.down)
	if r.tooBusy(f) {
		r.again(j, res, now)
		return
	}
	tooLong := res.RetryAfter > r.opts.MaxRetryAfter
	switch {
	case r.health.down && judge(res) != verdictAnswer && judge(res) != verdictNone:
		r.unreachable(j, res, now)
	case tooLong && (throttled(res) || res.Grade.Accuses()):
		note := fmt.Sprintf("the host asks to come back in %s", res.RetryAfter)
		r.notMeasured(j, res, SkipThrottled, note)
		r.forsake(l, j.target.Host, note)
	case throttled(res):
		r.throttled(l, j, res, now)
	case res.Grade.Accuses() && j.first == nil && j.target.Host != "":
		j.first = &res
		r.sched.later(j, now.Add(max(res.RetryAfter, r.confirmAfter(res))))
	default:
		if j.first != nil {
			res = probe.Agree(*j.first, res)
		}
		r.emit(Record{Result: res, Name: j.target.Name, Source: j.target.Source, Key: j.target.Key})
	}
}

// tooBusy tells whether a result may say more about this machine than about
// the server: it speaks of slowness or accuses, and a tenth of the budget was
// lost to our own lateness.
func (r *run) tooBusy(f finished) bool {
	slow := slices.ContainsFunc(f.result.Codes, func(code string) bool { return strings.HasPrefix(code, "slow.") })
	return f.lost > r.opts.Probe.Budget/10 && f.job.target.Host != "" && (slow || f.result.Grade.Accuses())
}

// again measures a target again because this machine was too busy, a few times.
func (r *run) again(j *job, res probe.Result, now time.Time) {
	if j.redone == maxRedone {
		r.notMeasured(j, res, SkipOverload, "this machine was too busy to measure it")
		return
	}
	j.redone++
	r.sched.later(j, now.Add(r.opts.ConfirmAfter*time.Duration(j.redone)))
}

// pace adapts the lane to an answer: slower when the server asks for it, and
// back to the usual when it works.
func (r *run) pace(l *lane, res probe.Result, now time.Time) {
	switch {
	case throttled(res), res.RetryAfter > 0:
		pause := res.RetryAfter
		if pause > r.opts.MaxRetryAfter {
			pause = 0 // the host will be left alone altogether
		}
		r.sched.slowDown(l, pause, now)
	case !res.Grade.Accuses():
		r.sched.ease(l)
	}
}

func throttled(res probe.Result) bool { return slices.Contains(res.Codes, "http.429") }

// throttled puts a job off once; the second time it is not measured.
func (r *run) throttled(l *lane, j *job, res probe.Result, now time.Time) {
	switch {
	case l.throttled >= maxThrottled:
		note := fmt.Sprintf("429 %d times in a row", l.throttled)
		r.notMeasured(j, res, SkipThrottled, note)
		r.forsake(l, j.target.Host, note)
	case j.retried:
		r.notMeasured(j, res, SkipThrottled, "429, and again later")
	default:
		j.retried = true
		r.sched.later(j, now.Add(max(res.RetryAfter, l.gap)))
	}
}

// unreachable puts off, once, a target that failed while our own network was
// down; the second time it is not measured.
func (r *run) unreachable(j *job, res probe.Result, now time.Time) {
	if !j.retried {
		j.retried, j.first = true, nil
		r.sched.later(j, now.Add(controlPause))
		return
	}
	r.notMeasured(j, res, SkipNetwork, "failed while our own network seemed to be down")
}

// notMeasured reports a probe that may not count against the server.
func (r *run) notMeasured(j *job, res probe.Result, why Reason, note string) {
	if j.first != nil {
		res.Unconfirmed = j.first.Codes
	}
	if res.Grade != finding.Unknown {
		res.Unconfirmed = res.Codes
		res.Grade, res.Codes, res.Findings, res.Curl = finding.Unknown, []string{}, []finding.Finding{}, ""
	}
	r.emit(Record{
		Result: res, Name: j.target.Name, Source: j.target.Source, Key: j.target.Key, NotMeasured: why, Note: note,
	})
}

// forsake leaves the other endpoints of a host unmeasured.
func (r *run) forsake(l *lane, host, note string) {
	for _, j := range r.sched.drop(l, host, time.Now()) {
		r.skip(j.target, SkipThrottled, note)
	}
}

func (r *run) confirmAfter(res probe.Result) time.Duration {
	if slices.Contains(res.Codes, "http.5xx") {
		return serverErrorFactor * r.opts.ConfirmAfter
	}
	return r.opts.ConfirmAfter
}

// addLookup puts the time of the name server into the phases of the first
// probe of a host: a client would have waited for it.
func addLookup(res *probe.Result, h *host) {
	if h.took > 0 && res.Phases.DNS < h.took && res.Phases.FirstByte > 0 {
		res.Phases.DNS = h.took
		res.Phases.FirstByte += h.took
		if res.Phases.Total > 0 {
			res.Phases.Total += h.took
		}
		h.took = 0
	}
}

// skip reports a target that was not measured.
func (r *run) skip(t *Target, why Reason, note string) {
	r.emit(Record{
		Result: probe.Result{
			Target: shown(t.URL), At: time.Now().UTC(), Grade: finding.Unknown,
			Codes: []string{}, Findings: []finding.Finding{}, Versions: []string{},
		},
		Name: t.Name, Source: t.Source, Key: t.Key, NotMeasured: why, Note: note,
	})
}

func (r *run) emit(rec Record) {
	r.progress.count(rec)
	r.records <- rec
}

// abandon reports accusations that nobody could confirm any more.
func (r *run) abandon() {
	for j := range r.sched.again() {
		if j.first != nil {
			r.notMeasured(j, *j.first, SkipCanceled, "the scan was stopped before a second probe")
		}
	}
}
