package manifest

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// pod builds the pod template of a plan and collects the reasons, whose paths
// start at the pod's spec.
type pod struct {
	plan *plan
	spec corev1.PodSpec
	why  []Reason
}

// because records a reason; the path is one inside the pod's spec.
func (b *pod) because(path, format string, args ...any) {
	b.why = append(b.why, Reason{path, fmt.Sprintf(format, args...)})
}

// build makes the pod's spec for the plan's shape.
func (p *plan) build() (*pod, error) {
	b := &pod{plan: p}
	b.base()
	switch p.shape {
	case sidecar:
		front, err := b.front()
		if err != nil {
			return nil, err
		}
		front.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		server, err := b.server()
		if err != nil {
			return nil, err
		}
		b.spec.InitContainers = []corev1.Container{front}
		b.spec.Containers = []corev1.Container{server}
		b.because("initContainers["+frontContainer+"].restartPolicy", "a native sidecar: it starts before the server and ends after it, so it holds the listener during the drain")
	case wrapper:
		container, err := b.wrapped()
		if err != nil {
			return nil, err
		}
		b.spec.Containers = []corev1.Container{container}
	default:
		front, err := b.front()
		if err != nil {
			return nil, err
		}
		b.spec.Containers = []corev1.Container{front}
	}
	return b, nil
}

// base sets what every pod has.
func (b *pod) base() {
	p := b.plan
	grace, because := p.times.grace()
	b.spec = corev1.PodSpec{
		ServiceAccountName:            p.name,
		AutomountServiceAccountToken:  new(len(p.access) > 0),
		EnableServiceLinks:            new(false),
		TerminationGracePeriodSeconds: &grace,
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), RunAsUser: new(nonRoot), RunAsGroup: new(nonRoot), FSGroup: new(nonRoot),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		TopologySpreadConstraints: b.spread(),
	}
	b.because("terminationGracePeriodSeconds", "%s", because)
	if len(p.access) == 0 {
		b.because("automountServiceAccountToken", "no token: access is empty, so the API server is not its business")
	} else {
		b.because("automountServiceAccountToken", "access asks for the API server; the Role names the objects")
	}
	b.because("enableServiceLinks", "no environment variable for every Service of the namespace")
	b.because("securityContext", "with the containers' own: Pod Security level restricted")
	b.because("topologySpreadConstraints", "one lost node or zone does not take all pods; a spread that cannot be had does not block scheduling")
	if p.decl.Server != nil && p.decl.Server.Spec.Image != "" {
		b.ofImage(&p.decl.Server.Spec)
	}
	b.volumes()
}

// ofImage sets what the declared image wants of the pod.
func (b *pod) ofImage(s *v1alpha1.MCPServerSpec) {
	user := *s.RunAsUser
	b.spec.SecurityContext.RunAsUser, b.spec.SecurityContext.RunAsGroup, b.spec.SecurityContext.FSGroup = &user, new(user), new(user)
	b.because("securityContext.runAsUser", "runAsUser: a number, because the kubelet refuses a name together with runAsNonRoot")
	for _, name := range s.ImagePullSecrets {
		b.spec.ImagePullSecrets = append(b.spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
}

func (b *pod) spread() []corev1.TopologySpreadConstraint {
	var out []corev1.TopologySpreadConstraint
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		out = append(out, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector:  b.plan.labelSelector(),
			MatchLabelKeys: []string{"pod-template-hash"},
		})
	}
	return out
}

