package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// keys are an object's names: in order when somebody reads the failures.
func (e *evaluator) keys(obj map[string]any) func(func(string, any) bool) {
	if !e.report {
		return maps.All(obj)
	}
	e.step(len(obj) / 8)
	return func(visit func(string, any) bool) {
		for _, k := range slices.Sorted(maps.Keys(obj)) {
			if !visit(k, obj[k]) {
				return
			}
		}
	}
}

// done says that nothing further can change a verdict, or that there is no
// time for it.
func (e *evaluator) done(r verdict) bool { return e.exhausted || r == no && !e.report }

func (e *evaluator) object(o *objectRules, obj map[string]any, seen *annotations) verdict {
	r := yes
	if len(obj) < o.min {
		r = e.fail("must have at least %d members, has %d", o.min, len(obj))
	}
	if len(obj) > o.max {
		r = e.fail("must have at most %d members, has %d", o.max, len(obj))
	}
	r = min(r, e.required(obj, o.required))
	for _, need := range o.needs {
		if !e.step(1) {
			return maybe
		}
		if _, ok := obj[need.name]; ok {
			r = min(r, e.required(obj, need.needs))
		}
	}
	if e.done(r) {
		return r
	}
	r = min(r, e.members(o, obj, seen))
	for _, d := range o.dependent {
		if !e.step(1) || e.done(r) {
			return r
		}
		if _, ok := obj[d.name]; ok {
			r = min(r, e.eval(d.schema, obj, seen))
		}
	}
	if o.names == nil {
		return r
	}
	for name := range e.keys(obj) {
		if e.done(r) {
			return r
		}
		x := e.silently(o.names, name, nil)
		if x == no {
			e.fail("the name %s is not allowed", quote(name))
		}
		r = min(r, x)
	}
	return r
}

func (e *evaluator) required(obj map[string]any, names []string) verdict {
	r := yes
	for _, name := range names {
		if !e.step(1) {
			return maybe
		}
		if _, ok := obj[name]; ok {
			continue
		}
		r = e.fail("must have the member %s", quote(name))
		if !e.report || len(e.failures) >= maxCollected {
			break
		}
	}
	return r
}

// members applies properties, patternProperties and additionalProperties.
func (e *evaluator) members(o *objectRules, obj map[string]any, seen *annotations) verdict {
	r := yes
	if o.additional == nil && len(o.patterns) == 0 && len(o.order) < len(obj) {
		for _, name := range o.order {
			if v, ok := obj[name]; ok {
				seen.prop(name)
				r = min(r, e.part(o.properties[name], v, name))
			}
			if !e.step(1) || e.done(r) {
				return r
			}
		}
		return r
	}
	for name, v := range e.keys(obj) {
		if !e.step(1) {
			return maybe
		}
		r = min(r, e.member(o, name, v, seen))
		if e.done(r) {
			return r
		}
	}
	return r
}

func (e *evaluator) member(o *objectRules, name string, v any, seen *annotations) verdict {
	r, matched := yes, no
	if p := o.properties[name]; p != nil {
		matched = yes
		r = e.part(p, v, name)
	}
	for _, p := range o.patterns {
		m := p.pattern.match(name, e.step)
		matched = max(matched, m)
		switch {
		case m == yes:
			r = min(r, e.part(p.schema, v, name))
		case m == maybe && e.silently(p.schema, v, nil) != yes:
			r = min(r, maybe)
		}
	}
	if matched != no {
		seen.prop(name)
		seen.doubt(matched)
	}
	switch {
	case o.additional == nil || matched == yes:
		return r
	case matched == maybe:
		if e.silently(o.additional, v, nil) != yes {
			r = min(r, maybe)
		}
		return r
	}
	seen.prop(name)
	if o.additional.boolean && !o.additional.always {
		return e.fail("must not have the member %s", quote(name))
	}
	return min(r, e.part(o.additional, v, name))
}

