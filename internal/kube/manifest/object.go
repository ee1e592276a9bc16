package manifest

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Reason says why a value is what it is.
type Reason struct {
	// Path of the value, such as
	// spec.template.spec.containers[server].livenessProbe.periodSeconds. An
	// item of a list is named by its name, type, kind or number.
	Path    string
	Because string
}

// Object is one Kubernetes object with the reasons for its values.
type Object struct {
	runtime.Object
	Reasons []Reason
}

// Kind gives the kind, such as Deployment.
func (o Object) Kind() string { return o.GetObjectKind().GroupVersionKind().Kind }

// Name gives metadata.name.
func (o Object) Name() string {
	if m, ok := o.Object.(metav1.Object); ok {
		return m.GetName()
	}
	return ""
}

// because records the reason for a value.
func (o *Object) because(path, format string, args ...any) {
	o.Reasons = append(o.Reasons, Reason{path, fmt.Sprintf(format, args...)})
}

// Set is what declarations turn into.
type Set struct {
	// Objects in the order in which they can be applied.
	Objects []Object
	// Notes are what the reader must know or do beyond applying the objects,
	// one sentence each.
	Notes []string
}

// add appends objects.
func (s *Set) add(o ...Object) { s.Objects = append(s.Objects, o...) }

// note records a sentence once.
func (s *Set) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if slices.Contains(s.Notes, text) {
		return
	}
	s.Notes = append(s.Notes, text)
}
