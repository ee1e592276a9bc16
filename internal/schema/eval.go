package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// verdict is the answer of one schema about one value. Maybe comes from a
// pattern that cannot be evaluated here, or from running out of steps; the
// three combine as in Kleene's logic, so a doubt never turns into an
// accusation, not even below a "not".
type verdict int8

const (
	no verdict = iota
	maybe
	yes
)

func (v verdict) negate() verdict { return yes - v }

// maxFrames bounds the recursion of an evaluation: about 4 MB of stack.
const maxFrames = 4_000

// maxCollected bounds the failures that are sorted before the first ones are
// reported.
const maxCollected = 4 * MaxFailures

// evaluator walks one instance.
type evaluator struct {
	left      int // steps
	frames    int
	exhausted bool

	scope []*resource // dynamic scope, outermost first

	report   bool // collect failures
	path     []string
	failures []Failure
}

// evaluate decides an instance. It runs once in silence, which is all that a
// valid instance costs, and a second time to say what is wrong.
func evaluate(root *node, raw []byte) error {
	lim := extent{bytes: MaxInstanceBytes, depth: MaxInstanceDepth, values: MaxValues}
	v, err := decode(raw, lim)
	switch {
	case errors.Is(err, errTooLarge):
		return fmt.Errorf("%w: instance %w", ErrBudget, err)
	case err != nil:
		return &ValidationError{Failures: []Failure{{Reason: cut(err.Error(), maxDetail)}}}
	}
	e := &evaluator{left: MaxSteps}
	verdict := e.eval(root, v, nil)
	switch {
	case e.exhausted && e.left < 0:
		return fmt.Errorf("%w: more than %d steps", ErrBudget, MaxSteps)
	case e.exhausted:
		return fmt.Errorf("%w: more than %d schemas inside one another", ErrBudget, maxFrames)
	}
	if verdict != no {
		return nil
	}
	e = &evaluator{left: MaxSteps, report: true}
	e.eval(root, v, nil)
	slices.SortStableFunc(e.failures, func(a, b Failure) int { return cmp.Compare(a.Pointer, b.Pointer) })
	failures := slices.Compact(e.failures)
	if len(failures) == 0 {
		failures = []Failure{{Reason: "does not satisfy the schema"}}
	}
	return &ValidationError{Failures: failures[:min(len(failures), MaxFailures)]}
}

// step is the evaluation's meter.
func (e *evaluator) step(n int) bool {
	e.left -= n
	if e.left < 0 {
		e.exhausted = true
	}
	return !e.exhausted
}

// fail records why a value is refused.
func (e *evaluator) fail(format string, args ...any) verdict {
	if e.report && len(e.failures) < maxCollected {
		pointer := ""
		for _, token := range e.path {
			if len(pointer) > maxPointer {
				break
			}
			pointer += "/" + escapeToken(token)
		}
		reason := cut(fmt.Sprintf(format, args...), maxDetail)
		e.failures = append(e.failures, Failure{Pointer: cut(pointer, maxPointer), Reason: reason})
	}
	return no
}

// silently evaluates without collecting failures: the schema may fail without
// the whole failing.
func (e *evaluator) silently(n *node, v any, seen *annotations) verdict {
	report := e.report
	e.report = false
	defer func() { e.report = report }()
	return e.eval(n, v, seen)
}

// part evaluates a member or item.
func (e *evaluator) part(n *node, v any, token string) verdict {
	if !e.report {
		return e.eval(n, v, nil)
	}
	e.path = append(e.path, token)
	defer func() { e.path = e.path[:len(e.path)-1] }()
	return e.eval(n, v, nil)
}

func (e *evaluator) item(n *node, v any, i int) verdict {
	if !e.report {
		return e.eval(n, v, nil)
	}
	return e.part(n, v, strconv.Itoa(i))
}

// eval applies a schema to a value. seen collects the parts that have been
// evaluated; it is nil if nobody above wants to know.
func (e *evaluator) eval(n *node, v any, seen *annotations) verdict {
	if !e.step(1) {
		return maybe
	}
	if n.boolean {
		if n.always {
			return yes
		}
		return e.fail("nothing is allowed here")
	}
	if e.frames++; e.frames > maxFrames {
		e.exhausted = true
		return maybe
	}
	defer func() { e.frames-- }()
	if top := len(e.scope); top == 0 || e.scope[top-1] != n.res {
		e.scope = append(e.scope, n.res)
		defer func() { e.scope = e.scope[:top] }()
	}
	own := seen
	if n.unevaluatedProps != nil || n.unevaluatedItems != nil {
		// It sees what its own subschemas evaluate and not what their cousins do.
		e.step(4)
		own = new(annotations)
	}
	r := e.references(n, v, own)
	if n.refOnly {
		return r
	}
	r = min(r, e.assertions(n, v, own))
	if r == no && !e.report || e.exhausted {
		return r
	}
	r = min(r, e.combinations(n, v, own))
	if own != seen {
		r = min(r, e.unevaluated(n, v, own))
		if r != no && seen != nil {
			e.merge(seen, own, r)
		}
	}
	return r
}

