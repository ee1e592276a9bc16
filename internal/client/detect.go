package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// Detection is what is known about a server's era after asking it.
type Detection struct {
	// Era is EraUnknown unless the server proved one.
	Era mcp.Era
	// Modern and Legacy are the sessions found; both for a dual-era server.
	// The caller closes Legacy.
	Modern, Legacy *Session
	// Steps are all exchanges made, in order. Decisive is the one that says
	// why there is no session, when there is none.
	Steps    []*Exchange
	Decisive *Exchange
	// Discover is the modern question; nil when only legacy was asked for.
	Discover *Exchange
	// Handshake is the last legacy attempt; nil when none was made.
	Handshake *Handshake
	// Versions lists what the server said it supports, in either era.
	Versions []string
	// Stripped is set when the server refused headers that were right: a proxy
	// on the way removes or changes them.
	Stripped bool
	// NoDiscover is set when a modern server does not know server/discover.
	NoDiscover bool
}

// Detect finds the era of the endpoint. force restricts it to one era;
// EraUnknown asks for both. An answer that proves nothing (no answer, 401, 429,
// 5xx) leaves the era unknown: it is never read as legacy.
func (c *Client) Detect(ctx context.Context, force mcp.Era) Detection {
	d := &detector{Client: c}
	if force == mcp.EraLegacy {
		d.legacy(ctx, mcp.Newest(mcp.EraLegacy))
		return d.Detection
	}
	next := d.modern(ctx)
	if force == mcp.EraModern || d.url == nil && d.Modern != nil {
		// A process speaks one era once it has begun: a second would need a
		// second process.
		return d.Detection
	}
	switch next {
	case askLegacy:
		d.legacy(ctx, d.legacyVersion())
		if d.Legacy != nil && d.Discover.Status/100 == 5 {
			d.askAgain(ctx)
		}
	case afterSilence:
		d.afterSilence(ctx)
	case alsoLegacy:
		d.dual(ctx, d.legacyVersion())
	case decided:
		if d.Modern != nil && c.opts.BothEras {
			d.tryLegacy(ctx)
		}
	}
	return d.Detection
}

type detector struct {
	*Client
	Detection
	restarted bool // a stdio child died of the modern question
}

// next is what to do after the modern question.
type next uint8

const (
	decided      next = iota // a modern server, or nothing to be learned by asking on
	askLegacy                // not modern: try the handshake
	alsoLegacy               // modern, and it claims legacy versions too
	afterSilence             // no answer: a short try of the handshake
)

func (d *detector) step(x *Exchange) *Exchange {
	d.Steps = append(d.Steps, x)
	d.Decisive = x
	return x
}

func (d *detector) legacyVersion() mcp.Revision {
	if v := mcp.Common(mcp.EraLegacy, d.Versions); v != "" {
		return v
	}
	return mcp.Newest(mcp.EraLegacy)
}

// modern asks server/discover.
func (d *detector) modern(ctx context.Context) next {
	askCtx := ctx
	if d.url == nil { // a legacy stdio server may simply not answer
		var cancel context.CancelFunc
		askCtx, cancel = context.WithTimeout(ctx, d.opts.StdioDiscover)
		defer cancel()
	}
	x := d.step(d.send(askCtx, d.modernCall(mcp.Newest(mcp.EraModern), mcp.MethodDiscover, "", nil, false)))
	d.Discover = x
	if found := readDiscovery(x); found != nil {
		return d.discovered(found)
	}
	if e := x.RPCError(); e != nil && x.Fault == NoFault {
		switch {
		case e.Code == mcp.CodeUnsupportedVersion:
			return d.refusedVersion(ctx, e)
		case e.Code == mcp.CodeHeaderMismatch:
			d.Era, d.Stripped = mcp.EraModern, true
			return decided
		case e.Code == mcp.CodeMissingCapability:
			d.Era = mcp.EraModern
			return decided
		case e.Code == mcp.CodeMethodNotFound && x.Status == http.StatusNotFound && x.Response.ID == x.ID:
			return d.withoutDiscover(ctx)
		}
	}
	switch {
	case d.hangs(ctx, x):
		return afterSilence
	case d.silent(ctx, x):
		return decided
	default:
		return askLegacy
	}
}

