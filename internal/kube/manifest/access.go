package manifest

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serviceAccount is the identity of the pods: their own, so that a right given
// to it is given to nobody else.
func (p *plan) serviceAccount() Object {
	o := Object{Object: &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   p.meta(""),
		AutomountServiceAccountToken: new(false),
	}}
	o.because("automountServiceAccountToken", "a pod that needs the token asks for it itself")
	return o
}

// role holds what access asks for, and its binding.
func (p *plan) role() []Object {
	if len(p.access) == 0 {
		return nil
	}
	role := &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: p.meta(""),
	}
	for _, a := range p.access {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{
			APIGroups: []string{a.APIGroup}, Resources: []string{a.Resource},
			ResourceNames: slices.Clone(a.Names), Verbs: slices.Clone(a.Verbs),
		})
	}
	o := Object{Object: role}
	o.because("rules", "access: named objects only, so that no other of the kind can be read")
	binding := Object{Object: &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: p.meta(""),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: p.name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: p.name, Namespace: p.namespace}},
	}}
	if p.namespace == "" {
		p.set.note("%s names no namespace, which its RoleBinding needs: set metadata.namespace, or let kustomize fill it in", p.decl.Name())
	}
	return []Object{o, binding}
}
