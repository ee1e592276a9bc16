package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errTooLarge reports JSON beyond a size limit; the wrapping error says which.
var errTooLarge = errors.New("too large")

// extent is how large a JSON text may be.
type extent struct {
	bytes, depth, values int
}

// decode reads one JSON value, numbers as json.Number, after it has made sure
// that the value fits in memory and on the stack.
func decode(raw []byte, lim extent) (any, error) {
	if len(raw) > lim.bytes {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", errTooLarge, len(raw), lim.bytes)
	}
	if err := measure(raw, lim); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: bytes after the value")
	}
	return v, nil
}

// measure counts brackets and separators outside strings. On text that is not
// JSON the counts mean nothing, and the decoder says so afterwards.
func measure(raw []byte, lim extent) error {
	depth, values := 0, 1
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			values++
			if depth > lim.depth {
				return fmt.Errorf("%w: nested deeper than %d", errTooLarge, lim.depth)
			}
		case '}', ']':
			depth--
		case ',', ':':
			values++
		}
	}
	if values > lim.values {
		return fmt.Errorf("%w: %d values, limit %d", errTooLarge, values, lim.values)
	}
	return nil
}