func (e *evaluator) references(n *node, v any, seen *annotations) verdict {
	r := yes
	if n.opaque {
		r = maybe
		seen.everything()
	}
	if n.ref != nil {
		r = min(r, e.eval(n.ref, v, seen))
	}
	if n.dynamic != nil && !n.refOnly {
		r = min(r, e.eval(e.target(n.dynamic), v, seen))
	}
	return r
}

// target finds what a dynamic reference means now: the outermost schema in
// scope that answers to its name.
func (e *evaluator) target(d *dynamicRef) *node {
	if !d.varies {
		return d.fixed
	}
	for i, res := range e.scope {
		if !e.step(i & 1) {
			break
		}
		if d.recursive && res.root.anchor {
			return res.root
		}
		if m := res.dynamic[d.name]; !d.recursive && m != nil {
			return m
		}
	}
	return d.fixed
}

// assertions applies what a schema says about the value and its parts.
func (e *evaluator) assertions(n *node, v any, seen *annotations) verdict {
	r := yes
	if n.types != 0 {
		r = e.typed(n.types, v)
	}
	if n.constant != nil && !equal(v, *n.constant, e.step) {
		r = e.fail("must be %s", summary(*n.constant))
	}
	if n.enum != nil && !e.listed(n.enum, v) {
		r = e.fail("must be one of %s", n.enum)
	}
	if r == no {
		return r
	}
	switch v := v.(type) {
	case map[string]any:
		if n.object != nil {
			r = min(r, e.object(n.object, v, seen))
		}
	case []any:
		if n.array != nil {
			r = min(r, e.array(n, v, seen))
		}
	case string:
		if n.text != nil {
			r = min(r, e.text(n.text, v))
		}
	case json.Number:
		if n.number != nil {
			r = min(r, e.number(n.number, v))
		}
	}
	return r
}

func (e *evaluator) typed(want typeSet, v any) verdict {
	got := typeOf(v)
	if want&got != 0 {
		return yes
	}
	if num, ok := v.(json.Number); ok && want&typeInteger != 0 {
		e.step(len(num) / 128)
		d, ok := parseDecimal(num.String())
		switch {
		case !ok:
			return maybe
		case d.integer():
			return yes
		}
	}
	return e.fail("must be %s, not %s", want, got)
}

func (e *evaluator) listed(list *enumeration, v any) bool {
	if s, ok := v.(string); ok {
		e.step(len(s) / 1024)
		_, found := list.strings[s]
		return found
	}
	return slices.ContainsFunc(list.others, func(want any) bool { return equal(v, want, e.step) })
}

func (e *evaluator) text(t *textRules, s string) verdict {
	r := yes
	if t.min > 0 || t.max != unlimited {
		e.step(len(s) / 1024)
		switch n := utf8.RuneCountInString(s); {
		case n < t.min:
			r = e.fail("must have at least %d characters, has %d", t.min, n)
		case n > t.max:
			r = e.fail("must have at most %d characters, has %d", t.max, n)
		}
	}
	if t.pattern != nil {
		m := t.pattern.match(s, e.step)
		if m == no {
			e.fail("must match the pattern %s", quote(t.pattern.source))
		}
		r = min(r, m)
	}
	return r
}

func (e *evaluator) number(rules *numberRules, num json.Number) verdict {
	if !e.step(len(num) / 128) {
		return maybe
	}
	d, ok := parseDecimal(num.String())
	if !ok {
		return maybe
	}
	r := yes
	if low := rules.min; low != nil {
		if c := d.compare(*low); c < 0 || c == 0 && rules.exclusiveMin {
			r = e.fail("must be at least %s", low)
		}
	}
	if high := rules.max; high != nil {
		if c := d.compare(*high); c > 0 || c == 0 && rules.exclusiveMax {
			r = e.fail("must be at most %s", high)
		}
	}
	if rules.above != nil && d.compare(*rules.above) <= 0 {
		r = e.fail("must be more than %s", rules.above)
	}
	if rules.below != nil && d.compare(*rules.below) >= 0 {
		r = e.fail("must be less than %s", rules.below)
	}
	if rules.multiple != nil {
		switch multiple, ok := rules.multiple.divides(d); {
		case !ok:
			r = min(r, maybe)
		case !multiple:
			r = e.fail("must be a multiple of %se%d", rules.multiple.digits, rules.multiple.exp)
		}
	}
	return r
}
