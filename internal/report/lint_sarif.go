package report

import (
	"encoding/json"
	"io"
	"net/url"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
)

// The part of SARIF 2.1.0 that code scanning reads.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"semanticVersion,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Short   sarifText   `json:"shortDescription"`
	Full    sarifText   `json:"fullDescription"`
	Help    sarifText   `json:"help"`
	Default sarifConfig `json:"defaultConfiguration"`
}

type sarifConfig struct {
	Level string `json:"level"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind string `json:"kind"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
}

// LintSARIF writes a lint report as SARIF. Ignored findings are there as
// suppressed ones. The version is that of this program.
func LintSARIF(w io.Writer, r lint.Report, version string) error {
	index := map[string]int{}
	driver := sarifDriver{Name: "holdfast lint", Version: version, InformationURI: "https://github.com/holdfast-mcp/holdfast", Rules: []sarifRule{}}
	for _, e := range lint.Entries() {
		index[e.Code] = len(driver.Rules)
		driver.Rules = append(driver.Rules, sarifRule{
			ID: e.Code, Name: e.Name, Short: sarifText{e.Title}, Full: sarifText{e.Seen + " " + e.Why},
			Help: sarifText{e.Do}, Default: sarifConfig{sarifLevel(e.Severity)},
		})
	}
	run := sarifRun{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, x := range r.Findings {
		run.Results = append(run.Results, sarifOf(x, index))
	}
	for _, x := range r.Ignored {
		result := sarifOf(x, index)
		result.Suppressions = []sarifSuppression{{Kind: "inSource"}}
		run.Results = append(run.Results, result)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifOf(x lint.Result, index map[string]int) sarifResult {
	return sarifResult{
		RuleID: x.Code, RuleIndex: index[x.Code], Level: sarifLevel(x.Severity),
		Message: sarifText{x.Seen + ". " + x.Hint},
		Locations: []sarifLocation{{
			Physical: sarifPhysical{sarifArtifact{(&url.URL{Path: x.File}).EscapedPath()}, sarifRegion{x.Line, x.Column}},
			Logical:  []sarifLogical{{Name: x.Object, Kind: "resource"}},
		}},
		Fingerprints: map[string]string{"holdfast/v1": x.Fingerprint()},
	}
}

func sarifLevel(s finding.Severity) string {
	switch s {
	case finding.Error:
		return "error"
	case finding.Warning:
		return "warning"
	default:
		return "note"
	}
}
