package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"go.yaml.in/yaml/v3"
)

// Some rules need one object only and can be said in CEL, so that a cluster
// can ask them at admission and kube-linter in a pipeline. The expressions use
// macros, written in capitals between dollars, because neither host has
// functions; $O$ is the object, which kube-linter calls subject.
//
// Only what one object shows is expressed: a Service counts by its own words,
// and sessions, routes and budgets need the whole input.

// celRule says when an object that concerns an MCP server breaks a rule.
type celRule struct {
	name string
	on   string // workload, Deployment, Service, Ingress, CronJob
	bad  string // CEL, true where the rule is broken
}

// celMacros are what expressions are put together from.
func celMacros() [][2]string {
	word := `'(?i)` + mcpPattern.String() + `'`
	notWord := `'(?i)` + clientPattern.String() + `'`
	// the last part of an image's name, without tag and digest
	notImage := `'(?i)(?:^|[^a-z0-9])(?:operator|controller|inspector|clients?|webhook|registry|crds?)(?:[^a-z0-9/:@][^/:@]*)?(?:[:@][^/]*)?$'`
	// a flag that names somebody else's server
	elsewhere := `'(?i)^-[^=]*(?:urls?|endpoints?|addr(?:ess)?|servers|config)(?:=|$)'`
	own := `'` + ownVariable.String() + `'`
	return [][2]string{
		{"POD", `$O$.spec.template.spec`},
		{"CRONPOD", `$O$.spec.jobTemplate.spec.template.spec`},
		{"INIT", `(has($POD$.initContainers) ? $POD$.initContainers : [])`},
		{"ANNOTATIONS", `(has($O$.metadata.annotations) ? $O$.metadata.annotations : {})`},
		{"DECLARED", `('holdfast.dev/mcp' in $ANNOTATIONS$ ? $ANNOTATIONS$['holdfast.dev/mcp'] : '')`},
		{"NUMBERS", `['longest-call', 'heartbeat', 'stateless', 'cold-start', 'auth'].exists(n, ('holdfast.dev/' + n) in $ANNOTATIONS$)`},
		{"FRONTED", `($INIT$ + $POD$.containers).exists(c, has(c.image) && c.image.matches('(^|/)holdfast([:@]|$)'))`},
		{"IMAGESAYS", `has(c.image) && c.image.matches(` + word + `) && !c.image.matches(` + notImage + `)`},
		{"WORDSAYS", `!w.contains('://') && !w.matches(` + elsewhere + `) && w.matches(` + word + `)`},
		{"CONTAINERSAYS", `(c.name.matches(` + word + `) && !c.name.matches(` + notWord + `)) || ($IMAGESAYS$)` +
			` || (has(c.command) && c.command.exists(w, $WORDSAYS$)) || (has(c.args) && c.args.exists(w, $WORDSAYS$))` +
			` || (has(c.ports) && c.ports.exists(p, has(p.name) && p.name.matches(` + word + `)))` +
			` || (has(c.env) && c.env.exists(e, e.name.matches(` + own + `)))`},
		{"SERVER", `($DECLARED$ == 'true' || ($DECLARED$ != 'false' && ($NUMBERS$ || (!$O$.metadata.name.matches(` + notWord + `)` +
			` && !$POD$.containers.exists(c, has(c.image) && c.image.matches(` + notImage + `)) && ($POD$.containers.exists(c, $CONTAINERSAYS$) || $O$.metadata.name.matches(` + word + `))))))`},
		{"SERVICE", `($DECLARED$ == 'true' || ($DECLARED$ != 'false' && (($O$.metadata.name.matches(` + word + `) && !$O$.metadata.name.matches(` + notWord + `))` +
			` || $O$.spec.ports.exists(p, (has(p.name) && p.name.matches(` + word + `)) || (has(p.appProtocol) && p.appProtocol.endsWith('mcp'))))))`},
		{"INGRESS", `($DECLARED$ != 'false' && has($O$.spec.rules) && $O$.spec.rules.exists(r, has(r.http) && r.http.paths.exists(p,` +
			` (has(p.path) && p.path.matches('(?i)/mcp(/|\\(|$)')) || (!(has(p.path) && p.path.startsWith('/.well-known')) && ((has(r.host) && r.host.matches(` + word + `))` +
			` || (has(p.backend.service) && p.backend.service.name.matches(` + word + `) && !p.backend.service.name.matches(` + notWord + `)))))))`},
		{"MONITOR", `$CRONPOD$.containers.exists(c, (has(c.image) && c.image.matches('(^|/)holdfast([:@]|$)'))` +
			` || ((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])).exists(w, w.matches('https?://\\S*/(mcp|sse)\\b') || w.contains('tools/list')))`},
	}
}

