package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// frontConfig is the file that `holdfast serve` or `holdfast monitor` reads in
// the pod.
type frontConfig struct {
	Listen        frontListen           `json:"listen"`
	Servers       []frontServer         `json:"servers"`
	Auth          *v1alpha1.Auth        `json:"auth,omitempty"`
	Policy        *v1alpha1.Policy      `json:"policy,omitempty"`
	Store         string                `json:"store,omitempty"`
	StorePassword *v1alpha1.SecretValue `json:"storePassword,omitempty"`
	Sessions      *frontSessions        `json:"sessions,omitempty"`
	Drain         *frontDrain           `json:"drain,omitempty"`
}

type frontListen struct {
	Public string `json:"public,omitempty"`
	Admin  string `json:"admin"`
}

type frontServer struct {
	Name string `json:"name"`
	v1alpha1.ServerSpec
}

type frontSessions struct {
	// Keys is the folder of the keys that seal session ids.
	Keys string `json:"keys"`
	// Peers is the headless Service that lists the replicas.
	Peers string `json:"peers,omitempty"`
}

type frontDrain struct {
	Wait    v1alpha1.Duration `json:"wait"`
	Timeout v1alpha1.Duration `json:"timeout"`
}

// frontServer says how the front of this plan sees the server.
func (p *plan) frontServer(s *v1alpha1.MCPServer) frontServer {
	spec := s.Spec.ServerSpec
	spec.Env = nil
	switch {
	case p.shape == wrapper:
		spec.Env = passedOn(s.Spec.Env)
	case s.Spec.Image != "":
		spec.URL = fmt.Sprintf("http://127.0.0.1:%d%s", s.Spec.Port, s.Spec.Path)
		spec.Command, spec.Args = nil, nil
	case s.Spec.Service != nil:
		spec.URL = fmt.Sprintf("http://%s:%d%s", s.Spec.Service.Name, s.Spec.Service.Port, s.Spec.Path)
	}
	spec.Contract = mountedContract(spec.Contract)
	spec.Credential = mountedCredential(spec.Credential)
	return frontServer{s.Name, spec}
}

// passedOn names the container's environment variables for the child: their
// values stay out of the file.
func passedOn(env []corev1.EnvVar) []corev1.EnvVar {
	out := make([]corev1.EnvVar, len(env))
	for i, e := range env {
		out[i] = corev1.EnvVar{Name: e.Name, Value: "${env:" + e.Name + "}"}
	}
	return out
}

func mountedContract(c *v1alpha1.Contract) *v1alpha1.Contract {
	if c == nil {
		return nil
	}
	out := *c
	out.File, out.ConfigMap = path.Join(configDir, "contract.yaml"), nil
	return &out
}

// mountedSecret gives the file at which a Secret's key is mounted.
func mountedSecret(v v1alpha1.SecretValue) v1alpha1.SecretValue {
	return v1alpha1.SecretValue{File: path.Join(secretDir, v.Secret.Name, v.Secret.Key)}
}

func mountedCredential(c *v1alpha1.Credential) *v1alpha1.Credential {
	if c == nil {
		return nil
	}
	out := c.DeepCopy()
	if out.Bearer != nil {
		*out.Bearer = mountedSecret(*out.Bearer)
	}
	if out.ClientCredentials != nil {
		out.ClientCredentials.ClientSecret = mountedSecret(out.ClientCredentials.ClientSecret)
	}
	for i := range out.Headers {
		out.Headers[i].Value = mountedSecret(out.Headers[i].Value)
	}
	return out
}

// mountedSecrets lists the Secret keys that the front reads, each once.
func (p *plan) mountedSecrets() []v1alpha1.KeyReference {
	var out []v1alpha1.KeyReference
	take := func(v *v1alpha1.SecretValue) {
		if v != nil && v.Secret != nil && !slices.Contains(out, *v.Secret) {
			out = append(out, *v.Secret)
		}
	}
	take(p.storePassword)
	if p.decl.Server == nil {
		return out
	}
	if c := p.decl.Server.Spec.Credential; c != nil {
		take(c.Bearer)
		if c.ClientCredentials != nil {
			take(&c.ClientCredentials.ClientSecret)
		}
		for i := range c.Headers {
			take(&c.Headers[i].Value)
		}
	}
	return out
}

// configMap holds the front's file. The front reads it again when it changes,
// so that a changed check costs no restart.
func (p *plan) configMap() (Object, error) {
	config := frontConfig{
		Listen:  frontListen{Public: fmt.Sprintf(":%d", publicPort), Admin: fmt.Sprintf(":%d", adminPort)},
		Servers: p.servers, Auth: p.auth, Policy: p.policy,
		Store: p.store,
		Drain: &frontDrain{Wait: v1alpha1.Of(drainWait * 1e9), Timeout: p.times.longestCall},
	}
	if p.storePassword != nil {
		mounted := mountedSecret(*p.storePassword)
		config.StorePassword = &mounted
	}
	if p.sealsSessions() {
		config.Sessions = &frontSessions{Keys: sessionKeyDir}
		if p.sharesSessions() {
			config.Sessions.Peers = p.name + "-peers"
		}
	}
	if p.shape == watcher {
		config.Listen.Public, config.Store, config.Drain = "", "", nil
	}
	text, err := fileText(config)
	if err != nil {
		return Object{}, fmt.Errorf("write the front's file for %s: %w", p.decl.Name(), err)
	}
	o := Object{Object: &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: p.meta("-front"),
		Data:       map[string]string{"holdfast.yaml": text},
	}}
	o.because("data", "what the front runs by; it is read again when it changes, without a restart")
	return o, nil
}

// fileText writes a value as YAML, fields in the order of their types.
func fileText(v any) (string, error) {
	node, err := ordered(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := encode(&b, node); err != nil {
		return "", err
	}
	return b.String(), nil
}