// hangs tells whether the server took the question and then said nothing. A
// legacy server that ignores methods it does not know looks like that.
func (d *detector) hangs(ctx context.Context, x *Exchange) bool {
	if d.url == nil || ctx.Err() != nil {
		return false
	}
	e, ok := errors.AsType[*egress.Error](x.Err)
	return x.Fault == FaultStalled || ok && e.Kind == egress.Timeout && e.Phase >= egress.PhaseSend
}

// silent tells whether an answer says nothing about the era, so that asking on
// would only be guessing.
func (d *detector) silent(ctx context.Context, x *Exchange) bool {
	switch {
	case d.url == nil:
		if _, exited := errors.AsType[*ExitError](x.Err); exited && !d.restarted {
			// Some old servers die of a method they do not know.
			d.restarted = true
			d.forgetChild(ctx)
			return false
		}
		return x.Err != nil && ctx.Err() != nil || errors.As(x.Err, new(*StartError))
	case x.Err != nil && x.Status == 0, x.Redirect != nil:
		return true
	case x.Status == http.StatusUnauthorized, x.Status == http.StatusPaymentRequired,
		x.Status == http.StatusTooManyRequests, x.Status == http.StatusProxyAuthRequired:
		return true
	case x.Status == http.StatusForbidden:
		return true
	default:
		return false
	}
}

func (d *detector) discovered(found *discovery) next {
	d.Versions = found.SupportedVersions
	rev := mcp.Common(mcp.EraModern, found.SupportedVersions)
	legacy := slices.ContainsFunc(found.SupportedVersions, func(v string) bool { return mcp.EraOf(v) == mcp.EraLegacy })
	switch {
	case rev != "":
		d.Era, d.Modern = mcp.EraModern, d.modernSession(found, rev)
		if legacy {
			return alsoLegacy
		}
		return decided
	case legacy:
		return askLegacy // a stateful server of the Go SDK answers so
	case slices.ContainsFunc(found.SupportedVersions, func(v string) bool { return mcp.EraOf(v) == mcp.EraModern }):
		d.Era = mcp.EraModern // ahead of us
	}
	return decided
}

// refusedVersion handles -32022: the data names what the server would take.
func (d *detector) refusedVersion(ctx context.Context, e *mcp.Error) next {
	d.Versions = supported(e)
	rev := mcp.Common(mcp.EraModern, d.Versions)
	if rev == "" || rev == mcp.Newest(mcp.EraModern) {
		if slices.ContainsFunc(d.Versions, func(v string) bool { return mcp.EraOf(v) == mcp.EraModern }) {
			d.Era = mcp.EraModern
			return decided
		}
		return askLegacy
	}
	x := d.step(d.send(ctx, d.modernCall(rev, mcp.MethodDiscover, "", nil, false)))
	if found := readDiscovery(x); found != nil {
		return d.discovered(found)
	}
	d.Era = mcp.EraModern
	return decided
}

// withoutDiscover handles 404 with -32601: the shape of a modern server that
// lacks the one method it must have. A list proves it.
func (d *detector) withoutDiscover(ctx context.Context) next {
	rev := mcp.Newest(mcp.EraModern)
	x := d.step(d.send(ctx, d.modernCall(rev, mcp.MethodToolsList, "", nil, false)))
	if !x.OK() {
		return askLegacy
	}
	d.Era, d.NoDiscover = mcp.EraModern, true
	d.Modern = d.modernSession(nil, rev)
	d.Modern.Capabilities = map[string]json.RawMessage{"tools": json.RawMessage("{}")}
	return decided
}

// dual checks a modern server's claim to speak legacy versions as well.
func (d *detector) dual(ctx context.Context, rev mcp.Revision) {
	decisive := d.Decisive
	d.handshakes(ctx, rev)
	d.Decisive = decisive
}

// tryLegacy asks a modern server for a handshake it did not promise. Refusing
// it is no fault, so a failure leaves no trace but the step.
func (d *detector) tryLegacy(ctx context.Context) {
	decisive := d.Decisive
	if h := d.Initialize(ctx, mcp.Newest(mcp.EraLegacy)); h.Session != nil {
		d.record(h)
	} else {
		d.Steps = append(d.Steps, h.Initialize)
		d.discarded(h)
	}
	d.Decisive = decisive
}

// discarded notes the DELETE of a session that was of no use.
func (d *detector) discarded(h Handshake) {
	if h.Discarded != nil {
		d.Steps = append(d.Steps, h.Discarded)
	}
}

