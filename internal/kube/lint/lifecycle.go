package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

func lifecycleRules() []Rule {
	return []Rule{
		{Name: "lifecycle.grace_short", Reads: "server pods, their routes, compose", Check: graceShort},
		{Name: "lifecycle.no_prestop", Reads: "server pods, autoscalers", Check: noPreStop},
		{Name: "lifecycle.exec_without_shell", Reads: "server pods, Dockerfiles", Check: execWithoutShell},
		{Name: "rollout.max_unavailable", Reads: "Deployments, autoscalers", Check: maxUnavailable},
		{Name: "rollout.no_min_ready", Reads: "Deployments", Check: noMinReady},
		{Name: "rollout.recreate", Reads: "Deployments", Check: recreate},
		{Name: "lifecycle.prestop_too_long", Reads: "server pods", Check: preStopTooLong},
		{Name: "lifecycle.shell_form", Reads: "server pods, Dockerfiles, compose", Check: shellForm},
		{Name: "lifecycle.no_graceful_timeout", Reads: "server pods, Dockerfiles, compose, Python", Check: noGracefulTimeout},
		{Name: "lifecycle.keepalive_race", Reads: "server pods and Dockerfiles behind a route", Check: keepaliveRace},
		{Name: "lifecycle.proxy_headers", Reads: "server pods and Dockerfiles behind a route", Check: proxyHeaders},
		{Name: "lifecycle.dev_server", Reads: "server pods, Dockerfiles, compose", Check: devServer},
	}
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// graceMargin is what is left for the process to end after its last call.
const graceMargin = 5 * time.Second

func graceShort(p *Pass) {
	for _, w := range p.Servers() {
		grace, written := w.Grace()
		wait, _ := w.PreStop()
		if wait >= grace {
			continue // told by lifecycle.prestop_too_long
		}
		longest, why := w.longestKnown(written)
		if longest == 0 || grace-wait >= longest {
			continue
		}
		at := w.Pod.Get("terminationGracePeriodSeconds").or(w.Pod)
		seen := fmt.Sprintf("%s remain after SIGTERM", short(grace-wait))
		if !written {
			seen = "terminationGracePeriodSeconds is not set, so " + seen
		}
		need := int64((longest + wait + graceMargin) / time.Second)
		fix := setKey(fmt.Sprintf("set the grace period to %d s: preStop, the longest call and 5 s", need), w.Pod, need, "terminationGracePeriodSeconds")
		p.ReportFix(at, fix, "%s, and %s", seen, why)
	}
	for _, s := range p.composeServers() {
		p.composeGrace(s)
	}
}

// longestKnown is the longest call that something in the input speaks of. Idle
// time-outs of an Ingress count only where nobody chose a grace period: they
// are set for other reasons as well.
func (w *Workload) longestKnown(graceWritten bool) (time.Duration, string) {
	if d, _, ok := w.LongestCall(); ok {
		return d, fmt.Sprintf("holdfast.dev/longest-call is %s", short(d))
	}
	var longest time.Duration
	why := ""
	for _, r := range w.Routes {
		limit, at := r.callLimit()
		if limit > longest && limit <= time.Hour && (r.Kind == "HTTPRoute" || !graceWritten) {
			line, _ := at.pos()
			longest, why = limit, fmt.Sprintf("%s lets a call run for %s (%s:%d)", r.Object, short(limit), r.file.Path, line)
		}
	}
	return longest, why
}

// callLimit is how long a route is made to wait for a call, 0 if it does not
// say.
func (r *Route) callLimit() (time.Duration, Value) {
	at := r.Rule.Get("timeouts", "request")
	if r.Kind == "Ingress" {
		at = r.root.Get("metadata", "annotations", "nginx.ingress.kubernetes.io/proxy-read-timeout")
	}
	d, _ := parseDuration(at.Str())
	return d, at
}

// short writes a duration without trailing zero units.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// rolls tells whether a workload replaces its pods in rollouts.
func (w *Workload) rolls() bool {
	return slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Rollout", "ReplicaSet", "DeploymentConfig"}, w.Kind)
}

func noPreStop(p *Pass) {
	for _, w := range p.Servers() {
		_, has := w.PreStop()
		_, most := w.Scale()
		if has || !w.rolls() || w.stdioOnly() || (most < 2 && w.Kind != "DaemonSet") {
			continue
		}
		c := w.Server()
		fix := setKey("wait 5 s before SIGTERM", c.Value, 5, "lifecycle", "preStop", "sleep", "seconds")
		p.ReportFix(c.Get("name").or(c.Value), fix, "container %s has no preStop hook, and up to %d replicas are replaced one after the other", c.Name, max(most, 2))
	}
}

var shellLess = regexp.MustCompile(`(?i)^scratch$|distroless|chainguard|^cgr\.dev/|[-/]static(?:[-:@]|$)`)

func execWithoutShell(p *Pass) {
	for _, w := range p.Servers() {
		for _, c := range w.Serving() {
			base := p.baseOf(c)
			if !shellLess.MatchString(base) || strings.Contains(base, "-debug") || strings.HasSuffix(base, ":debug") {
				continue
			}
			for _, path := range [][]string{{"lifecycle", "preStop"}, {"lifecycle", "postStart"}, {liveness}, {readiness}, {startup}} {
				command := c.Get(append(path, "exec", "command")...)
				if words := command.Strings(); needsShell(words) {
					p.Report(command, "%s of container %s runs %s, and the image is %s",
						path[len(path)-1], c.Name, program(words), base)
				}
			}
		}
	}
}

func needsShell(words []string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "sleep", "curl", "wget", "cat", "kill"}, program(words))
}

