package manifest

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// rules collects the two halves of a NetworkPolicy with their reasons.
type rules struct {
	ingress []networkingv1.NetworkPolicyIngressRule
	egress  []networkingv1.NetworkPolicyEgressRule
	why     []Reason
}

func (r *rules) in(why string, ports []networkingv1.NetworkPolicyPort, from ...networkingv1.NetworkPolicyPeer) {
	r.why = append(r.why, Reason{fmt.Sprintf("spec.ingress[%d]", len(r.ingress)), why})
	r.ingress = append(r.ingress, networkingv1.NetworkPolicyIngressRule{From: from, Ports: ports})
}

func (r *rules) out(why string, ports []networkingv1.NetworkPolicyPort, to ...networkingv1.NetworkPolicyPeer) {
	r.why = append(r.why, Reason{fmt.Sprintf("spec.egress[%d]", len(r.egress)), why})
	r.egress = append(r.egress, networkingv1.NetworkPolicyEgressRule{To: to, Ports: ports})
}

func (r *rules) policy(meta metav1.ObjectMeta, selector map[string]string) Object {
	return Object{
		Object: &networkingv1.NetworkPolicy{
			TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "NetworkPolicy"},
			ObjectMeta: meta,
			Spec: networkingv1.NetworkPolicySpec{
				PodSelector: metav1.LabelSelector{MatchLabels: selector},
				PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
				Ingress:     r.ingress,
				Egress:      r.egress,
			},
		},
		Reasons: r.why,
	}
}

// networkPolicy closes the pods in both directions but for what is needed.
func (p *plan) networkPolicy() Object {
	r := &rules{}
	p.ingressRules(r)
	r.dns()
	p.upstreamRules(r)
	for _, e := range p.network.Egress {
		why := "network.egress"
		if e.Why != "" {
			why += ": " + e.Why
		}
		r.out(why, tcp(e.Ports...), egressPeers(e)...)
	}
	if p.decl.Server != nil && p.decl.Server.Spec.Image != "" && len(p.network.Egress) == 0 {
		p.set.note("%s may reach nothing but DNS and what its front needs: list what the server itself needs under spec.network.egress", p.decl.Name())
	}
	o := r.policy(p.meta(""), p.selector())
	o.because("spec.policyTypes", "both directions closed but for the rules below; the kubelet's probes always pass")
	return o
}

func (p *plan) ingressRules(r *rules) {
	if p.shape != watcher {
		r.in("callers in this namespace, and replicas that hand sessions to each other", named("mcp"), pods(nil))
		for _, ns := range p.routeNamespaces() {
			r.in("the data plane that expose names", named("mcp"), inNamespace(ns, nil))
		}
		for _, from := range p.network.From {
			r.in("network.from", named("mcp"), peer(from.CIDR, from.Namespace, from.Pods))
		}
		p.loadBalancerRules(r)
	}
	if p.opts.OperatorNamespace != "" {
		r.in("the Holdfast operator probes the pods", named("mcp", "admin"), inNamespace(p.opts.OperatorNamespace, nil))
	}
	if p.monitoring != nil {
		r.in("monitoring: Prometheus reads the metrics", named("admin"), inNamespace(p.monitoring.Namespace, nil))
	}
}

// upstreamRules opens the way to what the front itself must reach.
func (p *plan) upstreamRules(r *rules) {
	if p.sharesSessions() {
		r.out("replicas hand sessions to each other", named("mcp"), pods(p.selector()))
	}
	if p.decl.Gateway != nil {
		r.out("the fronts of the selected servers", tcp(publicPort), pods(map[string]string{labelComponent: "mcp-server"}))
	}
	if s := p.decl.Server; s != nil {
		if s.Spec.Service != nil {
			r.out("the pods behind service; a policy sees their port, which the declaration does not know", nil, pods(nil))
		}
		r.url(s.Spec.URL, "url")
		if c := s.Spec.Credential; c != nil && c.ClientCredentials != nil {
			r.url(c.ClientCredentials.TokenURL, "credential.clientCredentials.tokenURL")
		}
	}
	if p.auth != nil {
		for _, issuer := range p.auth.Issuers {
			r.url(issuer.URL, "auth.issuers: keys to check tokens with")
		}
	}
	if p.store != "" && p.store != "memory" {
		r.url(p.store, "store")
	}
	if len(p.access) > 0 {
		r.out("access: the API server, at an address that no selector can name", tcp(443, 6443), ipBlock("0.0.0.0/0"), ipBlock("::/0"))
	}
}

