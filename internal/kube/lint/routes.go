package lint

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

func routeRules() []Rule {
	return []Rule{
		{Name: "route.timeout", Reads: "HTTPRoutes, server pods", Check: routeTimeout},
		{Name: "route.idle_timeout", Reads: "Ingresses, Services, server pods", Check: idleTimeout},
		{Name: "route.buffering", Reads: "Ingresses", Check: buffering},
		{Name: "route.retired_controller", Reads: "Ingresses, IngressClasses", Check: retiredController},
		{Name: "route.well_known_missing", Reads: "Ingresses, HTTPRoutes", Check: wellKnownMissing},
		{Name: "route.no_tls", Reads: "Ingresses, HTTPRoutes, Gateways", Check: noTLS},
		{Name: "route.lb_idle_timeout", Reads: "Ingresses, Services", Check: lbIdleTimeout},
		{Name: "route.url_mismatch", Reads: "server.json, MCPServers, routes", Check: urlMismatch},
		{Name: "route.no_class", Reads: "Ingresses", Check: noClass},
		{Name: "route.port_missing", Reads: "Ingresses, HTTPRoutes, Services", Check: routePortMissing},
		{Name: "route.timeout_order", Reads: "HTTPRoutes", Check: timeoutOrder},
		{Name: "route.reload_cuts", Reads: "Ingresses, ConfigMaps, server pods", Check: reloadCuts},
	}
}

// longestBehind is the longest call that a server behind the edge declares.
func (e Edge) longestBehind() (time.Duration, bool) {
	var longest time.Duration
	for _, w := range e.Workloads() {
		if d, _, ok := w.LongestCall(); ok && d > longest {
			longest = d
		}
	}
	if d, ok := parseDuration(e.annotation("longest-call").Str()); ok && d > longest {
		longest = d
	}
	return longest, longest > 0
}

// heartbeatBehind is the longest heartbeat interval that is declared.
func (e Edge) heartbeatBehind() (time.Duration, bool) {
	var longest time.Duration
	for _, w := range e.Workloads() {
		if d, _, ok := w.Heartbeat(); ok {
			longest = max(longest, d)
		}
	}
	return longest, longest > 0
}

// rules gives each rule of an HTTPRoute that carries MCP once.
func (e Edge) rules() []Value {
	var out []Value
	for _, r := range e.Routes {
		if !slices.ContainsFunc(out, func(v Value) bool { return v.node == r.Rule.node }) {
			out = append(out, r.Rule)
		}
	}
	return out
}

func routeTimeout(p *Pass) {
	for _, e := range p.edges() {
		if e.Kind != "HTTPRoute" {
			continue
		}
		longest, declared := e.longestBehind()
		for _, rule := range e.rules() {
			request := rule.Get("timeouts", "request")
			limit, ok := parseDuration(request.Str())
			switch {
			case !request.OK():
				p.ReportFix(rule, setKey("turn the request time-out off", rule, "0s", "timeouts", "request"),
					"the rule sets no timeouts.request: the implementation's default applies, in Envoy 15 s for the whole call")
			case ok && limit > 0 && declared && limit < longest:
				p.ReportFix(request, replaceScalar("turn the request time-out off", request, `"0s"`),
					"timeouts.request is %s, and holdfast.dev/longest-call is %s", request.Str(), short(longest))
			case ok && limit > 0 && limit < 15*time.Second && !declared:
				p.Report(request, "timeouts.request is %s for the whole call with its streamed answer", request.Str())
			}
		}
	}
}

// idle is how a controller ends connections on which nothing is said.
type idle struct {
	controller  controller
	annotations []string // each must be long enough
	unset       time.Duration
	unit        time.Duration // of a plain number
	onService   bool          // the annotation belongs on the Service
}

// idleTable holds the defaults of the controllers, from their documentation:
// ingress-nginx configmap.md (2026-03), NGINX's proxy module, HAProxy Ingress
// and HAProxy's own controller, Kong's Service object. Traefik and Contour end
// no silent response by themselves.
func idleTable() []idle {
	return []idle{
		{ingressNginx, []string{"nginx.ingress.kubernetes.io/proxy-read-timeout", "nginx.ingress.kubernetes.io/proxy-send-timeout"}, 60 * time.Second, time.Second, false},
		{f5Nginx, []string{"nginx.org/proxy-read-timeout"}, 60 * time.Second, time.Second, false},
		{haproxy, []string{"haproxy.org/timeout-server"}, 50 * time.Second, time.Millisecond, false},
		{kong, []string{"konghq.com/read-timeout"}, 60 * time.Second, time.Millisecond, true},
	}
}

// haproxyOwn is the other HAProxy controller's name for the same setting.
const haproxyOwn = "haproxy-ingress.github.io/timeout-server"

