package finding

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestCodesAreUniqueAndAscending(t *testing.T) {
	code := regexp.MustCompile(`^HF[0-9]{3}$`)
	last := "HF000" // reserved for a name that is not in the catalogue
	for _, e := range Catalogue() {
		if !code.MatchString(e.Code) {
			t.Errorf("%s %s: code is not HF and three digits", e.Code, e.Name)
		}
		if e.Code <= last {
			t.Errorf("%s %s comes after %s", e.Code, e.Name, last)
		}
		last = e.Code
	}
}

func TestNamesAreUniqueAndShaped(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+\.[a-z0-9_]+$`)
	seen := map[string]string{}
	for _, e := range Catalogue() {
		if !name.MatchString(e.Name) && e.Name != "flap" { // flap is about all phases at once
			t.Errorf("%s: name %q is not phase.reason", e.Code, e.Name)
		}
		if other, ok := seen[e.Name]; ok {
			t.Errorf("%s and %s are both called %s", other, e.Code, e.Name)
		}
		seen[e.Name] = e.Code
	}
}

func TestGradesAgreeWithSeverities(t *testing.T) {
	want := map[Grade]Severity{
		Dead: Error, Unusable: Error, Degraded: Warning, Unknown: Warning, Gated: Info,
	}
	for _, e := range Catalogue() {
		if e.Grade == "" { // not about a running server
			if !slices.Contains([]Severity{Error, Warning, Info}, e.Severity) {
				t.Errorf("%s %s: no such severity: %q", e.Code, e.Name, e.Severity)
			}
			continue
		}
		if s, ok := want[e.Grade]; !ok || s != e.Severity {
			t.Errorf("%s %s: grade %q with severity %q, want severity %q", e.Code, e.Name, e.Grade, e.Severity, s)
		}
	}
}

func TestTextsAreWritten(t *testing.T) {
	sentence := regexp.MustCompile(`[.!?]( |$)`)
	for _, e := range Catalogue() {
		texts := map[string]string{"Title": e.Title, "Seen": e.Seen, "Why": e.Why, "Do": e.Do}
		for field, text := range texts {
			switch {
			case text == "":
				t.Errorf("%s %s: %s is empty", e.Code, e.Name, field)
			case strings.TrimSpace(text) != text || strings.Contains(text, "  ") || strings.Contains(text, "\n"):
				t.Errorf("%s %s: %s has stray white space: %q", e.Code, e.Name, field, text)
			case field != "Title" && !strings.HasSuffix(text, "."):
				t.Errorf("%s %s: %s does not end in a full stop: %q", e.Code, e.Name, field, text)
			case strings.Count(text, "`")%2 != 0:
				t.Errorf("%s %s: %s has an open backtick: %q", e.Code, e.Name, field, text)
			}
		}
		if n := len(strings.Fields(e.Title)); n > 8 || strings.HasSuffix(e.Title, ".") {
			t.Errorf("%s %s: title of %d words, want a headline of at most 8: %q", e.Code, e.Name, n, e.Title)
		}
		for field, limit := range map[string]int{"Seen": 1, "Why": 2, "Do": 3} {
			if n := len(sentence.FindAllString(texts[field], -1)); n > limit {
				t.Errorf("%s %s: %s has %d sentences, limit %d: %q", e.Code, e.Name, field, n, limit, texts[field])
			}
		}
	}
}

func TestDoStartsWithAVerb(t *testing.T) {
	word := regexp.MustCompile(`^[A-Z][a-z]+$`)
	noVerbs := strings.Fields(`The A An If When While For In On At To With Without By From As It Its This That
		These Those There You Your We Our Please Maybe Perhaps Usually Often Either Both No Not Never Always Only`)
	for _, e := range Catalogue() {
		first, _, _ := strings.Cut(e.Do, " ")
		if !word.MatchString(first) || slices.Contains(noVerbs, first) ||
			strings.HasSuffix(first, "ing") && first != "Bring" || strings.HasSuffix(first, "ly") && first != "Apply" {
			t.Errorf("%s %s: Do starts with %q, not with a verb in the imperative", e.Code, e.Name, first)
		}
	}
}

func TestTextsHoldNoSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)\beyJ[\w-]{8,}|\b(sk|pk|ghp|gho|xox[abp]|glpat|AKIA)[-_]?\w{12,}` +
		`|(password|passwd|secret|token|api[-_ ]?key)\s*[=:]\s*["'\w]|bearer [\w.~+/-]{16,}(["\s]|$)|://[^/\s]+:[^/\s]+@|BEGIN [A-Z ]*PRIVATE KEY`)
	for _, planted := range []string{"password=hunter2", "Authorization: Bearer abcdefghijklmnop0", "https://me:pw@host/"} {
		if !secret.MatchString(planted) {
			t.Fatalf("the pattern misses %q, so this test proves nothing", planted)
		}
	}
	for _, e := range Catalogue() {
		if m := secret.FindString(e.Title + " " + e.Seen + " " + e.Why + " " + e.Do); m != "" {
			t.Errorf("%s %s: looks like a secret: %q", e.Code, e.Name, m)
		}
	}
}

func TestNoTextTwice(t *testing.T) {
	seen := map[string]string{}
	for _, e := range Catalogue() {
		for _, text := range []string{e.Title, e.Seen, e.Do} {
			if other, ok := seen[text]; ok {
				t.Errorf("%s and %s say the same: %q", other, e.Code, text)
			}
			seen[text] = e.Code
		}
	}
}

func TestLookup(t *testing.T) {
	for _, query := range []string{"HF011", "hf011", "tls.expired", "TLS.Expired"} {
		if e, ok := Lookup(query); !ok || e.Code != "HF011" {
			t.Errorf("Lookup(%q) = %s, %t", query, e.Code, ok)
		}
	}
	for _, query := range []string{"", "HF000", "HF11", "tls"} {
		if e, ok := Lookup(query); ok {
			t.Errorf("Lookup(%q) = %s, want nothing", query, e.Code)
		}
	}
	if _, ok := ByName("HF011"); ok {
		t.Error("ByName found a code")
	}
}

func TestNew(t *testing.T) {
	f := New("tls.expired", "https://a.example/mcp", "it ended on 2026-01-02")
	e, _ := ByName("tls.expired")
	want := Finding{Code: "HF011", Name: "tls.expired", Severity: Error,
		Subject: "https://a.example/mcp", Seen: "it ended on 2026-01-02", Hint: e.Do}
	if f != want {
		t.Errorf("New = %+v, want %+v", f, want)
	}
	if got, want := f.String(), "HF011 tls.expired: it ended on 2026-01-02 (https://a.example/mcp)"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	if f := New("no.such", "", "x"); f.Code != "HF000" || f.Severity != Error || f.String() != "HF000 no.such: x" {
		t.Errorf("New of an unknown name = %+v", f)
	}
}

func TestWorse(t *testing.T) {
	order := []Grade{"", Healthy, Degraded, Gated, Unknown, Unusable, Dead}
	for i, better := range order {
		for _, worse := range order[i:] {
			if got := Worse(better, worse); got != worse {
				t.Errorf("Worse(%q, %q) = %q", better, worse, got)
			}
			if got := Worse(worse, better); got != worse {
				t.Errorf("Worse(%q, %q) = %q", worse, better, got)
			}
		}
	}
	for _, g := range Grades() {
		if got, want := g.Accuses(), g == Dead || g == Unusable; got != want {
			t.Errorf("%s accuses: %t", g, got)
		}
	}
}
