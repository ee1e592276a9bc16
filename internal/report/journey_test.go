package report

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

func result() probe.Result {
	f := finding.New("list.schema_invalid", "odd", "type_unknown at /type: type names the unknown type \"int\"")
	f.Evidence = `curl -sS -i -H 'Accept: application/json, text/event-stream' -H 'X-Odd: it'\''s -H here' --data-raw '{"jsonrpc":"2.0","id":1}' 'http://a.example/mcp'`
	return probe.Result{
		Target: "https://a.example/mcp", Grade: finding.Degraded, Auth: probe.AuthOpen, Findings: []finding.Finding{f}, Unconfirmed: []string{"tcp.reset"},
		Steps: []probe.Step{
			{Name: "resolve", State: probe.StepOK, Detail: "a.example", Seconds: 0.0000004},
			{Name: "connect", State: probe.StepOK, Detail: "8.8.0.1:443", Seconds: 0.000051},
			{Name: "answer", State: probe.StepWarn, Detail: "modern 2026-07-28 and legacy 2025-11-25, a server with a rather long name that has to be wrapped", Seconds: 1.234},
			{Name: "clean up", State: probe.StepFail, Seconds: 123.4},
		},
		Transcript: []probe.Line{{Request: "POST /\n\n{}", Response: "200 OK"}},
	}
}

// TestJourney: nothing but single words is wider than the terminal, and colour
// changes no column.
func TestJourney(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 40, 80, 120, 300} {
		var plain, coloured strings.Builder
		if err := Journey(&plain, result(), Style{Width: width, Transcript: true}); err != nil {
			t.Fatal(err)
		}
		if err := Journey(&coloured, result(), Style{Width: width, Transcript: true, Color: true}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain.String(), stripColor(coloured.String())); diff != "" {
			t.Errorf("width %d: colour changes the text:\n%s", width, diff)
		}
		most := width
		if width == 0 {
			most = defaultWidth
		}
		for line := range strings.Lines(plain.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > max(most, 70) {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
			if strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") {
				t.Errorf("width %d: blanks at the end of %q", width, line)
			}
		}
	}
}

func stripColor(s string) string {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(head)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// TestCommandLines: a broken command is the same to a shell.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	command := strings.Replace(result().Findings[0].Evidence, "curl", "printf '%s\n'", 1)
	for _, width := range []int{1, 40, 70, 1000} {
		lines := commandLines(command, width)
		want, err := exec.Command("sh", "-c", command).Output()
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", strings.Join(lines, "\n")).Output()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" || width < 1000 && len(lines) < 2 {
			t.Errorf("width %d, %d lines:\n%s", width, len(lines), diff)
		}
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		400 * time.Nanosecond: "<1 µs", 51 * time.Microsecond: "51 µs", 999_600 * time.Nanosecond: "1.0 ms", 1234 * time.Microsecond: "1.2 ms",
		12345 * time.Microsecond: "12 ms", 999_700 * time.Microsecond: "1.00 s", 1234 * time.Millisecond: "1.23 s", 9996 * time.Millisecond: "10.0 s", 75 * time.Second: "75.0 s",
	} {
		if got := seconds(d.Seconds()); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteFails(t *testing.T) {
	t.Parallel()
	if Journey(full{}, result(), Style{}) == nil || JSONLine(full{}, result()) == nil {
		t.Error("a full disk is no error")
	}
	var b strings.Builder
	if err := JSONLine(&b, result()); err != nil || strings.Count(b.String(), "\n") != 1 || !json.Valid([]byte(b.String())) {
		t.Errorf("%v: %s", err, b.String())
	}
}
