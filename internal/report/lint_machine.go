package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
)

// lintJSON is the document of -o json.
type lintJSON struct {
	Findings []lintJSONFinding `json:"findings"`
	Summary  struct {
		Files   int `json:"files"`
		Objects int `json:"objects"`
		Servers int `json:"servers"`
		Errors  int `json:"errors"`
		Warning int `json:"warnings"`
		Info    int `json:"infos"`
		Known   int `json:"known"`
		Ignored int `json:"ignored"`
	} `json:"summary"`
	Skipped []lint.Skip `json:"skipped,omitempty"`
}

type lintJSONFinding struct {
	lint.Result
	Why         string `json:"why"`
	Fingerprint string `json:"fingerprint"`
	Patch       string `json:"patch,omitempty"`
}

// LintJSON writes a lint report as one JSON document; findings carry their
// fingerprint and, where they have a fix, the patch.
func LintJSON(w io.Writer, r lint.Report) error {
	doc := lintJSON{Findings: []lintJSONFinding{}, Skipped: r.Skipped}
	doc.Summary.Files, doc.Summary.Objects, doc.Summary.Servers = r.Files, r.Objects, r.Servers
	doc.Summary.Known, doc.Summary.Ignored = len(r.Known), len(r.Ignored)
	for _, x := range r.Findings {
		e, _ := finding.Lookup(x.Code)
		doc.Findings = append(doc.Findings, lintJSONFinding{Result: x, Why: e.Why, Fingerprint: x.Fingerprint(), Patch: r.Diff(x)})
		switch x.Severity {
		case finding.Error:
			doc.Summary.Errors++
		case finding.Warning:
			doc.Summary.Warning++
		default:
			doc.Summary.Info++
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// LintGitHub writes workflow commands, which GitHub shows beside the lines of a
// pull request.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func LintGitHub(w io.Writer, r lint.Report) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, x := range r.Findings {
		level := map[finding.Severity]string{finding.Error: "error", finding.Warning: "warning"}[x.Severity]
		if level == "" {
			level = "notice"
		}
		e, _ := finding.Lookup(x.Code)
		message := fmt.Sprintf("%s: %s\n%s\n%s", x.Object, x.Seen, e.Why, x.Hint)
		_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", level, property.Replace(x.File), x.Line, x.Column,
			property.Replace(x.Code+" "+e.Title), data.Replace(message))
		if err != nil {
			return err
		}
	}
	return nil
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// LintJUnit writes one suite per file and one failed case per finding; a report
// without findings is one passed case, because some readers refuse an empty
// file.
func LintJUnit(w io.Writer, r lint.Report) error {
	doc := junitSuites{Name: "holdfast lint"}
	at := map[string]int{}
	for _, x := range r.Findings {
		i, ok := at[x.File]
		if !ok {
			i = len(doc.Suites)
			at[x.File] = i
			doc.Suites = append(doc.Suites, junitSuite{Name: x.File})
		}
		suite := &doc.Suites[i]
		e, _ := finding.Lookup(x.Code)
		suite.Cases = append(suite.Cases, junitCase{
			Name: x.Code + " " + e.Title + " (" + x.Subject + ")", Class: x.Object, File: x.File, Line: x.Line,
			Failure: &junitFailure{Message: x.Seen, Type: string(x.Severity), Text: e.Why + "\n" + x.Hint},
		})
		suite.Tests++
		suite.Failures++
		doc.Tests++
		doc.Failures++
	}
	if doc.Tests == 0 {
		doc.Tests = 1
		doc.Suites = []junitSuite{{Name: "holdfast lint", Tests: 1, Cases: []junitCase{{Name: "no findings", Class: "lint"}}}}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