// celRules are the exported rules.
func celRules() []celRule {
	serving := `($INIT$.filter(c, has(c.restartPolicy) && c.restartPolicy == 'Always') + $POD$.containers)`
	probes := func(test string) string {
		var parts []string
		for _, kind := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
			parts = append(parts, "(has(c."+kind+") && "+strings.ReplaceAll(test, "PROBE", "c."+kind)+")")
		}
		return serving + ".exists(c, " + strings.Join(parts, " || ") + ")"
	}
	grace := `(has($POD$.terminationGracePeriodSeconds) ? int($POD$.terminationGracePeriodSeconds) : 30)`
	sleeps := `(has(c.lifecycle) && has(c.lifecycle.preStop) && has(c.lifecycle.preStop.sleep))`
	preStop := serving + `.exists(c, has(c.lifecycle) && has(c.lifecycle.preStop))`
	setting := func(has, ok string) string { return "!(" + has + " && " + ok + ")" }
	job := `$O$.spec.jobTemplate.spec`
	return []celRule{
		{"probe.path_is_mcp", "workload", probes(`has(PROBE.httpGet) && has(PROBE.httpGet.path) && PROBE.httpGet.path.matches('(/mcp|^/sse|^/messages)/*([?].*)?$')`)},
		{"probe.tcp_readiness", "workload", `!$FRONTED$ && $POD$.containers.exists(c, has(c.readinessProbe) && has(c.readinessProbe.tcpSocket))`},
		{"probe.liveness_impatient", "workload", serving + `.exists(c, has(c.livenessProbe) && (has(c.livenessProbe.periodSeconds) ? int(c.livenessProbe.periodSeconds) : 10) * (has(c.livenessProbe.failureThreshold) ? int(c.livenessProbe.failureThreshold) : 3) < 15)`},
		{"lifecycle.grace_short", "workload", `'holdfast.dev/longest-call' in $ANNOTATIONS$ && $ANNOTATIONS$['holdfast.dev/longest-call'].matches('^[0-9]+(s|m|h)$')` +
			` && duration(string(` + grace + `) + 's') < duration('' + $O$.metadata.annotations['holdfast.dev/longest-call']) && !(` + serving + `.exists(c, ` + sleeps + ` && int(c.lifecycle.preStop.sleep.seconds) >= ` + grace + `))`},
		{"lifecycle.no_prestop", "workload", `has($O$.spec.replicas) && int($O$.spec.replicas) > 1 && $POD$.containers.exists(c, has(c.ports)) && !` + preStop},
		{"rollout.no_min_ready", "Deployment", `!has($O$.spec.minReadySeconds) || int($O$.spec.minReadySeconds) == 0`},
		{"rollout.recreate", "Deployment", `has($O$.spec.strategy) && has($O$.spec.strategy.type) && $O$.spec.strategy.type == 'Recreate' && !(has($POD$.volumes) && $POD$.volumes.exists(v, has(v.persistentVolumeClaim)))`},
		{"lifecycle.prestop_too_long", "workload", serving + `.exists(c, ` + sleeps + ` && int(c.lifecycle.preStop.sleep.seconds) >= ` + grace + `)`},
		{"service.plain_443", "Service", `$O$.spec.ports.exists(p, (int(p.port) == 443 || (has(p.name) && p.name.startsWith('https'))) && !(has(p.appProtocol) && p.appProtocol.startsWith('https'))` +
			` && !(has(p.targetPort) ? string(p.targetPort) : string(int(p.port))).matches('443$|https|tls'))`},
		{"service.port_unnamed", "Service", `$O$.spec.ports.exists(p, !has(p.name) && !has(p.appProtocol))`},
		{"service.selector_generic", "Service", `has($O$.spec.selector) && $O$.spec.selector.size() == 1 && $O$.spec.selector.exists(k, $O$.spec.selector[k].matches('(?i)^(` + strings.Join(genericValues, `|`) + `)$'))`},
		{"route.no_class", "Ingress", `!has($O$.spec.ingressClassName) && !('kubernetes.io/ingress.class' in $ANNOTATIONS$)`},
		{"image.mutable", "workload", `($INIT$ + $POD$.containers).exists(c, has(c.image) && !c.image.contains('@sha256:'))`},
		{"image.no_resources", "workload", serving + `.exists(c, !(has(c.resources) && has(c.resources.limits) && has(c.resources.limits.memory)))`},
		{"image.pull_policy", "workload", `($INIT$ + $POD$.containers).exists(c, has(c.imagePullPolicy) && c.imagePullPolicy == 'IfNotPresent' && has(c.image) && !c.image.contains('@sha256:'))`},
		{"monitor.cron_settings", "CronJob", strings.Join([]string{
			setting(`has($O$.spec.concurrencyPolicy)`, `$O$.spec.concurrencyPolicy in ['Forbid', 'Replace']`),
			setting(`has(`+job+`.backoffLimit)`, `int(`+job+`.backoffLimit) <= 2`),
			`!(has(` + job + `.activeDeadlineSeconds) || has($CRONPOD$.activeDeadlineSeconds))`,
			setting(`has($O$.spec.failedJobsHistoryLimit)`, `int($O$.spec.failedJobsHistoryLimit) >= 2`),
			`!has($O$.spec.startingDeadlineSeconds)`,
		}, " || ")},
	}
}

