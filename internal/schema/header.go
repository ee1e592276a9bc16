package schema

import (
	"slices"
	"strings"
)

// headerKeyword asks clients to repeat an argument in an HTTP header
// (SEP-2243).
const headerKeyword = "x-mcp-header"

// headers judges every x-mcp-header. A client that speaks HTTP drops a tool
// that breaks one of these rules, so each break is worth a line.
func (b *builder) headers(nodes []*node) {
	var seen map[string]*node
	for _, n := range nodes {
		obj, ok := n.raw.(map[string]any)
		if !ok {
			continue
		}
		v, ok := obj[headerKeyword]
		if !ok {
			continue
		}
		name, detail := headerName(n, obj, v)
		if detail == "" {
			fold := strings.ToLower(name)
			if other := seen[fold]; other != nil {
				detail = "repeats the name " + quote(name) + " of " + other.pointer()
			} else {
				if seen == nil {
					seen = map[string]*node{}
				}
				seen[fold] = n
			}
		}
		if detail != "" {
			b.report(n, headerKeyword, BadHeader, detail)
		}
	}
}

// headerName reads one annotation; detail says what is wrong with it.
func headerName(n *node, obj map[string]any, v any) (name, detail string) {
	name, ok := v.(string)
	switch {
	case !ok:
		return "", "must be a string, not " + article(v)
	case name == "":
		return "", "must not be empty"
	case !isToken(name):
		return "", quote(name) + " is no token of RFC 9110"
	case n.parent == nil:
		return "", "belongs on a property, not on the root"
	case !n.plain:
		return "", "stands where \"properties\" alone does not lead from the root"
	case !headerType(obj["type"]):
		return "", "needs type string, integer or boolean"
	}
	return name, ""
}

// headerType allows null beside one of the types: null sends no header.
func headerType(v any) bool {
	switch v := v.(type) {
	case string:
		return v == "string" || v == "integer" || v == "boolean"
	case []any:
		rest := slices.DeleteFunc(slices.Clone(v), func(t any) bool { return t == "null" })
		return len(rest) == 1 && headerType(rest[0])
	}
	return false
}

// isToken says whether s can be the name of a header field (RFC 9110 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
