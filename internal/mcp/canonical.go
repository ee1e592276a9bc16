package mcp

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// writeCanonical writes a decoded JSON value so that equal values give equal
// bytes: members sorted, no whitespace, one spelling per number. It follows the
// idea of RFC 8785 but sorts by bytes and keeps integers exact beyond 2^53,
// because two tools whose bounds differ there do differ.
func writeCanonical(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, k)
			b.WriteByte(':')
			writeCanonical(b, v[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeCanonical(b, e)
		}
		b.WriteByte(']')
	case string:
		writeString(b, v)
	case json.Number:
		b.WriteString(canonicalNumber(v.String()))
	case json.RawMessage: // already canonical, from unordered
		b.Write(v)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	default:
		b.WriteString("null")
	}
}

func writeString(b *bytes.Buffer, s string) {
	enc, err := json.Marshal(s)
	if err != nil { // cannot happen for a string
		return
	}
	b.Write(enc)
}

// maxExponent is where a number is left as it was spelled: expanding 1e9999999
// would cost more than the comparison is worth.
const maxExponent = 400

// canonicalNumber gives 1, 1.0, 10e-1 and 0.1e1 the same spelling.
func canonicalNumber(s string) string {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp > maxExponent || exp < -maxExponent {
			return strings.ToLower(s)
		}
	}
	if len(s) > 2*maxExponent {
		return s
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	if r.IsInt() {
		return r.Num().String()
	}
	return r.RatString()
}
