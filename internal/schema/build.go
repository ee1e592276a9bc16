package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// builder reads a document into nodes and collects what is wrong with it.
type builder struct {
	use      Use
	regexps  bool // compile the patterns too
	compiled int  // size of the patterns compiled so far

	nodes     []*node
	full      bool // MaxSubschemas reached and reported
	resources map[string]*resource
	refs      []pendingRef
	index     map[childKey]*node // built when a pointer is resolved
	indexed   int                // nodes in index
	dynamics  bool               // some $dynamicRef or $recursiveRef
	problems  []Problem
}

func newBuilder(use Use) *builder {
	return &builder{use: use, resources: map[string]*resource{}}
}

// build reads the document; the root is nil if it cannot be read at all.
func (b *builder) build(raw []byte) *node {
	lim := extent{bytes: MaxSchemaBytes, depth: MaxSchemaDepth, values: MaxSchemaBytes}
	doc, err := decode(raw, lim)
	switch {
	case errors.Is(err, errTooLarge):
		b.report(nil, "", OverBudget, err.Error())
		return nil
	case err != nil:
		b.report(nil, "", NotObject, err.Error())
		return nil
	}
	obj, isObject := doc.(map[string]any)
	if !isObject && b.use != anyRoot {
		b.report(nil, "", NotObject, "the schema is "+article(doc)+", not an object")
		return nil
	}
	root := b.schema(site{draft: b.rootDialect(obj), plain: true}, doc)
	if b.use == Input || b.use == OutputObject {
		b.rootType(obj)
	}
	walked := len(b.nodes)
	b.resolveAll()
	if b.use == Input {
		b.headers(b.nodes[:walked])
	}
	if root != nil && !b.full {
		b.measureGraph(root)
	}
	return root
}

// rootDialect reads the root's $schema. One that is unknown is judged as
// 2020-12.
func (b *builder) rootDialect(obj map[string]any) draft {
	v, ok := obj["$schema"]
	if !ok {
		return draft2020
	}
	uri, ok := v.(string)
	if !ok {
		return draft2020 // reported with the keyword
	}
	d, ok := dialectOf(uri)
	if !ok {
		b.report(nil, "$schema", Invalid, "unknown dialect "+quote(uri))
		return draft2020
	}
	return d
}

func (b *builder) rootType(obj map[string]any) {
	switch t := obj["type"]; t {
	case "object":
	case nil:
		b.report(nil, "", WrongType, `the root must say "type":"object" and says no type`)
	default:
		b.report(nil, "type", WrongType, `the root must say "type":"object", not `+summary(t))
	}
}

// site is where a schema stands.
type site struct {
	parent  *node
	keyword string
	key     string
	keyed   bool
	plain   bool
	draft   draft
	res     *resource
}

// schema reads one schema and everything inside. It returns nil for what is no
// schema, having said so.
func (b *builder) schema(at site, v any) *node {
	if len(b.nodes) >= MaxSubschemas {
		if !b.full {
			b.full = true
			b.report(nil, "", OverBudget, fmt.Sprintf("more than %d sub-schemas", MaxSubschemas))
		}
		return nil
	}
	n := &node{parent: at.parent, keyword: at.keyword, key: at.key, keyed: at.keyed,
		plain: at.plain, raw: v, draft: at.draft, res: at.res}
	switch v := v.(type) {
	case bool:
		if n.draft == draft4 && n.parent != nil && n.keyword != "additionalProperties" && n.keyword != "additionalItems" {
			b.report(n, "", Invalid, "draft-04 has no boolean schemas here")
			return nil
		}
		n.boolean, n.always = true, v
		if n.res == nil {
			n.res = &resource{root: n}
		}
		b.nodes = append(b.nodes, n)
	case map[string]any:
		b.nodes = append(b.nodes, n)
		b.object(n, v)
	default:
		b.report(n, "", Invalid, "a schema is an object or a boolean, not "+article(v))
		return nil
	}
	return n
}

func (b *builder) object(n *node, obj map[string]any) {
	if _, ok := obj["$ref"].(string); ok && n.draft <= draft7 {
		n.refOnly = true
	}
	b.identify(n, obj)
	for _, k := range slices.Sorted(maps.Keys(obj)) {
		b.keyword(n, k, obj[k])
	}
}

// child reads the schema directly under a keyword.
func (b *builder) child(n *node, keyword string, v any) *node {
	return b.schema(site{parent: n, keyword: keyword, draft: n.draft, res: n.res}, v)
}

// children reads a list of schemas, which must not be empty.
func (b *builder) children(n *node, keyword string, v any) []*node {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		b.invalid(n, keyword, "must be a list of at least one schema")
		return nil
	}
	nodes := make([]*node, len(list))
	for i, item := range list {
		nodes[i] = b.member(n, keyword, strconv.Itoa(i), item)
	}
	return nodes
}

func (b *builder) member(n *node, keyword, key string, v any) *node {
	return b.schema(site{parent: n, keyword: keyword, key: key, keyed: true,
		plain: n.plain && keyword == "properties", draft: n.draft, res: n.res}, v)
}

// members calls visit for each member of an object that must be one, in the
// order of names.
func (b *builder) members(n *node, keyword string, v any, visit func(name string, v any)) {
	obj, ok := v.(map[string]any)
	if !ok {
		b.invalid(n, keyword, "must be an object, not "+article(v))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(obj)) {
		visit(name, obj[name])
	}
}

// schemas reads a map of schemas.
func (b *builder) schemas(n *node, keyword string, v any) {
	b.members(n, keyword, v, func(name string, v any) { b.member(n, keyword, name, v) })
}

// invalid reports a keyword that its dialect's metaschema refuses.
func (b *builder) invalid(n *node, keyword, detail string) {
	b.report(n, keyword, Invalid, keyword+" "+detail)
}

// report adds a problem with a keyword of a node, or with the node itself if
// the keyword is "". The node is nil for the document. Pointers are built only
// for problems that are kept: a hostile document has many long ones.
func (b *builder) report(n *node, keyword string, k Kind, detail string) {
	if len(b.problems) >= MaxProblems {
		return
	}
	pointer := ""
	if n != nil {
		pointer = n.pointer()
	}
	if keyword != "" {
		pointer += "/" + escapeToken(keyword)
	}
	b.problems = append(b.problems, Problem{Pointer: cut(pointer, maxPointer), Kind: k, Detail: cut(detail, maxDetail)})
}

// maxDetail bounds a detail or reason, in bytes.
const maxDetail = 200
