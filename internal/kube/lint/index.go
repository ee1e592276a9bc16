package lint

import (
	"maps"
	"slices"
	"strings"
)

// Index is everything that was read, sorted by what rules ask for. Rules see
// it through [Pass].
type Index struct {
	files     []*File
	objects   []*Object
	byKind    map[string][]*Object
	workloads []*Workload
	byLabel   map[string][]*Workload // "namespace\x00key=value" of the pod template
	services  []*Service
	routes    []*Route
	servers   []*Workload // MCP servers
	monitors  []*Workload // Jobs and CronJobs that ask one
}

func newIndex(files []*File, all bool) *Index {
	x := &Index{files: files, byKind: map[string][]*Object{}, byLabel: map[string][]*Workload{}}
	for _, f := range files {
		if f.Kind != Manifest {
			continue
		}
		for _, o := range f.objects {
			x.objects = append(x.objects, o)
			x.byKind[o.Kind] = append(x.byKind[o.Kind], o)
			x.addWorkload(o)
		}
	}
	for _, o := range x.byKind["Service"] {
		if o.APIVersion == "v1" {
			x.services = append(x.services, newService(o))
		}
	}
	x.linkServices()
	x.linkRoutes()
	x.linkScaling()
	for _, w := range x.workloads {
		w.detect(all)
		if w.MCP() {
			x.servers = append(x.servers, w)
		}
		if w.asksMCP() {
			x.monitors = append(x.monitors, w)
		}
	}
	for _, r := range x.routes {
		r.detect()
	}
	return x
}

func (x *Index) addWorkload(o *Object) {
	w := newWorkload(o)
	if w == nil {
		return
	}
	x.workloads = append(x.workloads, w)
	for k, v := range w.Labels {
		key := o.Namespace + "\x00" + k + "=" + v
		x.byLabel[key] = append(x.byLabel[key], w)
	}
}

// selected gives the workloads whose pods a selector matches, in one namespace.
func (x *Index) selected(namespace string, s selector) []*Workload {
	if s.empty() {
		return nil
	}
	candidates := x.workloads
	if len(s.labels) > 0 {
		candidates = nil
		for i, k := range slices.Sorted(maps.Keys(s.labels)) {
			found := x.byLabel[namespace+"\x00"+k+"="+s.labels[k]]
			if i == 0 || len(found) < len(candidates) {
				candidates = found
			}
		}
	}
	var out []*Workload
	for _, w := range candidates {
		if w.Namespace == namespace && s.matches(w.Labels) {
			out = append(out, w)
		}
	}
	return out
}

func (x *Index) linkServices() {
	for _, s := range x.services {
		s.Workloads = x.selected(s.Namespace, s.selector)
		for _, w := range s.Workloads {
			w.Services = append(w.Services, s)
		}
	}
}

func (x *Index) linkRoutes() {
	for _, o := range x.byKind["Ingress"] {
		if o.group() == "networking.k8s.io" || o.group() == "extensions" {
			x.routes = append(x.routes, ingressRoutes(o)...)
		}
	}
	for _, o := range x.byKind["HTTPRoute"] {
		x.routes = append(x.routes, httpRoutes(o)...)
	}
	byName := map[ref]*Service{}
	for _, s := range x.services {
		byName[ref{"Service", s.Namespace, s.Name}] = s
	}
	for _, r := range x.routes {
		s := byName[ref{"Service", r.ServiceNamespace, r.ServiceName}]
		if s == nil {
			continue
		}
		r.Service = s
		s.Routes = append(s.Routes, r)
		for _, w := range s.Workloads {
			w.Routes = append(w.Routes, r)
		}
	}
}

