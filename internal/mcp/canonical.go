package mcp

import (
	"bytes"
	"encoding/json"
	"maps"
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

// canonicalNumber gives 1, 1.0, 10e-1 and 0.1e1 the same spelling: the digits
// without zeros at either end, and the power of ten. It never writes a number
// out, since 1e9999 would then cost a thousand times what it cost to send. A
// number whose exponent does not fit into 64 bits stays as it was spelled.
func canonicalNumber(s string) string {
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	significant := strings.TrimRight(digits, "0")
	if significant == "" {
		return "0"
	}
	power := int64(len(digits) - len(significant) - len(fraction))
	if exponent != "" {
		n, err := strconv.ParseInt(exponent, 10, 63) // one bit less, so that the sum fits
		if err != nil {
			return strings.ToLower(s)
		}
		power += n
	}
	if negative {
		significant = "-" + significant
	}
	if power == 0 {
		return significant
	}
	return significant + "e" + strconv.FormatInt(power, 10)
}
