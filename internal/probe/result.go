package probe

import (
	"encoding/json"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Auth is the posture of a server towards credentials, an axis of its own.
type Auth string

// The postures.
const (
	AuthUnknown      Auth = ""
	AuthOpen         Auth = "open"          // works without a credential
	AuthGated        Auth = "gated"         // asks correctly for one that we do not hold
	AuthGatedAtCall  Auth = "gated-at-call" // lists openly, asks when a tool is called
	AuthCredentialed Auth = "credentialed"  // works with the one we hold
	AuthBroken       Auth = "broken"        // asks in a way no client can follow, or refuses ours
)

// Result is what one target showed.
type Result struct {
	Target string        `json:"target"`
	At     time.Time     `json:"at"`
	Grade  finding.Grade `json:"grade"`
	// Codes are the names of the findings, the gravest first.
	Codes []string `json:"codes"`
	Auth  Auth     `json:"auth,omitempty"`
	// Eras in which the server works, and Versions it says it has.
	Eras      []mcp.Era              `json:"eras"`
	Versions  []string               `json:"versions"`
	Transport client.Transport       `json:"transport,omitempty"`
	Server    *client.Implementation `json:"server,omitempty"`
	// Tools counts the listed tools, ToolsInvalid those a strict client drops.
	Tools        int               `json:"tools"`
	ToolsInvalid int               `json:"toolsInvalid,omitempty"`
	ToolsHash    string            `json:"toolsHash,omitempty"`
	Phases       Phases            `json:"phases"`
	Findings     []finding.Finding `json:"findings"`
	// CertificateExpires is the end of the server's certificate.
	CertificateExpires *time.Time `json:"certificateExpires,omitempty"`
	// Cold is set when the first answer was over the budget and the next was not.
	Cold bool `json:"cold,omitempty"`
	// RetryAfter is when the server wants to be asked again, from now, and
	// RetryAfterSeconds the same as it is written.
	RetryAfter        time.Duration `json:"-"`
	RetryAfterSeconds float64       `json:"retryAfter,omitempty"`
	// Observations counts the probes behind this result; Unconfirmed lists the
	// codes of one that the last did not confirm.
	Observations int      `json:"observations"`
	Unconfirmed  []string `json:"unconfirmed,omitempty"`
	// Requests and Received are what the probe cost the server: HTTP requests
	// (or stdio messages) and bytes of answers.
	Requests int   `json:"requests"`
	Received int64 `json:"received"`

	Inventory []Tool `json:"inventory,omitempty"`
	Steps     []Step `json:"steps,omitempty"`
	// Transcript is the wire, redacted. Curl shows the decisive request.
	Transcript []Line `json:"transcript,omitempty"`
	Curl       string `json:"curl,omitempty"`
}

// Brief returns the result without inventory, steps and transcript, as scans
// store it.
func (r Result) Brief() Result {
	r.Inventory, r.Steps, r.Transcript = nil, nil, nil
	return r
}

// Phases are the times of the first connection and of the journey to the tool
// list. They are written in seconds.
type Phases struct {
	DNS, Connect, TLS, FirstByte, Total time.Duration
}

type phasesJSON struct {
	DNS       float64 `json:"dns"`
	Connect   float64 `json:"connect"`
	TLS       float64 `json:"tls"`
	FirstByte float64 `json:"firstByte"`
	Total     float64 `json:"total"`
}

// MarshalJSON writes seconds, to the microsecond.
func (p Phases) MarshalJSON() ([]byte, error) {
	s := toSeconds
	return json.Marshal(phasesJSON{s(p.DNS), s(p.Connect), s(p.TLS), s(p.FirstByte), s(p.Total)})
}

// toSeconds gives seconds to the microsecond: more digits would only be noise.
func toSeconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

func fromSeconds(f float64) time.Duration {
	return time.Duration(f * float64(time.Second)).Round(time.Microsecond)
}

// UnmarshalJSON reads them back.
func (p *Phases) UnmarshalJSON(b []byte) error {
	var s phasesJSON
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	d := fromSeconds
	*p = Phases{d(s.DNS), d(s.Connect), d(s.TLS), d(s.FirstByte), d(s.Total)}
	return nil
}

// Tool is one listed tool, judged alone.
type Tool struct {
	Name   string         `json:"name"`
	Hashes mcp.ToolHashes `json:"hashes"`
	// Problems say why a client may not be able to use it.
	Problems []string `json:"problems,omitempty"`
}

// State is how a step of the journey went.
type State string

// The states.
const (
	StepOK   State = "ok"
	StepWarn State = "warn"
	StepFail State = "fail"
	StepSkip State = "skip"
)

// Step is one level of the ladder, for people to read.
type Step struct {
	Name    string  `json:"name"` // resolve, connect, tls, answer, auth, list, call, listen, clean up
	State   State   `json:"state"`
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

// Line is one exchange of the transcript.
type Line struct {
	Request  string  `json:"request"`
	Response string  `json:"response"`
	Seconds  float64 `json:"seconds"`
}
