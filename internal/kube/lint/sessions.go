package lint

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

func sessionRules() []Rule {
	return []Rule{
		{Name: "session.in_memory", Reads: "server pods, autoscalers, Services, Python, TypeScript", Heuristic: true, Check: sessionInMemory},
		{Name: "affinity.client_ip", Reads: "Services, routes", Check: affinityClientIP},
		{Name: "affinity.cookie", Reads: "Ingresses, HTTPRoutes", Check: affinityCookie},
		{Name: "scale.replicas_with_hpa", Reads: "server pods, autoscalers", Check: replicasWithHPA},
		{Name: "scale.down_fast", Reads: "HorizontalPodAutoscalers", Check: scaleDownFast},
		{Name: "scale.up_window", Reads: "HorizontalPodAutoscalers", Check: scaleUpWindow},
		{Name: "scale.cpu_metric", Reads: "HorizontalPodAutoscalers", Check: cpuMetric},
		{Name: "scale.stdio_replicas", Reads: "server pods, MCPServers", Check: stdioReplicas},
		{Name: "scale.to_zero", Reads: "Knative Services, ScaledObjects, autoscalers", Check: scaleToZero},
		{Name: "pdb.blocks_all", Reads: "PodDisruptionBudgets", Check: pdbBlocksAll},
		{Name: "pdb.missing", Reads: "server pods, PodDisruptionBudgets", Check: pdbMissing},
		{Name: "scale.no_spread", Reads: "server pods", Check: noSpread},
		{Name: "pdb.sick_pods", Reads: "PodDisruptionBudgets", Check: pdbSickPods},
	}
}

var (
	statelessFlag = regexp.MustCompile(`(?i)stateless`)
	sharedStore   = regexp.MustCompile(`(?i)redis|valkey|session_?store|session_?storage|memcache|database_url|postgres`)
	codeStateless = regexp.MustCompile(`stateless_http\s*=\s*True|sessionIdGenerator:\s*undefined|stateless:\s*true`)
	codeSessions  = regexp.MustCompile(`sessionIdGenerator:\s*(?:\(\)|randomUUID|crypto|async)|stateless_http\s*=\s*False|transports\[sessionId\]|transports\[`)
)

func sessionInMemory(p *Pass) {
	for _, w := range p.Servers() {
		_, most := w.Scale()
		if most < 2 || w.stdioOnly() || w.fronted() || p.keepsSessions(w) {
			continue
		}
		at := w.root.Get("spec", "replicas").or(w.root.Get("metadata", "name"))
		by := ""
		if w.HPA != nil || w.KEDA != nil {
			by = " (autoscaler)"
		}
		p.Report(at, "up to %d replicas%s, and nothing says where sessions live", most, by)
	}
}

// keepsSessions tells whether something says that a session finds its state on
// any replica, or finds its way back to the same one.
func (p *Pass) keepsSessions(w *Workload) bool {
	if w.annotation("stateless").Str() == "true" {
		return true
	}
	if w.annotation("stateless").Str() == "false" {
		return false
	}
	for _, c := range w.Serving() {
		if slices.ContainsFunc(c.Words(), func(word string) bool { return statelessFlag.MatchString(word) || sharedStore.MatchString(word) }) {
			return true
		}
		for _, e := range c.Get("env").List() {
			name, value := e.Get("name").Str(), strings.ToLower(e.Get("value").Str())
			if sharedStore.MatchString(name) || (statelessFlag.MatchString(name) && value != "false" && value != "0") {
				return true
			}
		}
	}
	if slices.ContainsFunc(w.Services, func(s *Service) bool { return s.root.Get("spec", "sessionAffinity").Str() == "ClientIP" }) {
		return true // poor, but somebody thought of it: affinity.client_ip judges it
	}
	if slices.ContainsFunc(w.Routes, func(r *Route) bool { return r.Rule.Get("sessionPersistence").OK() || cookieAffinity(r.Object).OK() }) {
		return true
	}
	return slices.ContainsFunc(p.entries(), func(f *File) bool { return f.code.has(codeStateless) && !f.code.has(codeSessions) })
}

