package mcptest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Case is one labelled peer: what it is and what must be said of it.
type Case struct {
	Name string // unique, with the era at the end where it is crossed with eras
	Era  Era
	// Start puts the peer into a world. Each call starts a fresh one.
	Start func(w *World) Target

	// Want are the findings that must be reported, and nothing but these and
	// May may be. AnyOf, if set: at least one of them must be reported, where
	// the protocol leaves open which step is to blame.
	Want, AnyOf, May []string
	// Forbid are findings that are wrong here although they lie near.
	Forbid []string
	// NearMiss is the finding that this peer nearly shows but must not: it
	// exists to prove that the finding can be told apart. It is in Forbid.
	NearMiss string
	// Grade of the last probe's result, or of the series if Probes asks for one.
	Grade finding.Grade
}

// Target is what a probe is given.
type Target struct {
	URL     string
	Command []string // stdio, instead of URL
	// Header holds the credential.
	Header http.Header
	Calls  []Call
	// Probes is how many results are judged together (a second one confirms or
	// acquits, a series shows slowness and flapping), Pause the least time
	// between two of them. 0 probes is 1.
	Probes int
	Pause  time.Duration
	// Before, if set, is called ahead of probe i, from 0: it is the world that
	// changes between probes.
	Before func(i int)
	// Server counts what was done to the peer; nil if there is none.
	Server *Server
	// AuthServer counts what was done to the authorization server, if any.
	AuthServer *AuthorizationServer
}

// Call is a declared tools/call, to be judged against the tool's outputSchema.
type Call struct {
	Tool string
	Args json.RawMessage
}

// Corpus is all labelled peers: those with a fault and healthy ones.
func Corpus() []Case {
	var out []Case
	for _, specs := range [][]spec{
		reachCases(), statusCases(), redirectCases(), bodyCases(), streamCases(), versionCases(), sessionCases(),
		authCases(), listCases(), listenCases(), callCases(), seriesCases(), stdioCases(), healthyCases(),
	} {
		for _, s := range specs {
			out = append(out, s.cases()...)
		}
	}
	return out
}

// spec is a Case, or one for each of several eras.
type spec struct {
	name string
	eras []Era // default Dual; more than one add the era to the name

	want, anyOf, may, forbid []string
	near                     string
	grade                    finding.Grade // default: the worst grade of want

	// cfg makes the server; it is called for every start, as faults have
	// state. The era is filled in.
	cfg  func() Config
	host []HostOption
	// target changes what is probed; it may add hosts to the world.
	target func(w *World, h *Host, t *Target)
	// start replaces all of the above.
	start func(w *World) Target
}

func (s spec) cases() []Case {
	eras := s.eras
	if eras == nil {
		eras = []Era{Dual}
	}
	var out []Case
	for _, e := range eras {
		c := Case{
			Name: s.name, Era: e, Want: slices.Clone(s.want), AnyOf: s.anyOf, May: s.may,
			Forbid: slices.Clone(s.forbid), NearMiss: s.near, Grade: s.grade,
		}
		if len(eras) > 1 {
			c.Name += "/" + string(e)
		}
		if s.near != "" {
			c.Forbid = append(c.Forbid, s.near)
		}
		if c.Grade == "" {
			c.Grade = worst(slices.Concat(c.Want, c.AnyOf))
		}
		// The old transport is a finding of its own wherever a peer gets far
		// enough to show it.
		if e == SSE2024 && (c.Grade == finding.Healthy || c.Grade == finding.Degraded) && !slices.Contains(c.Want, "transport.sse_only") {
			c.Want = append(c.Want, "transport.sse_only")
			c.Grade = finding.Degraded
		} else if e == SSE2024 {
			c.May = append(slices.Clone(c.May), "transport.sse_only")
		}
		c.Start = s.starter(c.Name, e)
		out = append(out, c)
	}
	return out
}

// starter puts a server of era e at a host of its own.
func (s spec) starter(name string, e Era) func(w *World) Target {
	if s.start != nil {
		return s.start
	}
	return func(w *World) Target {
		cfg := Config{}
		if s.cfg != nil {
			cfg = s.cfg()
		}
		if cfg.Era == "" {
			cfg.Era = e
		}
		srv := NewServer(cfg)
		h := w.Host(hostName(name), srv, s.host...)
		t := Target{URL: h.URL("/mcp"), Server: srv}
		if e == SSE2024 {
			t.URL = h.URL("/sse")
		}
		if s.target != nil {
			s.target(w, h, &t)
		}
		return t
	}
}

// hostName makes a host name of the name of a case.
func hostName(name string) string {
	b := []byte(name)
	for i, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			b[i] = '-'
		}
	}
	if len(b) > 60 {
		b = b[:60]
	}
	return string(b) + ".example"
}

// worst is the grade of a server that shows these findings.
func worst(names []string) finding.Grade {
	g := finding.Healthy
	for _, n := range names {
		if e, ok := finding.ByName(n); ok {
			g = finding.Worse(g, e.Grade)
		}
	}
	return g
}

func one(name string) []string { return []string{name} }
