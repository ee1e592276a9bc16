package strict

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Decode judges the document by the schema and gives its value as JSON knows
// it (maps, slices, strings, int64, float64, bool, nil), defaults included.
// The value is only of use when there is no problem.
func (d Document) Decode(s *Schema) (any, []Problem) {
	r := &reader{doc: d, nodes: MaxNodes}
	value := r.value(d.Root, s, "", 0)
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return value, r.problems
}

type reader struct {
	doc      Document
	problems []Problem
	nodes    int
}

func (r *reader) report(n *yaml.Node, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{r.doc.File, n.Line, n.Column, path, fmt.Sprintf(format, args...)})
}

// value reads one node. A nil schema, or one that preserves, takes anything.
func (r *reader) value(n *yaml.Node, s *Schema, path string, depth int) any {
	r.nodes--
	if r.nodes < 0 || depth > MaxDepth {
		if r.nodes >= -1 && depth <= MaxDepth+1 {
			r.report(n, path, "more than %d values or %d levels: an alias that grows?", MaxNodes, MaxDepth)
		}
		r.nodes = min(r.nodes, -1)
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return r.value(n.Alias, s, path, depth+1)
	}
	if s == nil {
		s = &Schema{Preserve: true}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.mapping(n, s, path, depth)
	case yaml.SequenceNode:
		return r.sequence(n, s, path, depth)
	default:
		return r.scalar(n, s, path)
	}
}

func (s *Schema) accepts(kind string) bool { return s.Type == kind || (s.Type == "" && !s.IntOrString) }

// wanted says in words what a schema takes.
func (s *Schema) wanted() string {
	switch {
	case s.IntOrString:
		return "a whole number or a string"
	case s.Type == "object":
		return "a mapping"
	case s.Type == "array":
		return "a list"
	case s.Type == "integer":
		return "a whole number"
	case s.Type == "boolean":
		return "true or false"
	}
	return "a " + s.Type
}

func (r *reader) mapping(n *yaml.Node, s *Schema, path string, depth int) any {
	if !s.accepts("object") {
		r.report(n, path, "want %s, found a mapping", s.wanted())
		return nil
	}
	out := map[string]any{}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i], n.Content[i+1]
		name, at := key.Value, join(path, key.Value)
		switch {
		case key.Tag == "!!merge":
			r.report(key, path, "merge keys (<<) are not supported: write the fields out")
			continue
		case key.Kind != yaml.ScalarNode:
			r.report(key, path, "a key must be plain text")
			continue
		case seen[name] != nil:
			r.report(key, at, "set twice, first in line %d", seen[name].Line)
			continue
		}
		seen[name] = key
		inner, known := s.property(name)
		if !known {
			r.report(key, at, "unknown field%s", suggestion(name, s.Properties))
			continue
		}
		if node.ShortTag() == "!!null" && node.Kind == yaml.ScalarNode && !s.Preserve {
			continue // the API server drops it, too; a default then applies
		}
		out[name] = r.value(node, inner, at, depth+1)
	}
	if s.MaxProperties != nil && len(out) > *s.MaxProperties {
		r.report(n, path, "has %d entries, at most %d are allowed", len(out), *s.MaxProperties)
	}
	r.complete(n, s, path, out)
	return out
}

// property gives the schema of a field and whether the field may be there.
func (s *Schema) property(name string) (*Schema, bool) {
	if p, ok := s.Properties[name]; ok {
		return p, true
	}
	if s.Additional != nil {
		return s.Additional.Schema, true
	}
	return nil, s.Preserve || (s.Type == "" && len(s.Properties) == 0)
}

// complete fills in defaults and finds what is missing.
func (r *reader) complete(n *yaml.Node, s *Schema, path string, out map[string]any) {
	for name, p := range s.Properties {
		if _, set := out[name]; !set && p.Default != nil {
			out[name] = p.defaulted()
		}
	}
	for _, name := range s.Required {
		if _, set := out[name]; !set {
			r.report(n, join(path, name), "missing")
		}
	}
}

// defaulted gives the default of a schema with the defaults of what is in it.
func (s *Schema) defaulted() any {
	switch v := s.Default.(type) {
	case int:
		return int64(v)
	case map[string]any:
		out := maps.Clone(v)
		if out == nil {
			out = map[string]any{}
		}
		for name, p := range s.Properties {
			if _, set := out[name]; !set && p.Default != nil {
				out[name] = p.defaulted()
			}
		}
		return out
	case []any:
		return slices.Clone(v)
	default:
		return v
	}
}

