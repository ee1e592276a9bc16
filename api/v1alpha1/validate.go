package v1alpha1

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// Violation is a rule that a declaration breaks. Message is the same sentence
// that the API server gives for the CEL twin of the rule.
//
// +kubebuilder:object:generate=false
type Violation struct {
	// Path of the field that the rule stands on, such as spec.scaling.
	Path    string
	Message string
}

// violations collects broken rules under one path.
type violations struct {
	path string
	list *[]Violation
}

func (v violations) at(format string, args ...any) violations {
	return violations{v.path + fmt.Sprintf(format, args...), v.list}
}

// need records message unless ok.
func (v violations) need(ok bool, message string) {
	if !ok {
		*v.list = append(*v.list, Violation{v.path, message})
	}
}

// Validate checks the rules that involve more than one field. It expects the
// defaults to be filled in and every single field to fit its schema, as the
// API server does before it looks at CEL rules.
func (s *MCPServer) Validate() []Violation {
	var list []Violation
	root := violations{"", &list}
	root.need(validName(s.Name), nameMessage)
	spec := root.at("spec")
	s.Spec.validateSource(spec)
	s.Spec.validateTimes(spec)
	s.Spec.validateCredential(spec)
	s.Spec.validatePublication(spec)
	s.Spec.Scaling.validate(spec.at(".scaling"))
	s.Spec.Network.validate(spec.at(".network"))
	if s.Spec.Expose != nil {
		s.Spec.Expose.validate(spec.at(".expose"))
	}
	return list
}

// Validate does for a gateway what [MCPServer.Validate] does for a server.
func (g *MCPGateway) Validate() []Violation {
	var list []Violation
	root := violations{"", &list}
	root.need(validName(g.Name), nameMessage)
	spec := root.at("spec")
	s := &g.Spec
	spec.need(upTo(s.Heartbeat, maxHeartbeat), heartbeatMessage)
	if s.Outside != nil {
		spec.need(s.Outside.URL != "" || len(s.Listeners) > 0, "outside needs a url: nothing says where the gateway is published")
		spec.need(s.Auth == nil || s.Outside.Token != nil, "outside needs a token: the gateway asks callers for one")
	}
	spec.need(s.Auth != nil || !s.Policy.knowsSubjects(), "policy rules about subjects need auth: without it nobody is known")
	spec.need(s.StorePassword.inCluster(), "storePassword must name a secret, and nothing else, in a cluster")
	s.Scaling.validate(spec.at(".scaling"))
	s.Network.validate(spec.at(".network"))
	for i := range s.Listeners {
		s.Listeners[i].validate(spec.at(".listeners[%d]", i))
	}
	return list
}

const (
	maxHeartbeat     = 25 * time.Second
	heartbeatMessage = "heartbeat must be between 1s and 25s: the smallest idle time-outs on the way are 50s to 60s"
	nameMessage      = "metadata.name must be at most 40 lower-case letters, digits and dashes, starting with a letter: Services and CronJobs are named after it"
)

func validName(name string) bool {
	ok, _ := regexp.MatchString(`^[a-z]([-a-z0-9]*[a-z0-9])?$`, name) // a constant pattern cannot fail
	return ok && len(name) <= 40
}

func upTo(d Duration, most time.Duration) bool {
	return d.Duration >= time.Second && d.Duration <= most
}

// one tells whether exactly one of the conditions holds.
func one(conditions ...bool) bool {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n == 1
}

func (s *MCPServerSpec) validateSource(at violations) {
	image := s.Image != ""
	at.need(one(image, s.Service != nil, s.URL != ""), "set exactly one of image, service and url")
	at.need(s.Transport != Stdio || (image && len(s.Command) > 0), "transport stdio needs an image and a command: Holdfast starts the process itself")
	ofImage := len(s.Command)+len(s.Args)+len(s.Env)+len(s.WritablePaths)+len(s.ImagePullSecrets) > 0
	at.need(image || !ofImage, "command, args, env, writablePaths and imagePullSecrets belong to an image")
	at.need(!image || s.Routed(), "a server that runs from an image is routed: route false belongs to service and url")
	at.at(".port").need(s.Port != 8080 && s.Port != 9090, "ports 8080 and 9090 are the front's")
}

