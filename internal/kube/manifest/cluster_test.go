package manifest_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	psaapi "k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
)

// typed gives an empty object of a kind, of the API's own types.
func typed(kind string) any {
	return map[string]any{
		"ServiceAccount":          &corev1.ServiceAccount{},
		"Role":                    &rbacv1.Role{},
		"RoleBinding":             &rbacv1.RoleBinding{},
		"ConfigMap":               &corev1.ConfigMap{},
		"NetworkPolicy":           &networkingv1.NetworkPolicy{},
		"Service":                 &corev1.Service{},
		"PodDisruptionBudget":     &policyv1.PodDisruptionBudget{},
		"Deployment":              &appsv1.Deployment{},
		"HorizontalPodAutoscaler": &autoscalingv2.HorizontalPodAutoscaler{},
		"HTTPRoute":               &gatewayv1.HTTPRoute{},
		"Ingress":                 &networkingv1.Ingress{},
		"ServiceMonitor":          &monitoringv1.ServiceMonitor{},
		"PrometheusRule":          &monitoringv1.PrometheusRule{},
		"CronJob":                 &batchv1.CronJob{},
		// Google's type is in no module of its own; its fields are checked by
		// the golden file alone.
		"BackendConfig": &unstructured.Unstructured{},
	}[kind]
}

// everyCase builds every golden input.
func everyCase(t *testing.T, f func(t *testing.T, set *manifest.Set)) {
	for _, in := range inputs(t, "testdata/*.in.yaml") {
		t.Run(filepath.Base(in), func(t *testing.T) {
			set, err := build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			f(t, set)
		})
	}
}

// What is written is exactly what was built, and a field that the API does not
// have does not pass.
func TestOutputIsStrictlyTyped(t *testing.T) {
	everyCase(t, func(t *testing.T, set *manifest.Set) {
		for _, o := range set.Objects {
			var text bytes.Buffer
			if err := manifest.WriteYAML(&text, []manifest.Object{o}); err != nil {
				t.Fatal(err)
			}
			want := typed(o.Kind())
			if want == nil {
				t.Fatalf("%s: no type to check it by", o.Kind())
			}
			if err := yaml.UnmarshalStrict(text.Bytes(), want); err != nil {
				t.Errorf("%s %s: %v\n%s", o.Kind(), o.Name(), err, &text)
				continue
			}
			if d := cmp.Diff(plain(t, o.Object), plain(t, want)); d != "" {
				t.Errorf("%s %s changes on its way through YAML (-built +read):\n%s", o.Kind(), o.Name(), d)
			}
		}
	})
}

// plain gives an object's JSON as maps, without what only the types add.
func plain(t *testing.T, v any) map[string]any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	delete(out, "status")
	if spec, ok := out["spec"].(map[string]any); ok {
		if empty, ok := spec["namespaceSelector"].(map[string]any); ok && len(empty) == 0 {
			delete(spec, "namespaceSelector") // the monitoring types write it even when it is not set
		}
	}
	return out
}

// podsOf gives the pods that an object makes.
func podsOf(o manifest.Object) *corev1.PodTemplateSpec {
	switch w := o.Object.(type) {
	case *appsv1.Deployment:
		return &w.Spec.Template
	case *batchv1.CronJob:
		return &w.Spec.JobTemplate.Spec.Template
	}
	return nil
}

// Every pod passes Pod Security level restricted, judged by the admission
// plugin's own code.
func TestRestrictedPodSecurity(t *testing.T) {
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
	judge := func(pod *corev1.PodTemplateSpec) psa.AggregateCheckResult {
		return psa.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
	}
	judged := 0
	everyCase(t, func(t *testing.T, set *manifest.Set) {
		for _, o := range set.Objects {
			pod := podsOf(o)
			if pod == nil {
				continue
			}
			judged++
			if r := judge(pod); !r.Allowed {
				t.Errorf("%s %s: %s", o.Kind(), o.Name(), r.ForbiddenDetail())
			}
			weak := pod.DeepCopy()
			weak.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true)
			if judge(weak).Allowed {
				t.Error("the evaluator lets privilege escalation pass: it proves nothing")
			}
		}
	})
	if judged == 0 {
		t.Error("no pod was judged")
	}
}