func idleTimeout(p *Pass) {
	for _, e := range p.edges() {
		if e.Kind != "Ingress" {
			continue
		}
		for _, row := range idleTable() {
			if row.controller == e.Controller {
				for _, name := range row.annotations {
					p.idleOf(e, row, name)
				}
			}
		}
	}
}

// idleOf judges one idle time-out. A declared heartbeat makes a short one
// bearable; a declared longest call without one does not.
func (p *Pass) idleOf(e Edge, row idle, name string) {
	at := e.annotationOf(name)
	if row.onService {
		at = e.serviceAnnotation(name)
	}
	if !at.OK() && row.controller == haproxy {
		at = e.annotationOf(haproxyOwn)
	}
	limit, set := row.unset, false
	if d, ok := unitDuration(at.Str(), row.unit); ok {
		limit, set = d, true
	}
	heartbeat, beats := e.heartbeatBehind()
	longest, declared := e.longestBehind()
	seen := name + " is " + at.Str()
	if !set {
		seen = name + " is not set, so " + short(row.unset)
	}
	where := at
	if !set {
		where = e.sign.or(e.root.Get("metadata"))
	}
	switch {
	case beats && 2*heartbeat <= limit:
	case beats:
		p.Report(where, "%s, and the heartbeat comes every %s", seen, short(heartbeat))
	case declared && limit < longest:
		p.Report(where, "%s, and a call may be silent for %s", seen, short(longest))
	case !declared && !set:
		p.Report(where, "%s: %s ends a call that says nothing for that long", seen, e.Controller)
	}
}

// unitDuration reads a time whose plain number has a unit of its own.
func unitDuration(s string, unit time.Duration) (time.Duration, bool) {
	d, ok := parseDuration(s)
	if ok && strings.Trim(s, "0123456789") == "" {
		d = d / time.Second * unit
	}
	return d, ok
}

func (e Edge) serviceAnnotation(name string) Value {
	for _, r := range e.Routes {
		if r.Service != nil {
			if v := r.Service.root.Get("metadata", "annotations", name); v.OK() {
				return v
			}
		}
	}
	return Value{obj: e.Object}
}

func buffering(p *Pass) {
	for _, e := range p.edges() {
		on := e.annotationOf("nginx.ingress.kubernetes.io/proxy-buffering")
		if e.Controller == ingressNginx && strings.EqualFold(on.Str(), "on") {
			p.ReportFix(on, replaceScalar("turn buffering off", on, `"off"`), "proxy-buffering is on; this controller's own default is off")
		}
		off := e.annotationOf("nginx.org/proxy-buffering")
		if e.Controller != f5Nginx || strings.EqualFold(off.Str(), "false") || slices.ContainsFunc(e.Workloads(), (*Workload).fronted) {
			continue
		}
		seen := "nginx.org/proxy-buffering is not set, and F5 NGINX buffers by default"
		if off.OK() {
			seen = "nginx.org/proxy-buffering is " + off.Str()
		}
		p.ReportFix(off.or(e.sign), setKey("turn buffering off", e.root.Get("metadata", "annotations"), "False", "nginx.org/proxy-buffering"), "%s", seen)
	}
}

func retiredController(p *Pass) {
	retired := map[string]bool{}
	for _, class := range p.byKind["IngressClass"] {
		retired[class.Name] = class.root.Get("spec", "controller").Str() == "k8s.io/ingress-nginx"
	}
	for _, e := range p.edges() {
		class := ingressClass(e.Object).Str()
		is, known := retired[class]
		switch {
		case known && is:
			p.Report(ingressClass(e.Object), "class %s belongs to ingress-nginx", class)
		case !known && e.Controller == ingressNginx:
			by := e.sign.key.Value
			if e.sign.Str() == class {
				by = "class " + class
			}
			p.Report(e.sign, "the Ingress is written for ingress-nginx (%s)", by)
		}
	}
}

// metadataPath is where RFC 9728 puts the document that begins a login.
const metadataPath = "/.well-known/oauth-protected-resource"

func wellKnownMissing(p *Pass) {
	for _, e := range p.edges() {
		if e.annotation("auth").Str() == "none" || slices.ContainsFunc(e.Workloads(), func(w *Workload) bool { return w.annotation("auth").Str() == "none" }) {
			continue
		}
		for _, r := range e.Routes {
			if p.routesMetadata(r) {
				continue
			}
			host := "the host"
			if len(r.Hosts) > 0 {
				host = r.Hosts[0]
			}
			p.Report(r.PathAt, "%s is routed for %s, and %s is not", r.Path, host, metadataPath)
			break // one for each object
		}
	}
}