func (s *MCPServerSpec) validateTimes(at violations) {
	at.need(upTo(s.LongestCall, 24*time.Hour), "longestCall must be between 1s and 24h")
	at.need(upTo(s.Heartbeat, maxHeartbeat), heartbeatMessage)
	at.need(upTo(s.Startup, time.Hour), "startup must be between 1s and 1h")
	at.need(s.Probe.Every.Duration >= 10*time.Second, "probe.every must be at least 10s")
	at.need(s.Probe.Budget.Duration > 0 && s.Probe.Budget.Duration < s.Probe.Every.Duration, "probe.budget must be above 0s and below probe.every")
}

func (s *MCPServerSpec) validateCredential(at violations) {
	at.need(s.StorePassword.inCluster(), "storePassword must name a secret, and nothing else, in a cluster")
	if s.Contract != nil {
		at.need(s.Contract.ConfigMap != nil && s.Contract.File == "", "contract must name a configMap, and no file, in a cluster")
	}
	c := s.Credential
	if c == nil {
		return
	}
	at.need(c.Bearer == nil || c.ClientCredentials == nil, "credential takes bearer or clientCredentials, not both")
	at.need(c.Bearer.inCluster(), "credential.bearer must name a secret, and nothing else, in a cluster")
	if cc := c.ClientCredentials; cc != nil {
		at.need(cc.ClientSecret.inCluster(), "credential.clientCredentials.clientSecret must name a secret, and nothing else, in a cluster")
	}
	headers := true
	for i := range c.Headers {
		headers = headers && c.Headers[i].Value.inCluster()
	}
	at.need(headers, "each of credential.headers must name a secret, and nothing else, in a cluster")
	at.need(s.URL == "" || strings.HasPrefix(s.URL, "https://"), "a credential is sent over https only")
}

func (s *MCPServerSpec) validatePublication(at violations) {
	at.need(s.Expose == nil || s.Routed(), "expose needs route: a server that is only watched has nothing to publish")
	if s.Outside != nil {
		at.need(s.Outside.URL != "" || s.Expose != nil || s.URL != "", "outside needs a url: nothing says where the server is published")
		at.need(s.Auth == nil || s.Outside.Token != nil, "outside needs a token: the server asks callers for one")
	}
}

// inCluster tells whether a value, if there is one, comes from a Secret alone.
func (v *SecretValue) inCluster() bool {
	return v == nil || (v.Secret != nil && v.File == "" && v.Env == "")
}

func (p *Policy) knowsSubjects() bool {
	if p == nil {
		return false
	}
	for _, r := range p.Rules {
		if len(r.Subjects) > 0 {
			return true
		}
	}
	return false
}

func (s *Scaling) validate(at violations) {
	at.need(s.Max == nil || *s.Max >= s.Min, "max must not be below min")
	at.need(s.Max != nil || (s.CPUPercent == nil && s.CallsPerPod == nil), "cpuPercent and callsPerPod need max: without it the number of pods is fixed")
}

func (n *Network) validate(at violations) {
	const cidr = "not a CIDR, such as 10.20.0.0/16"
	for i, p := range n.From {
		peer := at.at(".from[%d]", i)
		peer.need((p.CIDR != "") != (p.Namespace != "" || p.Pods != nil), "set either cidr, or namespace and pods")
		peer.at(".cidr").need(p.CIDR == "" || isCIDR(p.CIDR), cidr)
	}
	for i, e := range n.Egress {
		to := at.at(".egress[%d]", i)
		to.need(one(e.Internet, e.CIDR != "", e.Namespace != "" || e.Pods != nil), "set exactly one of internet, cidr, and namespace with pods")
		to.at(".cidr").need(e.CIDR == "" || isCIDR(e.CIDR), cidr)
	}
}

func isCIDR(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}

func (e *Exposure) validate(at violations) {
	at.need((e.Gateway != nil) != (e.Ingress != nil), "set exactly one of gateway and ingress")
}

// Routed tells whether clients reach the server through Holdfast.
func (s *ServerSpec) Routed() bool { return s.Route == nil || *s.Route }

// Autoscaled tells whether an autoscaler owns the number of pods.
func (s *Scaling) Autoscaled() bool { return s.Max != nil && *s.Max > s.Min }
