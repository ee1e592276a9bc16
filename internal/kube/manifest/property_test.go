package manifest_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
)

const frontImage = "ghcr.io/holdfast-mcp/holdfast:v1@sha256:1111111111111111111111111111111111111111111111111111111111111111"

// declared are the numbers that a declaration may hold.
type declared struct {
	longest, heartbeat, startup, every, budget, min, max int
	stateless, stdio                                     bool
	controller                                           string
	arg                                                  string
}

func draw(t *rapid.T) declared {
	d := declared{
		longest:    rapid.IntRange(1, 86400).Draw(t, "longestCall"),
		heartbeat:  rapid.IntRange(1, 25).Draw(t, "heartbeat"),
		startup:    rapid.IntRange(1, 3600).Draw(t, "startup"),
		every:      rapid.IntRange(10, 3600).Draw(t, "every"),
		min:        rapid.IntRange(1, 50).Draw(t, "min"),
		stateless:  rapid.Bool().Draw(t, "stateless"),
		stdio:      rapid.Bool().Draw(t, "stdio"),
		controller: rapid.SampledFrom([]string{"ingress-nginx", "f5-nginx", "traefik", "haproxy", "contour", "kong", "alb", "gce", "istio", "cilium", "other"}).Draw(t, "controller"),
		arg:        rapid.StringN(1, 40, 160).Draw(t, "arg"),
	}
	d.budget = rapid.IntRange(1, d.every-1).Draw(t, "budget")
	d.max = rapid.IntRange(d.min, 60).Draw(t, "max")
	return d
}

// text writes the declaration as a person would.
func (d declared) text() string {
	transport := "streamable-http"
	if d.stdio {
		transport = "stdio"
	}
	return fmt.Sprintf(`{apiVersion: holdfast.dev/v1alpha1, kind: MCPServer, metadata: {name: weather, namespace: tools}, spec: {
image: "a.example/weather@sha256:%064d", command: [weather, %q], transport: %s, stateless: %v,
longestCall: %ds, heartbeat: %ds, startup: %ds, probe: {every: %ds, budget: %ds}, scaling: {min: %d, max: %d},
expose: {host: weather.example.com, ingress: {className: web, controller: %s}}}}`,
		1, "x"+strings.Map(printable, d.arg), transport, d.stateless, d.longest, d.heartbeat, d.startup, d.every, d.budget, d.min, d.max, d.controller)
}

// printable keeps what Go's and YAML's quoting agree on.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// Whatever is declared, the numbers fit together.
func TestInvariants(t *testing.T) {
	parser, err := manifest.NewParser()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		decls, err := parser.Parse("drawn.yaml", strings.NewReader(d.text()))
		if err != nil {
			t.Fatalf("%v\n%s", err, d.text())
		}
		set, err := manifest.Build(decls, manifest.Options{FrontImage: frontImage})
		if err != nil {
			t.Fatal(err)
		}
		scaled := d.max > d.min
		for _, o := range set.Objects {
			switch w := o.Object.(type) {
			case *appsv1.Deployment:
				if (w.Spec.Replicas == nil) != scaled {
					t.Errorf("replicas %v, with an autoscaler: %v", w.Spec.Replicas, scaled)
				}
				checkPod(t, d, &w.Spec.Template.Spec)
				survives(t, o, w)
			case *policyv1.PodDisruptionBudget:
				if w.Spec.MinAvailable != nil || w.Spec.MaxUnavailable.IntValue() < 1 {
					t.Errorf("a budget that can block a drain: %+v", w.Spec)
				}
			case *autoscalingv2.HorizontalPodAutoscaler:
				checkAutoscaler(t, d, w)
			case *networkingv1.Ingress:
				checkIdle(t, d, w)
			}
		}
	})
}

func checkPod(t *rapid.T, d declared, pod *corev1.PodSpec) {
	containers := append(append([]corev1.Container{}, pod.InitContainers...), pod.Containers...)
	var wait int64
	for _, c := range containers {
		for name, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe, "readiness": c.ReadinessProbe} {
			if p != nil && p.TimeoutSeconds >= p.PeriodSeconds {
				t.Errorf("%s: %s probe may take %ds of %ds", c.Name, name, p.TimeoutSeconds, p.PeriodSeconds)
			}
		}
		if c.Lifecycle != nil && c.Lifecycle.PreStop.Sleep != nil {
			wait = max(wait, c.Lifecycle.PreStop.Sleep.Seconds)
		}
	}
	if wait == 0 || *pod.TerminationGracePeriodSeconds <= wait+int64(d.longest) {
		t.Errorf("grace %ds is not above preStop %ds + longestCall %ds", *pod.TerminationGracePeriodSeconds, wait, d.longest)
	}
	server := pod.Containers[0]
	if p := server.StartupProbe; int(p.PeriodSeconds*p.FailureThreshold) < d.startup {
		t.Errorf("startup probe gives up after %ds, startup is %ds", p.PeriodSeconds*p.FailureThreshold, d.startup)
	}
	if p := server.LivenessProbe; !d.stdio && int(p.PeriodSeconds*p.FailureThreshold) <= d.longest {
		t.Errorf("liveness kills after %ds, longestCall is %ds", p.PeriodSeconds*p.FailureThreshold, d.longest)
	}
	// The smallest idle time-outs on the way that nobody can set from here
	// are 50s (HAProxy's client side); a stream must be heard twice in it.
	if 2*d.heartbeat > 50 {
		t.Errorf("heartbeat %ds is above half of the smallest idle time-out", d.heartbeat)
	}
}