// What refers to something in the output finds it there, and nothing else.
func TestObjectsFitTogether(t *testing.T) {
	everyCase(t, func(t *testing.T, set *manifest.Set) {
		names := map[string]bool{}
		for _, o := range set.Objects {
			names[o.Kind()+"/"+o.Name()] = true
		}
		for _, o := range set.Objects {
			switch w := o.Object.(type) {
			case *corev1.Service:
				fits(t, set, w)
			case *policyv1.PodDisruptionBudget:
				selects(t, set, o.Kind(), w.Spec.Selector.MatchLabels)
			case *networkingv1.NetworkPolicy:
				selects(t, set, o.Kind(), w.Spec.PodSelector.MatchLabels)
			case *autoscalingv2.HorizontalPodAutoscaler:
				if !names["Deployment/"+w.Spec.ScaleTargetRef.Name] {
					t.Errorf("the autoscaler targets %s, which is not there", w.Spec.ScaleTargetRef.Name)
				}
			case *rbacv1.RoleBinding:
				if !names["Role/"+w.RoleRef.Name] || !names["ServiceAccount/"+w.Subjects[0].Name] {
					t.Errorf("the binding joins %s and %s, which are not both there", w.RoleRef.Name, w.Subjects[0].Name)
				}
			}
			if pod := podsOf(o); pod != nil {
				if !names["ServiceAccount/"+pod.Spec.ServiceAccountName] {
					t.Errorf("%s runs as %s, which is not there", o.Name(), pod.Spec.ServiceAccountName)
				}
				mounted(t, o.Name(), &pod.Spec)
			}
		}
	})
}

// selects wants exactly one workload behind a selector.
func selects(t *testing.T, set *manifest.Set, kind string, selector map[string]string) *corev1.PodTemplateSpec {
	t.Helper()
	var found []*corev1.PodTemplateSpec
	for _, o := range set.Objects {
		pod := podsOf(o)
		if pod != nil && covers(pod.Labels, selector) {
			found = append(found, pod)
		}
	}
	if len(found) != 1 {
		t.Errorf("%s selects %d workloads by %v, want 1", kind, len(found), selector)
		return &corev1.PodTemplateSpec{}
	}
	return found[0]
}

func covers(labels, selector map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// fits wants the Service's pods to have the ports that it names.
func fits(t *testing.T, set *manifest.Set, s *corev1.Service) {
	t.Helper()
	pod := selects(t, set, "Service "+s.Name, s.Spec.Selector)
	ports := map[string]bool{}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, p := range c.Ports {
			ports[p.Name] = true
		}
	}
	for _, p := range s.Spec.Ports {
		if p.TargetPort.Type != intstr.String || !ports[p.TargetPort.StrVal] {
			t.Errorf("Service %s: target port %s is not one of %v", s.Name, p.TargetPort.String(), slices.Sorted(maps.Keys(ports)))
		}
	}
}

// mounted wants every mount to have its volume and every volume its mount.
func mounted(t *testing.T, name string, pod *corev1.PodSpec) {
	t.Helper()
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = false
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		paths := map[string]bool{}
		for _, m := range c.VolumeMounts {
			if _, ok := volumes[m.Name]; !ok || paths[m.MountPath] {
				t.Errorf("%s: %s mounts %s at %s, which is no volume or is there twice", name, c.Name, m.Name, m.MountPath)
			}
			volumes[m.Name], paths[m.MountPath] = true, true
		}
	}
	for v, used := range volumes {
		if !used {
			t.Errorf("%s: nothing mounts volume %s", name, v)
		}
	}
}

// The file in the ConfigMap reads back, and no secret's value is in any output.
func TestFrontFile(t *testing.T) {
	everyCase(t, func(t *testing.T, set *manifest.Set) {
		for _, o := range set.Objects {
			cm, ok := o.Object.(*corev1.ConfigMap)
			if !ok {
				continue
			}
			var file struct {
				Servers []struct {
					Name, URL string
					Command   []string
				}
			}
			if err := yaml.Unmarshal([]byte(cm.Data["holdfast.yaml"]), &file); err != nil {
				t.Fatal(err)
			}
			for _, s := range file.Servers {
				if s.Name == "" || (s.URL == "") == (len(s.Command) == 0) {
					t.Errorf("server %+v: want a name and either url or command", s)
				}
			}
		}
	})
}

// Every reason points at a value that is there, and the explanation says it.
func TestExplain(t *testing.T) {
	everyCase(t, func(t *testing.T, set *manifest.Set) {
		list, err := manifest.Explain(set.Objects)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Because == "" || strings.Contains(e.Because, "%!") {
				t.Errorf("%s %s: because %q", e.Object, e.Path, e.Because)
			}
		}
	})
	set, err := build(t, "testdata/image.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list, err := manifest.Explain(set.Objects)
	if err != nil {
		t.Fatal(err)
	}
	want := manifest.Explanation{
		Object: "Deployment weather", Path: "spec.template.spec.terminationGracePeriodSeconds",
		Value: "325", Because: "drain wait 10s + longestCall 5m + 15s to exit",
	}
	if !slices.Contains(list, want) {
		t.Errorf("no %+v in the explanation", want)
	}
}
