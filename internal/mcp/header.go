package mcp

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Header names. HTTP/1.1 carries them in any case; these are the canonical
// forms of net/http.
const (
	HeaderVersion     = "Mcp-Protocol-Version"
	HeaderMethod      = "Mcp-Method"
	HeaderName        = "Mcp-Name"
	HeaderParamPrefix = "Mcp-Param-"
	HeaderSession     = "Mcp-Session-Id"
	HeaderLastEvent   = "Last-Event-Id"
)

// Media types that the transport uses.
const (
	TypeJSON        = "application/json"
	TypeEventStream = "text/event-stream"
	// AcceptBoth is what a client must list on every POST.
	AcceptBoth = TypeJSON + ", " + TypeEventStream
)

const (
	sentinelOpen  = "=?base64?"
	sentinelClose = "?="
	// MaxHeaderValue bounds a mirrored header before it is decoded, in bytes.
	MaxHeaderValue = 8 << 10
)

// EncodeHeader writes a value as it must stand in Mcp-Name or Mcp-Param-*
// (SEP-2243): as it is if it is plain visible ASCII with inner spaces or tabs,
// else as the Base64 sentinel.
func EncodeHeader(v string) string {
	if plainHeader(v) {
		return v
	}
	return sentinelOpen + base64.StdEncoding.EncodeToString([]byte(v)) + sentinelClose
}

// DecodeHeader reads such a value back. It trims surrounding whitespace, and
// fails for one that is too long, holds raw non-ASCII or control bytes, or is a
// sentinel whose content is not Base64 of UTF-8.
func DecodeHeader(v string) (string, error) {
	if len(v) > MaxHeaderValue {
		return "", fmt.Errorf("decode header value: %d bytes, limit %d", len(v), MaxHeaderValue)
	}
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		if c := v[i]; c != '\t' && (c < 0x20 || c > 0x7e) {
			return "", fmt.Errorf("decode header value: byte %#02x at %d is not visible ASCII", c, i)
		}
	}
	inner, ok := sentinel(v)
	if !ok {
		return v, nil
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(inner)
	if err != nil {
		return "", fmt.Errorf("decode header value: sentinel: %w", err)
	}
	if !utf8.Valid(raw) {
		return "", fmt.Errorf("decode header value: sentinel: content is not UTF-8")
	}
	return string(raw), nil
}

func sentinel(v string) (inner string, ok bool) {
	if len(v) < len(sentinelOpen)+len(sentinelClose) {
		return "", false
	}
	inner, ok = strings.CutPrefix(v, sentinelOpen)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, sentinelClose)
}

func plainHeader(v string) bool {
	if v == "" {
		return true
	}
	if v[0] == ' ' || v[0] == '\t' || v[len(v)-1] == ' ' || v[len(v)-1] == '\t' {
		return false
	}
	if strings.HasPrefix(v, sentinelOpen) { // also a half-open one: peers differ
		return false
	}
	for i := range len(v) {
		if c := v[i]; c != '\t' && (c < 0x20 || c > 0x7e) {
			return false
		}
	}
	return true
}