func (r *reader) sequence(n *yaml.Node, s *Schema, path string, depth int) any {
	if !s.accepts("array") {
		r.report(n, path, "want %s, found a list", s.wanted())
		return nil
	}
	switch {
	case s.MinItems != nil && len(n.Content) < *s.MinItems:
		r.report(n, path, "has %d items, at least %d are needed", len(n.Content), *s.MinItems)
	case s.MaxItems != nil && len(n.Content) > *s.MaxItems:
		r.report(n, path, "has %d items, at most %d are allowed", len(n.Content), *s.MaxItems)
	}
	out := make([]any, 0, len(n.Content))
	first := map[string]int{}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		v := r.value(item, s.Items, at, depth+1)
		if key := s.identity(v); key != "" {
			if _, twice := first[key]; twice {
				r.report(item, at, "the same as item %d", first[key])
			} else {
				first[key] = i
			}
		}
		out = append(out, v)
	}
	return out
}

// identity gives what must be unique about an item of a set or map list.
func (s *Schema) identity(v any) string {
	switch s.ListType {
	case "set":
		return fmt.Sprint("=", v)
	case "map":
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		var b strings.Builder
		for _, k := range s.ListMapKeys {
			fmt.Fprintf(&b, "%v\x00", m[k])
		}
		return b.String()
	}
	return ""
}

// OldBoolean tells of words that are strings in YAML 1.2, which is read here,
// and booleans in YAML 1.1, which Kubernetes reads.
func OldBoolean(text string) bool {
	return slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(text))
}

func (r *reader) scalar(n *yaml.Node, s *Schema, path string) any {
	tag := n.ShortTag()
	if OldBoolean(n.Value) && n.Style == 0 && tag == "!!str" {
		r.report(n, path, "write %q in quotes if it is text, true or false if it is not: Kubernetes reads it as a boolean", n.Value)
		return nil
	}
	switch {
	case tag == "!!str" && (s.accepts("string") || s.IntOrString):
		r.text(n, s, path)
		return n.Value
	case tag == "!!timestamp" && s.accepts("string"):
		return n.Value
	case tag == "!!bool" && s.accepts("boolean"):
		return strings.EqualFold(n.Value, "true")
	case tag == "!!int" && (s.accepts("integer") || s.Type == "number" || s.IntOrString):
		return r.integer(n, s, path)
	case tag == "!!float" && s.accepts("number"):
		var f float64
		if err := n.Decode(&f); err != nil {
			r.report(n, path, "not a number that fits: %.40q", n.Value)
		}
		return f
	case tag == "!!null" && s.Preserve:
		return nil
	}
	hint := ""
	if (s.Type == "string" || s.IntOrString) && (tag == "!!int" || tag == "!!float" || tag == "!!bool") {
		hint = fmt.Sprintf(": put it in quotes, %q", n.Value)
	}
	r.report(n, path, "want %s, found %.40q%s", s.wanted(), n.Value, hint)
	return nil
}

func (r *reader) integer(n *yaml.Node, s *Schema, path string) any {
	var v int64
	if err := n.Decode(&v); err != nil {
		r.report(n, path, "not a whole number that fits: %.40q", n.Value)
		return nil
	}
	switch {
	case s.Minimum != nil && float64(v) < *s.Minimum:
		r.report(n, path, "%d is below %s", v, decimal(*s.Minimum))
	case s.Maximum != nil && float64(v) > *s.Maximum:
		r.report(n, path, "%d is above %s", v, decimal(*s.Maximum))
	}
	return v
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (r *reader) text(n *yaml.Node, s *Schema, path string) {
	length := utf8.RuneCountInString(n.Value)
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, n.Value):
		r.report(n, path, "%.40q is not one of %s", n.Value, strings.Join(s.Enum, ", "))
	case s.MinLength != nil && length < *s.MinLength:
		r.report(n, path, "must not be empty")
	case s.MaxLength != nil && length > *s.MaxLength:
		r.report(n, path, "has %d characters, at most %d are allowed", length, *s.MaxLength)
	case s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(n.Value): // the pattern is ours
		r.report(n, path, "%.80q does not have the form %s", n.Value, s.Pattern)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// suggestion names the known field that is nearest to a misspelt one.
func suggestion(name string, known map[string]*Schema) string {
	best, distance := "", 1+len(name)/3
	for _, k := range slices.Sorted(maps.Keys(known)) {
		if d := editDistance(strings.ToLower(name), strings.ToLower(k)); d <= distance && (best == "" || d < distance) {
			best, distance = k, d
		}
	}
	if best == "" {
		return "; known here: " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	}
	return fmt.Sprintf(", did you mean %s?", best)
}

// editDistance is Levenshtein's; names are cut at 64 bytes.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
