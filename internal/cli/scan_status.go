package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/report"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// status is what a scan shows on stderr while it runs: a bar on a terminal,
// else a line now and then.
type status struct {
	out      io.Writer
	style    report.Style
	terminal bool
	quiet    bool
	width    func() int

	mu    sync.Mutex
	shown bool // a bar is on the current line
}

const (
	barEvery  = 250 * time.Millisecond
	lineEvery = 10 * time.Second
)

func newStatus(w World, quiet bool) *status {
	return &status{
		out: w.Stderr, quiet: quiet, terminal: terminal(w.Stderr),
		style: report.Style{Color: w.color(w.Stderr), Width: w.width(w.Stderr)},
		width: func() int { return w.width(w.Stderr) },
	}
}

// warn prints a line that stays, whatever the bar does.
func (s *status) warn(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintf(s.out, "warning: %s\n", text)
}

// say shows a passing line, on a terminal only.
func (s *status) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal && !s.quiet {
		s.clear()
		fmt.Fprint(s.out, text)
		s.shown = true
	}
}

// clear takes the bar away. The caller holds the lock.
func (s *status) clear() {
	if s.shown {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.shown = false
	}
}

// input says what is wrong with a list that is scanned nevertheless.
func (s *status) input(list *scan.List, incomplete error) {
	for _, text := range list.Warnings {
		s.warn(text)
	}
	if rest := list.Invalid - len(list.Warnings); rest > 0 {
		s.warn(fmt.Sprintf("%d more lines are no endpoints", rest))
	}
	if list.Duplicates > 0 {
		s.warn(fmt.Sprintf("%d duplicates are scanned once", list.Duplicates))
	}
	if incomplete != nil {
		s.warn(incomplete.Error())
	}
}

// watch shows the progress of a scan until the returned function is called.
func (s *status) watch(scanner *scan.Scanner, resumed int, gap time.Duration) (stop func()) {
	if s.quiet {
		return func() {}
	}
	if resumed > 0 {
		s.warn(fmt.Sprintf("%d endpoints are finished already, by --state", resumed))
	}
	every := lineEvery
	if s.terminal {
		every = barEvery
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var speed speed
		for {
			select {
			case <-tick.C:
				s.draw(scanner.Progress(), &speed, gap)
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.clear()
	}
}

// speed is how many endpoints a second were reported lately.
type speed struct {
	times  []time.Time
	counts []int
}

// speedWindow is what "lately" means.
const speedWindow = 15 * time.Second

func (v *speed) of(p scan.Progress, now time.Time) float64 {
	if len(v.times) == 0 {
		v.times, v.counts = append(v.times, p.Started), append(v.counts, 0)
	}
	v.times, v.counts = append(v.times, now), append(v.counts, p.Done)
	for len(v.times) > 2 && now.Sub(v.times[1]) > speedWindow {
		v.times, v.counts = v.times[1:], v.counts[1:]
	}
	if took := now.Sub(v.times[0]).Seconds(); took > 0 {
		return float64(p.Done-v.counts[0]) / took
	}
	return 0
}

// typicalProbe is how long one probe of a long queue is assumed to take.
const typicalProbe = 500 * time.Millisecond

// left estimates the time to the end: the work at the present speed, but not
// less than the longest queue of one domain takes.
func left(p scan.Progress, speed float64, gap time.Duration) (time.Duration, bool) {
	longest := time.Duration(p.Longest) * (gap + typicalProbe)
	if speed <= 0 {
		return longest, longest > 0
	}
	rest := time.Duration(float64(p.Total-p.Done) / speed * float64(time.Second))
	return max(rest, longest), true
}

func (s *status) draw(p scan.Progress, v *speed, gap time.Duration) {
	if p.Ended || p.Total == 0 {
		return
	}
	rate := v.of(p, time.Now())
	eta := "?"
	if d, ok := left(p, rate, gap); ok {
		eta = d.Round(time.Second).String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal {
		fmt.Fprintf(s.out, "scan: %d of %d, %.0f/s, %d under way, ETA %s%s%s\n", p.Done, p.Total, rate, p.InFlight, eta, networkNote(p), grades(p, report.Style{}))
		return
	}
	width := s.width()
	if width <= 0 {
		width = 80
	}
	head := fmt.Sprintf(" %3d %%  %d/%d  %.0f/s  ETA %s%s", 100*p.Done/p.Total, p.Done, p.Total, rate, eta, networkNote(p))
	tail, plain := grades(p, s.style), grades(p, report.Style{})
	if utf8.RuneCountInString(head)+utf8.RuneCountInString(plain)+1 >= width {
		tail, plain = "", ""
	}
	bar := min(24, width-utf8.RuneCountInString(head)-utf8.RuneCountInString(plain)-1)
	s.clear()
	fmt.Fprint(s.out, progressBar(bar, p)+head[:min(len(head), max(0, width-1))]+tail)
	s.shown = true
}

func networkNote(p scan.Progress) string {
	if p.NetworkDown {
		return "  our network seems down"
	}
	return ""
}

// progressBar draws a bar of n columns, none if there is no room.
func progressBar(n int, p scan.Progress) string {
	if n < 4 {
		return ""
	}
	full := n * p.Done / p.Total
	return strings.Repeat("█", full) + strings.Repeat("░", n-full)
}

func grades(p scan.Progress, s report.Style) string {
	var b strings.Builder
	for _, g := range finding.Grades() {
		if n := p.Grades[g]; n > 0 {
			fmt.Fprintf(&b, "  %s %d", s.Grade(g), n)
		}
	}
	return b.String()
}
