package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// keyword checks one member of a schema against its dialect's metaschema and
// keeps what evaluation needs. Unknown keywords are allowed in every dialect.
func (b *builder) keyword(n *node, k string, v any) {
	switch k {
	case "$schema", "title", "description", "format":
		b.text(n, k, v)
	case "$comment", "contentMediaType", "contentEncoding":
		if n.draft >= draft7 {
			b.text(n, k, v)
		}
	case "readOnly":
		if n.draft >= draft7 {
			b.boolean(n, k, v)
		}
	case "writeOnly", "deprecated":
		if n.draft >= draft2019 {
			b.boolean(n, k, v)
		}
	case "examples":
		if _, ok := v.([]any); !ok && n.draft >= draft7 {
			b.invalid(n, k, "must be a list")
		}
	case "$ref", "$dynamicRef", "$recursiveRef", "$recursiveAnchor", "$anchor", "$dynamicAnchor", "$vocabulary":
		b.reference(n, k, v)
	case "definitions":
		b.schemas(n, k, v)
	case "$defs":
		if n.draft >= draft2019 {
			b.schemas(n, k, v)
		}
	case "type":
		b.types(n, v)
	case "enum":
		b.enum(n, v)
	case "const":
		if n.draft >= draft6 {
			n.constant = &v
		}
	case "multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum":
		b.numeric(n, k, v)
	case "maxLength", "minLength", "pattern":
		b.textual(n, k, v)
	default:
		b.applicator(n, k, v)
	}
}

// applicator is the rest of keyword: what holds for objects, arrays and
// combinations.
func (b *builder) applicator(n *node, k string, v any) {
	switch k {
	case "allOf":
		n.allOf = b.children(n, k, v)
	case "anyOf":
		n.anyOf = b.children(n, k, v)
	case "oneOf":
		n.oneOf = b.children(n, k, v)
	case "not":
		n.not = b.child(n, k, v)
	case "if", "then", "else":
		if n.draft >= draft7 {
			b.conditional(n, k, v)
		}
	case "properties", "patternProperties", "additionalProperties", "required", "maxProperties",
		"minProperties", "dependencies", "propertyNames", "dependentRequired", "dependentSchemas":
		b.objectKeyword(n, k, v)
	case "items", "additionalItems", "prefixItems", "contains", "minContains", "maxContains",
		"maxItems", "minItems", "uniqueItems":
		b.arrayKeyword(n, k, v)
	case "unevaluatedProperties":
		if n.draft >= draft2019 {
			n.unevaluatedProps = b.child(n, k, v)
		}
	case "unevaluatedItems":
		if n.draft >= draft2019 {
			n.unevaluatedItems = b.child(n, k, v)
		}
	case "contentSchema":
		if n.draft >= draft2019 {
			b.child(n, k, v)
		}
	}
}

// conditional keeps then and else only beside an if; alone they are checked
// and mean nothing.
func (b *builder) conditional(n *node, k string, v any) {
	m := b.child(n, k, v)
	if _, ok := n.raw.(map[string]any)["if"]; !ok {
		return
	}
	switch k {
	case "if":
		n.cond = m
	case "then":
		n.then = m
	case "else":
		n.otherwise = m
	}
}

func (b *builder) objectKeyword(n *node, k string, v any) {
	switch k {
	case "properties":
		o := n.objectRules()
		o.properties = map[string]*node{}
		b.members(n, k, v, func(name string, v any) {
			o.properties[name] = b.member(n, k, name, v)
			o.order = append(o.order, name)
		})
	case "patternProperties":
		b.members(n, k, v, func(name string, v any) {
			p := b.pattern(n, k, name)
			n.objectRules().patterns = append(n.objectRules().patterns, patternRule{p, b.member(n, k, name, v)})
		})
	case "additionalProperties":
		n.objectRules().additional = b.child(n, k, v)
	case "required":
		n.objectRules().required = b.names(n, k, v)
	case "maxProperties":
		n.objectRules().max = b.natural(n, k, v, unlimited)
	case "minProperties":
		n.objectRules().min = b.natural(n, k, v, 0)
	case "propertyNames":
		if n.draft >= draft6 {
			n.objectRules().names = b.child(n, k, v)
		}
	case "dependencies":
		b.members(n, k, v, func(name string, v any) { b.dependency(n, name, v) })
	case "dependentRequired":
		if n.draft >= draft2019 {
			b.members(n, k, v, func(name string, v any) {
				n.objectRules().needs = append(n.objectRules().needs, needRule{name, b.names(n, k, v)})
			})
		}
	case "dependentSchemas":
		if n.draft >= draft2019 {
			b.members(n, k, v, func(name string, v any) {
				n.objectRules().dependent = append(n.objectRules().dependent, dependRule{name, b.member(n, k, name, v)})
			})
		}
	}
}

