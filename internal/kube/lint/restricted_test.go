package lint

import (
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	sigsyaml "sigs.k8s.io/yaml"

	"go.yaml.in/yaml/v3"
)

// TestRestrictedAgrees holds our own checks against Kubernetes' evaluator, on
// every pod of the test data and on pods that each break one thing.
func TestRestrictedAgrees(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 34)}
	names, _ := filepath.Glob("testdata/HF*/*.yaml")
	single, _ := filepath.Glob("testdata/restricted/*.yaml")
	names = append(append(names, single...), "testdata/hardened/k8s.yaml", "testdata/guide/k8s/deployment.yaml")
	allowed, refused := 0, 0
	for _, name := range names {
		in, err := load(t.Context(), []Input{Path(name)})
		if err != nil {
			t.Fatal(err)
		}
		x := newIndex(in.files, true)
		for _, w := range x.servers {
			text, err := yaml.Marshal(w.Pod.node)
			if err != nil {
				t.Fatal(err)
			}
			var spec corev1.PodSpec
			if err := sigsyaml.Unmarshal(text, &spec); err != nil {
				continue // a case of wrong types
			}
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &metav1.ObjectMeta{}, &spec))
			var ours []Result
			notRestricted(&Pass{Index: &Index{servers: []*Workload{w}}, out: &ours})
			if (len(ours) == 0) != result.Allowed {
				t.Errorf("%s %s: we say %v, Kubernetes says %s", name, w.Object, ours, result.ForbiddenDetail())
			}
			if result.Allowed {
				allowed++
			} else {
				refused++
			}
		}
	}
	if allowed < 4 || refused < 100 {
		t.Errorf("%d pods allowed, %d refused: too few to prove anything", allowed, refused)
	}
}
