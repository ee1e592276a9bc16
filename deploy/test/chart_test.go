package test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	psaapi "k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the generated files anew")

const (
	operatorChart = "../charts/holdfast"
	crdChart      = "../charts/holdfast-crds"
)

// render gives the documents that `helm template` would print, by kind and
// name, and the stream.
func render(t *testing.T, chart string, values map[string]any) (map[string][]byte, []byte, error) {
	t.Helper()
	c, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	release := chartutil.ReleaseOptions{Name: "holdfast", Namespace: "holdfast-system", IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, nil, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return nil, nil, err
	}
	docs := map[string][]byte{}
	var stream bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for _, doc := range strings.Split(files[name], "\n---\n") {
			if doc = strings.Trim(strings.TrimPrefix(doc, "---\n"), "\n"); doc == "" {
				continue
			}
			var head struct {
				Kind     string
				Metadata struct{ Name, Namespace string }
			}
			if err := yaml.Unmarshal([]byte(doc), &head); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, doc)
			}
			key := fmt.Sprintf("%s %s/%s", head.Kind, head.Metadata.Namespace, head.Metadata.Name)
			if docs[key] != nil {
				t.Errorf("%s is rendered twice", key)
			}
			docs[key] = []byte(doc)
			fmt.Fprintf(&stream, "---\n%s\n", doc)
		}
	}
	return docs, stream.Bytes(), nil
}

func typed(kind string) any {
	return map[string]any{
		"ServiceAccount": &corev1.ServiceAccount{}, "Service": &corev1.Service{}, "Deployment": &appsv1.Deployment{},
		"Role": &rbacv1.Role{}, "RoleBinding": &rbacv1.RoleBinding{}, "ClusterRole": &rbacv1.ClusterRole{}, "ClusterRoleBinding": &rbacv1.ClusterRoleBinding{},
		"NetworkPolicy": &networkingv1.NetworkPolicy{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudget{},
		"CustomResourceDefinition": &apiextensionsv1.CustomResourceDefinition{},
	}[kind]
}

// cases are values from the plain to the odd.
func cases() map[string]map[string]any {
	return map[string]map[string]any{
		"default": {},
		"pinned":  {"image": map[string]any{"digest": "sha256:" + strings.Repeat("1", 64)}},
		"namespaces": {
			"watch": map[string]any{"namespaces": []any{"tools", "agents"}},
			"rbac":  map[string]any{"extraRules": []any{map[string]any{"apiGroups": []any{""}, "resources": []any{"nodes"}, "verbs": []any{"get"}}}},
		},
		"everything": {
			"replicas": 2, "imagePullSecrets": []any{map[string]any{"name": "registry"}}, "priorityClassName": "high",
			"nodeSelector": map[string]any{"disk": "ssd"}, "tolerations": []any{map[string]any{"key": "a", "operator": "Exists"}},
			"affinity": map[string]any{"podAntiAffinity": map[string]any{}}, "podAnnotations": map[string]any{"a": "b"}, "podLabels": map[string]any{"team": "x"},
			"serviceAccount": map[string]any{"name": "own", "annotations": map[string]any{"iam": "role"}}, "metrics": map[string]any{"namespaces": []any{}},
		},
		"bare": {"rbac": map[string]any{"create": false}, "networkPolicy": map[string]any{"enabled": false}},
	}
}

func TestOperatorChart(t *testing.T) {
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range cases() {
		t.Run(name, func(t *testing.T) {
			docs, _, err := render(t, operatorChart, values)
			if err != nil {
				t.Fatal(err)
			}
			for key, doc := range docs {
				kind, _, _ := strings.Cut(key, " ")
				object := typed(kind)
				if object == nil {
					t.Fatalf("%s: no type to check it by", key)
				}
				if err := yaml.UnmarshalStrict(doc, object); err != nil {
					t.Errorf("%s: %v\n%s", key, err, doc)
				}
				if d, ok := object.(*appsv1.Deployment); ok {
					level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
					if r := psa.AggregateCheckResults(evaluator.EvaluatePod(level, &d.Spec.Template.ObjectMeta, &d.Spec.Template.Spec)); !r.Allowed {
						t.Errorf("%s is not restricted: %s", key, r.ForbiddenDetail())
					}
					for k, v := range d.Spec.Selector.MatchLabels {
						if d.Spec.Template.Labels[k] != v {
							t.Errorf("%s does not select its own pods: %s", key, k)
						}
					}
				}
			}
			scoped := values["watch"] != nil
			if _, wide := docs["ClusterRole /holdfast"]; wide == (scoped || name == "bare") {
				t.Errorf("cluster-wide rights: %v, with a list of namespaces: %v", wide, scoped)
			}
		})
	}
}

func TestUnknownValueIsRefused(t *testing.T) {
	for _, values := range []map[string]any{{"replica": 2}, {"image": map[string]any{"digest": "latest"}}, {"replicas": 0}} {
		if _, _, err := render(t, operatorChart, values); err == nil {
			t.Errorf("%v is accepted", values)
		}
	}
}

func TestHelmLint(t *testing.T) {
	for _, chart := range []string{operatorChart, crdChart} {
		for name, values := range cases() {
			if chart == crdChart {
				values = map[string]any{}
			}
			result := lint.AllWithKubeVersion(chart, values, "holdfast-system", &chartutil.KubeVersion{Version: "v1.37.0", Major: "1", Minor: "37"})
			for _, m := range result.Messages {
				if m.Severity > support.InfoSev {
					t.Errorf("%s (%s): %s", chart, name, m.Error())
				}
			}
		}
	}
}

// The chart's copies of the CRDs are the CRDs, and removing the chart keeps
// them unless told otherwise.
func TestCRDChart(t *testing.T) {
	sources, err := filepath.Glob("../crds/holdfast.dev_*.yaml")
	if err != nil || len(sources) != 2 {
		t.Fatalf("CRDs: %v, %v", sources, err)
	}
	for _, source := range sources {
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		same(t, filepath.Join(crdChart, "files", filepath.Base(source)), data)
	}
	for _, keep := range []bool{true, false} {
		docs, _, err := render(t, crdChart, map[string]any{"keep": keep})
		if err != nil {
			t.Fatal(err)
		}
		if len(docs) != len(sources) {
			t.Errorf("%d CRDs rendered, want %d", len(docs), len(sources))
		}
		for key, doc := range docs {
			var crd apiextensionsv1.CustomResourceDefinition
			if err := yaml.UnmarshalStrict(doc, &crd); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			if (crd.Annotations["helm.sh/resource-policy"] == "keep") != keep {
				t.Errorf("%s: annotations %v with keep %v", key, crd.Annotations, keep)
			}
		}
	}
}

// The kustomize base is the chart with its default values.
func TestKustomizeBase(t *testing.T) {
	_, stream, err := render(t, operatorChart, map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	head := "# The chart holdfast with its default values; written by go test ./... -update in deploy/test.\n"
	same(t, "../kustomize/base/operator.yaml", append([]byte(head), withoutHelm(stream)...))
}

// withoutHelm takes the labels away that are only true of a release of Helm.
func withoutHelm(stream []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(stream) {
		if bytes.Contains(line, []byte("helm.sh/chart:")) {
			continue
		}
		out.Write(bytes.Replace(line, []byte("managed-by: Helm"), []byte("managed-by: kustomize"), 1))
	}
	return out.Bytes()
}

// same compares a generated file, or writes it.
func same(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run go test ./... -update in deploy/test", file)
	}
}
