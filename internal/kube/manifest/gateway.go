package manifest

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// gatewayPlan lays out an MCPGateway over the servers that it selects from the
// declarations beside it.
func gatewayPlan(d *Declaration, all []Declaration, opts Options, set *Set) (*plan, error) {
	s := &d.Gateway.Spec
	p := &plan{
		decl: d, opts: opts, set: set, shape: gateway,
		name: d.Gateway.Name, namespace: d.Gateway.Namespace,
		times:   times{heartbeat: s.Heartbeat},
		scaling: s.Scaling, sessionKeys: s.SessionKeys,
		auth: s.Auth, policy: s.Policy, store: s.Store, storePassword: s.StorePassword,
		network: s.Network, expose: s.Listeners, outside: s.Outside, monitoring: s.Monitoring, podTemplate: s.PodTemplate,
	}
	p.finish()
	selector, err := metav1.LabelSelectorAsSelector(&s.Servers)
	if err != nil {
		return nil, d.errorf("spec.servers", "%v", err)
	}
	for i := range all {
		server := all[i].Server
		if server != nil && server.Namespace == d.Gateway.Namespace && selector.Matches(labels.Set(server.Labels)) && server.Spec.Routed() {
			p.behind(server)
		}
	}
	if len(p.servers) == 0 {
		return nil, d.errorf("spec.servers", "selects none of the routed MCPServers declared beside it in its namespace")
	}
	return p, nil
}

// behind puts a server behind the gateway: its front, which holds credential,
// contract and checks of its own.
func (p *plan) behind(server *v1alpha1.MCPServer) {
	spec := &server.Spec
	p.servers = append(p.servers, frontServer{server.Name, v1alpha1.ServerSpec{
		URL: "http://" + server.Name + "/mcp", Transport: v1alpha1.StreamableHTTP,
		LongestCall: spec.LongestCall, Heartbeat: spec.Heartbeat, Stateless: spec.Stateless,
		Route: new(true), Probe: spec.Probe,
	}})
	if spec.LongestCall.Duration > p.times.longestCall.Duration {
		p.times.longestCall, p.times.slowest = spec.LongestCall, server.Name
	}
	if spec.Startup.Duration > p.times.startup.Duration {
		p.times.startup = spec.Startup
	}
	if spec.Auth != nil {
		p.set.note("MCPServer %s asks callers for a token itself: %s shows it none, so put auth on the gateway and take it off the server", server.Name, p.decl.Name())
	}
}
