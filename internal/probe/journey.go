package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// journey is one probe under way: the ladder, rung by rung.
type journey struct {
	prober *Prober
	target Target
	start  time.Time
	res    Result

	http   *egress.Client
	client *client.Client
	// exchanges are all that were made, for the evidence.
	exchanges []*client.Exchange
	decisive  *client.Exchange
	followed  bool // a redirect
	sessions  []*client.Session
	hidden    *veil
	hashes    map[string]hashed // by the bytes of the tool
}

// run climbs until a rung breaks. What was found stands in j.res.
func (j *journey) run(ctx context.Context) {
	if ctx.Err() != nil || !j.prepare() {
		return
	}
	defer j.noise()
	found := j.detect(ctx)
	if ctx.Err() != nil || len(found.Steps) == 0 {
		return
	}
	j.reached(found.Steps[0])
	if !j.speaks(ctx, found) {
		return
	}
	j.useAll(ctx, found)
	j.partialEra(found)
	if j.prober.opts.Thorough && !j.broken() {
		j.deeper(ctx)
	}
}

// prepare makes the client; false when the endpoint itself is wrong.
func (j *journey) prepare() bool {
	o := j.prober.opts
	j.http = egress.New(o.Egress)
	c, err := client.New(j.target.Endpoint, client.Options{
		HTTP: j.http, Info: o.Info, UserAgent: o.UserAgent,
		BothEras: o.Thorough || o.BothEras, Patience: o.Patience, StreamTimeout: min(o.Patience, 10*time.Second), StdioDiscover: o.Patience / 2, Parent: o.ParentEnv,
	})
	switch {
	case errors.Is(err, client.ErrPlaceholder):
		j.report("url.placeholder", "the URL still holds a placeholder: "+placeholder(j.target.Endpoint.URL))
	case err != nil:
		j.report("url.invalid", err.Error())
	}
	j.client = c
	return err == nil
}

// detect finds the era, following one harmless redirect.
func (j *journey) detect(ctx context.Context) client.Detection {
	found := j.detectOnce(ctx)
	x := found.Decisive
	if x == nil || x.Redirect == nil || !j.follow(x) {
		return found
	}
	j.report("http.redirect_same", fmt.Sprintf("POST is redirected by %d to %s", x.Status, j.redact(j.client.URL().String())))
	j.followed = true
	return j.detectOnce(ctx)
}

func (j *journey) detectOnce(ctx context.Context) client.Detection {
	found := j.client.Detect(ctx, j.prober.opts.Era)
	j.exchanges = append(j.exchanges, found.Steps...)
	j.decisive = found.Decisive
	// Noted at once: whatever happens next, cleanUp ends them.
	for _, s := range []*client.Session{found.Modern, found.Legacy} {
		if s != nil {
			j.sessions = append(j.sessions, s)
			j.hidden.add(s.ID)
		}
	}
	return found
}

// follow takes a redirect that keeps method, body and origin, or only adds TLS.
func (j *journey) follow(x *client.Exchange) bool {
	r := x.Redirect
	if r.Location == nil || r.MethodChange || r.NotHTTP || j.followed || !j.client.Trusts(r.Location) {
		return false
	}
	j.client.Redirect(r.Location)
	return true
}

// noise reports what a stdio server printed between its messages.
func (j *journey) noise() {
	if n := j.client.Noise(); n > 0 {
		j.report("stdio.noise", fmt.Sprintf("%d lines on stdout are no messages of the protocol", n))
	}
}

// reached notes what the first connection showed: addresses, times, TLS.
func (j *journey) reached(first *client.Exchange) {
	t := first.Timing
	j.res.Phases = Phases{DNS: t.DNS, Connect: t.Connect, TLS: t.TLS, FirstByte: t.FirstByte}
	if j.client.URL() == nil {
		return
	}
	if first.Status != 0 {
		if host := j.client.URL().Hostname(); host != first.Remote.Addr().String() {
			j.step("resolve", StepOK, host, t.DNS)
		}
		j.step("connect", StepOK, first.Remote.String(), t.Connect)
	}
	if first.TLS != nil && len(first.TLS.PeerCertificates) > 0 {
		end := first.TLS.PeerCertificates[0].NotAfter.UTC()
		j.res.CertificateExpires = &end
		left := time.Until(end)
		if left < j.prober.opts.ExpiryWarning {
			j.step("tls", StepWarn, "certificate ends "+end.Format(time.DateOnly), t.TLS)
			j.report("tls.expiring", fmt.Sprintf("the certificate ends on %s, in %s", end.Format("2006-01-02 15:04 MST"), roughly(left)))
		} else {
			j.step("tls", StepOK, "certificate good until "+end.Format(time.DateOnly), t.TLS)
		}
	}
}

