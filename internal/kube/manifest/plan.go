package manifest

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// shape says how front and server share pods.
type shape int

const (
	// sidecar: the server's container with the front as a native sidecar.
	sidecar shape = iota
	// wrapper: one container in which the front starts a stdio server.
	wrapper
	// gateway: the front alone, its servers run elsewhere.
	gateway
	// watcher: no front, only probes.
	watcher
)

// plan is everything that the objects of one declaration are made of.
type plan struct {
	decl *Declaration
	opts Options
	set  *Set

	name      string
	namespace string
	shape     shape
	times     times
	servers   []frontServer

	scaling       v1alpha1.Scaling
	stateless     bool
	sessionKeys   string
	auth          *v1alpha1.Auth
	policy        *v1alpha1.Policy
	store         string
	storePassword *v1alpha1.SecretValue
	network       v1alpha1.Network
	expose        []v1alpha1.Exposure
	outside       *v1alpha1.Outside
	monitoring    *v1alpha1.Monitoring
	access        []v1alpha1.Access
	podTemplate   *runtime.RawExtension
}

// The ports and names that every pod of ours has.
const (
	publicPort = 8080
	adminPort  = 9090

	frontContainer  = "holdfast"
	serverContainer = "server"

	configDir      = "/etc/holdfast"
	secretDir      = "/var/run/holdfast/secrets"
	sessionKeyDir  = "/var/run/holdfast/session-keys"
	binaryDir      = "/opt/holdfast"
	nonRoot        = int64(65532)
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelComponent = "app.kubernetes.io/component"
	labelManager   = "app.kubernetes.io/managed-by"
)

// component names the role of the pods; it keeps the selectors of a server's
// objects apart from those of its outside probes.
func (p *plan) component() string {
	switch {
	case p.decl.Gateway != nil:
		return "mcp-gateway"
	case p.shape == watcher:
		return "mcp-monitor"
	}
	return "mcp-server"
}

// selector gives the labels by which pods of this plan are found, and no
// others: two servers of one namespace never share them.
func (p *plan) selector() map[string]string {
	return map[string]string{labelName: p.name, labelComponent: p.component()}
}

func (p *plan) labels() map[string]string {
	out := p.selector()
	out[labelInstance] = p.name
	out[labelManager] = "holdfast"
	return out
}

// meta gives the metadata of an object, the name being the plan's with a
// suffix.
func (p *plan) meta(suffix string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: p.name + suffix, Namespace: p.namespace, Labels: p.labels()}
}

// sharesSessions tells whether replicas hand sessions to each other.
func (p *plan) sharesSessions() bool {
	return p.shape != watcher && !p.stateless && (p.scaling.Min > 1 || p.scaling.Autoscaled())
}

// sealsSessions tells whether session ids are sealed with kept keys.
func (p *plan) sealsSessions() bool { return p.shape != watcher && !p.stateless }

// serverPlan lays out an MCPServer.
func serverPlan(d *Declaration, opts Options, set *Set) *plan {
	s := &d.Server.Spec
	p := &plan{
		decl: d, opts: opts, set: set,
		name: d.Server.Name, namespace: d.Server.Namespace,
		times:   times{longestCall: s.LongestCall, heartbeat: s.Heartbeat, startup: s.Startup},
		scaling: s.Scaling, stateless: s.Stateless, sessionKeys: s.SessionKeys,
		auth: s.Auth, store: s.Store, storePassword: s.StorePassword,
		network: s.Network, outside: s.Outside, monitoring: s.Monitoring, access: s.Access, podTemplate: s.PodTemplate,
	}
	switch {
	case s.Image != "" && s.Transport == v1alpha1.Stdio:
		p.shape = wrapper
	case s.Image != "":
		p.shape = sidecar
	case s.Routed():
		p.shape = gateway
	default:
		p.shape = watcher
		p.scaling = v1alpha1.Scaling{Min: 1}
	}
	if s.Expose != nil {
		p.expose = []v1alpha1.Exposure{*s.Expose}
	}
	p.finish()
	p.servers = []frontServer{p.frontServer(d.Server)}
	return p
}

// finish fills in what depends on the options and the name.
func (p *plan) finish() {
	if p.namespace == "" {
		p.namespace = p.opts.Namespace
	}
	if p.sessionKeys == "" {
		p.sessionKeys = p.name + "-session-keys"
	}
}

// merged gives both maps in one; the second wins.
func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, b)
	return out
}
