package finding

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/findings.md from the catalogue")

func TestDocumentationIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "findings.md")
	got := Markdown()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/findings.md is not what the catalogue says; run go test ./internal/finding -update\n%s", diff)
	}
}

func TestMarkdownLinksLeadSomewhere(t *testing.T) {
	page := Markdown()
	for _, e := range Catalogue() {
		anchor := strings.ToLower(e.Code)
		if n := strings.Count(page, "](#"+anchor+")"); n != 1 {
			t.Errorf("%s: %d links in the contents", e.Code, n)
		}
		if n := strings.Count(page, `<a id="`+anchor+`"></a>`); n != 1 {
			t.Errorf("%s: %d anchors", e.Code, n)
		}
	}
}

func TestMarkdownOfLintCodes(t *testing.T) {
	page := markdown([]Entry{
		{Code: "HF001", Name: "url.invalid", Grade: Dead, Severity: Error, Title: "One"},
		{Code: "HF101", Name: "lint.probe_path", Severity: Warning, Title: "Two", Seen: "a <b> *c* `d_<e>` f_g _h_ [i](j)"},
		{Code: "HF199", Name: "lint.probe_last", Severity: Error, Title: "Three"},
		{Code: "HF201", Name: "lint.grace", Severity: Info, Title: "Four"},
		{Code: "HF901", Name: "lint.later", Severity: Info, Title: "Five"},
	})
	var headings []string
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ") {
			headings = append(headings, strings.TrimSpace(line))
		}
	}
	want := []string{
		"## Contents",
		"## Reaching the endpoint", "### HF001 One",
		"## Lint: health probes", "### HF101 Two", "### HF199 Three",
		"## Lint: life cycle", "### HF201 Four",
		"## Other findings", "### HF901 Five",
	}
	if diff := cmp.Diff(want, headings); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{
		"`url.invalid` · severity error · grade dead\n",
		"`lint.probe_path` · severity warning\n",
		"**Seen.** a &lt;b> \\*c\\* `d_<e>` f_g \\_h\\_ [i]\\(j)\n",
	} {
		if !strings.Contains(page, line) {
			t.Errorf("no line %q in\n%s", line, page)
		}
	}
}

func TestGroupsDoNotOverlap(t *testing.T) {
	last := 0
	for _, g := range groups() {
		if g.from != last+1 || g.to < g.from {
			t.Errorf("group %q runs from %d to %d after %d", g.title, g.from, g.to, last)
		}
		last = g.to
	}
}

func TestExplain(t *testing.T) {
	got := Explain(Entry{
		Code: "HF011", Name: "tls.expired", Grade: Dead, Severity: Error, Title: "The TLS certificate has expired",
		Seen: "Short.", Do: "Renew it.",
		Why: "This one is so long that it has to go on in a second line, which begins under the first word of the first, and then even a third.",
	})
	want := `HF011 tls.expired
The TLS certificate has expired

Means  error; a server that shows nothing worse is dead
Seen   Short.
Why    This one is so long that it has to go on in a second line, which begins
       under the first word of the first, and then even a third.
Do     Renew it.
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := Explain(Entry{Code: "HF101", Severity: Info}); strings.Contains(got, "server") {
		t.Errorf("an entry without a grade speaks of a server:\n%s", got)
	}
}

func TestExplainFitsTheTerminal(t *testing.T) {
	for _, e := range Catalogue() {
		for line := range strings.Lines(Explain(e)) {
			line = strings.TrimSuffix(line, "\n")
			oneWord := len(strings.Fields(line)) == 1
			if n := utf8.RuneCountInString(line); n > explainWidth && !oneWord {
				t.Errorf("%s: line of %d columns: %q", e.Code, n, line)
			}
		}
	}
}