func affinityClientIP(p *Pass) {
	for _, s := range p.mcpServices() {
		at := s.root.Get("spec", "sessionAffinity")
		if at.Str() != "ClientIP" {
			continue
		}
		behind := ""
		if len(s.Routes) > 0 {
			behind = s.Routes[0].Object.String()
		} else if s.root.Get("spec", "type").Str() == "LoadBalancer" && s.root.Get("spec", "externalTrafficPolicy").Str() != "Local" {
			behind = "a load balancer that hides client addresses"
		}
		if behind != "" {
			p.ReportFix(at, removeKey("drop the affinity", at), "sessionAffinity is ClientIP behind %s", behind)
		}
	}
}

// cookieAffinity finds the setting that makes a controller stick by cookie.
func cookieAffinity(o *Object) Value {
	annotations := o.root.Get("metadata", "annotations")
	if v := annotations.Get("nginx.ingress.kubernetes.io/affinity"); v.Str() == "cookie" {
		return v
	}
	for _, name := range []string{"traefik.ingress.kubernetes.io/service.sticky.cookie", "traefik.ingress.kubernetes.io/affinity", "haproxy.org/cookie-persistence", "haproxy-ingress.github.io/affinity"} {
		if v := annotations.Get(name); v.OK() && v.Str() != "false" {
			return v
		}
	}
	if v := annotations.Get("alb.ingress.kubernetes.io/target-group-attributes"); strings.Contains(v.Str(), "stickiness.enabled=true") {
		return v
	}
	return Value{obj: o}
}

func affinityCookie(p *Pass) {
	for _, e := range p.edges() {
		if at := cookieAffinity(e.Object); at.OK() {
			p.Report(at, "clients are kept by cookie (%s)", at.key.Value)
		}
		for _, rule := range e.rules() {
			persistence := rule.Get("sessionPersistence")
			if kind := persistence.Get("type").Str(); persistence.OK() && (kind == "" || kind == "Cookie") {
				p.Report(persistence, "sessionPersistence is by cookie")
			}
		}
	}
	for _, s := range p.mcpServices() {
		if at := cookieAffinity(s.Object); at.OK() {
			p.Report(at, "clients are kept by cookie (%s)", at.key.Value)
		}
	}
}

func replicasWithHPA(p *Pass) {
	for _, w := range p.Servers() {
		scaler := w.HPA
		if scaler == nil {
			scaler = w.KEDA
		}
		if at := w.root.Get("spec", "replicas"); scaler != nil && at.OK() {
			p.ReportFix(at, removeKey("leave replicas to the autoscaler", at), "replicas is %s, and %s sets it too", at.Str(), scaler)
		}
	}
}

// scalers gives the HPAs of servers.
func (p *Pass) scalers(visit func(w *Workload, hpa *Object)) {
	for _, w := range p.Servers() {
		if w.HPA != nil {
			visit(w, w.HPA)
		}
	}
}

func scaleDownFast(p *Pass) {
	p.scalers(func(w *Workload, hpa *Object) {
		least, most := w.Scale()
		if most-least < 2 {
			return // never more than one pod to remove
		}
		spec := hpa.root.Get("spec")
		down := spec.Get("behavior", "scaleDown")
		policies := down.Get("policies")
		longest, _, declared := w.LongestCall()
		if !declared {
			longest = 60 * time.Second
		}
		slow := []map[string]any{{"type": "Pods", "value": 1, "periodSeconds": min(1800, int(max(longest, 60*time.Second)/time.Second))}}
		fix := setKey("remove one pod at a time", spec, slow, "behavior", "scaleDown", "policies")
		if down.Get("selectPolicy").Str() == "Disabled" {
			return
		}
		if !policies.OK() {
			p.ReportFix(down.or(spec), fix, "scaleDown has no policy: after the window all of up to %d spare pods may go within 15 s", most-least)
			return
		}
		for _, policy := range policies.List() {
			if n, period := removedPer(policy, most); n > 1 {
				p.Report(policy, "the policy lets %d pods go within %d s", n, period)
			} else if period := time.Duration(period) * time.Second; n == 1 && declared && period < longest && period < 30*time.Minute {
				p.Report(policy, "the policy lets a pod go every %s, and holdfast.dev/longest-call is %s", short(period), short(longest))
			}
		}
	})
}

