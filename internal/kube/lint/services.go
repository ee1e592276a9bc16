package lint

import (
	"slices"
	"strings"
)

func serviceRules() []Rule {
	return []Rule{
		{Name: "service.plain_443", Reads: "Services, server pods", Check: plain443},
		{Name: "service.target_port", Reads: "Services, server pods", Check: targetPort},
		{Name: "service.selects_many", Reads: "Services, all pods", Check: selectsMany},
		{Name: "service.port_unnamed", Reads: "Services", Check: portUnnamed},
		{Name: "service.selector_generic", Reads: "Services", Check: selectorGeneric},
	}
}

// mcpServices gives the Services that lead to MCP servers.
func (p *Pass) mcpServices() []*Service {
	return slices.DeleteFunc(slices.Clone(p.services), func(s *Service) bool { return !s.MCP() })
}

func plain443(p *Pass) {
	for _, s := range p.mcpServices() {
		for _, port := range s.Ports() {
			number, name := port.Get("port").Str(), port.Get("name").Str()
			if number != "443" && !strings.HasPrefix(name, "https") {
				continue
			}
			target := port.Get("targetPort").Str()
			if target == "" {
				target = number
			}
			if strings.HasSuffix(target, "443") || strings.Contains(target, "https") || strings.Contains(target, "tls") || strings.HasPrefix(port.Get("appProtocol").Str(), "https") {
				continue
			}
			p.Report(port.Get("port").or(port), "port %s leads to %s, which speaks plain HTTP", strings.TrimSpace(number+" "+name), target)
		}
	}
}

func targetPort(p *Pass) {
	for _, s := range p.mcpServices() {
		for _, port := range s.Ports() {
			target := port.Get("targetPort")
			if !target.OK() {
				target = port.Get("port")
			}
			for _, w := range s.Workloads {
				if have, listed := w.ports(); w.MCP() && listed && !slices.Contains(have, target.Str()) {
					if _, number := target.Int(); !number && len(have) == 0 {
						continue
					}
					p.Report(target, "the Service sends to port %s, and %s has %s", target.Str(), w.Object, strings.Join(have, ", "))
				}
			}
		}
	}
}

// ports gives the names and numbers of the ports of all containers, and whether
// any is declared: containers may listen on ports that they do not declare.
func (w *Workload) ports() (have []string, listed bool) {
	for _, c := range w.Serving() {
		for _, port := range c.Get("ports").List() {
			have = append(have, port.Get("containerPort").Str())
			if name := port.Get("name").Str(); name != "" {
				have = append(have, name)
			}
		}
	}
	return have, len(have) > 0
}

func selectsMany(p *Pass) {
	for _, s := range p.services {
		serving := distinct(s.Workloads)
		if len(serving) < 2 || !slices.ContainsFunc(serving, (*Workload).MCP) || sameServer(serving) {
			continue
		}
		var names []string
		for _, w := range serving {
			names = append(names, w.Object.String())
		}
		slices.Sort(names)
		p.Report(s.root.Get("spec", "selector"), "the selector matches the pods of %s", strings.Join(names, " and "))
	}
}

// distinct leaves out Jobs, and further variants of an object that is there
// already, as folders for several environments hold them.
func distinct(workloads []*Workload) []*Workload {
	seen := map[ref]bool{}
	var out []*Workload
	for _, w := range workloads {
		if w.LongLived() && !seen[w.ref()] {
			seen[w.ref()] = true
			out = append(out, w)
		}
	}
	return out
}

// sameServer tells whether workloads are versions of one server, as in a canary
// release: the same image repository in all of them.
func sameServer(workloads []*Workload) bool {
	first := parseImage(workloads[0].Server().Image()).repository
	return first != "" && !slices.ContainsFunc(workloads, func(w *Workload) bool {
		return parseImage(w.Server().Image()).repository != first
	})
}

func portUnnamed(p *Pass) {
	for _, s := range p.mcpServices() {
		for _, port := range s.Ports() {
			if !port.Get("name").OK() && !port.Get("appProtocol").OK() && port.Map() {
				p.ReportFix(port, setKey("name the port http", port, "http", "name"), "port %s has neither a name nor an appProtocol", port.Get("port").Str())
			}
		}
	}
}

// genericValues are what templates call everything.
var genericValues = []string{"mcp-server", "mcp", "mcpserver", "server", "app", "mcp-app", "backend", "api", "web", "fastmcp", "mcp-service", "service", "my-app", "my-mcp-server", "demo"}

func selectorGeneric(p *Pass) {
	for _, s := range p.mcpServices() {
		at := s.root.Get("spec", "selector")
		if len(s.selector.labels) != 1 {
			continue
		}
		for name, value := range s.selector.labels {
			if slices.Contains(genericValues, strings.ToLower(value)) {
				p.Report(at, "the only label selected by is %s=%s", name, value)
			}
		}
	}
}
