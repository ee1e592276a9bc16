package schema

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// anonymous is the base of a document that names none, so that relative
// references have something to be relative to. Nothing is ever fetched.
const anonymous = "schema:///"

// pendingRef is a reference to resolve when the whole document is read.
type pendingRef struct {
	from    *node
	keyword string
	to      string
}

// childKey finds a node below another by one token of a pointer, or by two.
type childKey struct {
	parent       *node
	keyword, key string
	keyed        bool
}

// identify reads the keywords that give a schema an identity, and puts the
// schema into its resource.
func (b *builder) identify(n *node, obj map[string]any) {
	k := n.draft.idKeyword()
	if v, ok := obj[k]; ok {
		if _, ok := v.(string); !ok {
			b.invalid(n, k, "must be a string, not "+article(v))
		}
	}
	if id, ok := obj[k].(string); ok && !n.refOnly {
		b.resource(n, k, id, obj)
	}
	if n.res == nil {
		n.res = &resource{root: n, base: anonymous}
		b.resources[anonymous] = n.res
	}
	if n.draft >= draft2019 {
		if name, ok := obj["$anchor"].(string); ok {
			b.anchor(n, "$anchor", name)
		}
	}
	if n.draft >= draft2020 {
		if name, ok := obj["$dynamicAnchor"].(string); ok {
			b.anchor(n, "$dynamicAnchor", name)
			if n.res.dynamic == nil {
				n.res.dynamic = map[string]*node{}
			}
			n.res.dynamic[name] = n
		}
	}
}

// resource opens a new resource at n, or names an anchor as drafts up to 07 do.
func (b *builder) resource(n *node, k, id string, obj map[string]any) {
	address, fragment, _ := strings.Cut(id, "#")
	if fragment != "" && n.draft >= draft2019 {
		b.invalid(n, k, "must not have a fragment")
		return
	}
	if address == "" {
		if fragment != "" && !strings.HasPrefix(fragment, "/") {
			if n.res == nil {
				n.res = &resource{root: n, base: anonymous}
				b.resources[anonymous] = n.res
			}
			b.anchor(n, k, fragment)
		}
		return
	}
	base := anonymous
	if n.res != nil {
		base = n.res.base
	}
	uri, ok := join(base, address)
	if !ok {
		b.invalid(n, k, "is no URI reference")
		return
	}
	if b.resources[uri] != nil {
		b.invalid(n, k, "is the identity of another schema in this document")
		return
	}
	if d, ok := obj["$schema"].(string); ok && n.parent != nil {
		if known, ok := dialectOf(d); ok {
			n.draft = known
		} else {
			b.invalid(n, "$schema", "names the unknown dialect "+quote(d))
		}
	}
	n.res = &resource{root: n, base: uri}
	b.resources[uri] = n.res
}

func (b *builder) anchor(n *node, k, name string) {
	if other := n.res.anchors[name]; other != nil && other != n {
		b.invalid(n, k, "says "+quote(name)+", which names another schema already")
		return
	}
	if n.res.anchors == nil {
		n.res.anchors = map[string]*node{}
	}
	n.res.anchors[name] = n
}

// reference checks the keywords of references and identities.
func (b *builder) reference(n *node, k string, v any) {
	switch k {
	case "$ref":
	case "$dynamicRef":
		if n.draft < draft2020 {
			return
		}
	case "$recursiveRef":
		if n.draft != draft2019 {
			return
		}
	case "$recursiveAnchor":
		if n.draft == draft2019 {
			n.anchor = b.boolean(n, k, v)
		}
		return
	case "$vocabulary":
		if n.draft >= draft2019 {
			b.members(n, k, v, func(name string, v any) {
				if _, ok := v.(bool); !ok {
					b.invalid(n, k, "must hold booleans only")
				}
			})
		}
		return
	default:
		b.anchorName(n, k, v)
		return
	}
	if to, ok := v.(string); ok {
		b.refs = append(b.refs, pendingRef{n, k, to})
	} else {
		b.invalid(n, k, "must be a string, not "+article(v))
	}
}

func (b *builder) anchorName(n *node, k string, v any) {
	if n.draft < draft2019 || k == "$dynamicAnchor" && n.draft < draft2020 {
		return
	}
	name, ok := v.(string)
	if !ok {
		b.invalid(n, k, "must be a string, not "+article(v))
		return
	}
	extra := "-._"
	if n.draft == draft2019 {
		extra = "-.:_"
	}
	for i, r := range name {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z' && r < 0x80
		if letter || r == '_' && (i > 0 || n.draft >= draft2020) {
			continue
		}
		if i == 0 || !(r >= '0' && r <= '9' || strings.ContainsRune(extra, r)) {
			name = ""
			break
		}
	}
	if name == "" {
		b.invalid(n, k, "must be a plain name")
	}
}

// join resolves a reference without fragment against an absolute base.
func join(base, ref string) (string, bool) {
	r, err := url.Parse(ref)
	if err != nil {
		return "", false
	}
	if r.IsAbs() {
		return r.String(), true
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", false
	}
	return u.ResolveReference(r).String(), true
}

// resolveAll links every reference. A target outside of all known places for
// schemas is read now, and may bring references of its own.
func (b *builder) resolveAll() {
	for i := 0; i < len(b.refs) && !b.full; i++ {
		r := b.refs[i]
		target, opaque := b.resolve(r)
		switch {
		case opaque:
			r.from.opaque = true
		case target == nil:
		case r.keyword == "$ref":
			r.from.ref = target
		default:
			b.linkDynamic(r, target)
		}
	}
	if b.dynamics {
		b.candidates()
	}
}

