package lint

import (
	"slices"
	"strings"
)

// Route is one path that a listener at the edge sends to a Service.
type Route struct {
	*Object
	Rule             Value // the Ingress path or the HTTPRoute rule
	Hosts            []string
	Path             string
	Exact            bool // the path as it is, nothing below it
	PathAt           Value
	ServiceName      string
	ServiceNamespace string
	Port             Value
	Service          *Service // nil where it is not in the input
	mcp              bool
}

// MCP tells whether calls of an MCP client take this route.
func (r *Route) MCP() bool { return r.mcp }

func (r *Route) detect() {
	if wellKnown(r.Path) {
		return
	}
	switch {
	case r.annotation("mcp").Str() == "false":
	case isMCPPath(r.Path):
		r.mcp = true
	case r.Service != nil && len(r.Service.Workloads) > 0:
		r.mcp = r.Service.MCP()
	default:
		r.mcp = r.Service != nil && r.Service.saysMCP() || mcpWord(r.ServiceName) && !notServer(r.ServiceName) || slices.ContainsFunc(r.Hosts, mcpWord)
	}
}

func wellKnown(path string) bool { return strings.HasPrefix(path, "/.well-known") }

func ingressRoutes(o *Object) []*Route {
	var out []*Route
	add := func(rule, backend Value, host, path string) {
		r := &Route{Object: o, Rule: rule, Path: path, PathAt: rule.Get("path").or(rule), ServiceNamespace: o.Namespace}
		if host != "" {
			r.Hosts = []string{host}
		}
		r.Exact = rule.Get("pathType").Str() == "Exact"
		r.ServiceName = backend.Get("service", "name").Str()
		r.Port = backend.Get("service", "port", "number")
		if !r.Port.OK() {
			r.Port = backend.Get("service", "port", "name")
		}
		if r.ServiceName == "" { // extensions/v1beta1
			r.ServiceName, r.Port = backend.Get("serviceName").Str(), backend.Get("servicePort")
		}
		out = append(out, r)
	}
	if backend := o.root.Get("spec", "defaultBackend"); backend.OK() {
		add(backend, backend, "", "/")
	}
	for _, rule := range o.root.Get("spec", "rules").List() {
		for _, path := range rule.Get("http", "paths").List() {
			add(path, path.Get("backend"), rule.Get("host").Str(), path.Get("path").Str())
		}
	}
	return out
}

func httpRoutes(o *Object) []*Route {
	var out []*Route
	hosts := o.root.Get("spec", "hostnames").Strings()
	for _, rule := range o.root.Get("spec", "rules").List() {
		matches := rule.Get("matches").List()
		if len(matches) == 0 {
			matches = []Value{{obj: o}}
		}
		for _, match := range matches {
			path := match.Get("path", "value")
			text := path.Str()
			if text == "" {
				text = "/"
			}
			exact := match.Get("path", "type").Str() == "Exact"
			for _, backend := range rule.Get("backendRefs").List() {
				if kind := backend.Get("kind").Str(); kind != "" && kind != "Service" {
					continue
				}
				namespace := backend.Get("namespace").Str()
				if namespace == "" {
					namespace = o.Namespace
				}
				out = append(out, &Route{
					Object: o, Rule: rule, Hosts: hosts, Path: text, Exact: exact, PathAt: path.or(rule),
					ServiceName: backend.Get("name").Str(), ServiceNamespace: namespace, Port: backend.Get("port"),
				})
			}
		}
	}
	return out
}

// covers tells whether a request for a path takes this route, hosts aside.
func (r *Route) covers(path string) bool {
	own := strings.TrimRight(r.Path, "/")
	if strings.ContainsAny(own, "(*[") { // a pattern: judged by its beginning
		own, _, _ = strings.Cut(own, "(")
		own, _, _ = strings.Cut(own, "*")
		own, _, _ = strings.Cut(own, "[")
		return strings.HasPrefix(path, strings.TrimRight(own, "/"))
	}
	if r.Exact {
		return path == r.Path
	}
	return own == "" || path == own || strings.HasPrefix(path, own+"/")
}

