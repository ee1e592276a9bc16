package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Style says how text may look.
type Style struct {
	Color      bool
	Width      int // columns, 0 if unknown
	Transcript bool
}

// minWidth keeps wrapped text readable on a narrow terminal.
const (
	minWidth     = 40
	defaultWidth = 100
)

func (s Style) columns() int {
	if s.Width <= 0 {
		return defaultWidth
	}
	return max(minWidth, min(s.Width, 120))
}

// The colours are those of the terminal's own palette, so that they fit any
// theme.
func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bold(text string) string { return s.paint("1", text) }
func (s Style) dim(text string) string  { return s.paint("2", text) }

func (s Style) grade(g finding.Grade) string {
	return s.paint(gradeColor(g), string(g))
}

func gradeColor(g finding.Grade) string {
	switch g {
	case finding.Healthy:
		return "1;32"
	case finding.Degraded:
		return "1;33"
	case finding.Gated:
		return "1;36"
	case finding.Unknown:
		return "1;35"
	default:
		return "1;31"
	}
}

// wrap breaks text into lines of at most width columns, at spaces. Words that
// are longer stay whole: they are URLs and commands, to be copied.
func wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case line == "":
				line = word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// labelled writes "label: text" with the text wrapped and hanging.
func labelled(b *strings.Builder, indent int, label, text string, width int) {
	pad := strings.Repeat(" ", indent)
	hang := strings.Repeat(" ", indent+len(label)+1)
	for i, line := range wrap(text, max(minWidth, width-len(hang))) {
		if i == 0 {
			fmt.Fprintf(b, "%s%s %s\n", pad, label, line)
		} else {
			fmt.Fprintf(b, "%s%s\n", hang, line)
		}
	}
}