// speaks judges what the detection found; false when there is nothing to use.
func (j *journey) speaks(ctx context.Context, found client.Detection) bool {
	j.res.Versions = j.versions(found.Versions)
	j.noteHandshake(found)
	if found.Modern == nil && found.Legacy == nil {
		j.explain(ctx, found)
		return false
	}
	for _, s := range j.sessions {
		j.res.Eras = append(j.res.Eras, s.Era)
		if !slices.Contains(j.res.Versions, string(s.Revision)) {
			j.res.Versions = append(j.res.Versions, string(s.Revision))
		}
	}
	first := j.sessions[0]
	j.res.Transport = first.Transport
	server := first.Server
	if server.Name == "" && len(j.sessions) > 1 {
		server = j.sessions[1].Server
	}
	j.res.Server = &client.Implementation{Name: j.clip(server.Name), Version: j.clip(server.Version)}
	if i := slices.IndexFunc(found.Steps, func(x *client.Exchange) bool { return x.OK() && x.Fault != client.NoFault }); i >= 0 {
		j.judgeFault(found.Steps[i])
	}
	j.step("answer", StepOK, j.speaking(), latency(found))
	if found.NoDiscover {
		j.report("discover.missing", "server/discover is answered 404 with -32601, tools/list works")
	}
	if first.Transport == client.HTTPSSE {
		j.report("transport.sse_only", "only the HTTP+SSE transport of 2024-11-05 answers; POST to this URL does not")
	}
	return true
}

// maxVersions bounds the versions that a result repeats.
const maxVersions = 32

func (j *journey) versions(claimed []string) []string {
	out := make([]string, 0, min(len(claimed), maxVersions))
	for _, v := range claimed[:min(len(claimed), maxVersions)] {
		out = append(out, clipTo(j.clip(v), 32))
	}
	return out
}

// noteHandshake reports what a handshake showed besides its outcome.
func (j *journey) noteHandshake(found client.Detection) {
	if x := found.Discover; x != nil && isPrerelease(x.RPCError()) {
		j.report("version.prerelease", fmt.Sprintf("error code %d is that of a release candidate", x.RPCError().Code))
	}
	h := found.Handshake
	if h == nil || h.Session == nil {
		return
	}
	if id := h.Session.ID; id != "" && weakID(id) {
		j.report("session.weak_id", fmt.Sprintf("the session id has %d characters", len(id)))
	}
	if x := h.Initialized; x != nil && !x.Accepted() {
		j.decisive = x
		j.report("init.initialized_rejected", "notifications/initialized is answered "+j.answerOf(x))
	}
}

// weakID: ids have to be visible ASCII and hard to guess; 128 bits need 22
// characters of Base64, and anything below 16 can be tried out.
func weakID(id string) bool {
	for _, c := range []byte(id) {
		if c < 0x21 || c > 0x7e {
			return true
		}
	}
	_, err := strconv.ParseUint(id, 10, 64)
	return len(id) < 16 || err == nil
}

// isPrerelease recognises the error numbers of release candidates of
// 2026-07-28. Legacy servers use the same numbers for anything, so the data
// that belongs to each has to be there too.
func isPrerelease(e *mcp.Error) bool {
	if e == nil {
		return false
	}
	var data struct {
		Supported []string        `json:"supported"`
		Required  json.RawMessage `json:"requiredCapabilities"`
	}
	_ = json.Unmarshal(e.Data, &data) // no data, no proof
	switch e.Code {
	case -32001:
		return strings.Contains(strings.ToLower(e.Message), "header mismatch")
	case -32003:
		return data.Required != nil
	case -32004:
		return data.Supported != nil
	default:
		return false
	}
}

func (j *journey) speaking() string {
	var parts []string
	for _, s := range j.sessions {
		parts = append(parts, s.Era.String()+" "+string(s.Revision))
	}
	out := strings.Join(parts, " and ")
	if j.res.Server.Name != "" {
		out += ", " + j.res.Server.Name + " " + j.res.Server.Version
	}
	return out
}

// latency is how long the exchange took that brought the era.
func latency(found client.Detection) time.Duration {
	switch {
	case found.Modern != nil:
		return found.Discover.Timing.Total
	case found.Handshake != nil:
		return found.Handshake.Initialize.Timing.Total
	case found.Decisive != nil:
		return found.Decisive.Timing.Total
	default:
		return 0
	}
}

// useAll lists in each session. When one era works and the other does not, that
// is the finding: a client of the one is fine.
func (j *journey) useAll(ctx context.Context, found client.Detection) {
	var failed []failedList
	sessions := j.sessions // use may add to them
	for _, s := range sessions {
		if x := j.use(ctx, s, found); x != nil {
			failed = append(failed, failedList{s, x})
		}
	}
	for _, f := range failed {
		if len(failed) == len(sessions) {
			j.judgeList(ctx, f.session, f.page)
			return
		}
		j.decisive = f.page
		j.partial(f.session.Era, "tools/list fails for "+f.session.Era.String()+" clients: "+j.answerOf(f.page))
	}
}