// hardened is the container half of Pod Security level restricted.
func hardened() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		ReadOnlyRootFilesystem:   new(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

// front is the container of Holdfast.
func (b *pod) front() (corev1.Container, error) {
	p := b.plan
	at := "containers"
	if p.shape == sidecar {
		at = "initContainers"
	}
	at += "[" + frontContainer + "]"
	image, because, err := p.opts.pin(p.opts.FrontImage)
	if err != nil {
		return corev1.Container{}, fmt.Errorf("front image: %w", err)
	}
	b.because(at+".image", "%s", because)
	c := corev1.Container{
		Name: frontContainer, Image: image, ImagePullPolicy: pullPolicy(image),
		Args:            []string{p.verb(), "-c", configDir + "/holdfast.yaml"},
		Resources:       p.frontResources(),
		SecurityContext: hardened(),
	}
	b.because(at+".resources", "no CPU limit: a throttled front answers late and looks dead")
	c.Env = b.frontEnv(at, c.Resources)
	if p.shape == sidecar {
		c.SecurityContext.RunAsUser, c.SecurityContext.RunAsGroup = new(nonRoot), new(nonRoot)
	}
	b.frontContract(&c, at)
	c.VolumeMounts = b.frontMounts()
	return c, nil
}

// verb is the command that the front's container runs.
func (p *plan) verb() string {
	if p.shape == watcher {
		return "monitor"
	}
	return "serve"
}

// frontContract adds ports, probes and the drain to the container that runs
// Holdfast.
func (b *pod) frontContract(c *corev1.Container, at string) {
	p := b.plan
	if p.shape != watcher {
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "mcp", ContainerPort: publicPort, Protocol: corev1.ProtocolTCP})
	}
	c.Ports = append(c.Ports, corev1.ContainerPort{Name: "admin", ContainerPort: adminPort, Protocol: corev1.ProtocolTCP})
	admin := intstr.FromString("admin")
	startup := int32(frontStartup)
	startupBecause := fmt.Sprintf("%ds until it listens, looked at every %ds", frontStartup, startupPeriod)
	if p.shape == wrapper {
		startup = p.times.startup.Seconds()
		_, startupBecause = p.times.startupFailures()
	}
	c.StartupProbe = probe("/startupz", admin, probing{startupPeriod, probeTimeout - 1, max(1, ceil(startup, startupPeriod))})
	b.because(at+".startupProbe.failureThreshold", "%s", startupBecause)
	c.LivenessProbe = probe("/livez", admin, probing{livenessPeriod, serverProbeTimeout, 3})
	b.because(at+".livenessProbe", "this process only: an upstream that is down is no reason to restart")
	c.ReadinessProbe = probe("/readyz", admin, probing{readinessPeriod, probeTimeout, readinessFailures})
	if p.shape == watcher {
		b.because(at+".readinessProbe", "whether it watches; what it sees is in its metrics")
		return
	}
	b.because(at+".readinessProbe", "whether this pod answers MCP, from the front's own last look; never the MCP endpoint itself")
	c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: drainWait}}}
	b.because(at+".lifecycle.preStop.sleep.seconds", "drain wait: calls still arrive until every proxy knows that this pod ends")
}

// probing is the rhythm of a probe: seconds, seconds, number.
type probing struct{ period, timeout, failures int32 }

func probe(path string, port intstr.IntOrString, r probing) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port, Scheme: corev1.URISchemeHTTP}},
		PeriodSeconds: r.period, TimeoutSeconds: r.timeout, FailureThreshold: r.failures, SuccessThreshold: 1,
	}
}

// server is the container of the declared image.
func (b *pod) server() (corev1.Container, error) {
	p, s := b.plan, &b.plan.decl.Server.Spec
	at := "containers[" + serverContainer + "]"
	image, because, err := p.opts.pin(s.Image)
	if err != nil {
		return corev1.Container{}, p.decl.errorf("spec.image", "%v", err)
	}
	b.because(at+".image", "%s", because)
	c := corev1.Container{
		Name: serverContainer, Image: image, ImagePullPolicy: pullPolicy(image),
		Command: s.Command, Args: s.Args, Env: b.serverEnv(at),
		Resources: serverResources(s), SecurityContext: hardened(), VolumeMounts: b.serverMounts(),
	}
	if s.Resources == nil {
		b.because(at+".resources", "no CPU limit: a throttled event loop answers late and looks dead")
	}
	admin := intstr.FromInt32(adminPort)
	failures, because := p.times.startupFailures()
	c.StartupProbe = probe("/startupz/"+p.name, admin, probing{startupPeriod, probeTimeout - 1, failures})
	b.because(at+".startupProbe.failureThreshold", "%s", because)
	b.because(at+".startupProbe.httpGet.port", "the front answers for the server: it speaks MCP to it, the kubelet cannot")
	failures, because = p.times.livenessFailures()
	c.LivenessProbe = probe("/livez/"+p.name, admin, probing{livenessPeriod, serverProbeTimeout, failures})
	b.because(at+".livenessProbe.failureThreshold", "%s", because)
	c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{
		Path: "/drain", Port: admin, Scheme: corev1.URISchemeHTTP,
		HTTPHeaders: []corev1.HTTPHeader{{Name: "X-Holdfast-Drain", Value: "prestop"}},
	}}}
	b.because(at+".lifecycle.preStop", "the front drains and then answers: the server gets its SIGTERM when no call is left in it")
	return c, nil
}