// removedPer is how many of so many pods a policy lets go in its period.
func removedPer(policy Value, of int64) (pods, period int64) {
	n, period := policy.Get("value").IntOr(0), policy.Get("periodSeconds").IntOr(15)
	if policy.Get("type").Str() == "Percent" {
		return (n*of + 99) / 100, period
	}
	return n, period
}

func scaleUpWindow(p *Pass) {
	p.scalers(func(_ *Workload, hpa *Object) {
		at := hpa.root.Get("spec", "behavior", "scaleUp", "stabilizationWindowSeconds")
		if n := at.IntOr(0); n > 0 {
			p.ReportFix(at, replaceScalar("scale up at once", at, "0"), "scale-up waits %d s; the default is 0", n)
		}
	})
}

func cpuMetric(p *Pass) {
	p.scalers(func(w *Workload, hpa *Object) {
		spec := hpa.root.Get("spec")
		if at := spec.Get("targetCPUUtilizationPercentage"); at.OK() {
			p.Report(at, "the only metric is CPU")
			return
		}
		metrics := spec.Get("metrics")
		list := metrics.List()
		onlyCPU := len(list) > 0 && !slices.ContainsFunc(list, func(m Value) bool {
			return m.Get("type").Str() != "Resource" || m.Get("resource", "name").Str() != "cpu"
		})
		if onlyCPU {
			p.Report(metrics, "the only metric is CPU of the whole pod")
		}
	})
}

var stdioBridge = regexp.MustCompile(`(?:^|\s|/)(?:supergateway|mcp-proxy|mcpo|mcp-streamablehttp-proxy)(?:@\S+)?(?:\s|$)`)

func stdioReplicas(p *Pass) {
	for _, w := range p.Servers() {
		_, most := w.Scale()
		c := w.Server()
		if most < 2 || w.fronted() {
			continue
		}
		at := w.root.Get("spec", "replicas").or(w.root.Get("metadata", "name"))
		transport, _ := c.Flag("--transport", "-t")
		switch {
		case transport == "stdio" || c.Get("stdin").True():
			p.Report(at, "up to %d replicas of a server that speaks stdio", most)
		case stdioBridge.MatchString(c.Line()) && !statelessFlag.MatchString(c.Line()):
			p.Report(at, "up to %d replicas of a stdio server behind %s, whose sessions live in one process", most, strings.TrimSpace(stdioBridge.FindString(c.Line())))
		}
	}
	for _, o := range p.byKind["MCPServer"] {
		spec := o.root.Get("spec")
		transport := spec.Get("transport").or(spec.Get("transportType"))
		at := spec.Get("replicas").or(spec.Get("deployment", "replicas"))
		if at.IntOr(1) > 1 && transport.Str() == "stdio" && !spec.Get("sessionStorage").OK() && o.group() != "holdfast.dev" {
			p.Report(at, "%d replicas of a server whose transport is stdio", at.IntOr(1))
		}
	}
}

func scaleToZero(p *Pass) {
	for _, w := range p.Servers() {
		at, zero := w.zeroable()
		if !zero || w.fronted() {
			continue
		}
		cold, _, declared := w.declared("cold-start")
		switch {
		case declared && cold > 30*time.Second:
			p.Report(at, "it may be scaled to zero, and holdfast.dev/cold-start is %s", short(cold))
		case !declared && installs(w.Server().Words()):
			p.Report(at, "it may be scaled to zero, and installs itself at every start (%s)", clip(w.Server().Line(), 60))
		}
	}
}

