package lint

import (
	"regexp"
	"slices"
	"strings"
)

func monitorRules() []Rule {
	return []Rule{
		{Name: "monitor.cron_settings", Reads: "CronJobs that ask an MCP server", Check: cronSettings},
		{Name: "monitor.curl_blind", Reads: "CronJobs and Jobs that ask an MCP server", Check: curlBlind},
		{Name: "monitor.inside_only", Reads: "CronJobs that ask an MCP server", Check: insideOnly},
		{Name: "monitor.no_alert", Reads: "monitors, PrometheusRules", Check: noAlert},
		{Name: "monitor.no_tool_call", Reads: "monitors", Check: noToolCall},
		{Name: "monitor.no_credential", Reads: "monitors, server pods, routes", Check: noCredential},
		{Name: "monitor.same_minute", Reads: "CronJobs that ask an MCP server", Check: sameMinute},
	}
}

// crons gives the monitors that run on a schedule.
func (p *Pass) crons() []*Workload {
	return slices.DeleteFunc(slices.Clone(p.monitors), func(w *Workload) bool { return w.Kind != "CronJob" })
}

func cronSettings(p *Pass) {
	for _, w := range p.crons() {
		spec := w.root.Get("spec")
		job := spec.Get("jobTemplate", "spec")
		var wrong []string
		fix := &Fix{Summary: "run one at a time, once, with an end, and keep the evidence"}
		want := func(ok bool, text string, at Value, value any, path string) {
			if !ok {
				wrong = append(wrong, text)
				fix.and(setKey("", at, value, path))
			}
		}
		policy := spec.Get("concurrencyPolicy").Str()
		want(policy == "Forbid" || policy == "Replace", "runs may overlap (concurrencyPolicy)", spec, "Forbid", "concurrencyPolicy")
		want(job.Get("backoffLimit").IntOr(6) <= 2, sprintf("one failure is tried %d times (backoffLimit)", job.Get("backoffLimit").IntOr(6)+1), job, 0, "backoffLimit")
		want(job.Get("activeDeadlineSeconds").OK() || w.Pod.Get("activeDeadlineSeconds").OK(), "a run that hangs never ends (activeDeadlineSeconds)", job, 120, "activeDeadlineSeconds")
		want(spec.Get("failedJobsHistoryLimit").IntOr(1) >= 2, "only one failure is kept (failedJobsHistoryLimit)", spec, 5, "failedJobsHistoryLimit")
		want(spec.Get("startingDeadlineSeconds").OK(), "missed runs are not bounded (startingDeadlineSeconds)", spec, 120, "startingDeadlineSeconds")
		if len(wrong) > 0 {
			p.ReportFix(spec.Get("schedule").or(spec), fix, "%s", strings.Join(wrong, "; "))
		}
	}
}

var (
	asksByHand   = regexp.MustCompile(`\b(?:curl|wget|httpie?|nc)\b`)
	acceptsBoth  = regexp.MustCompile(`(?i)accept:\s*[^"']*text/event-stream`)
	beginsRight  = regexp.MustCompile(`"method"\s*:\s*"(?:initialize|server/discover)"|(?i:mcp-protocol-version)`)
	readsAnswer  = regexp.MustCompile(`\bjq\b|\bgrep\b|\bpython3?\b|\bnode\b`)
	callsTool    = regexp.MustCompile(`tools/call|--call\b|\bcallTool\b|call_tool`)
	sendsToken   = regexp.MustCompile(`(?i)authorization:|--token|--header-file|bearer|-H\s+.?x-api-key|--oauth2`)
	asksURL      = regexp.MustCompile(`https?://([^/\s"'\\:]+)[^\s"'\\]*`)
	tellsSomeone = regexp.MustCompile(`(?i)webhook|slack\.com|pagerduty|opsgenie|hooks\.|pushgateway|hc-ping|healthchecks\.io|alertmanager|ntfy`)
)

func curlBlind(p *Pass) {
	for _, w := range p.monitors {
		for _, c := range w.Containers {
			line := c.Line()
			if isHoldfast(c) || !asksByHand.MatchString(line) {
				continue
			}
			var lacks []string
			if !acceptsBoth.MatchString(line) {
				lacks = append(lacks, "no Accept header with application/json and text/event-stream")
			}
			if !beginsRight.MatchString(line) {
				lacks = append(lacks, "no initialize and no MCP-Protocol-Version")
			}
			if !readsAnswer.MatchString(line) {
				lacks = append(lacks, "only the HTTP status is looked at")
			}
			if len(lacks) > 0 {
				p.Report(c.Get("command").or(c.Get("args")).or(c.Value), "container %s asks by hand: %s", c.Name, strings.Join(lacks, "; "))
			}
		}
	}
}

