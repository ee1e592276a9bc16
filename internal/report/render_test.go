package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
)

// Reasons stand beside short values, and below long ones or on a narrow
// terminal; no line but one that holds a long value is wider than the terminal.
func TestExplanations(t *testing.T) {
	all := []manifest.Explanation{
		{Object: "Service weather", Path: "spec.clusterIP", Value: "None", Because: "one address per replica: a session's home is one of them"},
		{Object: "Deployment weather", Path: "spec.replicas", Value: "2", Because: "two"},
		{Object: "Deployment weather", Path: "spec.template.spec.containers[server].lifecycle.preStop", Because: "the front drains first"},
	}
	var wide, narrow bytes.Buffer
	if err := Explanations(&wide, all, Style{Width: 120}); err != nil {
		t.Fatal(err)
	}
	if err := Explanations(&narrow, all, Style{Width: 60}); err != nil {
		t.Fatal(err)
	}
	const wantWide = `Service weather
  spec.clusterIP: None                                  one address per replica: a session's home is one of them

Deployment weather
  spec.replicas: 2                                      two
  spec.template.spec.containers[server].lifecycle.preStop
      the front drains first
`
	const wantNarrow = `Service weather
  spec.clusterIP: None
      one address per replica: a session's home is one of
      them

Deployment weather
  spec.replicas: 2
      two
  spec.template.spec.containers[server].lifecycle.preStop
      the front drains first
`
	if d := cmp.Diff(wantWide, wide.String()); d != "" {
		t.Errorf("120 columns (-want +got):\n%s", d)
	}
	if d := cmp.Diff(wantNarrow, narrow.String()); d != "" {
		t.Errorf("60 columns (-want +got):\n%s", d)
	}
}

func TestNotes(t *testing.T) {
	notes := []string{"the first is long enough that it needs two lines", "second"}
	for width, want := range map[int]string{
		0:  "note: the first is long enough that it needs two lines\nnote: second\n",
		50: "note: the first is long enough that it needs two\n      lines\nnote: second\n",
	} {
		var b bytes.Buffer
		if err := Notes(&b, notes, Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, d)
		}
	}
}

// Findings and the list of rules keep within a terminal.
func TestLintNarrow(t *testing.T) {
	r := lintReport(t, "HF202", "HF209", "HF501")
	for width, write := range map[int]func(*bytes.Buffer) error{
		64: func(b *bytes.Buffer) error { return LintText(b, r, Style{Width: 64}) },
		80: func(b *bytes.Buffer) error { return LintRules(b, Style{Width: 80}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		for _, line := range lines[:len(lines)-1] { // the summary is one line for grep
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("%d columns in %d: %s", n, width, line)
			}
		}
	}
}
