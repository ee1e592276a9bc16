package mcp

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// What resolving local references may grow a schema to. A schema beyond it is
// hashed with its references as they stand: 1.4 KB of definitions that double
// each other would grow to gigabytes, and so would one long string that is
// referred to a thousand times.
const (
	maxInlinedNodes = 20_000
	maxInlinedBytes = 1 << 20 // of names and strings
)

// inline returns a copy of a schema in which every local reference is replaced
// by what it points at and the definitions are gone. unused holds what went with
// them although nothing refers to it, by its pointer. ok is false when the
// schema is recursive, grows too large, refers to something that is not there,
// or moves the base against which references count.
func inline(schema any) (inlined any, unused map[string]any, ok bool) {
	in := inliner{
		root: schema, nodes: maxInlinedNodes, bytes: maxInlinedBytes,
		defined: map[string]any{}, used: map[string]bool{},
	}
	inlined, ok = in.schema(schema, &trail{}, 0)
	if !ok {
		return nil, nil, false
	}
	for ptr := range in.used {
		delete(in.defined, ptr)
	}
	return inlined, in.defined, true
}

type inliner struct {
	root         any
	nodes, bytes int
	open         []string // pointers being resolved, to see recursion
	defined      map[string]any
	used         map[string]bool
}

// trail is where a value stands: a pointer, or a name below another trail. It
// is only spelled out where definitions are, since a long one below which many
// values stand would cost more than the schema itself.
type trail struct {
	up   *trail
	step string
}

func (t *trail) pointer() string {
	var steps []string
	for ; t.up != nil; t = t.up {
		step := strings.ReplaceAll(strings.ReplaceAll(t.step, "~", "~0"), "/", "~1")
		steps = append(steps, step, "/")
	}
	steps = append(steps, t.step)
	slices.Reverse(steps)
	return strings.Join(steps, "")
}

// pay takes one node with n bytes of text from the budget.
func (in *inliner) pay(n, depth int) bool {
	in.nodes--
	in.bytes -= n
	return in.nodes >= 0 && in.bytes >= 0 && depth <= defaultMaxDepth
}

// schema copies a schema that stands at the pointer at.
func (in *inliner) schema(v any, at *trail, depth int) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if movesBase(v, at) {
			return nil, false
		}
		out, ok := in.keywords(v, at, depth)
		if !ok {
			return nil, false
		}
		ref, isRef := v["$ref"].(string)
		if !isRef || !strings.HasPrefix(ref, "#") {
			return out, true
		}
		target, ok := in.follow(ref, depth)
		if !ok {
			return nil, false
		}
		return join(target, out), true
	case []any:
		return in.list(v, at, depth)
	default:
		return in.literal(v, depth)
	}
}

// movesBase tells whether "#" means something else below this schema, or a
// reference may only be resolved while validating.
func movesBase(v map[string]any, at *trail) bool {
	isRoot := at.up == nil && at.step == ""
	for _, k := range []string{"$id", "id", "$dynamicRef", "$recursiveRef"} {
		if _, ok := v[k].(string); ok && (!isRoot || k != "$id" && k != "id") {
			return true
		}
	}
	return false
}

// keywords copies the members of a schema, except for a local $ref and the
// definitions.
func (in *inliner) keywords(v map[string]any, at *trail, depth int) (map[string]any, bool) {
	if !in.pay(0, depth) {
		return nil, false
	}
	out := make(map[string]any, len(v))
	for k, e := range v {
		if !in.pay(len(k), depth) {
			return nil, false
		}
		ok, below := true, &trail{at, k}
		switch ref, _ := e.(string); {
		case k == "$ref" && strings.HasPrefix(ref, "#"):
		case k == "$defs" || k == "definitions":
			ok = in.define(e, below, depth)
		case isLiteral(k) || isProse(k):
			out[k], ok = in.literal(e, depth+1)
		case isNameMap(k):
			out[k], ok = in.named(e, below, depth+1)
		default:
			out[k], ok = in.schema(e, below, depth+1)
		}
		if !ok {
			return nil, false
		}
	}
	return out, true
}

// define notes definitions. They cost nothing until they are referred to, but
// their pointers do.
func (in *inliner) define(v any, at *trail, depth int) bool {
	defs, ok := v.(map[string]any)
	if !ok {
		in.defined[at.pointer()] = v
		return true
	}
	for k, e := range defs {
		ptr := (&trail{at, k}).pointer()
		if !in.pay(len(ptr), depth) {
			return false
		}
		in.defined[ptr] = e
	}
	return true
}

// named copies a map from free names to schemas.
func (in *inliner) named(v any, at *trail, depth int) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return in.schema(v, at, depth)
	}
	if !in.pay(0, depth) {
		return nil, false
	}
	out := make(map[string]any, len(m))
	for k, e := range m {
		if !in.pay(len(k), depth) {
			return nil, false
		}
		if out[k], ok = in.schema(e, &trail{at, k}, depth+1); !ok {
			return nil, false
		}
	}
	return out, true
}

func (in *inliner) list(v []any, at *trail, depth int) (any, bool) {
	if !in.pay(0, depth) {
		return nil, false
	}
	out := make([]any, len(v))
	for i, e := range v {
		var ok bool
		// No definition has its pointer through a list, so an index is not needed.
		if out[i], ok = in.schema(e, &trail{at, "-"}, depth+1); !ok {
			return nil, false
		}
	}
	return out, true
}

// literal takes a value over as it is; a "$ref" inside it is data.
func (in *inliner) literal(v any, depth int) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if _, ok := in.literal(e, depth+1); !ok || !in.pay(len(k), depth) {
				return nil, false
			}
		}
	case []any:
		for _, e := range v {
			if _, ok := in.literal(e, depth+1); !ok {
				return nil, false
			}
		}
	case string:
		return v, in.pay(len(v), depth)
	}
	return v, in.pay(0, depth)
}

func (in *inliner) follow(ref string, depth int) (any, bool) {
	ptr, err := url.PathUnescape(ref[1:])
	if err != nil || slices.Contains(in.open, ptr) {
		return nil, false
	}
	target, ok := pointer(in.root, ptr)
	if !ok {
		return nil, false
	}
	in.used[ptr] = true
	in.open = append(in.open, ptr)
	defer func() { in.open = in.open[:len(in.open)-1] }()
	return in.schema(target, &trail{step: ptr}, depth+1)
}

// join puts what a reference points at together with what stood beside it. Both
// count, as in allOf; prose alone moves into the target, the way one would write
// it without the reference.
func join(target any, beside map[string]any) any {
	into, ok := target.(map[string]any)
	if len(beside) == 0 {
		return target
	}
	for k := range beside {
		_, taken := into[k]
		ok = ok && isProse(k) && !taken
	}
	if !ok {
		return map[string]any{"allOf": []any{target, beside}}
	}
	// target is a copy of ours
	maps.Copy(into, beside)
	return into
}

// pointer looks up a JSON pointer (RFC 6901) through objects.
func pointer(v any, ptr string) (any, bool) {
	if ptr == "" {
		return v, true
	}
	if ptr[0] != '/' {
		return nil, false // an anchor; left as it is
	}
	for step := range strings.SplitSeq(ptr[1:], "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		name := strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		if v, ok = m[name]; !ok {
			return nil, false
		}
	}
	return v, true
}