func (e *evaluator) array(n *node, list []any, seen *annotations) verdict {
	a, r := n.array, yes
	if len(list) < a.min {
		r = e.fail("must have at least %d items, has %d", a.min, len(list))
	}
	if len(list) > a.max {
		r = e.fail("must have at most %d items, has %d", a.max, len(list))
	}
	if a.unique {
		if i, j, found := duplicates(list, e.step); found {
			r = e.fail("must not repeat items, %d and %d are equal", i, j)
		}
	}
	head := min(len(a.prefix), len(list))
	for i := range head {
		if e.done(r) {
			return r
		}
		r = min(r, e.item(a.prefix[i], list[i], i))
	}
	seen.first(head)
	if a.rest != nil {
		for i := head; i < len(list); i++ {
			if e.done(r) {
				return r
			}
			r = min(r, e.item(a.rest, list[i], i))
		}
		seen.first(len(list))
	}
	if a.contains != nil && !e.done(r) {
		r = min(r, e.contains(n, list, seen))
	}
	return r
}

func (e *evaluator) contains(n *node, list []any, seen *annotations) verdict {
	a := n.array
	sure, perhaps := 0, 0
	for i, v := range list {
		x := e.silently(a.contains, v, nil)
		if e.exhausted {
			return maybe
		}
		switch x {
		case yes:
			sure++
		case maybe:
			perhaps++
			seen.doubt(maybe)
		}
		if x != no && n.draft >= draft2020 {
			seen.item(i)
		}
	}
	switch {
	case sure+perhaps < a.minContains:
		return e.fail("must contain at least %d items of a kind, contains %d", a.minContains, sure+perhaps)
	case sure > a.maxContains:
		return e.fail("must contain at most %d items of a kind, contains %d", a.maxContains, sure)
	case sure >= a.minContains && sure+perhaps <= a.maxContains:
		return yes
	}
	return maybe
}

// combinations applies allOf, anyOf, oneOf, not and if.
func (e *evaluator) combinations(n *node, v any, seen *annotations) verdict {
	r := yes
	for _, m := range n.allOf {
		r = min(r, e.eval(m, v, seen))
		if e.done(r) {
			return r
		}
	}
	if len(n.anyOf) > 0 {
		r = min(r, e.anyOf(n.anyOf, v, seen))
	}
	if len(n.oneOf) > 0 && !e.done(r) {
		r = min(r, e.oneOf(n.oneOf, v, seen))
	}
	if n.not != nil && !e.done(r) {
		x := e.silently(n.not, v, nil).negate()
		if x == no {
			e.fail("must not satisfy the schema under not")
		}
		r = min(r, x)
	}
	if n.cond != nil && !e.done(r) {
		r = min(r, e.conditional(n, v, seen))
	}
	return r
}

// branch evaluates an alternative, whose annotations count unless it fails.
func (e *evaluator) branch(n *node, v any, seen *annotations) verdict {
	if seen == nil {
		return e.silently(n, v, nil)
	}
	e.step(4) // annotations cost more than a verdict
	mine := new(annotations)
	x := e.silently(n, v, mine)
	if x != no {
		e.merge(seen, mine, x)
	}
	return x
}

func (e *evaluator) anyOf(list []*node, v any, seen *annotations) verdict {
	best := no
	for _, m := range list {
		best = max(best, e.branch(m, v, seen))
		if e.exhausted || best == yes && seen == nil {
			return best
		}
	}
	if best == no {
		e.fail("must satisfy one of %d alternatives%s", len(list), e.hint(list, v))
	}
	return best
}

// hint says why the one alternative that is open to the value's type fails, as
// for an optional member that is "string or null".
func (e *evaluator) hint(list []*node, v any) string {
	if !e.report {
		return ""
	}
	var only *node
	for _, m := range list {
		if m.boolean || m.types != 0 && m.types&(typeOf(v)|typeInteger) == 0 {
			continue
		}
		if only != nil {
			return ""
		}
		only = m
	}
	if only == nil {
		return ""
	}
	sub := &evaluator{left: e.left, frames: e.frames, scope: slices.Clip(e.scope), report: true}
	sub.eval(only, v, nil)
	e.step(e.left - sub.left)
	if len(sub.failures) == 0 {
		return ""
	}
	return fmt.Sprintf("; the likely one: %s %s", sub.failures[0].Pointer, sub.failures[0].Reason)
}