// wrapped is one container in which the front starts a stdio server out of the
// declared image; our binary comes in by an image volume.
func (b *pod) wrapped() (corev1.Container, error) {
	p := b.plan
	if p.opts.kubernetes() < imageVolumes {
		return corev1.Container{}, p.decl.errorf("spec.transport", "stdio needs image volumes, which are on from Kubernetes 1.%d, not in 1.%d: build Holdfast into the image and declare streamable-http", imageVolumes, p.opts.kubernetes())
	}
	c, err := b.server()
	if err != nil {
		return c, err
	}
	at := "containers[" + serverContainer + "]"
	b.why = slices.DeleteFunc(b.why, func(r Reason) bool {
		return strings.HasPrefix(r.Path, at+".startupProbe") || strings.HasPrefix(r.Path, at+".livenessProbe") || strings.HasPrefix(r.Path, at+".lifecycle")
	})
	c.Command = []string{binaryDir + "/holdfast"}
	c.Args = []string{p.verb(), "-c", configDir + "/holdfast.yaml"}
	b.because(at+".command", "the front starts spec.command as its child and speaks stdio with it")
	b.frontContract(&c, at)
	c.Env = append(c.Env, b.frontEnv(at, c.Resources)...)
	c.VolumeMounts = append(b.frontMounts(), c.VolumeMounts...)
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "holdfast", MountPath: binaryDir, ReadOnly: true})
	image, because, err := p.opts.pin(p.opts.FrontImage)
	if err != nil {
		return c, fmt.Errorf("front image: %w", err)
	}
	b.spec.Volumes = append(b.spec.Volumes, corev1.Volume{Name: "holdfast", VolumeSource: corev1.VolumeSource{
		Image: &corev1.ImageVolumeSource{Reference: image, PullPolicy: pullPolicy(image)},
	}})
	b.because("volumes[holdfast].image.reference", "%s", because)
	return c, nil
}

// frontEnv is the environment of the front.
func (b *pod) frontEnv(at string, res corev1.ResourceRequirements) []corev1.EnvVar {
	var out []corev1.EnvVar
	if limit, ok := res.Limits[corev1.ResourceMemory]; ok && b.plan.shape != wrapper {
		out = append(out, corev1.EnvVar{Name: "GOMEMLIMIT", Value: fmt.Sprintf("%dMiB", limit.Value()*9/10>>20)})
		b.because(at+".env[GOMEMLIMIT].value", "nine tenths of the memory limit: the collector works harder before the kernel kills")
	}
	if b.plan.sharesSessions() {
		out = append(out,
			corev1.EnvVar{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"}}})
		b.because(at+".env[POD_IP]", "replicas find each other by the headless Service, and themselves by this address")
	}
	return out
}

// serverEnv is the declared environment, with a home that can be written to.
func (b *pod) serverEnv(at string) []corev1.EnvVar {
	env := slices.Clone(b.plan.decl.Server.Spec.Env)
	if !slices.ContainsFunc(env, func(e corev1.EnvVar) bool { return e.Name == "HOME" }) {
		env = append(env, corev1.EnvVar{Name: "HOME", Value: "/tmp"})
		b.because(at+".env[HOME].value", "runAsUser need not be known to the image, and all but /tmp is read-only")
	}
	return env
}

func quantities(cpu, memory, storage string) corev1.ResourceList {
	out := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}
	if cpu != "" {
		out[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if storage != "" {
		out[corev1.ResourceEphemeralStorage] = resource.MustParse(storage)
	}
	return out
}

func serverResources(s *v1alpha1.MCPServerSpec) corev1.ResourceRequirements {
	if s.Resources != nil {
		return *s.Resources.DeepCopy()
	}
	return corev1.ResourceRequirements{Requests: quantities("100m", "128Mi", "64Mi"), Limits: quantities("", "512Mi", "1Gi")}
}

func (p *plan) frontResources() corev1.ResourceRequirements {
	if p.decl.Gateway != nil && p.decl.Gateway.Spec.Resources != nil {
		return *p.decl.Gateway.Spec.Resources.DeepCopy()
	}
	if p.shape == sidecar {
		return corev1.ResourceRequirements{Requests: quantities("50m", "64Mi", "16Mi"), Limits: quantities("", "256Mi", "128Mi")}
	}
	return corev1.ResourceRequirements{Requests: quantities("100m", "128Mi", "16Mi"), Limits: quantities("", "256Mi", "128Mi")}
}
