package config

import (
	"encoding/json"
	"fmt"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// jsonSchema is a schema as editors read it (JSON Schema, draft 2020-12).
type jsonSchema struct {
	Dialect     string                 `json:"$schema,omitempty"`
	Title       string                 `json:"title,omitempty"`
	Description string                 `json:"description,omitempty"`
	Type        any                    `json:"type,omitempty"`
	Properties  map[string]*jsonSchema `json:"properties,omitempty"`
	Additional  any                    `json:"additionalProperties,omitempty"`
	Required    []string               `json:"required,omitempty"`
	Items       *jsonSchema            `json:"items,omitempty"`
	Enum        []string               `json:"enum,omitempty"`
	Pattern     string                 `json:"pattern,omitempty"`
	Minimum     *float64               `json:"minimum,omitempty"`
	Maximum     *float64               `json:"maximum,omitempty"`
	MinLength   *int                   `json:"minLength,omitempty"`
	MaxLength   *int                   `json:"maxLength,omitempty"`
	MinItems    *int                   `json:"minItems,omitempty"`
	MaxItems    *int                   `json:"maxItems,omitempty"`
	Default     any                    `json:"default,omitempty"`
	// Deprecated makes editors strike out what this version refuses.
	Deprecated bool `json:"deprecated,omitempty"`
}

// JSONSchema gives the schema of the file for editors. Fields that this version
// refuses whatever is in them are marked as deprecated.
func JSONSchema() ([]byte, error) {
	s, err := fileSchema()
	if err != nil {
		return nil, err
	}
	refused := map[string]bool{}
	for _, g := range unsupported() {
		refused[g.path] = g.when == nil
	}
	out := forEditors(s, "", refused)
	out.Dialect, out.Title = "https://json-schema.org/draft/2020-12/schema", "Configuration of holdfast serve"
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode JSON Schema: %w", err)
	}
	return append(data, '\n'), nil
}

func forEditors(s *strict.Schema, path string, refused map[string]bool) *jsonSchema {
	out := &jsonSchema{
		Description: s.Description, Required: s.Required, Enum: s.Enum, Pattern: s.Pattern,
		Minimum: s.Minimum, Maximum: s.Maximum, MinLength: s.MinLength, MaxLength: s.MaxLength,
		MinItems: s.MinItems, MaxItems: s.MaxItems, Default: s.Default, Deprecated: refused[path],
	}
	switch {
	case s.IntOrString:
		out.Type = []string{"integer", "string"}
	case s.Type != "":
		out.Type = s.Type
	}
	if len(s.Properties) > 0 {
		out.Properties = map[string]*jsonSchema{}
		for name, p := range s.Properties {
			out.Properties[name] = forEditors(p, joinPath(path, name), refused)
		}
	}
	switch {
	case s.Additional != nil && s.Additional.Schema != nil:
		out.Additional = forEditors(s.Additional.Schema, path+".*", refused)
	case s.Type == "object" && !s.Preserve:
		out.Additional = false
	}
	if s.Items != nil {
		out.Items = forEditors(s.Items, path+"[]", refused)
	}
	return out
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
