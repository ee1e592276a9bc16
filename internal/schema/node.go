package schema

import (
	"math"
	"strings"
)

// node is one schema inside a document, read and linked.
type node struct {
	parent  *node
	keyword string // under which it hangs in parent, or "/a/b" if found by reference only
	key     string // member or index below keyword
	keyed   bool   // key is meant
	plain   bool   // reached from the root through "properties" alone

	raw   any
	draft draft
	res   *resource

	boolean bool // the schema is true or false
	always  bool // which of them
	refOnly bool // up to draft-07 $ref silences its neighbours

	ref     *node
	opaque  bool        // refers to a document that is known but not here
	dynamic *dynamicRef // $dynamicRef or $recursiveRef
	anchor  bool        // $recursiveAnchor

	types    typeSet
	constant *any
	enum     *enumeration

	allOf, anyOf, oneOf []*node
	not, cond           *node
	then, otherwise     *node

	object *objectRules
	array  *arrayRules
	text   *textRules
	number *numberRules

	unevaluatedProps, unevaluatedItems *node
}

// resource is a schema with an identity of its own, within which references
// are resolved.
type resource struct {
	root    *node
	base    string           // absolute URI without fragment, "" if anonymous
	anchors map[string]*node // $anchor and $dynamicAnchor
	dynamic map[string]*node // $dynamicAnchor only
}

// dynamicRef is a reference that is resolved anew at each evaluation.
type dynamicRef struct {
	name       string // of the anchor; "" for $recursiveRef
	fixed      *node  // what an ordinary reference would find
	recursive  bool   // $recursiveRef
	varies     bool   // else it means fixed
	candidates []*node
}

type objectRules struct {
	properties map[string]*node
	order      []string // names of properties, sorted
	patterns   []patternRule
	additional *node
	names      *node
	required   []string
	min, max   int
	needs      []needRule   // dependentRequired and lists in dependencies
	dependent  []dependRule // dependentSchemas and schemas in dependencies
}

type patternRule struct {
	pattern *pattern
	schema  *node
}

type needRule struct {
	name  string
	needs []string
}

type dependRule struct {
	name   string
	schema *node
}

type arrayRules struct {
	prefix                   []*node
	rest                     *node // items after the prefix
	contains                 *node
	minContains, maxContains int
	min, max                 int
	unique                   bool
}

type textRules struct {
	min, max int
	pattern  *pattern
}

type numberRules struct {
	min, max                   *decimal
	exclusiveMin, exclusiveMax bool     // draft-04: turn min and max
	above, below               *decimal // exclusiveMinimum, exclusiveMaximum as numbers
	multiple                   *factor
}

const unlimited = math.MaxInt

func (n *node) objectRules() *objectRules {
	if n.object == nil {
		n.object = &objectRules{max: unlimited}
	}
	return n.object
}

func (n *node) arrayRules() *arrayRules {
	if n.array == nil {
		n.array = &arrayRules{max: unlimited, minContains: 1, maxContains: unlimited}
	}
	return n.array
}

func (n *node) textRules() *textRules {
	if n.text == nil {
		n.text = &textRules{max: unlimited}
	}
	return n.text
}

func (n *node) numberRules() *numberRules {
	if n.number == nil {
		n.number = &numberRules{}
	}
	return n.number
}

// maxPointer bounds a pointer in a report, in bytes: names come from
// strangers.
const maxPointer = 512

// pointer is where the node stands in the document.
func (n *node) pointer() string {
	var tokens []string
	for at := n; at.parent != nil; at = at.parent {
		if at.keyed {
			tokens = append(tokens, "/"+escapeToken(at.key))
		}
		if strings.HasPrefix(at.keyword, "/") {
			tokens = append(tokens, at.keyword)
		} else {
			tokens = append(tokens, "/"+at.keyword)
		}
	}
	var b strings.Builder
	for i := len(tokens) - 1; i >= 0 && b.Len() < maxPointer; i-- {
		b.WriteString(tokens[i])
	}
	return cut(b.String(), maxPointer)
}

// escapeToken writes a name as a token of a JSON Pointer.
func escapeToken(s string) string {
	s = strings.ReplaceAll(cut(s, maxPointer), "~", "~0")
	return strings.ReplaceAll(s, "/", "~1")
}

// cut shortens a stranger's text, at a character's boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}

// inPlace calls visit for each schema that applies to the same value as n.
func (n *node) inPlace(visit func(*node)) {
	one := func(m *node) {
		if m != nil {
			visit(m)
		}
	}
	one(n.ref)
	if n.refOnly {
		return
	}
	for _, list := range [...][]*node{n.allOf, n.anyOf, n.oneOf} {
		for _, m := range list {
			one(m)
		}
	}
	one(n.not)
	one(n.cond)
	one(n.then)
	one(n.otherwise)
	if n.object != nil {
		for _, d := range n.object.dependent {
			one(d.schema)
		}
	}
}

// consuming calls visit for each schema that applies to a part of the value.
func (n *node) consuming(visit func(*node)) {
	one := func(m *node) {
		if m != nil {
			visit(m)
		}
	}
	if n.refOnly {
		return
	}
	if o := n.object; o != nil {
		for _, name := range o.order {
			one(o.properties[name])
		}
		for _, p := range o.patterns {
			one(p.schema)
		}
		one(o.additional)
		one(o.names)
	}
	if a := n.array; a != nil {
		for _, m := range a.prefix {
			one(m)
		}
		one(a.rest)
		one(a.contains)
	}
	one(n.unevaluatedProps)
	one(n.unevaluatedItems)
}