// dns opens the cluster's resolver, and the one on the node where there is one.
func (r *rules) dns() {
	udp := corev1.ProtocolUDP
	ports := tcp(53)
	ports = append(ports, networkingv1.NetworkPolicyPort{Protocol: &udp, Port: new(intstr.FromInt32(53))})
	r.out("DNS, in the cluster and on the node", ports, inNamespace("kube-system", nil), ipBlock("169.254.20.10/32"))
}

// url opens the way to a URL: pods for a name in the cluster, an address for
// an address, the internet for a public name. A policy cannot name hosts.
func (r *rules) url(text, why string) {
	u, err := url.Parse(text)
	if text == "" || err != nil {
		return
	}
	port, host := portOf(u), u.Hostname()
	const behind = "; a policy sees the pods' port, which the Service's name does not tell"
	labels := strings.Split(strings.TrimSuffix(host, ".cluster.local"), ".")
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil:
		r.out(why, tcp(port), ipBlock(netip.PrefixFrom(addr, addr.BitLen()).String()))
	case len(labels) == 1:
		r.out(why+behind, nil, pods(nil))
	case len(labels) > 2 && labels[len(labels)-1] == "svc":
		r.out(why+behind, nil, inNamespace(labels[len(labels)-2], nil))
	default:
		r.out(fmt.Sprintf("%s: %s; a policy cannot name a host, so every public address", why, host), tcp(port), internet()...)
	}
}

func portOf(u *url.URL) int32 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return int32(n)
	}
	switch u.Scheme {
	case "http":
		return 80
	case "https":
		return 443
	default:
		return 6379 // valkey and redis
	}
}

func egressPeers(e v1alpha1.Egress) []networkingv1.NetworkPolicyPeer {
	if e.Internet {
		return internet()
	}
	return []networkingv1.NetworkPolicyPeer{peer(e.CIDR, e.Namespace, e.Pods)}
}

func peer(cidr, namespace string, labels map[string]string) networkingv1.NetworkPolicyPeer {
	switch {
	case cidr != "":
		return ipBlock(cidr)
	case namespace != "":
		return inNamespace(namespace, labels)
	}
	return pods(labels)
}

// internet is every public address, without the ranges behind which clusters,
// clouds' metadata services and offices live.
func internet() []networkingv1.NetworkPolicyPeer {
	return []networkingv1.NetworkPolicyPeer{
		ipBlock("0.0.0.0/0", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
		ipBlock("::/0", "fc00::/7", "fe80::/10"),
	}
}

func ipBlock(cidr string, except ...string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}
}

func pods(labels map[string]string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchLabels: labels}}
}

func inNamespace(name string, labels map[string]string) networkingv1.NetworkPolicyPeer {
	out := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: name}}}
	if labels != nil {
		out.PodSelector = &metav1.LabelSelector{MatchLabels: labels}
	}
	return out
}

func tcp(ports ...int32) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, len(ports))
	for i, port := range ports {
		out[i] = networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(port))}
	}
	return out
}

// named gives ports of our own pods by name.
func named(ports ...string) []networkingv1.NetworkPolicyPort {
	out := make([]networkingv1.NetworkPolicyPort, len(ports))
	for i, port := range ports {
		out[i] = networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromString(port))}
	}
	return out
}
