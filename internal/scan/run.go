package scan

import (
	"context"
	"fmt"
	"slices"
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

	sched    *schedule
	work     chan assignment
	finished chan finished
	lookups  chan lookup
	workers  sync.WaitGroup
	started  int // workers
	inFlight int
	asking   int // lookups
	health   health
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
	r.admit(ctx, targets)
	r.sched.open(time.Now())
	r.dispatch(ctx)
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
		r.sched.tick(now)
		if ctx.Err() == nil {
			r.start(ctx, now)
		}
		if r.inFlight == 0 && r.asking == 0 && (ctx.Err() != nil || r.sched.queued == 0) {
			break
		}
		r.progress.set(r.sched.queued, r.inFlight, r.sched)
		if d, ok := r.wait(now); ok {
			timer.Reset(d)
		} else {
			timer.Stop()
		}
		select {
		case f := <-r.finished:
			r.take(ctx, f)
		case l := <-r.lookups:
			r.asking--
			r.sched.lookedUp(l.lane, l.name, l.host)
		case <-timer.C:
		case <-stop:
			stop = nil // go on until what is under way has ended
		}
	}
	r.abandon()
}

// wait is how long the dispatcher may sleep.
func (r *run) wait(now time.Time) (time.Duration, bool) {
	return r.sched.wait(now)
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
	for r.inFlight < r.opts.Parallel {
		j := r.sched.next(now)
		if j == nil {
			return
		}
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
	if r.inFlight == r.started {
		r.started++
		r.workers.Go(func() {
			for a := range r.work {
				r.finished <- r.measure(ctx, a.job, a.pin)
			}
		})
	}
	r.inFlight++
	r.work <- a
}

// take judges what came back: final, or to be measured again later.
func (r *run) take(ctx context.Context, f finished) {
	r.inFlight--
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
	wait := r.pace(l, res, now)
	r.sched.done(j, now)
	if ctx.Err() != nil && res.Grade == finding.Unknown {
		return // stopped, not measured
	}
	switch {
	case wait > r.opts.MaxRetryAfter:
		r.putOff(j, res, fmt.Sprintf("asks to come back in %s", wait))
		r.forsake(l, fmt.Sprintf("the host asks to come back in %s", wait))
	case throttled(res):
		r.throttled(l, j, res, now.Add(wait))
	case res.Grade.Accuses() && j.first == nil && j.target.Host != "":
		j.first = &res
		r.sched.later(j, now.Add(max(wait, r.confirmAfter(res))))
	default:
		if j.first != nil {
			res = probe.Agree(*j.first, res)
		}
		r.emit(Record{Result: res, Name: j.target.Name, Source: j.target.Source, Key: j.target.Key})
	}
}

// pace adapts the lane to an answer and returns what the server wants us to
// wait.
func (r *run) pace(l *lane, res probe.Result, now time.Time) time.Duration {
	switch {
	case throttled(res), res.RetryAfter > 0:
		r.sched.slowDown(l, min(res.RetryAfter, r.opts.MaxRetryAfter), now)
		return max(res.RetryAfter, l.gap)
	case !res.Grade.Accuses():
		r.sched.ease(l)
	}
	return 0
}

func throttled(res probe.Result) bool { return slices.Contains(res.Codes, "http.429") }

// throttled puts a job off once; the second time it is not measured.
func (r *run) throttled(l *lane, j *job, res probe.Result, at time.Time) {
	switch {
	case l.throttled >= maxThrottled:
		r.putOff(j, res, "throttled again and again")
		r.forsake(l, fmt.Sprintf("the host answered 429 %d times in a row", l.throttled))
	case j.retried:
		r.putOff(j, res, "throttled twice")
	default:
		j.retried = true
		r.sched.later(j, at)
	}
}

// putOff reports a target that was asked but would not say.
func (r *run) putOff(j *job, res probe.Result, note string) {
	if j.first != nil {
		res.Unconfirmed = j.first.Codes
	}
	if res.Grade != finding.Unknown {
		res.Unconfirmed = res.Codes
		res.Grade, res.Codes, res.Findings = finding.Unknown, []string{}, []finding.Finding{}
	}
	r.emit(Record{
		Result: res, Name: j.target.Name, Source: j.target.Source, Key: j.target.Key,
		NotMeasured: SkipThrottled, Note: note,
	})
}

// forsake leaves the rest of a lane unmeasured.
func (r *run) forsake(l *lane, note string) {
	for _, j := range r.sched.drop(l) {
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
	for _, t := range r.sched.timers {
		if t.job != nil && t.job.first != nil {
			res := *t.job.first
			res.Unconfirmed, res.Codes = res.Codes, []string{}
			res.Grade, res.Findings = finding.Unknown, []finding.Finding{}
			r.emit(Record{
				Result: res, Name: t.job.target.Name, Source: t.job.target.Source, Key: t.job.target.Key,
				NotMeasured: SkipCanceled, Note: "the scan was stopped before a second probe",
			})
		}
	}
}
