package manifest

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Explanation is one value of one object with the reason for it.
type Explanation struct {
	// Object as kind and name, such as "Deployment weather".
	Object string `json:"object"`
	// Path of the value in it; see [Reason].
	Path string `json:"path"`
	// Value as text; empty for what has more than one line.
	Value   string `json:"value,omitempty"`
	Because string `json:"because"`
}

// Explain lists why the values are what they are, object by object.
func Explain(objects []Object) ([]Explanation, error) {
	var out []Explanation
	for _, o := range objects {
		node, err := ordered(o.Object)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", o.Kind(), o.Name(), err)
		}
		for _, r := range o.Reasons {
			_, value, err := find(node, r.Path)
			if err != nil {
				return nil, fmt.Errorf("explain %s %s: %w", o.Kind(), o.Name(), err)
			}
			e := Explanation{Object: o.Kind() + " " + o.Name(), Path: r.Path, Because: r.Because}
			if value.Kind == yaml.ScalarNode && !strings.Contains(value.Value, "\n") {
				e.Value = value.Value
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// overridden corrects the reasons of values that a patch has changed, and
// drops those of values that it has taken away.
func overridden(reasons []Reason, before, after *yaml.Node) []Reason {
	var out []Reason
	for _, r := range reasons {
		_, was, err := find(before, r.Path)
		_, is, gone := find(after, r.Path)
		switch {
		case err != nil || gone != nil:
			continue
		case !same(was, is) && was.Kind == yaml.ScalarNode:
			r.Because = fmt.Sprintf("podTemplate says so; without it %s: %s", was.Value, r.Because)
		case !same(was, is):
			r.Because += " (podTemplate changes it)"
		}
		out = append(out, r)
	}
	return out
}

func same(a, b *yaml.Node) bool {
	var left, right strings.Builder
	if encode(&left, a) != nil || encode(&right, b) != nil {
		return false
	}
	return left.String() == right.String()
}
