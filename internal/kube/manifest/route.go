package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// routed lists the paths that must reach the front, each with the reason.
func (p *plan) routed() []Reason {
	out := []Reason{
		{"/mcp", "the endpoint"},
		{"/.well-known", "how a client finds out where to get its token (RFC 9728), and server cards: without it, login cannot start"},
	}
	if p.decl.Gateway != nil {
		out = append(out, Reason{"/servers", "one server's own endpoint, /servers/NAME/mcp"})
	}
	return out
}

// routes publishes the front at each declared host.
func (p *plan) routes() []Object {
	var out []Object
	for i, e := range p.expose {
		suffix := ""
		if i > 0 {
			suffix = "-" + strconv.Itoa(i+1)
		}
		if e.Gateway != nil {
			out = append(out, p.httpRoute(e, suffix))
			continue
		}
		out = append(out, p.ingress(e, suffix))
	}
	if slices.ContainsFunc(p.expose, func(e v1alpha1.Exposure) bool { return e.Ingress != nil && e.Ingress.Controller == "gce" }) {
		out = append(out, p.backendConfig())
	}
	return out
}

// untyped makes an object of a kind whose types we do not import.
func (p *plan) untyped(apiVersion, kind, suffix string, spec map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "spec": spec}}
	meta := p.meta(suffix)
	u.SetName(meta.Name)
	u.SetNamespace(meta.Namespace)
	u.SetLabels(meta.Labels)
	return u
}

// httpRoute publishes by the Gateway API.
func (p *plan) httpRoute(e v1alpha1.Exposure, suffix string) Object {
	parent := map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": e.Gateway.Name}
	if e.Gateway.Namespace != "" {
		parent["namespace"] = e.Gateway.Namespace
	}
	if e.Gateway.SectionName != "" {
		parent["sectionName"] = e.Gateway.SectionName
	} else {
		p.set.note("%s attaches to every listener of Gateway %s: name the one that ends TLS as sectionName, or calls may travel in the clear", p.decl.Name(), e.Gateway.Name)
	}
	var matches []any
	var why []Reason
	for i, r := range p.routed() {
		matches = append(matches, map[string]any{"path": map[string]any{"type": "PathPrefix", "value": r.Path}})
		why = append(why, Reason{fmt.Sprintf("spec.rules[0].matches[%d].path.value", i), r.Because})
	}
	o := Object{Object: p.untyped("gateway.networking.k8s.io/v1", "HTTPRoute", suffix, map[string]any{
		"parentRefs": []any{parent},
		"hostnames":  []any{e.Host},
		"rules": []any{map[string]any{
			"matches":     matches,
			"backendRefs": []any{map[string]any{"group": "", "kind": "Service", "name": p.name, "port": int64(servicePort), "weight": int64(1)}},
			"timeouts":    map[string]any{"request": "0s", "backendRequest": "0s"},
		}},
	}), Reasons: why}
	o.because("spec.rules[0].timeouts.request", "off: it would cover a whole stream; unset it is 15s in Envoy. The front ends calls itself after %s", p.times.longest())
	o.because("spec.rules[0].timeouts.backendRequest", "off: streams have no end of their own")
	return o
}

// ingress publishes where there is no Gateway API.
func (p *plan) ingress(e v1alpha1.Exposure, suffix string) Object {
	facts := ingressTable()[string(e.Ingress.Controller)]
	if facts.note != "" {
		p.set.note("%s, host %s: %s", p.decl.Name(), e.Host, facts.note)
	}
	i := &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "Ingress"},
		ObjectMeta: p.meta(suffix),
		Spec: networkingv1.IngressSpec{
			IngressClassName: new(e.Ingress.ClassName),
			Rules:            []networkingv1.IngressRule{{Host: e.Host}},
		},
	}
	o := Object{Object: i}
	i.Annotations = map[string]string{}
	for _, a := range facts.onIngress {
		i.Annotations[a.key] = p.fill(a.value)
		if _, own := e.Ingress.Annotations[a.key]; !own {
			o.because(`metadata.annotations["`+a.key+`"]`, "%s", p.why(a))
		}
	}
	if !facts.ownTLS || e.Ingress.TLSSecret != "" {
		secret := e.Ingress.TLSSecret
		if secret == "" {
			secret = p.name + suffix + "-tls"
		}
		i.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{e.Host}, SecretName: secret}}
		o.because("spec.tls", "tokens and arguments do not travel in the clear")
	}
	if issuer := e.Ingress.ClusterIssuer; issuer != "" {
		i.Annotations["cert-manager.io/cluster-issuer"] = issuer
		o.because(`metadata.annotations["cert-manager.io/cluster-issuer"]`, "fills the TLS Secret and renews it")
	}
	maps.Copy(i.Annotations, e.Ingress.Annotations)
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: p.name, Port: networkingv1.ServiceBackendPort{Name: "http"}}}
	http := &networkingv1.HTTPIngressRuleValue{}
	for n, r := range p.routed() {
		http.Paths = append(http.Paths, networkingv1.HTTPIngressPath{Path: r.Path, PathType: new(networkingv1.PathTypePrefix), Backend: backend})
		o.because(fmt.Sprintf("spec.rules[0].http.paths[%d].path", n), "%s", r.Because)
	}
	i.Spec.Rules[0].HTTP = http
	return o
}

