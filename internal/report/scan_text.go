package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// topCodes is how many codes the summary lists.
const topCodes = 12

// ScanSummary writes what a scan found as a table for people. article adds the
// projection on the three classes of the article.
func ScanSummary(w io.Writer, c *scan.Census, article bool, s Style) error {
	var b strings.Builder
	measured := c.Measured()
	fmt.Fprintf(&b, "\n%s  %d endpoints on %d hosts, %d measured\n\n", s.bold("Scan"), c.Total, c.Hosts(), measured)
	for _, g := range finding.Grades() {
		n := c.Grades[g]
		if n == 0 && g == finding.Unknown {
			continue
		}
		of, note := measured, ""
		if g == finding.Unknown {
			of, note = c.Total, "of all; not in the shares above"
		}
		fmt.Fprintf(&b, "  %s%s %7d  %s  %s %s\n", s.grade(g), strings.Repeat(" ", 9-len(g)), n, share(n, of), s.bar(n, of, g), s.dim(note))
	}
	writeCounts(&b, s, "Codes", scan.Top(c.Codes), c.Total)
	writeCounts(&b, s, "Not measured because", scan.Top(c.Reasons), c.Total)
	writeCounts(&b, s, "Eras", scan.Top(c.Eras), measured)
	writeCounts(&b, s, "Authentication", scan.Top(c.Postures), measured)
	if c.Usable > 0 {
		fmt.Fprintf(&b, "\n  %s  half within %s, 95 %% within %s\n", s.bold("Tool list"), roundTime(c.Latency(0.5)), roundTime(c.Latency(0.95)))
		for _, d := range scan.Budgets() {
			fmt.Fprintf(&b, "  fits a client that waits %-4s %7d  %s\n", d, c.Fits[d], share(c.Fits[d], c.Usable))
		}
	}
	if article {
		a := c.Article()
		fmt.Fprintf(&b, "\n  %s\n", s.bold("In the classes of the article"))
		fmt.Fprintf(&b, "  dead %s, not fully usable %s, healthy %s\n", share(a.Dead, c.Total), share(a.NotFullyUsable, c.Total), share(a.Healthy, c.Total))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCounts(b *strings.Builder, s Style, title string, counts []scan.Count, of int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %s\n", s.bold(title))
	for _, c := range counts[:min(topCodes, len(counts))] {
		fmt.Fprintf(b, "  %-28s %7d  %s\n", c.Name, c.N, share(c.N, of))
	}
	if rest := len(counts) - topCodes; rest > 0 {
		fmt.Fprintf(b, "  %s\n", s.dim(fmt.Sprintf("and %d more", rest)))
	}
}

// share writes n of a whole in per cent, five columns and a sign.
func share(n, of int) string {
	if of == 0 {
		return "    –  "
	}
	return fmt.Sprintf("%5.1f %%", 100*float64(n)/float64(of))
}

// barWidth is the length of the bar of a whole, in characters.
const barWidth = 30

func (s Style) bar(n, of int, g finding.Grade) string {
	if of == 0 || n == 0 {
		return ""
	}
	return s.paint(gradeColor(g), strings.Repeat("█", max(1, n*barWidth/of)))
}

func roundTime(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// Grade writes a grade in its colour.
func (s Style) Grade(g finding.Grade) string { return s.grade(g) }
