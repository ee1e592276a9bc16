package scan

import (
	"maps"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Progress is how far a scan is.
type Progress struct {
	Started time.Time
	// Total targets, of which Done are reported.
	Total, Done int
	// InFlight probes; Queued targets that wait for their turn, those whose
	// accusation has to be confirmed included. Longest is the length of the
	// longest queue of one domain.
	InFlight, Queued, Longest int
	Grades                    map[finding.Grade]int
	// NetworkDown is set while our own network seems to be down.
	NetworkDown bool
	Ended       bool
}

// progressBox guards a Progress.
type progressBox struct {
	mu sync.Mutex
	p  Progress
	// measured is when Longest was.
	measured time.Time
}

// Progress tells how far the scan is. It may be called at any time.
func (s *Scanner) Progress() Progress {
	s.progress.mu.Lock()
	defer s.progress.mu.Unlock()
	p := s.progress.p
	p.Grades = make(map[finding.Grade]int, len(s.progress.p.Grades))
	maps.Copy(p.Grades, s.progress.p.Grades)
	return p
}

func (b *progressBox) begin(total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.p = Progress{Started: time.Now(), Total: total, Grades: map[finding.Grade]int{}}
}

func (b *progressBox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.p.InFlight, b.p.Ended = 0, true
}

func (b *progressBox) count(r Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.p.Done++
	b.p.Grades[r.Grade]++
}

func (b *progressBox) down(is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.p.NetworkDown = is
}

// set notes the state of the queues; their lengths at most once a second.
func (b *progressBox) set(queued, inFlight int, s *schedule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.p.Queued, b.p.InFlight = queued, inFlight
	if now := time.Now(); now.Sub(b.measured) >= time.Second {
		b.measured, b.p.Longest = now, s.longest()
	}
}

// shown is a URL without what may be secret in it, also when it is none.
func shown(raw string) string {
	if _, err := url.Parse(raw); err == nil {
		return clip(client.Endpoint{URL: raw}.String())
	}
	raw, _, _ = strings.Cut(raw, "?")
	raw, _, _ = strings.Cut(raw, "#")
	if scheme, rest, ok := strings.Cut(raw, "://"); ok {
		authority, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			rest = rest[at+1:]
		}
		raw = scheme + "://" + rest
	}
	return clip(raw)
}

// maxShown bounds a stranger's text in our reports, in bytes.
const maxShown = 300

// clip makes a stranger's text one printable line.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, strings.ToValidUTF8(s, "·"))
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}