func (p *Pass) routesMetadata(r *Route) bool {
	return slices.ContainsFunc(p.routes, func(other *Route) bool {
		return other.sharesHost(r.Hosts) && (other.covers(metadataPath) || strings.HasPrefix(other.Path, metadataPath))
	})
}

var privateHost = regexp.MustCompile(`(?i)(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|svc|cluster\.local|home\.arpa|test)$|^[^.]+$|^\d+\.\d+\.\d+\.\d+$`)

// publicHosts are the hosts that clients outside reach.
func (e Edge) publicHosts() []string {
	var out []string
	for _, r := range e.Routes {
		for _, h := range r.Hosts {
			if !privateHost.MatchString(h) && !slices.Contains(out, h) {
				out = append(out, h)
			}
		}
	}
	return out
}

// tlsElsewhere are annotations by which controllers are given a certificate
// outside spec.tls.
var tlsElsewhere = []string{
	"alb.ingress.kubernetes.io/certificate-arn", "networking.gke.io/managed-certificates", "ingress.gcp.kubernetes.io/pre-shared-cert",
	"traefik.ingress.kubernetes.io/router.tls", "traefik.ingress.kubernetes.io/router.tls.certresolver", "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
}

func noTLS(p *Pass) {
	for _, e := range p.edges() {
		hosts := e.publicHosts()
		if len(hosts) == 0 {
			continue
		}
		if e.Kind == "HTTPRoute" {
			p.routeTLS(e, hosts[0])
			continue
		}
		if slices.ContainsFunc(tlsElsewhere, func(name string) bool { return e.annotationOf(name).OK() }) || strings.Contains(e.annotationOf("alb.ingress.kubernetes.io/listen-ports").Str(), "HTTPS") {
			continue
		}
		var covered []string
		for _, entry := range e.root.Get("spec", "tls").List() {
			covered = append(covered, entry.Get("hosts").Strings()...)
		}
		for _, h := range hosts {
			if !slices.ContainsFunc(covered, func(c string) bool { return hostMatches(c, h) }) {
				p.Report(e.hostAt(h), "%s is served without TLS", h)
			}
		}
	}
}

// hostAt finds the rule that names a host.
func (e Edge) hostAt(host string) Value {
	for _, rule := range e.root.Get("spec", "rules").List() {
		if rule.Get("host").Str() == host {
			return rule.Get("host")
		}
	}
	return e.root.Get("spec")
}

// routeTLS looks at the listeners of the Gateways a route attaches to, where
// they are in the input.
func (p *Pass) routeTLS(e Edge, host string) {
	for _, parent := range e.root.Get("spec", "parentRefs").List() {
		for _, gateway := range p.byKind["Gateway"] {
			if gateway.Name != parent.Get("name").Str() || !sameNamespace(gateway.Namespace, e.Namespace) && parent.Get("namespace").Str() != gateway.Namespace {
				continue
			}
			plain, secure := false, false
			for _, l := range gateway.root.Get("spec", "listeners").List() {
				if section := parent.Get("sectionName").Str(); section != "" && section != l.Get("name").Str() {
					continue
				}
				protocol := l.Get("protocol").Str()
				plain = plain || protocol == "HTTP"
				secure = secure || protocol == "HTTPS" || protocol == "TLS"
			}
			if plain && !secure {
				p.Report(parent, "%s is attached to plain HTTP listeners of Gateway %s only", host, gateway.Name)
			}
		}
	}
}

const albAttributes = "alb.ingress.kubernetes.io/load-balancer-attributes"

var (
	albIdle    = regexp.MustCompile(`idle_timeout\.timeout_seconds=(\d+)`)
	awsService = "service.beta.kubernetes.io/aws-load-balancer-"
)

func lbIdleTimeout(p *Pass) {
	for _, e := range p.edges() {
		if e.Controller != alb {
			continue
		}
		at := e.annotationOf(albAttributes)
		m := albIdle.FindStringSubmatch(at.Str())
		if m == nil {
			p.ReportFix(at.or(e.sign), setKey("let silent streams live for an hour", e.root.Get("metadata", "annotations"), "idle_timeout.timeout_seconds=3600", albAttributes),
				"the load balancer's idle time-out is not set, so 60 s")
		} else if d, ok := parseDuration(m[1]); ok && d < 300*time.Second {
			p.Report(at, "the load balancer's idle time-out is %s s", m[1])
		}
	}
	for _, s := range p.services {
		if s.MCP() && s.root.Get("spec", "type").Str() == "LoadBalancer" {
			p.classicLoadBalancer(s)
		}
	}
}