// baseOf is the image a container ends in: its own name, or the base of the
// only Dockerfile in the input.
func (p *Pass) baseOf(c Container) string {
	if shellLess.MatchString(c.Image()) {
		return c.Image()
	}
	if files := p.ofKind(Dockerfile); len(files) == 1 && !isHoldfast(c) {
		return files[0].docker.base()
	}
	return c.Image()
}

func maxUnavailable(p *Pass) {
	for _, w := range p.Servers() {
		strategy := w.root.Get("spec", "strategy")
		if w.Kind != "Deployment" || strategy.Get("type").Str() == "Recreate" {
			continue
		}
		_, most := w.Scale()
		at := strategy.Get("rollingUpdate", "maxUnavailable")
		away := most / 4 // the default of 25 %, rounded down
		text := "the default of 25%"
		if at.OK() {
			n, ok := scaled(at, most, false)
			if !ok {
				continue
			}
			away, text = n, at.Str()
		}
		if away < 1 {
			continue
		}
		fix := setKey("replace pods without taking any away first", w.root.Get("spec"), 0, "strategy", "rollingUpdate", "maxUnavailable").
			and(setKey("", w.root.Get("spec"), 1, "strategy", "rollingUpdate", "maxSurge"))
		p.ReportFix(at.or(w.root.Get("spec")), fix, "maxUnavailable is %s: of %d replicas %d may be missing in a rollout", text, most, min(away, most))
	}
}

func noMinReady(p *Pass) {
	for _, w := range p.Servers() {
		if w.Kind == "Deployment" && w.root.Get("spec", "minReadySeconds").IntOr(0) == 0 {
			p.ReportFix(w.root.Get("spec"), setKey("let a new pod prove itself for 10 s", w.root.Get("spec"), 10, "minReadySeconds"), "minReadySeconds is 0")
		}
	}
}

func recreate(p *Pass) {
	for _, w := range p.Servers() {
		at := w.root.Get("spec", "strategy", "type")
		if w.Kind != "Deployment" || at.Str() != "Recreate" {
			continue
		}
		holdsVolume := slices.ContainsFunc(w.Pod.Get("volumes").List(), func(v Value) bool { return v.Get("persistentVolumeClaim").OK() })
		if !holdsVolume {
			fix := replaceScalar("roll over instead", at, "RollingUpdate").
				and(setKey("", w.root.Get("spec"), map[string]any{"maxSurge": 1, "maxUnavailable": 0}, "strategy", "rollingUpdate"))
			p.ReportFix(at, fix, "the strategy is Recreate, and no volume asks for it")
		}
	}
}

