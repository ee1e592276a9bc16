package lint

import "strings"

func inputRules() []Rule {
	return []Rule{
		{Name: "input.wrong_type", Reads: "server pods, their Services and routes", Check: wrongType},
		{Name: "ignore.without_reason", Reads: "annotations and comments", Check: ignoreWithoutReason},
	}
}

// fieldType is what a field must be.
type fieldType struct {
	path  string // dotted; [] visits the items of a list
	wants string // int, bool, map, list
}

var podTypes = []fieldType{
	{"terminationGracePeriodSeconds", "int"},
	{"automountServiceAccountToken", "bool"},
	{"containers", "list"},
	{"containers[].ports", "list"},
	{"containers[].ports[].containerPort", "int"},
	{"containers[].env", "list"},
	{"containers[].resources", "map"},
	{"containers[].securityContext.runAsNonRoot", "bool"},
	{"containers[].securityContext.runAsUser", "int"},
	{"containers[].readinessProbe.timeoutSeconds", "int"},
	{"containers[].readinessProbe.periodSeconds", "int"},
	{"containers[].livenessProbe.timeoutSeconds", "int"},
	{"containers[].livenessProbe.periodSeconds", "int"},
	{"containers[].livenessProbe.failureThreshold", "int"},
	{"containers[].lifecycle.preStop.sleep.seconds", "int"},
	{"securityContext.runAsNonRoot", "bool"},
	{"securityContext.runAsUser", "int"},
}

var workloadTypes = []fieldType{{"spec.replicas", "int"}, {"spec.minReadySeconds", "int"}, {"spec.template", "map"}, {"metadata.labels", "map"}, {"metadata.annotations", "map"}}

var serviceTypes = []fieldType{{"spec.ports", "list"}, {"spec.ports[].port", "int"}, {"spec.selector", "map"}}

var ingressTypes = []fieldType{{"spec.rules", "list"}, {"spec.tls", "list"}, {"metadata.annotations", "map"}}

func wrongType(p *Pass) {
	for _, w := range p.Servers() {
		p.checkTypes(w.root, workloadTypes)
		p.checkTypes(w.Pod, podTypes)
	}
	for _, s := range p.services {
		if s.MCP() {
			p.checkTypes(s.root, serviceTypes)
		}
	}
	for _, e := range p.edges() {
		if e.Kind == "Ingress" {
			p.checkTypes(e.root, ingressTypes)
		}
	}
}

func (p *Pass) checkTypes(root Value, fields []fieldType) {
	for _, field := range fields {
		for _, v := range visit(root, strings.Split(field.path, ".")) {
			if got := typeOf(v); v.OK() && got != field.wants {
				p.Report(v, "%s is a %s, the API expects a %s", field.path, got, field.wants)
			}
		}
	}
}

// visit follows a dotted path, fanning out at lists.
func visit(v Value, steps []string) []Value {
	if len(steps) == 0 {
		return []Value{v}
	}
	name, fan := strings.CutSuffix(steps[0], "[]")
	next := v.Get(name)
	if !fan {
		return visit(next, steps[1:])
	}
	var out []Value
	for _, item := range next.List() {
		out = append(out, visit(item, steps[1:])...)
	}
	return out
}

func typeOf(v Value) string {
	if v.node == nil {
		return "nothing"
	}
	names := map[string]string{"!!int": "int", "!!bool": "bool", "!!map": "map", "!!seq": "list", "!!str": "string", "!!float": "number", "!!null": "null"}
	if name, ok := names[v.node.Tag]; ok {
		return name
	}
	return v.node.Tag
}

func ignoreWithoutReason(p *Pass) {
	for _, f := range p.files {
		for _, o := range f.objects {
			for _, place := range o.ignorePlaces() {
				for code, reason := range parseIgnores(place.Str()) {
					if reason == "" {
						p.Report(place, "%s is ignored without a reason", code)
					}
				}
			}
		}
		if !strings.Contains(string(f.src), "holdfast:ignore") {
			continue
		}
		for n := range f.lines() {
			if m := ignoreComment.FindStringSubmatch(f.line(n + 1)); m != nil && strings.TrimSpace(m[2]) == "" {
				p.ReportLine(f, n+1, m[1], nil, m[1]+" is ignored without a reason")
			}
		}
	}
}
