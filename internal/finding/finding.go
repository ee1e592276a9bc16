// Package finding holds the words in which Holdfast reports: grades, severities
// and findings with stable codes. The probe, the linter and the doctor all
// speak it, so that a code means the same wherever it is read.
package finding

import (
	"fmt"
	"strings"
	"sync"
)

// Grade says how usable a server is for a client that follows the
// specification and holds the right credential.
type Grade string

// The grades, from best to worst; Unknown stands apart, it was not measured.
const (
	Healthy  Grade = "healthy"
	Degraded Grade = "degraded"
	Gated    Grade = "gated"
	Unusable Grade = "unusable"
	Dead     Grade = "dead"
	Unknown  Grade = "unknown"
)

// Grades lists all grades in the order in which reports print them.
func Grades() []Grade { return []Grade{Healthy, Degraded, Gated, Unusable, Dead, Unknown} }

// Accuses tells whether a grade says that the server is broken. An accusation
// needs two probes that agree.
func (g Grade) Accuses() bool { return g == Unusable || g == Dead }

// rank orders grades by how much they take away from a client. No grade, as
// lint findings have it, says nothing about a server and outranks none.
func (g Grade) rank() int {
	switch g {
	case "":
		return -1
	case Healthy:
		return 0
	case Degraded:
		return 1
	case Gated:
		return 2
	case Unknown:
		return 3
	case Unusable:
		return 4
	default:
		return 5
	}
}

// Worse gives the one of two grades that takes more away from a client. Beside
// a grade, "" does not count.
func Worse(a, b Grade) Grade {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Severity says what a finding asks of the person who reads it.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // clients fail
	Warning Severity = "warning" // some clients fail, or all will soon
	Info    Severity = "info"    // worth knowing
)

// Finding is one diagnosis.
type Finding struct {
	// Code is the stable number, such as HF011; Name its readable twin, such as
	// tls.expired. Both come from the catalogue.
	Code     string   `json:"code"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	// Subject is what the finding is about: a URL, a tool, file:line:col.
	Subject string `json:"subject,omitempty"`
	// Seen is what was observed, in one sentence, without secrets.
	Seen string `json:"seen"`
	// Hint is what to do about it.
	Hint string `json:"hint,omitempty"`
	// Evidence is how to see the same, such as a curl line. Redacted.
	Evidence string `json:"evidence,omitempty"`
}

// New makes a finding of the catalogue entry called name, with its severity and
// hint. A name that is not in the catalogue is a defect of the caller and shows
// up as code HF000, which a test forbids.
func New(name, subject, seen string) Finding {
	e, ok := ByName(name)
	if !ok {
		e = Entry{Code: "HF000", Name: name, Severity: Error}
	}
	return Finding{Code: e.Code, Name: e.Name, Severity: e.Severity, Subject: subject, Seen: seen, Hint: e.Do}
}

// String is the one-line form used in logs and errors.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", f.Code, f.Name, f.Seen)
	if f.Subject != "" {
		fmt.Fprintf(&b, " (%s)", f.Subject)
	}
	return b.String()
}

// Entry is one line of the catalogue: everything that is the same each time a
// code is reported. The four texts may quote commands in backticks.
type Entry struct {
	Code string // HF and three digits; never reused
	Name string // phase.reason
	// Grade is what a server has that shows only this; "" for findings that are
	// not about a probe.
	Grade    Grade
	Severity Severity
	Title    string // a headline
	Seen     string // how it is told
	Why      string // why it matters to a client
	Do       string // what to do, in the imperative
}

// ByName finds an entry by its readable name.
func ByName(name string) (Entry, bool) {
	e, ok := byName()[name]
	return e, ok
}

// byName is the catalogue by name, made once: a probe asks it for every finding.
var byName = sync.OnceValue(func() map[string]Entry {
	entries := map[string]Entry{}
	for _, e := range Catalogue() {
		entries[e.Name] = e
	}
	return entries
})

// Lookup finds an entry by code (HF011, in any case) or by name (tls.expired).
func Lookup(codeOrName string) (Entry, bool) {
	return lookup(func(e Entry) bool {
		return strings.EqualFold(e.Code, codeOrName) || strings.EqualFold(e.Name, codeOrName)
	})
}

func lookup(match func(Entry) bool) (Entry, bool) {
	for _, e := range Catalogue() {
		if match(e) {
			return e, true
		}
	}
	return Entry{}, false
}
