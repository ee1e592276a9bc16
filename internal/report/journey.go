package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// JSONLine writes one value as one line of JSON.
func JSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Journey writes one result the way a person reads it: the grade, each step
// with its time, then what was found and what to do.
func Journey(w io.Writer, r probe.Result, s Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s", s.bold(r.Target), s.grade(r.Grade))
	if r.Auth != "" {
		fmt.Fprintf(&b, "  %s", s.dim(string(r.Auth)))
	}
	b.WriteString("\n")
	for _, step := range r.Steps {
		writeStep(&b, step, s)
	}
	if s.Transcript {
		writeTranscript(&b, r, s)
	}
	for _, group := range grouped(r.Findings) {
		writeFinding(&b, group, s)
	}
	if len(r.Unconfirmed) > 0 {
		fmt.Fprintf(&b, "\n  %s\n", s.dim("a first probe saw "+strings.Join(r.Unconfirmed, ", ")+"; a second did not"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeStep(b *strings.Builder, step probe.Step, s Style) {
	mark := map[probe.State]string{
		probe.StepOK: s.paint("32", "✓"), probe.StepWarn: s.paint("33", "!"),
		probe.StepFail: s.paint("31", "✗"), probe.StepSkip: s.dim("-"),
	}[step.State]
	took := ""
	if step.Seconds > 0 {
		took = seconds(step.Seconds)
	}
	// mark, name and time take fixed columns; the detail what is left.
	const fixed = 2 + 1 + 1 + 9 + 1 + 9
	lines := wrap(step.Detail, max(minWidth, s.columns()-fixed))
	head := fmt.Sprintf("  %s %-9s %s", mark, step.Name, s.padded(took))
	if lines[0] != "" {
		head += "  " + lines[0]
	}
	b.WriteString(head + "\n")
	for _, line := range lines[1:] {
		fmt.Fprintf(b, "%s%s\n", strings.Repeat(" ", fixed+1), line)
	}
}

// padded dims a time that has been brought to its width first: escape
// sequences must not count.
func (s Style) padded(text string) string {
	return s.dim(strings.Repeat(" ", max(0, 8-utf8.RuneCountInString(text))) + text)
}

// seconds writes a time with two or three digits that matter.
func seconds(v float64) string {
	switch {
	case v >= 9.995:
		return fmt.Sprintf("%.1f s", v)
	case v >= 0.9995:
		return fmt.Sprintf("%.2f s", v)
	case v >= 0.00995:
		return fmt.Sprintf("%.0f ms", v*1e3)
	case v >= 0.0009995:
		return fmt.Sprintf("%.1f ms", v*1e3)
	case v < 0.5e-6:
		return "<1 µs"
	default:
		return fmt.Sprintf("%.0f µs", v*1e6)
	}
}

// findingGroup is several findings that differ only in their subject.
type findingGroup struct {
	finding.Finding
	subjects []string
	seen     []string
}

// grouped brings findings of one code together, so that forty bad tools are one
// paragraph.
func grouped(findings []finding.Finding) []*findingGroup {
	var groups []*findingGroup
	byCode := map[string]*findingGroup{}
	for _, f := range findings {
		g := byCode[f.Code]
		if g == nil {
			g = &findingGroup{Finding: f}
			byCode[f.Code] = g
			groups = append(groups, g)
		}
		g.subjects = append(g.subjects, f.Subject)
		g.seen = append(g.seen, f.Seen)
	}
	return groups
}

// shownSubjects is how many findings of one code are spelled out.
const shownSubjects = 5

func writeFinding(b *strings.Builder, g *findingGroup, s Style) {
	e, _ := finding.ByName(g.Name)
	color := map[finding.Severity]string{finding.Error: "31", finding.Warning: "33", finding.Info: "36"}[g.Severity]
	fmt.Fprintf(b, "\n  %s %s  %s\n", s.paint(color, g.Code), s.bold(g.Name), e.Title)
	width := s.columns()
	for i, seen := range g.seen[:min(len(g.seen), shownSubjects)] {
		if len(g.seen) > 1 {
			seen = g.subjects[i] + ": " + seen
		}
		labelled(b, 4, "seen:", seen, width)
	}
	if rest := len(g.seen) - shownSubjects; rest > 0 {
		labelled(b, 4, "     ", fmt.Sprintf("and %d more", rest), width)
	}
	if g.Hint != "" {
		labelled(b, 4, "hint:", g.Hint, width)
	}
	if g.Evidence != "" {
		for i, line := range commandLines(g.Evidence, width-10) {
			label := "     "
			if i == 0 {
				label = "show:"
			}
			fmt.Fprintf(b, "    %s %s\n", label, line)
		}
	}
}

// commandLines breaks a command between its words, so that it can be read and
// still be copied. A word that is longer than width stays whole.
func commandLines(command string, width int) []string {
	var lines []string
	line, quoted, start := "", false, 0
	put := func(word string) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width-2: // room for " \\"
			lines = append(lines, line+` \`)
			line = "  " + word
		default:
			line += " " + word
		}
	}
	flush := func(end int) {
		if word := command[start:end]; word != "" {
			put(word)
		}
		start = end + 1
	}
	for i := 0; i < len(command); i++ {
		switch command[i] {
		case '\'':
			quoted = !quoted
		case '\\':
			if !quoted {
				i++ // what follows is meant literally
			}
		case ' ':
			if !quoted && !strings.HasSuffix(command[start:i], "-H") && !strings.HasSuffix(command[start:i], "--data-raw") {
				flush(i)
			}
		}
	}
	flush(len(command))
	return append(lines, line)
}

func writeTranscript(b *strings.Builder, r probe.Result, s Style) {
	for _, line := range r.Transcript {
		b.WriteString("\n")
		marked(b, s.paint("36", ">"), line.Request)
		marked(b, s.paint("35", "<"), line.Response)
	}
}

// marked writes each line of a text behind a mark.
func marked(b *strings.Builder, mark, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			line = " " + line
		}
		fmt.Fprintf(b, "    %s%s\n", mark, line)
	}
}
