package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// ScanPage is what a scan's report for people is made of.
type ScanPage struct {
	Census    *scan.Census
	Generated time.Time
	// Method says in sentences how it was measured.
	Method []string
	// Article adds the projection on the classes of the article.
	Article bool
}

//go:embed scan.gohtml
var scanTemplate string

const (
	htmlCodes = 40
	htmlHosts = 20
)

// ScanHTML writes the report as one page that loads nothing and runs nothing.
func ScanHTML(w io.Writer, p ScanPage) error {
	t, err := template.New("scan").Parse(scanTemplate)
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	return t.Execute(w, p.view())
}

// row is one line of a table with a bar.
type row struct {
	Name, Share, Class string
	N                  int
	Percent            float64 // of the bar
}

// codeRow is one code, explained, with examples.
type codeRow struct {
	row
	Entry    finding.Entry
	Examples []scan.Example
}

type scanView struct {
	ScanPage
	Title                    string
	Total, Measured, Unknown int
	Hosts, Usable            int
	Grades                   []row
	Codes                    []codeRow
	MoreCodes                int
	Reasons, Eras, Auth      []row
	Versions, Fits           []row
	Worst                    []scan.HostCount
	Half, Slow               string
	Classes                  []row
	Took                     string
	RequestsEach             string
	BytesEach                string
}

func (p ScanPage) view() scanView {
	c := p.Census
	v := scanView{
		ScanPage: p, Title: "State of " + plural(c.Total, "MCP endpoint"),
		Total: c.Total, Measured: c.Measured(), Unknown: c.Grades[finding.Unknown], Hosts: c.Hosts(), Usable: c.Usable,
		Reasons: rows(scan.Top(c.Reasons), c.Total, 0), Eras: rows(scan.Top(c.Eras), c.Measured(), 0),
		Auth: rows(scan.Top(c.Postures), c.Measured(), 0), Versions: rows(scan.Top(c.Versions), c.Measured(), 8),
		Worst: c.WorstHosts(htmlHosts), Half: roundTime(c.Latency(0.5)), Slow: roundTime(c.Latency(0.95)),
		Took: c.Last.Sub(c.First).Round(time.Second).String(),
	}
	for _, g := range finding.Grades() {
		if g == finding.Unknown {
			continue
		}
		r := newRow(string(g), c.Grades[g], v.Measured)
		r.Class = string(g)
		v.Grades = append(v.Grades, r)
	}
	codes := scan.Top(c.Codes)
	for _, r := range rows(codes, c.Total, htmlCodes) {
		e, _ := finding.ByName(r.Name)
		r.Class = string(e.Grade)
		v.Codes = append(v.Codes, codeRow{row: r, Entry: e, Examples: c.Examples[r.Name]})
	}
	v.MoreCodes = max(0, len(codes)-htmlCodes)
	for _, d := range scan.Budgets() {
		v.Fits = append(v.Fits, newRow(fmt.Sprintf("%d s", int(d.Seconds())), c.Fits[d], c.Usable))
	}
	if p.Article {
		a := c.Article()
		v.Classes = []row{newRow("healthy", a.Healthy, c.Total), newRow("not fully usable", a.NotFullyUsable, c.Total), newRow("dead", a.Dead, c.Total)}
	}
	if v.Measured > 0 {
		v.RequestsEach = fmt.Sprintf("%.1f", float64(c.Requests)/float64(v.Measured))
		v.BytesEach = fmt.Sprintf("%.1f KiB", float64(c.Received)/1024/float64(v.Measured))
	}
	return v
}

func newRow(name string, n, of int) row {
	r := row{Name: name, N: n, Share: "–"}
	if of > 0 {
		r.Percent = 100 * float64(n) / float64(of)
		r.Share = fmt.Sprintf("%.1f %%", r.Percent)
	}
	return r
}

// rows makes at most n rows, all of them for 0.
func rows(counts []scan.Count, of, n int) []row {
	if n > 0 {
		counts = counts[:min(n, len(counts))]
	}
	var out []row
	for _, c := range counts {
		out = append(out, newRow(c.Name, c.N, of))
	}
	return out
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