// dependency reads one member of "dependencies", which the metaschemas of
// 2019-09 and later still check and no longer give a meaning.
func (b *builder) dependency(n *node, name string, v any) {
	const k = "dependencies"
	if _, ok := v.([]any); ok {
		if needs := b.names(n, k, v); n.draft <= draft7 {
			n.objectRules().needs = append(n.objectRules().needs, needRule{name, needs})
		}
		return
	}
	if m := b.member(n, k, name, v); n.draft <= draft7 {
		n.objectRules().dependent = append(n.objectRules().dependent, dependRule{name, m})
	}
}

func (b *builder) arrayKeyword(n *node, k string, v any) {
	switch k {
	case "items":
		b.items(n, v)
	case "additionalItems":
		if n.draft <= draft2019 {
			m := b.child(n, k, v)
			// Means something only after a list of items.
			if _, ok := n.raw.(map[string]any)["items"].([]any); ok {
				n.arrayRules().rest = m
			}
		}
	case "prefixItems":
		if n.draft >= draft2020 {
			n.arrayRules().prefix = b.children(n, k, v)
		}
	case "contains":
		if n.draft >= draft6 {
			n.arrayRules().contains = b.child(n, k, v)
		}
	case "minContains":
		if n.draft >= draft2019 {
			n.arrayRules().minContains = b.natural(n, k, v, 1)
		}
	case "maxContains":
		if n.draft >= draft2019 {
			n.arrayRules().maxContains = b.natural(n, k, v, unlimited)
		}
	case "maxItems":
		n.arrayRules().max = b.natural(n, k, v, unlimited)
	case "minItems":
		n.arrayRules().min = b.natural(n, k, v, 0)
	case "uniqueItems":
		n.arrayRules().unique = b.boolean(n, k, v)
	}
}

func (b *builder) items(n *node, v any) {
	if _, ok := v.([]any); ok && n.draft <= draft2019 {
		n.arrayRules().prefix = b.children(n, "items", v)
		return
	}
	if _, ok := v.([]any); ok {
		b.invalid(n, "items", "must be a schema; a list of schemas is prefixItems in 2020-12")
		return
	}
	n.arrayRules().rest = b.child(n, "items", v)
}

func (b *builder) text(n *node, k string, v any) string {
	s, ok := v.(string)
	if !ok {
		b.invalid(n, k, "must be a string, not "+article(v))
	}
	return s
}

func (b *builder) boolean(n *node, k string, v any) bool {
	t, ok := v.(bool)
	if !ok {
		b.invalid(n, k, "must be true or false, not "+article(v))
	}
	return t
}

// decimal reads a number that a comparison will use.
func (b *builder) decimal(n *node, k string, v any) (decimal, bool) {
	num, ok := v.(json.Number)
	if !ok {
		b.invalid(n, k, "must be a number, not "+article(v))
		return decimal{}, false
	}
	d, ok := parseDecimal(num.String())
	if !ok {
		b.report(n, k, OverBudget, k+" has an exponent beyond any use")
	}
	return d, ok
}

// natural reads a count. absent is what stands for one that cannot be read.
func (b *builder) natural(n *node, k string, v any, absent int) int {
	d, ok := b.decimal(n, k, v)
	if !ok {
		return absent
	}
	if !d.integer() || d.sign() < 0 {
		b.invalid(n, k, "must be a whole number of at least 0")
		return absent
	}
	return d.count()
}