// partial reports an era that the server claims and that does not work.
func (j *journey) partial(era mcp.Era, seen string) {
	j.res.Eras = slices.DeleteFunc(j.res.Eras, func(e mcp.Era) bool { return e == era })
	j.report("era.partial", seen)
}

// failedList is a tools/list that brought nothing.
type failedList struct {
	session *client.Session
	page    *client.Exchange
}

// partialEra: of two eras that the server claims, one does not work.
func (j *journey) partialEra(found client.Detection) {
	h := found.Handshake
	if found.Modern == nil || h == nil || h.Session != nil {
		return
	}
	j.report("era.partial", "the server lists legacy versions, but initialize is answered "+j.answerOf(h.Initialize))
}

// finish closes what is open and sums up.
func (j *journey) finish(ctx context.Context) Result {
	if j.client != nil {
		j.cleanUp(context.WithoutCancel(ctx))
	}
	if ctx.Err() != nil {
		j.res.Findings = nil
		j.report("probe.canceled", "the probe was stopped before it was done")
	}
	r := &j.res
	r.Observations = 1
	r.RetryAfterSeconds = toSeconds(r.RetryAfter)
	for _, x := range j.exchanges {
		r.Requests++
		r.Received += x.Received
		j.hidden.learn(x)
	}
	j.sum()
	j.evidence()
	j.veilAll()
	if r.Eras == nil {
		r.Eras = []mcp.Era{}
	}
	if r.Versions == nil {
		r.Versions = []string{}
	}
	return *r
}

// sum derives grade, codes and posture from the findings.
func (j *journey) sum() {
	r := &j.res
	r.Grade = finding.Healthy
	slices.SortStableFunc(r.Findings, func(a, b finding.Finding) int { return gravity(b) - gravity(a) })
	r.Codes = []string{}
	for _, f := range r.Findings {
		r.Grade = finding.Worse(r.Grade, gradeOf(f))
		if !slices.Contains(r.Codes, f.Name) {
			r.Codes = append(r.Codes, f.Name)
		}
	}
	if r.Findings == nil {
		r.Findings = []finding.Finding{}
	}
	if r.Auth == AuthUnknown && len(r.Eras) > 0 {
		r.Auth = AuthOpen
		if credentialed(j.target.Endpoint.Header) {
			r.Auth = AuthCredentialed
		}
	}
}

// gradeOf is the catalogue's grade, unless the finding was raised to an error.
func gradeOf(f finding.Finding) finding.Grade {
	e, _ := finding.ByName(f.Name)
	if e.Grade == finding.Degraded && f.Severity == finding.Error {
		return finding.Unusable
	}
	return e.Grade
}

func gravity(f finding.Finding) int {
	for i, g := range []finding.Grade{finding.Degraded, finding.Gated, finding.Unknown, finding.Unusable, finding.Dead} {
		if gradeOf(f) == g {
			return i + 1
		}
	}
	return 0
}

// cleanUp deletes sessions and closes connections, within a few seconds.
func (j *journey) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(j.prober.opts.Patience, 5*time.Second))
	defer cancel()
	closed := 0
	for _, s := range j.sessions {
		x := s.Close(ctx)
		if x == nil {
			continue
		}
		j.exchanges = append(j.exchanges, x)
		if x.Status == http.StatusMethodNotAllowed || x.Status/100 == 2 {
			closed++
		}
	}
	if closed > 0 {
		j.step("clean up", StepOK, fmt.Sprintf("%d of our sessions ended", closed), 0)
	}
	_ = j.client.Close(ctx) // only a child that ignores SIGKILL could fail here
	j.http.Close()
}

// broken tells whether something was found that makes going on pointless.
func (j *journey) broken() bool {
	return slices.ContainsFunc(j.res.Findings, func(f finding.Finding) bool { return gradeOf(f).Accuses() })
}

// report files a finding about the target itself.
func (j *journey) report(name, seen string) { j.reportOn(name, "", seen) }

// reportOn files a finding about a part of it, such as a tool.
func (j *journey) reportOn(name, subject, seen string) {
	f := finding.New(name, subject, j.redact(seen))
	if f.Subject == "" {
		f.Subject = j.res.Target
	}
	j.res.Findings = append(j.res.Findings, f)
}

func (j *journey) step(name string, s State, detail string, took time.Duration) {
	j.res.Steps = append(j.res.Steps, Step{Name: name, State: s, Detail: j.redact(detail), Seconds: toSeconds(took)})
}

func roughly(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return d.Round(time.Minute).String()
}