func preStopTooLong(p *Pass) {
	for _, w := range p.Servers() {
		grace, written := w.Grace()
		wait, has := w.PreStop()
		if !has || wait < grace {
			continue
		}
		at := w.Pod.Get("terminationGracePeriodSeconds").or(w.Pod)
		text := short(grace)
		if !written {
			text += ", the default"
		}
		longest, _ := w.longestKnown(true)
		need := int64((wait + max(longest, 30*time.Second) + graceMargin) / time.Second)
		p.ReportFix(at, setKey("make room for preStop and calls", w.Pod, need, "terminationGracePeriodSeconds"),
			"preStop waits %s of a grace period of %s", short(wait), text)
	}
}

func shellForm(p *Pass) {
	for _, l := range p.launches() {
		if l.keepsShell() {
			l.report(nil, "%s runs %q and stays in front of it", l.shellIs, clip(l.shell, 80))
		}
	}
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

var uvicornRun = regexp.MustCompile(`\buvicorn\.(?:run|Config)\(`)

func noGracefulTimeout(p *Pass) {
	for _, l := range p.launches() {
		if l.runs("uvicorn") {
			if _, set := flagOf(l.words, "--timeout-graceful-shutdown"); !set {
				l.report(nil, "uvicorn is started without --timeout-graceful-shutdown")
			}
		}
	}
	for _, f := range p.ofKind(Python) {
		line, _ := f.code.find(uvicornRun)
		if line > 0 && !strings.Contains(f.code.call(line), "timeout_graceful_shutdown") {
			p.ReportLine(f, line, "uvicorn.run", nil, "uvicorn is started without timeout_graceful_shutdown")
		}
	}
}

// call gives the lines of a call that begins on a line, up to its closing
// bracket.
func (s *sourceCode) call(line int) string {
	depth := 0
	for i := line - 1; i < min(line+40, len(s.lines)); i++ {
		depth += strings.Count(s.lines[i], "(") - strings.Count(s.lines[i], ")")
		if depth <= 0 {
			return strings.Join(s.lines[line-1:i+1], "\n")
		}
	}
	return strings.Join(s.lines[line-1:min(line+40, len(s.lines))], "\n")
}

// proxied tells whether a launch is known to stand behind a proxy: its own
// route, or for an image any MCP route in the input.
func (p *Pass) proxied(l launch) bool {
	if l.workload != nil {
		return len(l.workload.Routes) > 0
	}
	return len(p.edges()) > 0
}

func keepaliveRace(p *Pass) {
	for _, l := range p.launches() {
		if !l.runs("uvicorn") || !p.proxied(l) {
			continue
		}
		text, set := flagOf(l.words, "--timeout-keep-alive")
		if !set {
			l.report(nil, "uvicorn closes idle connections after its default of 5 s, behind a proxy that keeps them longer")
		} else if d, ok := parseDuration(text); ok && d < 60*time.Second {
			l.report(nil, "uvicorn closes idle connections after %s s, behind a proxy that keeps them longer", text)
		}
	}
}

func proxyHeaders(p *Pass) {
	for _, l := range p.launches() {
		if !l.runs("uvicorn") || !p.proxied(l) || l.env("FORWARDED_ALLOW_IPS") {
			continue
		}
		if _, set := flagOf(l.words, "--forwarded-allow-ips"); !set {
			l.report(nil, "uvicorn takes forwarded headers from 127.0.0.1 only, and the proxy is elsewhere")
		}
	}
}

var devCommand = regexp.MustCompile(`(?:^|[\s/])(?:fastmcp dev|mcp dev|fastapi dev|nodemon|tsx watch|ts-node-dev|node --watch|(?:npm|yarn|pnpm) run dev|(?:yarn|pnpm) dev|@modelcontextprotocol/inspector)(?:\s|$)|\buvicorn\b.*\s--reload\b`)

func devServer(p *Pass) {
	for _, l := range p.launches() {
		line := strings.Join(l.words, " ")
		if m := devCommand.FindString(line); m != "" {
			l.report(nil, "the server is started by %q", clip(line, 80))
		}
	}
}
