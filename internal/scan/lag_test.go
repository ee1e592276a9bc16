package scan

import (
	"testing"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// A machine that was too busy does not accuse: the target is measured again, a
// few times, and is unknown after that.
func TestTooBusyToAccuse(t *testing.T) {
	target := NewTarget("https://a.test/mcp", "", "list:1")
	dead := probe.Result{Target: target.URL, Grade: finding.Dead, Codes: []string{"http.timeout"}}
	slow := probe.Result{Target: target.URL, Grade: finding.Degraded, Codes: []string{"slow.cold_start"}}
	fine := probe.Result{Target: target.URL, Grade: finding.Healthy, Codes: []string{}}
	tests := []struct {
		name   string
		result probe.Result
		lost   time.Duration
		want   finding.Grade // of the record, "" for none yet
	}{
		{"accused while busy", dead, 2 * time.Second, ""},
		{"slow while busy", slow, 2 * time.Second, ""},
		{"healthy while busy", fine, 2 * time.Second, finding.Healthy},
		{"slow at leisure", slow, 200 * time.Millisecond, finding.Degraded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, j := busyRun(&target)
			r.take(t.Context(), finished{job: j, result: tt.result, lost: tt.lost})
			if tt.want == "" {
				if len(r.records) != 0 || j.redone != 1 || j.first != nil || r.sched.queued != 1 {
					t.Errorf("%d records, redone %d, first %v, queued %d", len(r.records), j.redone, j.first, r.sched.queued)
				}
				return
			}
			if rec := <-r.records; rec.Grade != tt.want {
				t.Errorf("%s %v", rec.Grade, rec.Codes)
			}
		})
	}
	t.Run("busy for ever", func(t *testing.T) {
		r, j := busyRun(&target)
		for range maxRedone + 1 {
			r.inFlight, r.busy = 1, 1
			r.take(t.Context(), finished{job: j, result: dead, lost: 2 * time.Second})
		}
		rec := <-r.records
		if rec.Grade != finding.Unknown || rec.NotMeasured != SkipOverload || len(rec.Unconfirmed) != 1 {
			t.Errorf("%s %q, unconfirmed %v", rec.Grade, rec.NotMeasured, rec.Unconfirmed)
		}
	})
}

// busyRun is a run with one probe under way.
func busyRun(target *Target) (*run, *job) {
	r := &run{Scanner: New(Options{}), records: make(chan Record, 1), inFlight: 1, busy: 1}
	r.progress.begin(1)
	r.sched = newSchedule(0, 1, 1)
	return r, &job{target: target}
}

func TestPacer(t *testing.T) {
	now := time.Now()
	p := newPacer(2, now)
	count := func() (n int) {
		for p.take(now) {
			n++
		}
		return n
	}
	if n := count(); n != 48 { // 40 ms of 1,200 a second
		t.Errorf("%d starts at once", n)
	}
	total := 0
	for range 100 {
		now = now.Add(10 * time.Millisecond)
		total += count()
	}
	if total < 1195 || total > 1205 {
		t.Errorf("%d starts in a second, want 1200", total)
	}
	now = now.Add(time.Hour)
	if n := count(); n != 48 {
		t.Errorf("%d starts at once after a rest", n)
	}
}