// zeroable tells whether an autoscaler may remove the last replica.
func (w *Workload) zeroable() (Value, bool) {
	switch {
	case w.group() == "serving.knative.dev":
		at := w.Template.Get("metadata", "annotations", "autoscaling.knative.dev/min-scale")
		if !at.OK() {
			at = w.Template.Get("metadata", "annotations", "autoscaling.knative.dev/minScale")
		}
		return at.or(w.root.Get("spec")), !at.OK() || at.Str() == "0"
	case w.KEDA != nil:
		at := w.KEDA.root.Get("spec", "minReplicaCount")
		return at.or(w.KEDA.root.Get("spec")), at.IntOr(0) == 0
	case w.HPA != nil:
		at := w.HPA.root.Get("spec", "minReplicas")
		return at, at.IntOr(1) == 0
	default:
		return Value{}, false
	}
}

// budgets visits the budgets of servers, each once.
func (p *Pass) budgets(visit func(pdb *Object, w *Workload)) {
	seen := map[*Object]bool{}
	for _, w := range p.Servers() {
		for _, pdb := range w.PDBs {
			if !seen[pdb] {
				seen[pdb] = true
				visit(pdb, w)
			}
		}
	}
}

func pdbBlocksAll(p *Pass) {
	p.budgets(func(pdb *Object, w *Workload) {
		spec := pdb.root.Get("spec")
		least, _ := w.Scale()
		if at := spec.Get("maxUnavailable"); at.OK() {
			if n, ok := scaled(at, least, true); ok && n == 0 {
				p.ReportFix(at, replaceScalar("let one pod go", at, "1"), "maxUnavailable is %s: no pod may ever be evicted", at.Str())
			}
			return
		}
		at := spec.Get("minAvailable")
		if n, ok := scaled(at, least, true); ok && n >= least && least > 0 {
			p.Report(at, "minAvailable is %s of %d replicas: no pod may ever be evicted", at.Str(), least)
		}
	})
}

func pdbMissing(p *Pass) {
	for _, w := range p.Servers() {
		_, most := w.Scale()
		if len(w.PDBs) == 0 && most > 1 && w.rolls() && w.Kind != "DaemonSet" && !w.stdioOnly() {
			p.Report(w.root.Get("metadata", "name"), "up to %d replicas, and no PodDisruptionBudget selects them", most)
		}
	}
}

func noSpread(p *Pass) {
	for _, w := range p.Servers() {
		_, most := w.Scale()
		affinity := w.Pod.Get("affinity", "podAntiAffinity")
		if most > 1 && w.rolls() && w.Kind != "DaemonSet" && !w.Pod.Get("topologySpreadConstraints").OK() && !affinity.OK() && !w.stdioOnly() {
			spread := []map[string]any{{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
				"labelSelector": map[string]any{"matchLabels": w.ownLabels()}}}
			p.ReportFix(w.Pod, setKey("spread the replicas over nodes", w.Pod, spread, "topologySpreadConstraints"), "up to %d replicas may run on one node", most)
		}
	}
}

// ownLabels are the labels the workload itself selects its pods by.
func (w *Workload) ownLabels() map[string]string {
	if labels := w.root.Get("spec", "selector", "matchLabels").Labels(); len(labels) > 0 {
		return labels
	}
	return w.Labels
}

func pdbSickPods(p *Pass) {
	p.budgets(func(pdb *Object, _ *Workload) {
		spec := pdb.root.Get("spec")
		if at := spec.Get("unhealthyPodEvictionPolicy"); at.Str() != "AlwaysAllow" {
			p.ReportFix(at.or(spec), setKey("let sick pods go", spec, "AlwaysAllow", "unhealthyPodEvictionPolicy"), "unhealthyPodEvictionPolicy is not AlwaysAllow")
		}
	})
}
