package web

import (
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// View is what the page shows. Texts may be hostile.
type View struct {
	// Now is what ages are counted from.
	Now     time.Time
	Version string
	// Draining: this process was told to go.
	Draining bool
	Servers  []Server
}

// Server is one server on the page. Zero values mean "not known" and are not
// shown.
type Server struct {
	Name, About         string
	Endpoint, Transport string
	Software            string // what it calls itself
	// Measured is false until the first probe has ended.
	Measured bool
	Grade    finding.Grade
	Findings []finding.Finding // the gravest first
	// Since is when the grade began, Checked when the last probe did, Next when
	// the next one will. After StaleAt nothing said here may be believed.
	Since, Checked, Next, StaleAt time.Time
	Eras, Versions                []string
	// Tools are those listed, ToolsInvalid those of them that a strict client
	// drops, ToolsExpected what a contract promises.
	Tools, ToolsInvalid int
	ToolsExpected       *int
	Auth                string
	CertificateExpires  time.Time
	Sessions            int
	// Ready: it counts for the readiness of this process.
	Ready bool
	// Probes are the last ones, oldest first.
	Probes []Probe
}

// Probe is one past probe.
type Probe struct {
	At    time.Time
	Grade finding.Grade
	Took  time.Duration
}
