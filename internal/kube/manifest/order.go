package manifest

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kindOrder lists the kinds in the order in which they are applied: what a
// thing refers to comes before it, so that nothing starts half equipped.
func kindOrder() []string {
	return []string{
		"ServiceAccount", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy", "BackendConfig", "Service",
		"PodDisruptionBudget", "Deployment", "HorizontalPodAutoscaler", "HTTPRoute", "Ingress",
		"ServiceMonitor", "PrometheusRule", "CronJob",
	}
}

// order sorts by kind and keeps the order of the declarations within one.
func (s *Set) order() {
	kinds := kindOrder()
	slices.SortStableFunc(s.Objects, func(a, b Object) int {
		return slices.Index(kinds, a.Kind()) - slices.Index(kinds, b.Kind())
	})
}

// unique refuses two objects of the same kind and name.
func (s *Set) unique() error {
	seen := map[string]bool{}
	for _, o := range s.Objects {
		m, ok := o.Object.(metav1.Object)
		if !ok {
			return fmt.Errorf("build manifests: %T has no metadata", o.Object)
		}
		id := o.Kind() + " " + m.GetNamespace() + "/" + m.GetName()
		if seen[id] {
			return fmt.Errorf("build manifests: two declarations make %s: give one of them another name", id)
		}
		seen[id] = true
	}
	return nil
}
