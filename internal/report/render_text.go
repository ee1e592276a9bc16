package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
)

// Explanations writes why the values of rendered objects are what they are: a
// heading per object, then each value with its reason, hanging below it where
// the line has no room for both.
func Explanations(w io.Writer, all []manifest.Explanation, s Style) error {
	var b strings.Builder
	object := ""
	for _, e := range all {
		if e.Object != object {
			if object != "" {
				b.WriteString("\n")
			}
			object = e.Object
			fmt.Fprintf(&b, "%s\n", s.bold(object))
		}
		writeExplanation(&b, e, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// reasonColumn is where reasons begin that share a line with their value.
const reasonColumn = 56

func writeExplanation(b *strings.Builder, e manifest.Explanation, s Style) {
	value := e.Path
	if e.Value != "" {
		value += ": " + e.Value
	}
	used := utf8.RuneCountInString(value) + 2
	indent := reasonColumn
	if width := s.columns(); used+2 > reasonColumn || width-reasonColumn < minWidth {
		indent = 6
		fmt.Fprintf(b, "  %s\n%s", value, strings.Repeat(" ", indent))
	} else {
		fmt.Fprintf(b, "  %s%s", value, strings.Repeat(" ", indent-used))
	}
	for i, line := range wrap(e.Because, max(minWidth, s.columns()-indent)) {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(s.dim(line) + "\n")
	}
}

// Notes writes notes for a person, a line each; on a terminal of known width
// they are wrapped.
func Notes(w io.Writer, notes []string, s Style) error {
	var b strings.Builder
	for _, note := range notes {
		if s.Width > 0 {
			labelled(&b, 0, "note:", note, s.columns())
		} else {
			fmt.Fprintf(&b, "note: %s\n", note)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