// concerns is the macro that decides whether an object is an MCP server's.
func (r celRule) concerns() string {
	switch r.on {
	case "Service":
		return "$SERVICE$"
	case "Ingress":
		return "$INGRESS$"
	case "CronJob":
		return "$MONITOR$"
	default:
		return "$SERVER$"
	}
}

// expression is true for objects that break the rule; object is what the host
// calls the thing under test.
func (r celRule) expression(object string) string {
	text := r.concerns() + " && (" + r.bad + ")"
	if r.on != "Deployment" && r.on != "workload" {
		text = `$O$.kind == '` + r.on + `' && ` + text
	}
	if r.on == "Service" { // Knative has a kind of the same name
		text = `$O$.apiVersion == 'v1' && ` + text
	}
	for range 8 { // macros use macros; this is deeper than they nest
		for _, m := range celMacros() {
			text = strings.ReplaceAll(text, "$"+m[0]+"$", m[1])
		}
	}
	return strings.ReplaceAll(text, "$O$", object)
}

// Exported lists the codes that KubeLinterConfig and AdmissionPolicies express.
func Exported() []string {
	var out []string
	for _, r := range celRules() {
		e, _ := finding.ByName(r.name)
		out = append(out, e.Code)
	}
	return out
}

// KubeLinterConfig gives the exported rules as custom checks of kube-linter
// 0.8, whose CEL template answers with a message, "" for none.
func KubeLinterConfig() ([]byte, error) {
	type check struct {
		Name        string            `yaml:"name"`
		Description string            `yaml:"description"`
		Remediation string            `yaml:"remediation"`
		Template    string            `yaml:"template"`
		Params      map[string]string `yaml:"params"`
		Scope       map[string]any    `yaml:"scope"`
	}
	var checks []check
	for _, r := range celRules() {
		e, ok := finding.ByName(r.name)
		if !ok {
			return nil, fmt.Errorf("export %s: no catalogue entry", r.name)
		}
		checks = append(checks, check{
			Name: objectName(e), Description: e.Title + ". " + e.Why, Remediation: e.Do, Template: "cel-expression",
			Params: map[string]string{"check": r.kubeLinterExpression(e)},
			Scope:  map[string]any{"objectKinds": []string{r.kubeLinterKind()}},
		})
	}
	return yaml.Marshal(map[string]any{"customChecks": checks})
}

