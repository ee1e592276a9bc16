package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

const templatePath = "spec.template.spec."

func (p *plan) labelSelector() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: p.selector()}
}

// deployment runs the pods.
func (p *plan) deployment() (Object, error) {
	pod, err := p.build()
	if err != nil {
		return Object{}, err
	}
	minReady, minReadyWhy := p.times.minReady()
	deadline, deadlineWhy := p.times.progressDeadline()
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: p.meta(""),
		Spec: appsv1.DeploymentSpec{
			Selector: p.labelSelector(),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: p.labels(), Annotations: p.podAnnotations()},
				Spec:       pod.spec,
			},
			Strategy:                strategy(),
			MinReadySeconds:         minReady,
			RevisionHistoryLimit:    new(int32(5)),
			ProgressDeadlineSeconds: &deadline,
		},
	}
	o := Object{Object: d}
	p.declare(d, &o)
	if p.scaling.Autoscaled() {
		o.because("spec", "no replicas: the HorizontalPodAutoscaler owns the number, and an apply must not reset it")
	} else {
		d.Spec.Replicas = new(p.scaling.Min)
		o.because("spec.replicas", "scaling.min")
	}
	o.because("spec.minReadySeconds", "%s", minReadyWhy)
	o.because("spec.progressDeadlineSeconds", "%s", deadlineWhy)
	o.because("spec.strategy.rollingUpdate.maxUnavailable", "no pod goes before its successor is ready")
	o.because("spec.strategy.rollingUpdate.maxSurge", "rounded up: at least one more")
	o.because(`spec.template.metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"]`, "emptyDir volumes hold nothing that must survive")
	for _, r := range pod.why {
		o.because(templatePath+r.Path, "%s", r.Because)
	}
	p.secretTriggers(d, &o)
	return o, p.patch(d, &o)
}

// declare repeats on the Deployment what was declared, where `holdfast lint`
// and policies look for it.
func (p *plan) declare(d *appsv1.Deployment, o *Object) {
	const mcp, longest, heartbeat, stateless, auth = "holdfast.dev/mcp", "holdfast.dev/longest-call", "holdfast.dev/heartbeat", "holdfast.dev/stateless", "holdfast.dev/auth"
	if p.shape == watcher {
		d.Annotations = map[string]string{mcp: "false"}
		o.because(`metadata.annotations["`+mcp+`"]`, "it watches servers and is none")
		return
	}
	d.Annotations = map[string]string{mcp: "true", longest: plain(p.times.longestCall), heartbeat: plain(p.times.heartbeat)}
	if p.stateless {
		d.Annotations[stateless] = "true"
	}
	if p.auth == nil {
		d.Annotations[auth] = "none"
		o.because(`metadata.annotations["`+auth+`"]`, "auth is not declared: whoever gets through the NetworkPolicy may call")
	}
	o.because(`metadata.annotations["`+longest+`"]`, "the declared numbers, where lint and policies find them")
}

// plain writes a duration with one unit, as policies can read it.
func plain(d v1alpha1.Duration) string {
	if text := d.String(); oneUnit.MatchString(text) {
		return text
	}
	return fmt.Sprintf("%ds", d.Seconds())
}

var oneUnit = regexp.MustCompile(`^[0-9]+[smh]$`)

func strategy() appsv1.DeploymentStrategy {
	return appsv1.DeploymentStrategy{
		Type: appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDeployment{
			MaxUnavailable: new(intstr.FromInt32(0)),
			MaxSurge:       new(intstr.FromString("25%")),
		},
	}
}

func (p *plan) podAnnotations() map[string]string {
	main := frontContainer
	if p.shape == sidecar || p.shape == wrapper {
		main = serverContainer
	}
	return map[string]string{
		"kubectl.kubernetes.io/default-container":        main,
		"cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
	}
}

// secretTriggers replaces pods when a Secret changes that they read only at
// their start: by the hash where the caller knows it, by the annotation that
// the Reloader controller understands where not.
func (p *plan) secretTriggers(d *appsv1.Deployment, o *Object) {
	var unknown []string
	for _, name := range p.envSecrets() {
		if hash := p.opts.SecretHashes[name]; hash != "" {
			key := "secret-hash.holdfast.dev/" + name
			d.Spec.Template.Annotations[key] = hash
			o.because(`spec.template.metadata.annotations["`+key+`"]`, "the server reads this Secret at its start only: another content makes new pods")
			continue
		}
		unknown = append(unknown, name)
	}
	if len(unknown) == 0 {
		return
	}
	const key = "secret.reloader.stakater.com/reload"
	d.Annotations = merged(d.Annotations, map[string]string{key: strings.Join(unknown, ",")})
	o.because(`metadata.annotations["`+key+`"]`, "the server reads these Secrets at its start only; Reloader, or the Holdfast operator, makes new pods when they change")
	p.set.note("%s reads Secret %s through its environment: a rotation reaches it only by a restart, which Reloader or the operator triggers; credential needs none", p.decl.Name(), strings.Join(unknown, ", "))
}

// envSecrets names the Secrets that the server's environment comes from.
func (p *plan) envSecrets() []string {
	var out []string
	if p.decl.Server == nil {
		return nil
	}
	for _, e := range p.decl.Server.Spec.Env {
		if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
			continue
		}
		if name := e.ValueFrom.SecretKeyRef.Name; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// patch merges the declaration's podTemplate over the pod template.
func (p *plan) patch(d *appsv1.Deployment, o *Object) error {
	if p.podTemplate == nil || len(p.podTemplate.Raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(p.podTemplate.Raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&corev1.PodTemplateSpec{}); err != nil {
		return p.decl.errorf("spec.podTemplate", "not a pod template: %v", strings.TrimPrefix(err.Error(), "json: "))
	}
	before, err := ordered(d)
	if err != nil {
		return fmt.Errorf("encode the Deployment of %s: %w", p.decl.Name(), err)
	}
	original, err := json.Marshal(d.Spec.Template)
	if err != nil {
		return fmt.Errorf("encode the pod template of %s: %w", p.decl.Name(), err)
	}
	patched, err := strategicpatch.StrategicMergePatch(original, p.podTemplate.Raw, corev1.PodTemplateSpec{})
	if err != nil {
		return p.decl.errorf("spec.podTemplate", "cannot be merged: %v", err)
	}
	d.Spec.Template = corev1.PodTemplateSpec{}
	if err := json.Unmarshal(patched, &d.Spec.Template); err != nil {
		return p.decl.errorf("spec.podTemplate", "does not give a pod template: %v", err)
	}
	if err := p.intact(d); err != nil {
		return err
	}
	after, err := ordered(d)
	if err != nil {
		return fmt.Errorf("encode the Deployment of %s: %w", p.decl.Name(), err)
	}
	o.Reasons = overridden(o.Reasons, before, after)
	return nil
}

// intact refuses a patch that cuts the pods off from the objects around them.
func (p *plan) intact(d *appsv1.Deployment) error {
	for k, v := range p.selector() {
		if d.Spec.Template.Labels[k] != v {
			return p.decl.errorf("spec.podTemplate", "changes the label %s, by which Service, NetworkPolicy and PodDisruptionBudget find the pods", k)
		}
	}
	grace, because := p.times.grace()
	if got := d.Spec.Template.Spec.TerminationGracePeriodSeconds; got != nil && *got < grace {
		return p.decl.errorf("spec.podTemplate", "terminationGracePeriodSeconds %d is below the %d that the drain needs (%s): lower longestCall instead", *got, grace, because)
	}
	return nil
}