func (x *Index) linkScaling() {
	byRef := make(map[ref]*Workload, len(x.workloads))
	for _, w := range x.workloads {
		byRef[w.ref()] = w
	}
	for _, o := range x.byKind["HorizontalPodAutoscaler"] {
		target := o.root.Get("spec", "scaleTargetRef")
		if w := byRef[ref{target.Get("kind").Str(), o.Namespace, target.Get("name").Str()}]; w != nil {
			w.HPA = o
		}
	}
	for _, o := range x.byKind["ScaledObject"] {
		target := o.root.Get("spec", "scaleTargetRef")
		kind := target.Get("kind").Str()
		if kind == "" {
			kind = "Deployment"
		}
		if w := byRef[ref{kind, o.Namespace, target.Get("name").Str()}]; w != nil {
			w.KEDA = o
		}
	}
	for _, o := range x.byKind["PodDisruptionBudget"] {
		for _, w := range x.selected(o.Namespace, selectorOf(o.root.Get("spec", "selector"))) {
			w.PDBs = append(w.PDBs, o)
		}
	}
	for _, o := range x.byKind["NetworkPolicy"] {
		for _, w := range x.policed(o) {
			w.Policies = append(w.Policies, o)
		}
	}
}

// policed gives the workloads a NetworkPolicy applies to; its empty selector
// means every pod of the namespace.
func (x *Index) policed(o *Object) []*Workload {
	s := selectorOf(o.root.Get("spec", "podSelector"))
	if !s.empty() {
		return x.selected(o.Namespace, s)
	}
	var out []*Workload
	for _, w := range x.workloads {
		if w.Namespace == o.Namespace {
			out = append(out, w)
		}
	}
	return out
}

// selector is a label selector: all of its parts must hold.
type selector struct {
	labels      map[string]string
	expressions []Value
}

// selectorOf reads matchLabels and matchExpressions.
func selectorOf(v Value) selector {
	return selector{labels: v.Get("matchLabels").Labels(), expressions: v.Get("matchExpressions").List()}
}

func (s selector) empty() bool { return len(s.labels) == 0 && len(s.expressions) == 0 }

func (s selector) matches(labels map[string]string) bool {
	for k, v := range s.labels {
		if labels[k] != v {
			return false
		}
	}
	return !slices.ContainsFunc(s.expressions, func(e Value) bool { return !expressionHolds(e, labels) })
}

func expressionHolds(e Value, labels map[string]string) bool {
	value, has := labels[e.Get("key").Str()]
	switch e.Get("operator").Str() {
	case "In":
		return has && slices.Contains(e.Get("values").Strings(), value)
	case "NotIn":
		return !has || !slices.Contains(e.Get("values").Strings(), value)
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	default:
		return false
	}
}

// Service is a Kubernetes Service and what it leads to.
type Service struct {
	*Object
	selector  selector
	Workloads []*Workload
	Routes    []*Route
}

func newService(o *Object) *Service {
	return &Service{Object: o, selector: selector{labels: o.root.Get("spec", "selector").Labels()}}
}

// Ports gives the entries of spec.ports.
func (s *Service) Ports() []Value { return s.root.Get("spec", "ports").List() }

// Port finds a port by number or name.
func (s *Service) Port(want string) (Value, bool) {
	for _, p := range s.Ports() {
		if want != "" && (p.Get("port").Str() == want || p.Get("name").Str() == want) {
			return p, true
		}
	}
	return Value{obj: s.Object}, false
}

// MCP tells whether the Service leads to an MCP server, or, where its pods are
// not in the input, says so itself.
func (s *Service) MCP() bool {
	for _, w := range s.Workloads {
		if w.MCP() {
			return true
		}
	}
	return len(s.Workloads) == 0 && s.saysMCP()
}

// saysMCP reads the Service's own words.
func (s *Service) saysMCP() bool {
	if s.annotation("mcp").Str() == "false" {
		return false
	}
	if s.annotation("mcp").Str() == "true" || (mcpWord(s.Name) && !notServer(s.Name)) {
		return true
	}
	return slices.ContainsFunc(s.Ports(), func(p Value) bool {
		return strings.HasSuffix(p.Get("appProtocol").Str(), "mcp") || mcpWord(p.Get("name").Str())
	})
}
