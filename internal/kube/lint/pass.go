package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Rule is one line of the catalogue: what it is called, what it reads and how
// it looks.
type Rule struct {
	// Name is the catalogue entry, such as probe.path_is_mcp.
	Name string
	// Reads says which files and kinds the rule looks at, for --list-rules.
	Reads string
	// Heuristic marks a rule that reads program text and may be fooled by it.
	Heuristic bool
	Check     func(*Pass)
}

// Pass is what a rule gets: everything that was read, and where to report.
type Pass struct {
	*Index
	opts  Options
	rule  Rule
	entry finding.Entry
	out   *[]Result
}

// Servers gives the workloads that are MCP servers.
func (p *Pass) Servers() []*Workload { return p.servers }

// Judged gives the servers and the monitors that ask them: what runs beside a
// server must be as safe as the server.
func (p *Pass) Judged() []*Workload { return append(slices.Clone(p.servers), p.monitors...) }

// Report says that something was seen at a place.
func (p *Pass) Report(at Value, format string, args ...any) {
	p.ReportFix(at, nil, format, args...)
}

// ReportFix reports with edits that would mend it.
func (p *Pass) ReportFix(at Value, fix *Fix, format string, args ...any) {
	if at.obj == nil {
		return
	}
	line, column := at.pos()
	p.add(at.obj, place{line, column, at.path()}, fix, fmt.Sprintf(format, args...))
}

// ReportLine reports a line of a file that has no nodes. The key takes the
// place of a path in the fingerprint.
func (p *Pass) ReportLine(f *File, line int, key string, fix *Fix, seen string) {
	p.add(fileObject(f), place{line, 1, key}, fix, seen)
}

// maxSeen bounds what is repeated from a file, in bytes.
const maxSeen = 600

// printable takes control characters out of text that came from a file, so
// that it cannot steer a terminal, and clips it.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxSeen {
		s = strings.ToValidUTF8(s[:maxSeen], "") + "…"
	}
	return s
}

// place is where in an object a finding stands.
type place struct {
	line, column int
	path         string
}

func (p *Pass) add(o *Object, at place, fix *Fix, seen string) {
	if fix != nil && len(fix.edits) == 0 {
		fix = nil
	}
	r := Result{
		Finding:   finding.Finding{Code: p.entry.Code, Name: p.entry.Name, Severity: p.entry.Severity, Seen: printable(seen), Hint: p.entry.Do},
		File:      o.file.Path,
		Line:      max(at.line, 1),
		Column:    max(at.column, 1),
		Object:    printable(o.String()),
		Path:      printable(at.path),
		Heuristic: p.rule.Heuristic,
		Fix:       fix,
		object:    o,
	}
	r.Subject = fmt.Sprintf("%s:%d:%d", r.File, r.Line, r.Column)
	if severity, ok := p.opts.Severity[r.Code]; ok {
		r.Severity = severity
	}
	*p.out = append(*p.out, r)
}
