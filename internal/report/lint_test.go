package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
)

var updateLint = flag.Bool("update-lint", false, "rewrite the golden files of the lint writers")

// lintInput shows an error with a fix, a warning, an ignored finding, and text
// that every format has to escape.
const lintInput = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: weather-mcp
  annotations: {lint.holdfast.dev/ignore: "HF501=loaded by kind"}
spec:
  replicas: 2
  selector: {matchLabels: {app: weather}}
  template:
    metadata: {labels: {app: weather}}
    spec:
      containers:
        - name: server
          image: "weather:1"
          command: [sh, -c, "echo '%3A ::error:: <b>' & python \"x,y\" | cat"]
          ports: [{containerPort: 8000}]
`

func lintReport(t *testing.T, only ...string) lint.Report {
	t.Helper()
	r, err := lint.Run(t.Context(), lint.Options{Only: only}, lint.Stream("k8s/a b:c.yaml", strings.NewReader(lintInput)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLintFormats compares every format to its golden file.
func TestLintFormats(t *testing.T) {
	r := lintReport(t, "HF202", "HF209", "HF501")
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":   func(b *bytes.Buffer) error { return LintText(b, r, Style{}) },
		"json":   func(b *bytes.Buffer) error { return LintJSON(b, r) },
		"sarif":  func(b *bytes.Buffer) error { return LintSARIF(b, r, "1.2.3") },
		"github": func(b *bytes.Buffer) error { return LintGitHub(b, r) },
		"junit":  func(b *bytes.Buffer) error { return LintJUnit(b, r) },
		"diff":   func(b *bytes.Buffer) error { return LintDiff(b, r) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			text := got.Bytes()
			if name == "sarif" {
				text = withoutRules(t, text) // the catalogue has tests of its own
			}
			golden := filepath.Join("testdata", "lint."+name)
			if *updateLint {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(text)); diff != "" {
				t.Errorf("%s (-golden +got; -update-lint rewrites):\n%s", name, diff)
			}
		})
	}
}

// withoutRules drops the list of rules, after a look at it, and pins what
// results refer to.
func withoutRules(t *testing.T, text []byte) []byte {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	run := &log.Runs[0]
	if len(run.Tool.Driver.Rules) != len(lint.Entries()) {
		t.Errorf("%d rules of %d", len(run.Tool.Driver.Rules), len(lint.Entries()))
	}
	for i, result := range run.Results {
		if got := run.Tool.Driver.Rules[result.RuleIndex].ID; got != result.RuleID {
			t.Errorf("result %d: index names %s, id %s", i, got, result.RuleID)
		}
		run.Results[i].RuleIndex = 0
	}
	run.Tool.Driver.Rules = nil
	out, err := json.MarshalIndent(log, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

func TestLintJUnitIsNeverEmpty(t *testing.T) {
	var b bytes.Buffer
	if err := LintJUnit(&b, lint.Report{}); err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal(b.Bytes(), &doc); err != nil || doc.Tests != 1 || doc.Failures != 0 {
		t.Errorf("%v %s", err, b.String())
	}
}

// TestLintGitHubIsOneLineEach: a newline inside a command would end it.
func TestLintGitHubIsOneLineEach(t *testing.T) {
	r := lintReport(t)
	var b bytes.Buffer
	if err := LintGitHub(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != len(r.Findings) {
		t.Errorf("%d lines for %d findings", len(lines), len(r.Findings))
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") && !strings.HasPrefix(line, "::notice ") {
			t.Errorf("no command: %q", line)
		}
	}
}

func TestLintRules(t *testing.T) {
	var b bytes.Buffer
	if err := LintRules(&b, Style{}); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"HF101", "HF315", "HF607"} {
		e, _ := finding.Lookup(code)
		if !strings.Contains(b.String(), code) || !strings.Contains(b.String(), e.Title) {
			t.Errorf("%s is not listed", code)
		}
	}
}
