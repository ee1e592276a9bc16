package manifest

import (
	"fmt"
	"strings"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

const monitoringAPI = "monitoring.coreos.com/v1"

// monitors adds what the Prometheus operator reads.
func (p *plan) monitors() []Object {
	m := p.monitoring
	if m == nil {
		return nil
	}
	var out []Object
	if m.ServiceMonitor == nil || *m.ServiceMonitor {
		out = append(out, p.serviceMonitor(m))
	}
	if m.Alerts == nil || *m.Alerts {
		out = append(out, p.alerts(m))
	}
	return out
}

func (p *plan) serviceMonitor(m *v1alpha1.Monitoring) Object {
	match := map[string]any{}
	for k, v := range p.selector() {
		match[k] = v
	}
	u := p.untyped(monitoringAPI, "ServiceMonitor", "", map[string]any{
		"selector":  map[string]any{"matchLabels": match},
		"endpoints": []any{map[string]any{"port": "admin", "path": "/metrics", "interval": "30s", "scrapeTimeout": "10s"}},
	})
	u.SetLabels(merged(p.labels(), m.Labels))
	o := Object{Object: u}
	o.because("spec.endpoints[0].port", "the front's own listener: metrics are not published with the endpoint")
	return o
}

// alert is one rule; in its expression {of} stands for the label matchers.
type alert struct {
	name, expr, wait, severity, summary string
	because                             string
}

// alertRules say when somebody must be told. The metrics are the front's.
func (p *plan) alertRules() []alert {
	every := v1alpha1.Of(60e9)
	if p.decl.Server != nil {
		every = p.decl.Server.Spec.Probe.Every
	}
	stale := 5 * every.Seconds()
	rules := []alert{
		{"MCPServerUnusable", "max by (server) (holdfast_server_usable{of}) == 0", v1alpha1.Of(2 * every.Duration).String(), "critical",
			"{{ $labels.server }} does not work for a client; holdfast check says why", "two probes: an accusation needs a second one"},
		{"MCPServerNotProbed", fmt.Sprintf("time() - max by (server) (holdfast_last_probe_timestamp_seconds{of}) > %d", stale), "1m", "critical",
			"nobody has looked at {{ $labels.server }} lately: its last grade says nothing", fmt.Sprintf("five probes of every %s", every)},
		{"MCPServerMetricsAbsent", "absent(holdfast_server_usable{of})", "10m", "critical",
			"no front of " + p.name + " reports: scrape, NetworkPolicy or pods are broken", "a rule without data is silent, so the silence is a rule"},
		{"MCPToolsMissing", "max by (server) (holdfast_tools_expected{of}) - max by (server) (holdfast_tools_served{of}) > 0", "5m", "warning",
			"{{ $labels.server }} serves {{ $value }} tools fewer than its contract", "a rollout may show two lists for a moment"},
		{"MCPCredentialEnding", "min by (server) (holdfast_credential_expiry_timestamp_seconds{of}) - time() < 7 * 86400", "1h", "warning",
			"the credential for {{ $labels.server }} ends in {{ $value | humanizeDuration }}", "a week: somebody must rotate it in working hours"},
	}
	if p.outside != nil {
		quiet, because := p.quiet()
		rules = append(rules, alert{"MCPOutsideProbeFailing",
			fmt.Sprintf("time() - max(kube_cronjob_status_last_successful_time{%scronjob=%q}) > %d", p.namespaceMatcher(), p.name+"-outside", quiet), "1m", "critical",
			"no client from outside gets through to " + p.publicURL(), because + "; kube-state-metrics counts them"})
	}
	return rules
}

func (p *plan) namespaceMatcher() string {
	if p.namespace == "" {
		return ""
	}
	return fmt.Sprintf("namespace=%q,", p.namespace)
}

func (p *plan) alerts(m *v1alpha1.Monitoring) Object {
	of := "{" + p.namespaceMatcher() + fmt.Sprintf("service=%q", p.name) + "}"
	var list []any
	var why []Reason
	for i, a := range p.alertRules() {
		list = append(list, map[string]any{
			"alert": a.name, "expr": strings.ReplaceAll(a.expr, "{of}", of), "for": a.wait,
			"labels":      map[string]any{"severity": a.severity},
			"annotations": map[string]any{"summary": a.summary},
		})
		why = append(why, Reason{fmt.Sprintf("spec.groups[0].rules[%d]", i), a.because})
	}
	u := p.untyped(monitoringAPI, "PrometheusRule", "", map[string]any{
		"groups": []any{map[string]any{"name": "holdfast-" + p.name, "rules": list}},
	})
	u.SetLabels(merged(p.labels(), m.Labels))
	return Object{Object: u, Reasons: why}
}