// fill puts the plan's numbers into an annotation's value.
func (p *plan) fill(value string) string {
	idle, _ := p.times.idle()
	grace, _ := p.times.grace()
	return strings.NewReplacer(
		"{idleMillis}", strconv.FormatInt(int64(idle)*1000, 10),
		"{idle}", strconv.Itoa(int(idle)),
		"{albIdle}", strconv.Itoa(int(min(idle, 4000))),
		"{albDrain}", strconv.FormatInt(min(grace, 3600), 10),
		"{name}", p.name,
	).Replace(value)
}

// why adds to an annotation's reason where its number comes from.
func (p *plan) why(a annotation) string {
	switch {
	case strings.Contains(a.value, "dle"):
		_, from := p.times.idle()
		return from + ": " + a.because
	case strings.Contains(a.value, "{albDrain}"):
		_, from := p.times.grace()
		return from + ": " + a.because
	}
	return a.because
}

// serviceAnnotations are those that Ingress controllers read on the Service.
func (p *plan) serviceAnnotations(o *Object) map[string]string {
	out := map[string]string{}
	for _, e := range p.expose {
		if e.Ingress == nil {
			continue
		}
		for _, a := range ingressTable()[string(e.Ingress.Controller)].onService {
			if _, twice := out[a.key]; !twice {
				o.because(`metadata.annotations["`+a.key+`"]`, "%s", p.why(a))
			}
			out[a.key] = p.fill(a.value)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// routeNamespaces lists where the data planes of the routes run.
func (p *plan) routeNamespaces() []string {
	var out []string
	for _, e := range p.expose {
		ns := ""
		switch {
		case e.Gateway != nil:
			ns = e.Gateway.Namespace
		case e.Ingress.Namespace != "":
			ns = e.Ingress.Namespace
		default:
			ns = ingressTable()[string(e.Ingress.Controller)].namespace
		}
		if ns != "" && ns != p.namespace && !slices.Contains(out, ns) {
			out = append(out, ns)
		}
	}
	return out
}

// loadBalancerRules lets in the load balancers that reach pods from outside.
func (p *plan) loadBalancerRules(r *rules) {
	for _, e := range p.expose {
		if e.Ingress == nil {
			continue
		}
		facts := ingressTable()[string(e.Ingress.Controller)]
		for _, cidr := range facts.healthRanges {
			r.in("the load balancer, which calls and checks the pods from this range", named("mcp", "admin"), ipBlock(cidr))
		}
		if !facts.healthChecksPods || len(facts.healthRanges) > 0 {
			continue
		}
		for _, from := range p.network.From {
			if from.CIDR != "" {
				r.in("the load balancer's health checks", named("admin"), ipBlock(from.CIDR))
			}
		}
	}
}

// backendConfig holds the time-outs of Google's load balancer.
func (p *plan) backendConfig() Object {
	grace, graceWhy := p.times.grace()
	o := Object{Object: p.untyped("cloud.google.com/v1", "BackendConfig", "", map[string]any{
		"timeoutSec":         int64(86400),
		"connectionDraining": map[string]any{"drainingTimeoutSec": min(grace, 3600)},
		"healthCheck": map[string]any{
			"type": "HTTP", "port": int64(adminPort), "requestPath": "/readyz",
			"checkIntervalSec": int64(readinessPeriod), "timeoutSec": int64(probeTimeout), "healthyThreshold": int64(1), "unhealthyThreshold": int64(readinessFailures),
		},
	})}
	o.because("spec.timeoutSec", "a hard end for every answer, which no heartbeat moves: streams live a day at most; default 30s")
	o.because("spec.connectionDraining.drainingTimeoutSec", "%s; at most 3600s", graceWhy)
	o.because("spec.healthCheck.port", "the MCP endpoint answers GET with 405 or a stream")
	return o
}

// publicURL is where clients reach the front from outside; empty when the
// declaration does not say.
func (p *plan) publicURL() string {
	switch {
	case p.outside != nil && p.outside.URL != "":
		return p.outside.URL
	case len(p.expose) > 0:
		return "https://" + p.expose[0].Host + "/mcp"
	case p.decl.Server != nil:
		return p.decl.Server.Spec.URL
	}
	return ""
}
