package schema

import (
	"encoding/json"
	"hash/maphash"
	"maps"
	"slices"
)

// typeSet is a set of JSON Schema's types.
type typeSet uint8

const (
	typeNull typeSet = 1 << iota
	typeBoolean
	typeNumber
	typeInteger
	typeString
	typeArray
	typeObject
)

// typeNamed is 0 for what is no type.
func typeNamed(name string) typeSet {
	switch name {
	case "null":
		return typeNull
	case "boolean":
		return typeBoolean
	case "number":
		return typeNumber
	case "integer":
		return typeInteger
	case "string":
		return typeString
	case "array":
		return typeArray
	case "object":
		return typeObject
	}
	return 0
}

// String lists the types, for messages.
func (t typeSet) String() string {
	s := ""
	for _, name := range [...]string{"null", "boolean", "number", "integer", "string", "array", "object"} {
		if t&typeNamed(name) == 0 {
			continue
		}
		if s != "" {
			s += " or "
		}
		s += name
	}
	return s
}

// typeOf is the type of a decoded value; a number's integrality is not looked
// at.
func typeOf(v any) typeSet {
	switch v.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case json.Number:
		return typeNumber
	case string:
		return typeString
	case []any:
		return typeArray
	}
	return typeObject
}

// enumeration is a list of allowed values, its strings ready for look-up.
type enumeration struct {
	all     []any
	strings map[string]struct{}
	others  []any
}

func newEnumeration(list []any) *enumeration {
	e := &enumeration{all: list, strings: make(map[string]struct{}, len(list))}
	for _, v := range list {
		if s, ok := v.(string); ok {
			e.strings[s] = struct{}{}
		} else {
			e.others = append(e.others, v)
		}
	}
	return e
}

// String lists the first values, for messages.
func (e *enumeration) String() string {
	s := ""
	for i, v := range e.all {
		if i > 0 {
			s += ", "
		}
		if len(s) > maxDetail || i == 8 {
			return s + "..."
		}
		s += summary(v)
	}
	return s
}

// meter counts steps; it answers false when there are none left.
type meter func(steps int) bool

// free is the meter for values whose size is bounded otherwise.
func free(int) bool { return true }

// equal compares values as JSON Schema does: numbers by value, objects without
// order. It answers false when the meter has run out.
func equal(a, b any, m meter) bool {
	if !m(1) {
		return false
	}
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && m((len(a)+len(b))/128) && (a == b || equalNumbers(a, b))
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i], m) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			w, ok := b[k]
			if !ok || !equal(v, w, m) {
				return false
			}
		}
		return true
	case string:
		b, ok := b.(string)
		return ok && len(a) == len(b) && m(len(a)/1024) && a == b
	default: // nil and booleans
		switch b.(type) {
		case nil, bool:
			return a == b
		}
		return false
	}
}

func equalNumbers(a, b json.Number) bool {
	x, ok := parseDecimal(a.String())
	if !ok {
		return false
	}
	y, ok := parseDecimal(b.String())
	return ok && x == y
}

// duplicate says whether a list the caller has bounded holds equal values.
func duplicate(list []any) bool {
	_, _, found := duplicates(list, free)
	return found
}

// duplicates finds two equal values in a list.
func duplicates(list []any, m meter) (first, second int, found bool) {
	if len(list) < 2 {
		return 0, 0, false
	}
	var h maphash.Hash
	seen := make(map[uint64]int, len(list))
	for i, v := range list {
		h.Reset()
		if !writeHash(&h, v, m) {
			return 0, 0, false
		}
		sum := h.Sum64()
		if j, ok := seen[sum]; ok && equal(v, list[j], m) {
			return j, i, true
		}
		seen[sum] = i
	}
	return 0, 0, false
}

// writeHash feeds a value to a hash such that equal values hash alike. The
// seed is random, so a stranger cannot prepare collisions.
func writeHash(h *maphash.Hash, v any, m meter) bool {
	if !m(1) {
		return false
	}
	switch v := v.(type) {
	case nil:
		h.WriteByte('n')
	case bool:
		h.WriteByte('b')
		if v {
			h.WriteByte(1)
		}
	case string:
		h.WriteByte('s')
		maphash.WriteComparable(h, v)
		return m(len(v) / 256)
	case json.Number:
		h.WriteByte('d')
		d, ok := parseDecimal(v.String())
		if !ok {
			d.digits = v.String()
		}
		maphash.WriteComparable(h, d)
		return m(len(d.digits) / 128)
	case []any:
		h.WriteByte('[')
		maphash.WriteComparable(h, len(v))
		for _, item := range v {
			if !writeHash(h, item, m) {
				return false
			}
		}
	case map[string]any:
		h.WriteByte('{')
		maphash.WriteComparable(h, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			maphash.WriteComparable(h, k)
			if !writeHash(h, v[k], m) {
				return false
			}
		}
	}
	return true
}