// seconds finds the number in the annotations that set an idle time-out.
var seconds = regexp.MustCompile(`^(?:idle_timeout\.timeout_seconds=)?(\d+)s?$`)

// checkIdle wants every idle time-out that is set to outlast a silent call,
// up to the most that the load balancer takes.
func checkIdle(t *rapid.T, d declared, i *networkingv1.Ingress) {
	found := 0
	for key, value := range i.Annotations {
		m := seconds.FindStringSubmatch(value)
		if m == nil || !(strings.Contains(key, "timeout") || strings.Contains(key, "load-balancer-attributes")) || value == "0s" {
			continue
		}
		found++
		limit, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if limit < d.longest+d.heartbeat && (d.controller != "alb" || limit != 4000) {
			t.Errorf("%s: %s is below longestCall %ds + heartbeat %ds", key, value, d.longest, d.heartbeat)
		}
	}
	if sets := map[string]int{"ingress-nginx": 2, "f5-nginx": 2, "haproxy": 1, "alb": 1}; found != sets[d.controller] {
		t.Errorf("%s: %d idle time-outs found, want %d", d.controller, found, sets[d.controller])
	}
}

func checkAutoscaler(t *rapid.T, d declared, h *autoscalingv2.HorizontalPodAutoscaler) {
	down := h.Spec.Behavior.ScaleDown.Policies
	if len(down) != 1 || down[0].Type != autoscalingv2.PodsScalingPolicy || down[0].Value != 1 {
		t.Errorf("scales down by %+v, want one pod at a time", down)
	}
	if period := int(down[0].PeriodSeconds); period > 1800 || (period < d.longest && period != 1800) {
		t.Errorf("takes a pod every %ds, longestCall is %ds, the API's limit 1800s", period, d.longest)
	}
	if int(*h.Spec.MinReplicas) != d.min || int(h.Spec.MaxReplicas) != d.max {
		t.Errorf("between %d and %d, declared %d and %d", *h.Spec.MinReplicas, h.Spec.MaxReplicas, d.min, d.max)
	}
}

// survives checks that any argument reads back from the YAML as it was.
func survives(t *rapid.T, o manifest.Object, want *appsv1.Deployment) {
	var text bytes.Buffer
	if err := manifest.WriteYAML(&text, []manifest.Object{o}); err != nil {
		t.Fatal(err)
	}
	var got appsv1.Deployment
	if err := yaml.UnmarshalStrict(text.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, &text)
	}
	w, g := want.Spec.Template.Spec.Containers[0].Command, got.Spec.Template.Spec.Containers[0].Command
	if strings.Join(w, "\x00") != strings.Join(g, "\x00") {
		t.Errorf("command %q reads back as %q", w, g)
	}
}

// Words that old YAML reads as something else come back as they were written.
func TestWordsStayWords(t *testing.T) {
	for _, word := range []string{"on", "Off", "y", "N", "yes", "null", "~", "true", "12:30", "0x1f", "1_000", "1e3", ".5", "2026-11-22", "- a", "a: b", "#c", " lead", "trail ", "tab\tin", "multi\nline", "multi\nline\n", "é", "\u2028"} {
		in := fmt.Sprintf(`{"apiVersion": "holdfast.dev/v1alpha1", "kind": "MCPServer", "metadata": {"name": "weather"},
"spec": {"image": "a.example/weather@sha256:%064d", "args": [%q]}}`, 1, word)
		decls, err := manifest.Parse("words.yaml", strings.NewReader(in))
		if err != nil {
			t.Errorf("%q: %v", word, err)
			continue
		}
		set, err := manifest.Build(decls, manifest.Options{FrontImage: frontImage})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := manifest.WriteYAML(&text, set.Objects); err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(text.String(), "kind: Deployment\n")
		body, _, _ := strings.Cut("apiVersion: apps/v1\nkind: Deployment\n"+after, "\n---\n")
		var d appsv1.Deployment
		if err := yaml.UnmarshalStrict([]byte(body), &d); err != nil {
			t.Errorf("%q: %v", word, err)
		} else if got := d.Spec.Template.Spec.Containers[0].Args; len(got) != 1 || got[0] != word {
			t.Errorf("%q reads back as %q", word, got)
		}
	}
}