// asked gives the hosts that a monitor asks and the place where it says so.
func (w *Workload) asked() (hosts []string, at Value) {
	for _, c := range w.Containers {
		for _, m := range asksURL.FindAllStringSubmatch(c.Line(), -1) {
			if !tellsSomeone.MatchString(m[0]) {
				hosts = append(hosts, m[1])
				at = c.Get("args").or(c.Get("command"))
			}
		}
	}
	return hosts, at
}

func insideOnly(p *Pass) {
	for _, w := range p.crons() {
		hosts, at := w.asked()
		if len(hosts) == 0 {
			continue
		}
		inside := !slices.ContainsFunc(hosts, func(h string) bool { return !privateHost.MatchString(h) && !strings.Contains(h, ".svc") })
		beside := slices.ContainsFunc(hosts, func(h string) bool {
			return slices.ContainsFunc(p.routes, func(r *Route) bool { return len(r.Hosts) > 0 && r.sharesHost([]string{h}) })
		})
		switch {
		case inside:
			p.Report(at, "the monitor asks %s, a name that exists inside the cluster only", hosts[0])
		case beside:
			p.Report(at, "the monitor of %s runs in the cluster that serves it", hosts[0])
		}
	}
}

// alerted tells whether an alert rule of the input looks at jobs or at
// Holdfast's own metrics.
func (p *Pass) alerted() bool {
	wanted := regexp.MustCompile(`kube_job_status_failed|kube_job_failed|kube_cronjob|holdfast_|mcp_`)
	return slices.ContainsFunc(p.byKind["PrometheusRule"], func(o *Object) bool {
		for _, group := range o.root.Get("spec", "groups").List() {
			for _, rule := range group.Get("rules").List() {
				if wanted.MatchString(rule.Get("expr").Str()) && rule.Get("alert").OK() {
					return true
				}
			}
		}
		return false
	})
}

func noAlert(p *Pass) {
	if p.alerted() {
		return
	}
	for _, w := range p.crons() {
		told := slices.ContainsFunc(w.Containers, func(c Container) bool {
			return tellsSomeone.MatchString(c.Line()) || slices.ContainsFunc(c.Get("env").List(), func(e Value) bool { return tellsSomeone.MatchString(e.Get("name").Str()) })
		})
		if !told {
			p.Report(w.root.Get("metadata", "name"), "the monitor calls nobody, and no alert rule in the input looks at its Jobs")
		}
	}
}

func noToolCall(p *Pass) {
	for _, w := range p.monitors {
		asks := slices.ContainsFunc(w.Containers, func(c Container) bool { return callsTool.MatchString(c.Line()) || takesConfig(c) })
		if !asks && len(w.Containers) > 0 {
			c := w.Containers[len(w.Containers)-1]
			p.Report(c.Get("args").or(c.Get("command")).or(c.Value), "container %s calls no tool", c.Name)
		}
	}
}

// takesConfig tells whether Holdfast reads its checks from a file.
func takesConfig(c Container) bool {
	_, short := c.Flag("-c", "--config", "--contract")
	return isHoldfast(c) && short
}

func noCredential(p *Pass) {
	for _, w := range p.monitors {
		hosts, _ := w.asked()
		if !p.wantsLogin(hosts) {
			continue
		}
		for _, c := range w.Containers {
			if asksURL.MatchString(c.Line()) && !sendsToken.MatchString(c.Line()) && !takesConfig(c) {
				p.Report(c.Get("args").or(c.Get("command")), "container %s sends no credential, and the server asks for one", c.Name)
			}
		}
	}
}

var loginSetting = regexp.MustCompile(`(?i)oauth|oidc|issuer|jwks|introspection|auth_server`)

// wantsLogin looks for signs that servers ask for a login: a declaration, a
// routed metadata document, OAuth settings, or code that checks tokens.
func (p *Pass) wantsLogin(hosts []string) bool {
	for _, w := range p.Servers() {
		if v := w.annotation("auth"); v.OK() {
			return v.Str() != "none"
		}
	}
	if slices.ContainsFunc(p.routes, func(r *Route) bool { return strings.HasPrefix(r.Path, metadataPath) && r.sharesHost(hosts) }) {
		return true
	}
	for _, w := range p.Servers() {
		if slices.ContainsFunc(w.Server().Get("env").List(), func(e Value) bool { return loginSetting.MatchString(e.Get("name").Str()) }) {
			return true
		}
	}
	return slices.ContainsFunc(p.entries(), func(f *File) bool { return f.code.has(introspects) || f.code.has(decodesToken) })
}

func sameMinute(p *Pass) {
	first := map[string]*Workload{}
	for _, w := range p.crons() {
		schedule := w.root.Get("spec", "schedule")
		other, seen := first[schedule.Str()]
		if !seen {
			first[schedule.Str()] = w
			continue
		}
		p.Report(schedule, "%q is also the schedule of %s", schedule.Str(), other.Object)
	}
}