// sharesHost tells whether the route can serve one of the hosts: two routes can serve the
// same request where they share a host or one of them names none.
func (r *Route) sharesHost(hosts []string) bool {
	if len(r.Hosts) == 0 || len(hosts) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Hosts, func(own string) bool {
		return slices.ContainsFunc(hosts, func(h string) bool { return hostMatches(own, h) || hostMatches(h, own) })
	})
}

// hostMatches understands a leading wildcard.
func hostMatches(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		_, parent, found := strings.Cut(host, ".")
		return found && strings.EqualFold(parent, rest)
	}
	return strings.EqualFold(pattern, host)
}

// controller is the software that serves an Ingress.
type controller string

const (
	ingressNginx controller = "ingress-nginx" // the community's, retired
	f5Nginx      controller = "F5 NGINX"
	traefik      controller = "Traefik"
	haproxy      controller = "HAProxy"
	kong         controller = "Kong"
	alb          controller = "AWS ALB"
	gce          controller = "GKE Ingress"
	contour      controller = "Contour"
	unknownEdge  controller = ""
)

// controllerPrefixes tells a controller by the annotations only it reads, or
// by the usual name of its class.
var controllerPrefixes = []struct {
	is          controller
	annotations []string
	classes     []string
}{
	{f5Nginx, []string{"nginx.org/", "nginx.com/"}, nil},
	{ingressNginx, []string{"nginx.ingress.kubernetes.io/"}, []string{"nginx", "ingress-nginx"}},
	{traefik, []string{"traefik.ingress.kubernetes.io/"}, []string{"traefik"}},
	{haproxy, []string{"haproxy.org/", "haproxy-ingress.github.io/", "haproxy-ingress.kubernetes.io/"}, []string{"haproxy"}},
	{kong, []string{"konghq.com/"}, []string{"kong"}},
	{alb, []string{"alb.ingress.kubernetes.io/"}, []string{"alb"}},
	{gce, []string{"ingress.gcp.kubernetes.io/"}, []string{"gce", "gce-internal"}},
	{contour, []string{"projectcontour.io/"}, []string{"contour"}},
}

// controllerOf finds who serves an Ingress, and the place that tells it.
func controllerOf(o *Object) (controller, Value) {
	class := ingressClass(o)
	for _, c := range controllerPrefixes {
		for name, v := range o.root.Get("metadata", "annotations").Fields() {
			if slices.ContainsFunc(c.annotations, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
				return c.is, v
			}
		}
		if slices.Contains(c.classes, class.Str()) {
			return c.is, class
		}
	}
	return unknownEdge, class
}

// ingressClass reads the field, then the annotation it replaced.
func ingressClass(o *Object) Value {
	if class := o.root.Get("spec", "ingressClassName"); class.OK() {
		return class
	}
	return o.root.Get("metadata", "annotations", "kubernetes.io/ingress.class")
}

// Edge is an Ingress or HTTPRoute with those of its routes that carry MCP.
type Edge struct {
	*Object
	Routes     []*Route
	Controller controller
	sign       Value // what told the controller
}

// edges groups the MCP routes by their object.
func (x *Index) edges() []Edge {
	var out []Edge
	at := map[*Object]int{}
	for _, r := range x.routes {
		if !r.mcp {
			continue
		}
		i, seen := at[r.Object]
		if !seen {
			i = len(out)
			at[r.Object] = i
			e := Edge{Object: r.Object}
			if r.Kind == "Ingress" {
				e.Controller, e.sign = controllerOf(r.Object)
			}
			out = append(out, e)
		}
		out[i].Routes = append(out[i].Routes, r)
	}
	return out
}

// annotationOf reads an annotation by its full name.
func (e Edge) annotationOf(name string) Value { return e.root.Get("metadata", "annotations", name) }

// Host is the first host of the edge's routes, for messages.
func (e Edge) Host() string {
	for _, r := range e.Routes {
		if len(r.Hosts) > 0 {
			return r.Hosts[0]
		}
	}
	return ""
}

// Workloads gives the servers behind the edge.
func (e Edge) Workloads() []*Workload {
	var out []*Workload
	for _, r := range e.Routes {
		if r.Service == nil {
			continue
		}
		for _, w := range r.Service.Workloads {
			if w.MCP() && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}
