package lint

import (
	"iter"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxAlias bounds how many aliases are followed for one step, so that anchors
// that point at each other end.
const maxAlias = 16

// Value is one place in a document: a node, the key it stands under, and the
// object it belongs to. The zero Value is an absent place; reading from it
// gives absent places and zero values, so paths need no checks on the way.
type Value struct {
	obj  *Object
	key  *yaml.Node
	node *yaml.Node
}

// OK tells whether the place exists and is not null.
func (v Value) OK() bool { return v.node != nil && v.node.Tag != "!!null" }

// Get walks down mapping keys.
func (v Value) Get(path ...string) Value {
	for _, name := range path {
		v = v.field(name, nil)
		if v.node == nil {
			return v
		}
	}
	return v
}

// field finds a key, also by way of merge keys. Each mapping is looked into
// once, however many merges lead to it.
func (v Value) field(name string, seen map[*yaml.Node]bool) Value {
	absent := Value{obj: v.obj}
	if v.node == nil || v.node.Kind != yaml.MappingNode || seen[v.node] {
		return absent
	}
	content := v.node.Content
	for i := 0; i+1 < len(content); i += 2 {
		if content[i].Value == name {
			return Value{obj: v.obj, key: content[i], node: resolve(content[i+1])}
		}
	}
	for i := 0; i+1 < len(content); i += 2 {
		if content[i].Tag != "!!merge" {
			continue
		}
		if seen == nil {
			seen = map[*yaml.Node]bool{}
		}
		seen[v.node] = true
		merged := Value{obj: v.obj, node: resolve(content[i+1])}
		sources := []Value{merged}
		if merged.node != nil && merged.node.Kind == yaml.SequenceNode {
			sources = merged.List()
		}
		for _, s := range sources {
			if found := s.field(name, seen); found.node != nil {
				return found
			}
		}
	}
	return absent
}

func resolve(n *yaml.Node) *yaml.Node {
	for range maxAlias {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// List gives the items of a sequence.
func (v Value) List() []Value {
	if v.node == nil || v.node.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]Value, 0, len(v.node.Content))
	for _, n := range v.node.Content {
		items = append(items, Value{obj: v.obj, node: resolve(n)})
	}
	return items
}

// Fields gives the keys of a mapping in the order of the file.
func (v Value) Fields() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.node == nil || v.node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			key := v.node.Content[i]
			if !yield(key.Value, Value{obj: v.obj, key: key, node: resolve(v.node.Content[i+1])}) {
				return
			}
		}
	}
}

// Map tells whether the value is a mapping.
func (v Value) Map() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// Str is the text of a scalar, "" for anything else.
func (v Value) Str() string {
	if !v.OK() || v.node.Kind != yaml.ScalarNode {
		return ""
	}
	return v.node.Value
}

// Int is an integer scalar.
func (v Value) Int() (int64, bool) {
	if !v.OK() || v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!int" {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(v.node.Value, "_", ""), 0, 64)
	return n, err == nil
}

// IntOr is an integer scalar or, where it is absent or something else, a default.
func (v Value) IntOr(d int64) int64 {
	if n, ok := v.Int(); ok {
		return n
	}
	return d
}

// True tells whether the value is the boolean true.
func (v Value) True() bool { return v.boolean() == "true" }

// False tells whether the value is written down as false.
func (v Value) False() bool { return v.boolean() == "false" }

func (v Value) boolean() string {
	if !v.OK() || v.node.Tag != "!!bool" {
		return ""
	}
	return strings.ToLower(v.node.Value)
}

// Strings gives the scalars of a sequence, or a single scalar as one.
func (v Value) Strings() []string {
	if s := v.Str(); s != "" {
		return []string{s}
	}
	var out []string
	for _, item := range v.List() {
		out = append(out, item.Str())
	}
	return out
}

// Labels gives a mapping of scalars.
func (v Value) Labels() map[string]string {
	if !v.Map() {
		return nil
	}
	out := make(map[string]string, len(v.node.Content)/2)
	for name, item := range v.Fields() {
		out[name] = item.Str()
	}
	return out
}

// or gives v where it exists and another place where it does not: findings
// about something absent point at what should hold it.
func (v Value) or(other Value) Value {
	if v.node != nil {
		return v
	}
	return other
}

// pos is the line and column of the key, or of the value in a sequence.
func (v Value) pos() (line, column int) {
	switch {
	case v.key != nil:
		return v.key.Line, v.key.Column
	case v.node != nil:
		return v.node.Line, v.node.Column
	default:
		return 0, 0
	}
}

// path spells where in its object the value stands, by names where items have
// one: spec.template.spec.containers[server].image. It is the part of a
// fingerprint that survives an edit elsewhere in the file.
func (v Value) path() string {
	if v.obj == nil || v.obj.root.node == nil || v.node == nil {
		return ""
	}
	target := v.node
	if v.key != nil {
		target = v.key
	}
	steps, ok := findPath(v.obj.root.node, target, 0)
	if !ok {
		return ""
	}
	return strings.TrimPrefix(steps, ".")
}

func findPath(n, target *yaml.Node, depth int) (string, bool) {
	if n == target {
		return "", true
	}
	if n == nil || depth > maxDepth {
		return "", false
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			step := "." + n.Content[i].Value
			if n.Content[i] == target {
				return step, true
			}
			if rest, ok := findPath(n.Content[i+1], target, depth+1); ok {
				return step + rest, true
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if rest, ok := findPath(item, target, depth+1); ok {
				return "[" + itemName(item, i) + "]" + rest, true
			}
		}
	}
	return "", false
}

func itemName(item *yaml.Node, i int) string {
	if name := (Value{node: resolve(item)}).Get("name").Str(); name != "" {
		return name
	}
	return strconv.Itoa(i)
}