// askAgain repeats the modern question when a server failed at it and then took
// the handshake: one of both eras that was just starting must not pass for a
// legacy one.
func (d *detector) askAgain(ctx context.Context) {
	decisive := d.Decisive
	x := d.step(d.send(ctx, d.modernCall(mcp.Newest(mcp.EraModern), mcp.MethodDiscover, "", nil, false)))
	if found := readDiscovery(x); found != nil {
		d.Discover = x
		d.discovered(found)
	}
	d.Decisive = decisive
}

// afterSilence tries the handshake with half the patience. If that brings
// nothing either, the first silence is what there is to tell.
func (d *detector) afterSilence(ctx context.Context) {
	decisive := d.Decisive
	if d.opts.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.opts.Patience/2)
		defer cancel()
	}
	h := d.Initialize(ctx, mcp.Newest(mcp.EraLegacy))
	d.record(h)
	switch {
	case h.Session != nil:
		d.Era = mcp.EraLegacy
	case h.Initialize.Err != nil:
		d.Decisive = decisive
	}
}

// legacy tries the handshake, then HTTP+SSE.
func (d *detector) legacy(ctx context.Context, rev mcp.Revision) {
	d.handshakes(ctx, rev)
	if d.Legacy != nil {
		d.Era = mcp.EraLegacy
		return
	}
	x := d.Handshake.Initialize
	if q := d.Discover; q != nil && q.Status/100 == 2 && q.Fault != NoFault && x.Status/100 != 2 {
		d.Decisive = q // it did answer the modern question, only not well
	}
	if d.url == nil || !suggestsSSE(x) {
		return
	}
	answers := new(correlator)
	stream, get := d.openStream(ctx, answers)
	if stream == nil {
		// The GET only decides when it is the better explanation.
		d.Steps = append(d.Steps, get)
		return
	}
	d.step(get)
	s := &Session{Era: mcp.EraLegacy, Transport: HTTPSSE, client: d.Client, stream: stream}
	s.send = func(ctx context.Context, cl call) *Exchange { return stream.ask(ctx, cl, answers) }
	h := d.handshake(ctx, mcp.Newest(mcp.EraLegacy), s)
	d.record(h)
	if h.Session == nil {
		_ = stream.Close(ctx) // cannot fail
		return
	}
	d.Era = mcp.EraLegacy
}

// suggestsSSE: what a 2024-11-05 endpoint answers to a POST on its GET URL.
func suggestsSSE(x *Exchange) bool {
	switch x.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		return x.Response == nil || x.Response.Kind == mcp.ErrorResponse
	}
	return false
}

// supported reads the versions that an error names, nil if it names none.
func supported(e *mcp.Error) []string {
	var data struct {
		Supported []string `json:"supported"`
	}
	if e == nil || json.Unmarshal(e.Data, &data) != nil {
		return nil
	}
	return data.Supported
}

// handshakes tries initialize. While the server objects to the version it tries
// again: with the newest that the server names, else with each older one.
func (d *detector) handshakes(ctx context.Context, rev mcp.Revision) {
	h := d.Initialize(ctx, rev)
	d.record(h)
	if h.Session != nil || !ObjectsToVersion(h.Initialize) {
		return
	}
	if named := supported(h.Initialize.RPCError()); named != nil {
		if v := mcp.Common(mcp.EraLegacy, named); v != "" && v != rev {
			d.record(d.Initialize(ctx, v))
		}
		return
	}
	for _, older := range mcp.Older(rev) {
		h := d.Initialize(ctx, older)
		d.record(h)
		if h.Session != nil || !ObjectsToVersion(h.Initialize) {
			return
		}
	}
}

func (d *detector) record(h Handshake) {
	d.step(h.Initialize)
	if h.Initialized != nil {
		d.step(h.Initialized)
	}
	d.discarded(h)
	d.Handshake, d.Legacy = &h, h.Session
	if h.Version != "" && !slices.Contains(d.Versions, h.Version) {
		d.Versions = append(d.Versions, h.Version)
	}
}

// ObjectsToVersion tells whether an error is about the protocol version. There
// is no code for it in the legacy era, so the text has to do.
func ObjectsToVersion(x *Exchange) bool {
	e := x.RPCError()
	switch {
	case e != nil:
		return e.Code == mcp.CodeUnsupportedVersion || strings.Contains(strings.ToLower(e.Message+string(e.Data)), "version")
	case x.Status == http.StatusBadRequest:
		return strings.Contains(strings.ToLower(string(x.Body[:min(len(x.Body), 512)])), "version")
	default:
		return false
	}
}