func (r celRule) kubeLinterExpression(e finding.Entry) string {
	kinds := `subject.kind in ['Deployment', 'StatefulSet', 'DaemonSet'] && `
	switch r.on {
	case "workload":
	case "Deployment":
		kinds = `subject.kind == 'Deployment' && `
	default:
		kinds = ""
	}
	return "(" + kinds + r.expression("subject") + ") ? " + celQuote(e.Code+" "+e.Title) + " : ''"
}

func (r celRule) kubeLinterKind() string {
	switch r.on {
	case "workload", "Deployment":
		return "DeploymentLike"
	case "CronJob":
		return "Any" // DeploymentLike holds other kinds too, the expression names its own
	default:
		return r.on
	}
}

func celQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

// objectName is the code and name as Kubernetes allows it in object names.
func objectName(e finding.Entry) string {
	return strings.ToLower(e.Code) + "-" + strings.NewReplacer(".", "-", "_", "-").Replace(e.Name)
}

// AdmissionPolicies gives the exported rules as ValidatingAdmissionPolicies
// (admissionregistration.k8s.io/v1) with a binding each. The action is Deny,
// Warn or Audit.
func AdmissionPolicies(action string) ([]byte, error) {
	if !slices.Contains([]string{"Deny", "Warn", "Audit"}, action) {
		return nil, fmt.Errorf("export admission policies: action %q is none of Deny, Warn, Audit", action)
	}
	var out strings.Builder
	for _, r := range celRules() {
		e, ok := finding.ByName(r.name)
		if !ok {
			return nil, fmt.Errorf("export %s: no catalogue entry", r.name)
		}
		for _, doc := range []map[string]any{r.policy(e), binding(e, action)} {
			text, err := yaml.Marshal(doc)
			if err != nil {
				return nil, err
			}
			out.WriteString("---\n" + string(text))
		}
	}
	return []byte(out.String()), nil
}

func (r celRule) policy(e finding.Entry) map[string]any {
	group, version, resources := "apps", "v1", []string{"deployments", "statefulsets", "daemonsets"}
	switch r.on {
	case "Deployment":
		resources = []string{"deployments"}
	case "Service":
		group, resources = "", []string{"services"}
	case "Ingress":
		group, resources = "networking.k8s.io", []string{"ingresses"}
	case "CronJob":
		group, resources = "batch", []string{"cronjobs"}
	}
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
		"metadata": map[string]any{"name": objectName(e) + ".holdfast.dev"},
		"spec": map[string]any{
			"failurePolicy": "Ignore",
			"matchConstraints": map[string]any{"resourceRules": []map[string]any{{
				"apiGroups": []string{group}, "apiVersions": []string{version}, "operations": []string{"CREATE", "UPDATE"}, "resources": resources}}},
			"matchConditions": []map[string]string{{"name": "mcp", "expression": celRule{on: r.on, bad: "true"}.expression("object")}},
			"validations":     []map[string]string{{"expression": "!(" + celRule{name: r.name, on: r.on, bad: r.bad}.expression("object") + ")", "message": e.Code + " " + e.Title + ": " + e.Do}},
		},
	}
}

func binding(e finding.Entry, action string) map[string]any {
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
		"metadata": map[string]any{"name": objectName(e) + ".holdfast.dev"},
		"spec":     map[string]any{"policyName": objectName(e) + ".holdfast.dev", "validationActions": []string{action}},
	}
}
