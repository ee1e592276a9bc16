package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// ScanCSV writes records of a scan as comma-separated values (RFC 4180). Call
// Flush at the end.
type ScanCSV struct {
	csv    *csv.Writer
	headed bool
}

// NewScanCSV returns a ScanCSV on w.
func NewScanCSV(w io.Writer) *ScanCSV { return &ScanCSV{csv: csv.NewWriter(w)} }

// Write adds one record.
func (c *ScanCSV) Write(r scan.Record) error {
	if !c.headed {
		c.headed = true
		if err := c.csv.Write([]string{
			"target", "name", "grade", "codes", "auth", "eras", "versions", "transport", "server", "server_version",
			"tools", "tools_invalid", "dns_s", "connect_s", "tls_s", "first_byte_s", "total_s",
			"observations", "not_measured", "note", "at", "source",
		}); err != nil {
			return err
		}
	}
	eras := make([]string, len(r.Eras))
	for i, e := range r.Eras {
		eras[i] = e.String()
	}
	var server, version string
	if r.Server != nil {
		server, version = r.Server.Name, r.Server.Version
	}
	p := r.Phases
	row := []string{
		r.Target, r.Name, string(r.Grade), strings.Join(r.Codes, " "), string(r.Auth), strings.Join(eras, " "),
		strings.Join(r.Versions, " "), string(r.Transport), server, version,
		strconv.Itoa(r.Tools), strconv.Itoa(r.ToolsInvalid),
		csvSeconds(p.DNS), csvSeconds(p.Connect), csvSeconds(p.TLS), csvSeconds(p.FirstByte), csvSeconds(p.Total),
		strconv.Itoa(r.Observations), string(r.NotMeasured), r.Note, r.At.Format(time.RFC3339), r.Source,
	}
	for i, cell := range row {
		row[i] = inert(cell)
	}
	return c.csv.Write(row)
}

// Flush writes what is buffered and returns the first error there was.
func (c *ScanCSV) Flush() error {
	c.csv.Flush()
	return c.csv.Error()
}

func csvSeconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 6, 64)
}

// inert keeps a spreadsheet from taking a stranger's text for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
