package strict

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Schema is the part of OpenAPI v3 that structural schemas use.
type Schema struct {
	Type          string             `yaml:"type"`
	Description   string             `yaml:"description"`
	Properties    map[string]*Schema `yaml:"properties"`
	Additional    *Additional        `yaml:"additionalProperties"`
	Required      []string           `yaml:"required"`
	Items         *Schema            `yaml:"items"`
	Enum          []string           `yaml:"enum"`
	Pattern       string             `yaml:"pattern"`
	Minimum       *float64           `yaml:"minimum"`
	Maximum       *float64           `yaml:"maximum"`
	MinLength     *int               `yaml:"minLength"`
	MaxLength     *int               `yaml:"maxLength"`
	MinItems      *int               `yaml:"minItems"`
	MaxItems      *int               `yaml:"maxItems"`
	MaxProperties *int               `yaml:"maxProperties"`
	Default       any                `yaml:"default"`
	Preserve      bool               `yaml:"x-kubernetes-preserve-unknown-fields"`
	IntOrString   bool               `yaml:"x-kubernetes-int-or-string"`
	ListType      string             `yaml:"x-kubernetes-list-type"`
	ListMapKeys   []string           `yaml:"x-kubernetes-list-map-keys"`
}

// Additional is the schema of a map's values.
type Additional struct{ Schema *Schema }

// UnmarshalYAML also takes the short form "additionalProperties: true".
func (a *Additional) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		a.Schema = &Schema{Preserve: n.Value == "true"}
		return nil
	}
	return n.Decode(&a.Schema)
}

// FromCRD reads the schema of one version out of a CustomResourceDefinition.
func FromCRD(data []byte, version string) (kind string, schema *Schema, err error) {
	var crd struct {
		Spec struct {
			Names struct {
				Kind string `yaml:"kind"`
			} `yaml:"names"`
			Versions []struct {
				Name   string `yaml:"name"`
				Schema struct {
					Root *Schema `yaml:"openAPIV3Schema"`
				} `yaml:"schema"`
			} `yaml:"versions"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return "", nil, fmt.Errorf("read CustomResourceDefinition: %w", err)
	}
	for _, v := range crd.Spec.Versions {
		if v.Name == version && v.Schema.Root != nil {
			return crd.Spec.Names.Kind, v.Schema.Root, nil
		}
	}
	return "", nil, fmt.Errorf("read CustomResourceDefinition %s: no schema of version %s", crd.Spec.Names.Kind, version)
}
