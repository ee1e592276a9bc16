// Package probe answers one question of a server: does it work for a client?
// It makes the journey a client makes (resolve, connect, TLS, find the era,
// authenticate, list, call, listen, clean up) and says what it saw as a value:
// grade, codes, timings, evidence. Everything in Holdfast that speaks of
// healthy asks here, so that two parts can never disagree.
//
// A probe does no harm: it asks stateless first, opens at most the sessions it
// needs and deletes them, calls no tool that the operator did not name, says
// honestly who it is, and honours Retry-After.
package probe

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Target is what is probed.
type Target struct {
	// Name is how reports call it; the endpoint if empty.
	Name     string
	Endpoint client.Endpoint
	// Calls are the tools the operator wants run. Nothing else is called.
	Calls []Call
	// Secrets are texts that must not appear in anything that comes out, the
	// values of Endpoint.Header apart, which are covered.
	Secrets []string
}

// Call is one tool call and what its error texts mean.
type Call struct {
	Tool string
	Args json.RawMessage // an object; nil for {}
	// Critical makes a failure of this call the failure of the server.
	Critical bool
	// Meanings replace the built-in reading of error texts.
	Meanings []Meaning
}

// Meaning says what a text in a failed call's answer stands for.
type Meaning struct {
	Match *regexp.Regexp
	Code  string // call.upstream_auth, call.upstream_down or call.quota
}

// Options of a Prober. The zero value probes public endpoints with a budget of
// ten seconds.
type Options struct {
	// Egress is how connections are made; its Guard decides which addresses
	// may be probed.
	Egress egress.Options
	// Info and UserAgent say who asks.
	Info      client.Implementation
	UserAgent string
	// Budget is how long a client waits for one answer before we call the
	// server slow; default 10 s. Patience is how long we wait; default three
	// budgets. A server that answers between the two is degraded, not dead.
	Budget, Patience time.Duration
	// Era restricts the probe to one era; EraUnknown asks for both.
	Era mcp.Era
	// BothEras also tries the handshake on a modern server that lists no legacy
	// version: some serve both eras and do not say so. Thorough implies it.
	BothEras bool
	// Thorough adds what costs the server more: a second list over a fresh
	// connection, a bogus version, the long-lived streams. Meant for one's own
	// servers.
	Thorough bool
	// Observations is how many probes an accusation needs, at most; default 2.
	// RetryAfter is the pause between them; default 500 ms.
	Observations int
	RetryAfter   time.Duration
	// ExpiryWarning is how near a certificate's end is worth saying; default
	// 14 days.
	ExpiryWarning time.Duration
	// ParentEnv is what stdio children may inherit from.
	ParentEnv []string
}

// Prober runs probes. It is safe for concurrent use.
type Prober struct{ opts Options }

// New returns a Prober.
func New(o Options) *Prober {
	setDefault(&o.Budget, 10*time.Second)
	setDefault(&o.Patience, 3*o.Budget)
	setDefault(&o.RetryAfter, 500*time.Millisecond)
	setDefault(&o.ExpiryWarning, 14*24*time.Hour)
	if o.Egress.PingAfter == 0 {
		o.Egress.PingAfter = -1 // every call of a probe has a deadline
	}
	if o.Observations <= 0 {
		o.Observations = 2
	}
	if o.Info.Name == "" {
		o.Info = client.Implementation{Name: "holdfast", Version: "dev"}
	}
	return &Prober{opts: o}
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// Run probes a target until the answer can be given: an accusation (dead,
// unusable) needs two observations that agree, unless the URL itself is wrong;
// an acquittal needs one. ctx bounds the
// whole; when it ends the result is unknown with code probe.canceled. Every
// session that was opened is closed before Run returns.
func (p *Prober) Run(ctx context.Context, t Target) Result {
	res := p.Once(ctx, t)
	for res.Grade.Accuses() && res.Observations < p.opts.Observations && !final(res) {
		pause(ctx, p.opts.RetryAfter)
		res = Agree(res, p.Once(ctx, t)) // once ctx has ended, that is probe.canceled
	}
	return res
}

// final tells whether a second look could not show anything else: nothing was
// asked, because the URL itself is wrong.
func final(r Result) bool {
	return len(r.Codes) == 1 && (r.Codes[0] == "url.invalid" || r.Codes[0] == "url.placeholder")
}

// Agree joins two observations of one target, the first of which accuses: what
// both support, or the acquittal with what was not confirmed.
func Agree(first, second Result) Result {
	n := first.Observations + 1
	out := second
	if second.Grade.Accuses() && finding.Worse(first.Grade, second.Grade) == second.Grade {
		out = first // the milder of the two: what both observations support
	}
	out.Observations = n
	out.Requests, out.Received = first.Requests+second.Requests, first.Received+second.Received
	if !second.Grade.Accuses() {
		out.Unconfirmed = first.Codes
	}
	return out
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Once makes one journey.
func (p *Prober) Once(ctx context.Context, t Target) Result {
	j := &journey{prober: p, target: t, start: time.Now()}
	j.hidden = newVeil(t)
	j.res.Target = t.Name
	if j.res.Target == "" {
		j.res.Target = j.redact(t.Endpoint.String())
	}
	j.res.At = j.start.UTC()
	j.run(ctx)
	return j.finish(ctx)
}

// credentialed tells whether the operator gave us something to show.
func credentialed(h http.Header) bool {
	for name := range h {
		switch http.CanonicalHeaderKey(name) {
		case "User-Agent", "From", "Accept-Language", "Traceparent", "Tracestate":
		default:
			return true
		}
	}
	return false
}