func (b *builder) numeric(n *node, k string, v any) {
	if exclusive := k == "exclusiveMaximum" || k == "exclusiveMinimum"; exclusive && n.draft == draft4 {
		b.exclusive4(n, k, v)
		return
	}
	d, ok := b.decimal(n, k, v)
	if !ok {
		return
	}
	r := n.numberRules()
	switch k {
	case "maximum":
		r.max = &d
	case "minimum":
		r.min = &d
	case "exclusiveMaximum":
		r.below = &d
	case "exclusiveMinimum":
		r.above = &d
	case "multipleOf":
		if d.sign() <= 0 {
			b.invalid(n, k, "must be greater than 0")
			return
		}
		if r.multiple = newFactor(d); r.multiple == nil {
			b.report(n, k, OverBudget, fmt.Sprintf("%s has more than %d digits", k, maxFactorDigits))
		}
	}
}

// exclusive4 reads draft-04's switches, which need their limit beside them.
func (b *builder) exclusive4(n *node, k string, v any) {
	on := b.boolean(n, k, v)
	limit := "maximum"
	if k == "exclusiveMinimum" {
		limit = "minimum"
		n.numberRules().exclusiveMin = on
	} else {
		n.numberRules().exclusiveMax = on
	}
	if _, ok := n.raw.(map[string]any)[limit]; !ok {
		b.invalid(n, k, "needs "+limit+" beside it in draft-04")
	}
}

func (b *builder) textual(n *node, k string, v any) {
	switch k {
	case "maxLength":
		n.textRules().max = b.natural(n, k, v, unlimited)
	case "minLength":
		n.textRules().min = b.natural(n, k, v, 0)
	case "pattern":
		s, ok := v.(string)
		if !ok {
			b.invalid(n, k, "must be a string, not "+article(v))
			return
		}
		n.textRules().pattern = b.pattern(n, k, s)
	}
}

// names reads a list of distinct strings.
func (b *builder) names(n *node, k string, v any) []string {
	list, ok := v.([]any)
	if !ok {
		b.invalid(n, k, "must be a list of strings, not "+article(v))
		return nil
	}
	if len(list) == 0 && n.draft == draft4 {
		b.invalid(n, k, "must not be empty in draft-04")
	}
	names := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			b.invalid(n, k, "must hold strings only, not "+article(item))
			return names
		}
		names = append(names, s)
	}
	if s, ok := repeated(names); ok {
		b.invalid(n, k, "says "+quote(s)+" twice")
	}
	return names
}

// repeated finds a string that stands in the list twice.
func repeated(list []string) (string, bool) {
	if len(list) <= 16 {
		for i, s := range list {
			if slices.Contains(list[:i], s) {
				return s, true
			}
		}
		return "", false
	}
	sorted := slices.Sorted(slices.Values(list))
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return sorted[i], true
		}
	}
	return "", false
}

func (b *builder) types(n *node, v any) {
	switch v := v.(type) {
	case string:
		b.addType(n, v)
	case []any:
		if len(v) == 0 {
			b.invalid(n, "type", "must name at least one type")
		}
		for _, item := range v {
			if s, ok := item.(string); !ok || !b.addType(n, s) {
				if !ok {
					b.invalid(n, "type", "must hold strings only, not "+article(item))
				}
				return
			}
		}
	default:
		b.invalid(n, "type", "must be a string or a list of strings, not "+article(v))
	}
}

func (b *builder) addType(n *node, name string) bool {
	t := typeNamed(name)
	switch {
	case t == 0:
		b.invalid(n, "type", "names the unknown type "+quote(name))
		return false
	case n.types&t != 0:
		b.invalid(n, "type", "says "+quote(name)+" twice")
		return false
	}
	n.types |= t
	return true
}

func (b *builder) enum(n *node, v any) {
	list, ok := v.([]any)
	if !ok {
		b.invalid(n, "enum", "must be a list, not "+article(v))
		return
	}
	if n.draft <= draft6 {
		if len(list) == 0 {
			b.invalid(n, "enum", "must not be empty in this dialect")
		}
		if duplicate(list) {
			b.invalid(n, "enum", "says a value twice")
		}
	}
	n.enum = newEnumeration(list)
}

// article names a value's type with its article, for messages.
func article(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// summary shows a small value of a schema in a message.
func summary(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return article(v)
	}
	return cut(string(text), 60)
}

func quote(s string) string { return strings.ToValidUTF8(fmt.Sprintf("%q", cut(s, 80)), "?") }