func (e *evaluator) oneOf(list []*node, v any, seen *annotations) verdict {
	sure, perhaps, first := 0, 0, 0
	for i, m := range list {
		x := e.branch(m, v, seen)
		if e.exhausted {
			return maybe
		}
		switch x {
		case yes:
			if sure++; sure > 1 {
				return e.fail("must satisfy exactly one alternative, satisfies %d and %d", first, i)
			}
			first = i
		case maybe:
			perhaps++
		}
	}
	switch {
	case perhaps > 0:
		return maybe
	case sure == 1:
		return yes
	}
	return e.fail("must satisfy one of %d alternatives%s", len(list), e.hint(list, v))
}

func (e *evaluator) conditional(n *node, v any, seen *annotations) verdict {
	apply := func(m *node) verdict {
		if m == nil {
			return yes
		}
		return e.eval(m, v, seen)
	}
	switch e.branch(n.cond, v, seen) {
	case yes:
		return apply(n.then)
	case no:
		return apply(n.otherwise)
	}
	seen.doubt(maybe)
	report := e.report
	e.report = false
	then, otherwise := apply(n.then), apply(n.otherwise)
	e.report = report
	switch {
	case then != otherwise:
		return maybe
	case then == no:
		return e.fail("satisfies neither then nor else")
	}
	return then
}

// unevaluated applies unevaluatedProperties and unevaluatedItems to what is
// left.
func (e *evaluator) unevaluated(n *node, v any, seen *annotations) verdict {
	r := yes
	apply := func(m *node, v any, token string) verdict {
		if !seen.unsure {
			return e.part(m, v, token)
		}
		if e.silently(m, v, nil) == yes {
			return yes
		}
		return maybe
	}
	switch v := v.(type) {
	case map[string]any:
		if n.unevaluatedProps == nil || seen.allProps {
			break
		}
		for name, member := range e.keys(v) {
			if _, ok := seen.props[name]; ok {
				continue
			}
			r = min(r, apply(n.unevaluatedProps, member, name))
			if e.done(r) {
				return r
			}
		}
		seen.allProps = true
	case []any:
		if n.unevaluatedItems == nil {
			break
		}
		for i := seen.prefix; i < len(v); i++ {
			if _, ok := seen.items[i]; ok {
				continue
			}
			r = min(r, apply(n.unevaluatedItems, v[i], strconv.Itoa(i)))
			if e.done(r) {
				return r
			}
		}
		seen.first(len(v))
	}
	return r
}

// annotations are the parts of one value that some schema has evaluated. All
// methods accept nil, for when nobody asks.
type annotations struct {
	props    map[string]struct{}
	allProps bool
	items    map[int]struct{}
	prefix   int  // items before it
	unsure   bool // holds parts that may not have been evaluated
}

func (a *annotations) prop(name string) {
	if a == nil {
		return
	}
	if a.props == nil {
		a.props = map[string]struct{}{}
	}
	a.props[name] = struct{}{}
}

func (a *annotations) item(i int) {
	if a == nil {
		return
	}
	if a.items == nil {
		a.items = map[int]struct{}{}
	}
	a.items[i] = struct{}{}
}

func (a *annotations) first(n int) {
	if a != nil {
		a.prefix = max(a.prefix, n)
	}
}

func (a *annotations) doubt(v verdict) {
	if a != nil && v == maybe {
		a.unsure = true
	}
}

func (a *annotations) everything() {
	if a != nil {
		a.allProps, a.unsure = true, true
		a.prefix = unlimited
	}
}

// merge adds what a subschema evaluated.
func (e *evaluator) merge(to, from *annotations, v verdict) {
	if !e.step(len(from.props) + len(from.items)) {
		return
	}
	for name := range from.props {
		to.prop(name)
	}
	for i := range from.items {
		to.item(i)
	}
	to.first(from.prefix)
	to.allProps = to.allProps || from.allProps
	to.unsure = to.unsure || from.unsure
	to.doubt(v)
}
