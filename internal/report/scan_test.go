package report_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/report"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// hostile is what a server may call itself.
const hostile = `<script>alert(1)</script>"'=1+1`

func record(i int, g finding.Grade, codes ...string) scan.Record {
	r := scan.Record{Key: fmt.Sprintf("%04d", i), Name: "=cmd()"}
	r.Target = fmt.Sprintf("https://h%d.example/mcp", i/3)
	r.At = time.Date(2026, 11, 1, 12, i, 0, 0, time.UTC)
	r.Grade, r.Codes, r.Observations, r.Requests, r.Received = g, codes, 1, 4, 2048
	for _, c := range codes {
		r.Findings = append(r.Findings, finding.New(c, r.Target, hostile))
	}
	r.Curl = "curl -sS '" + hostile + "'"
	if g == finding.Healthy || g == finding.Degraded {
		r.Eras, r.Versions, r.Auth, r.Transport = []mcp.Era{mcp.EraLegacy}, []string{"2025-11-25"}, probe.AuthOpen, client.StreamableHTTP
		r.Server = &client.Implementation{Name: hostile}
		r.Phases.Total = time.Duration(i) * 2 * time.Second
	}
	return r
}

func records() []scan.Record {
	out := []scan.Record{
		record(0, finding.Healthy), record(1, finding.Healthy), record(2, finding.Degraded, "transport.sse_only"),
		record(3, finding.Dead, "dns.nxdomain"), record(4, finding.Dead, "dns.nxdomain"), record(5, finding.Gated, "auth.required_ok"),
		record(6, finding.Unknown),
	}
	out[6].NotMeasured = scan.SkipRobots
	return out
}

func census() *scan.Census {
	c := scan.NewCensus()
	for _, r := range records() {
		c.Add(r)
	}
	return c
}

func TestScanSummary(t *testing.T) {
	var b bytes.Buffer
	if err := report.ScanSummary(&b, census(), true, report.Style{}); err != nil {
		t.Fatal(err)
	}
	want := `
Scan  7 endpoints on 3 hosts, 6 measured

  healthy         2   33.3 %  ██████████
  degraded        1   16.7 %  █████
  gated           1   16.7 %  █████
  unusable        0    0.0 %
  dead            2   33.3 %  ██████████
  unknown         1   14.3 %  ████ of all; not in the shares above

  Codes
  dns.nxdomain                       2   28.6 %
  auth.required_ok                   1   14.3 %
  transport.sse_only                 1   14.3 %

  Not measured because
  robots                             1   14.3 %

  Eras
  legacy                             3   50.0 %

  Authentication
  open                               3   50.0 %

  Tool list  half within 2.05s, 95 % within 4.39s
  fits a client that waits 5s         3  100.0 %
  fits a client that waits 10s        3  100.0 %
  fits a client that waits 15s        3  100.0 %
  fits a client that waits 30s        3  100.0 %
  fits a client that waits 1m0s       3  100.0 %

  In the classes of the article
  dead  28.6 %, not fully usable  42.9 %, healthy  28.6 %
`
	if diff := cmp.Diff(want, regexp.MustCompile(` +\n`).ReplaceAllString(b.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}

// The page says what was found, loads nothing, and takes a stranger's text for
// text.
func TestScanHTML(t *testing.T) {
	var b bytes.Buffer
	if err := report.ScanHTML(&b, report.ScanPage{Census: census(), Method: []string{"by " + hostile}, Article: true}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		"State of 7 MCP endpoints", "6 of 7 measured on 3 hosts", "dns.nxdomain", "The host name does not exist", "h1.example",
		"&lt;script&gt;alert(1)", "prefers-color-scheme: dark", "not fully usable", "robots", "curl -sS",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if bad := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|\ssrc=|url\(|@import|\son[a-z]+=|href=`).FindString(page); bad != "" {
		t.Errorf("the page holds %q", bad)
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Error("the template puts a value where it must not be")
	}
}

func TestScanHTMLOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := report.ScanHTML(&b, report.ScanPage{Census: scan.NewCensus()}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "NaN") {
		t.Error("the page divides by nothing")
	}
}

// No cell begins like a formula of a spreadsheet.
func TestScanCSV(t *testing.T) {
	var b bytes.Buffer
	table := report.NewScanCSV(&b)
	for _, r := range records() {
		if err := table.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 8 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("cell %q is a formula", cell)
			}
		}
	}
	if rows[1][1] != "'=cmd()" || rows[4][3] != "dns.nxdomain" {
		t.Errorf("rows %q, %q", rows[1], rows[4])
	}
}