// classicLoadBalancer judges a Service that asks AWS for its older kind; the
// network load balancer's idle time-out is 350 s.
func (p *Pass) classicLoadBalancer(s *Service) {
	annotations := s.root.Get("metadata", "annotations")
	var sign Value
	for name, v := range annotations.Fields() {
		if strings.HasPrefix(name, awsService) && !sign.OK() {
			sign = v
		}
	}
	kind := annotations.Get(awsService + "type").Str()
	if !sign.OK() || kind == "nlb" || kind == "external" || kind == "nlb-ip" {
		return
	}
	at := annotations.Get(awsService + "connection-idle-timeout")
	d, ok := parseDuration(at.Str())
	if !ok || d < 300*time.Second {
		text := "not set, so 60 s"
		if ok {
			text = at.Str() + " s"
		}
		p.ReportFix(at.or(sign), setKey("let silent streams live for an hour", annotations, "3600", awsService+"connection-idle-timeout"),
			"the load balancer's idle time-out is %s", text)
	}
}

// published is a URL that the input promises to clients.
type published struct {
	url string
	at  Value
}

func (p *Pass) publishedURLs() []published {
	var out []published
	for _, f := range p.ofKind(ServerJSON) {
		for _, o := range f.objects {
			for _, remote := range o.root.Get("remotes").List() {
				out = append(out, published{remote.Get("url").Str(), remote.Get("url")})
			}
		}
	}
	for _, o := range p.byKind["MCPServer"] {
		for _, field := range []string{"url", "publicURL"} {
			if v := o.root.Get("spec", field); v.Str() != "" {
				out = append(out, published{v.Str(), v})
			}
		}
	}
	return out
}

func urlMismatch(p *Pass) {
	for _, pub := range p.publishedURLs() {
		u, err := url.Parse(pub.url)
		if err != nil || u.Host == "" {
			continue
		}
		var near []string
		routed := false
		for _, r := range p.routes {
			if len(r.Hosts) == 0 || !r.sharesHost([]string{u.Hostname()}) {
				continue
			}
			near = append(near, r.Path)
			routed = routed || r.covers(u.Path) || r.covers(u.Path+"/")
		}
		if len(near) > 0 && !routed {
			slices.Sort(near)
			p.Report(pub.at, "%s is published, and %s routes %s", pub.url, u.Hostname(), strings.Join(slices.Compact(near), ", "))
		}
	}
}

func noClass(p *Pass) {
	for _, class := range p.byKind["IngressClass"] {
		if class.root.Get("metadata", "annotations", "ingressclass.kubernetes.io/is-default-class").Str() == "true" {
			return
		}
	}
	for _, e := range p.edges() {
		if e.Kind == "Ingress" && !ingressClass(e.Object).OK() {
			p.Report(e.root.Get("spec"), "the Ingress names no class")
		}
	}
}

func routePortMissing(p *Pass) {
	for _, e := range p.edges() {
		for _, r := range e.Routes {
			if r.Service == nil || r.Port.Str() == "" {
				continue
			}
			if _, ok := r.Service.Port(r.Port.Str()); !ok {
				p.Report(r.Port, "%s is sent to port %s of Service %s, which has no such port", r.Path, r.Port.Str(), r.ServiceName)
			}
		}
	}
}

func timeoutOrder(p *Pass) {
	for _, e := range p.edges() {
		for _, rule := range e.rules() {
			backend := rule.Get("timeouts", "backendRequest")
			inner, ok := parseDuration(backend.Str())
			request, set := parseDuration(rule.Get("timeouts", "request").Str())
			if ok && set && request > 0 && (inner > request || inner == 0) {
				p.Report(backend, "timeouts.backendRequest is %s, and timeouts.request is %s", backend.Str(), rule.Get("timeouts", "request").Str())
			}
		}
	}
}

// reloadLimit is worker-shutdown-timeout of ingress-nginx unless configured.
const reloadLimit = 240 * time.Second

func reloadCuts(p *Pass) {
	limit := reloadLimit
	for _, o := range p.byKind["ConfigMap"] {
		if d, ok := parseDuration(o.root.Get("data", "worker-shutdown-timeout").Str()); ok {
			limit = d
		}
	}
	for _, e := range p.edges() {
		longest, declared := e.longestBehind()
		if !declared {
			longest = e.longestIdle()
		}
		if e.Controller == ingressNginx && longest > limit {
			p.Report(e.sign, "a call may take %s, and a reload of ingress-nginx stops old workers after %s", short(longest), short(limit))
		}
	}
}

// longestIdle is the read time-out that the Ingress asks for: whoever raises it
// expects calls of that length.
func (e Edge) longestIdle() time.Duration {
	var longest time.Duration
	for _, r := range e.Routes {
		d, _ := r.callLimit()
		longest = max(longest, d)
	}
	return longest
}