// linkDynamic links a $dynamicRef or $recursiveRef; one whose first target
// names no dynamic anchor is an ordinary reference.
func (b *builder) linkDynamic(r pendingRef, target *node) {
	d := &dynamicRef{fixed: target, recursive: r.keyword == "$recursiveRef"}
	if d.recursive {
		d.varies = target.anchor
	} else if _, fragment, _ := strings.Cut(r.to, "#"); fragment != "" {
		name, err := url.PathUnescape(fragment)
		if err == nil && target.res.dynamic[name] == target {
			d.name, d.varies = name, true
		}
	}
	if !d.varies && r.from.ref == nil {
		r.from.ref = target
		return
	}
	r.from.dynamic = d
	b.dynamics = true
}

// maxDynamic bounds the schemas that one dynamic reference may mean.
const maxDynamic = 64

// candidates collects, for each dynamic reference, every schema it may mean.
func (b *builder) candidates() {
	named := map[string][]*node{}
	var recursive []*node
	for _, res := range b.resources {
		for name, m := range res.dynamic {
			named[name] = append(named[name], m)
		}
		if res.root.anchor {
			recursive = append(recursive, res.root)
		}
	}
	for _, r := range b.refs {
		d := r.from.dynamic
		switch {
		case d == nil:
			continue
		case !d.varies:
			d.candidates = []*node{d.fixed}
		case d.recursive:
			d.candidates = recursive
		default:
			d.candidates = named[d.name]
		}
		if len(d.candidates) > maxDynamic {
			b.report(r.from, r.keyword, OverBudget, fmt.Sprintf("may mean more than %d schemas", maxDynamic))
			d.candidates = nil
		}
	}
}

// resolve finds what a reference means. opaque is a document that every
// validator carries, a metaschema, and this package does not.
func (b *builder) resolve(r pendingRef) (target *node, opaque bool) {
	address, fragment, _ := strings.Cut(r.to, "#")
	res := r.from.res
	if address != "" {
		uri, ok := join(res.base, address)
		if !ok {
			b.report(r.from, r.keyword, BadRef, quote(r.to)+" is no URI reference")
			return nil, false
		}
		if res = b.resources[uri]; res == nil {
			if _, ok := dialectOf(uri); ok {
				return nil, true
			}
			b.report(r.from, r.keyword, RemoteRef, quote(r.to)+" leads out of this document; it is not fetched")
			return nil, false
		}
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		b.report(r.from, r.keyword, BadRef, quote(r.to)+" has a malformed fragment")
		return nil, false
	}
	if fragment != "" && fragment[0] != '/' {
		if target = res.anchors[fragment]; target == nil {
			b.report(r.from, r.keyword, BadRef, "no anchor "+quote(fragment)+" in this document")
		}
		return target, false
	}
	return b.follow(res.root, fragment, r), false
}

// follow walks a JSON Pointer from a resource's root.
func (b *builder) follow(n *node, pointer string, r pendingRef) *node {
	full := pointer
	for pointer != "" {
		if next, rest, ok := b.descend(n, pointer); ok {
			n, pointer = next, rest
			continue
		}
		v, ok := lookup(n.raw, pointer)
		if !ok {
			b.report(r.from, r.keyword, BadRef, "nothing stands at "+quote("#"+full))
			return nil
		}
		switch v.(type) {
		case bool, map[string]any:
			m := b.schema(site{parent: n, keyword: pointer, draft: n.draft, res: n.res}, v)
			b.extend()
			return m
		}
		b.report(r.from, r.keyword, BadRef, "what stands at "+quote("#"+full)+" is "+article(v)+", not a schema")
		return nil
	}
	return n
}

// extend brings the index up to date with the nodes.
func (b *builder) extend() {
	if b.index == nil {
		b.index = make(map[childKey]*node, len(b.nodes))
	}
	for _, n := range b.nodes[b.indexed:] {
		b.index[childKey{n.parent, n.keyword, n.key, n.keyed}] = n
	}
	b.indexed = len(b.nodes)
}

// descend takes the tokens of a pointer that lead to the next schema. The
// index may also know the whole pointer, from a reference resolved before.
func (b *builder) descend(n *node, pointer string) (next *node, rest string, ok bool) {
	if b.indexed < len(b.nodes) {
		b.extend()
	}
	first, rest := token(pointer)
	if next = b.index[childKey{parent: n, keyword: first}]; next != nil && !strings.HasPrefix(first, "/") {
		return next, rest, true
	}
	if rest != "" {
		second, after := token(rest)
		if next = b.index[childKey{n, first, second, true}]; next != nil {
			return next, after, true
		}
	}
	next = b.index[childKey{parent: n, keyword: pointer}]
	return next, "", next != nil
}

// token cuts the first token off a pointer that begins with "/".
func token(pointer string) (string, string) {
	end := strings.IndexByte(pointer[1:], '/') + 1
	if end == 0 {
		end = len(pointer)
	}
	t := pointer[1:end]
	if strings.Contains(t, "~") {
		t = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return t, pointer[end:]
}

// lookup walks plain JSON.
func lookup(v any, pointer string) (any, bool) {
	for pointer != "" {
		if pointer[0] != '/' {
			return nil, false
		}
		var t string
		t, pointer = token(pointer)
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[t]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.ParseUint(t, 10, 31)
			if err != nil || i >= uint64(len(at)) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// inPlaceOf lists the schemas that apply to the same value as n, whatever a
// dynamic reference turns out to mean.
func inPlaceOf(n *node) []*node {
	var list []*node
	n.inPlace(func(m *node) { list = append(list, m) })
	if n.dynamic != nil && !n.refOnly {
		list = append(list, n.dynamic.candidates...)
	}
	return list
}
