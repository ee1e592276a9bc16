package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
)

// LintText writes a lint report for people: per file, each finding with its
// place, what was seen, what it does to a client and what to do.
func LintText(w io.Writer, r lint.Report, s Style) error {
	var b strings.Builder
	file := ""
	for _, x := range r.Findings {
		if x.File != file {
			file = x.File
			fmt.Fprintf(&b, "%s\n", s.bold(file))
		}
		writeLintResult(&b, x, s)
	}
	for _, skip := range r.Skipped {
		fmt.Fprintf(&b, "%s\n", s.dim("skipped "+skip.File+": "+skip.Reason))
	}
	b.WriteString(lintSummary(r, s))
	_, err := io.WriteString(w, b.String())
	return err
}

func writeLintResult(b *strings.Builder, x lint.Result, s Style) {
	e, _ := finding.Lookup(x.Code)
	color := map[finding.Severity]string{finding.Error: "31", finding.Warning: "33", finding.Info: "36"}[x.Severity]
	about := x.Object
	if x.Heuristic {
		about += ", heuristic"
	}
	width := s.columns()
	place, code := fmt.Sprintf("%4d:%-3d", x.Line, x.Column), fmt.Sprintf("%-7s %s", x.Severity, x.Code)
	before := "  "
	if utf8.RuneCountInString(place+code+e.Title+about)+8 > width {
		before = "\n" + strings.Repeat(" ", 11) // the object on a line of its own
	}
	fmt.Fprintf(b, "  %s %s %s%s%s\n", s.dim(place), s.paint(color, code), s.bold(e.Title), before, s.dim("("+about+")"))
	labelled(b, 11, "seen:", x.Seen, width)
	labelled(b, 11, "why: ", e.Why, width)
	fix := x.Hint
	if x.Fix != nil {
		fix += " (--fix: " + x.Fix.Summary + ")"
	}
	labelled(b, 11, "do:  ", fix, width)
}

func lintSummary(r lint.Report, s Style) string {
	count := map[finding.Severity]int{}
	for _, x := range r.Findings {
		count[x.Severity]++
	}
	var parts []string
	for _, severity := range []finding.Severity{finding.Error, finding.Warning, finding.Info} {
		if n := count[severity]; n > 0 {
			parts = append(parts, counted(n, string(severity)))
		}
	}
	verdict := s.paint("32", "no findings")
	if len(parts) > 0 {
		verdict = s.bold(strings.Join(parts, ", "))
	}
	text := fmt.Sprintf("%s in %s with %s, %s", verdict, counted(r.Files, "file"), counted(r.Objects, "object"), counted(r.Servers, "MCP server"))
	if n := len(r.Known); n > 0 {
		text += fmt.Sprintf("; %d in the baseline", n)
	}
	if n := len(r.Ignored); n > 0 {
		text += fmt.Sprintf("; %d ignored for a reason", n)
	}
	return text + "\n"
}

// counted writes a number with its noun. All nouns here take an s, "info" too.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// LintDiff writes the fixes of a report as one patch.
func LintDiff(w io.Writer, r lint.Report) error {
	for _, p := range r.Patches() {
		if _, err := io.WriteString(w, p.Diff()); err != nil {
			return err
		}
	}
	return nil
}

// LintRules lists the rules with what each reads.
func LintRules(w io.Writer, s Style) error {
	var b strings.Builder
	for _, rule := range lint.Rules() {
		e, _ := finding.ByName(rule.Name)
		note := ""
		if rule.Heuristic {
			note = ", heuristic"
		}
		reads := "(" + rule.Reads + note + ")"
		line := fmt.Sprintf("%s  %-7s  %-32s %s", e.Code, e.Severity, e.Name, e.Title)
		if s.Width > 0 && utf8.RuneCountInString(line+reads)+2 > s.Width {
			fmt.Fprintf(&b, "%s  %-7s  %s\n", e.Code, e.Severity, e.Name)
			labelled(&b, 15, "", e.Title+" "+reads, s.columns())
			continue
		}
		fmt.Fprintf(&b, "%s  %s\n", line, s.dim(reads))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
