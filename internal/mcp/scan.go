package mcp

import (
	"bytes"
	"encoding/json"
)

// scanner walks one JSON text (RFC 8259) whose UTF-8 has been checked. It
// copies nothing: callers cut raw values out of data by position.
type scanner struct {
	data     []byte
	pos      int
	maxDepth int
	// lax is set inside results: they are relayed, not acted upon, and a server
	// that repeats a name there is sloppy, not dangerous.
	lax bool
	// keys holds the member names of the objects that are open right now, the
	// innermost last, for the search for duplicates.
	keys [][]byte
}

func (s *scanner) fail(err error) error { return &ParseError{Offset: s.pos, Err: err} }

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// value moves past one value and returns its bytes.
func (s *scanner) value(depth int) ([]byte, error) {
	start := s.pos
	var err error
	switch c := s.peek(); {
	case c == '{':
		err = s.object(depth, nil)
	case c == '[':
		err = s.array(depth)
	case c == '"':
		_, err = s.str()
	case c == '-' || c >= '0' && c <= '9':
		err = s.number()
	default:
		err = s.literal()
	}
	if err != nil {
		return nil, err
	}
	return s.data[start:s.pos], nil
}

// object moves past one object. With visit nil the values are skipped, else
// visit is called at each value and has to move past it. A name that stands
// twice in one object is an error at every level: parsers disagree on which of
// the two counts.
func (s *scanner) object(depth int, visit func(name []byte, depth int) error) error {
	if depth >= s.maxDepth {
		return s.fail(ErrTooDeep)
	}
	s.pos++ // {
	mark := len(s.keys)
	defer func() { s.keys = s.keys[:mark] }()
	var seen map[string]struct{}
	s.space()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		s.space()
		name, err := s.memberName(mark, &seen)
		if err != nil {
			return err
		}
		if visit != nil {
			err = visit(name, depth+1)
		} else {
			_, err = s.value(depth + 1)
		}
		if err != nil {
			return err
		}
		if done, err := s.next('}'); done || err != nil {
			return err
		}
	}
}

// memberName reads `"name" :` and stands at the value after it.
func (s *scanner) memberName(mark int, seen *map[string]struct{}) ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail(ErrSyntax)
	}
	at := s.pos
	raw, err := s.str()
	if err != nil {
		return nil, err
	}
	name := raw
	if !s.lax {
		if name, err = s.unquote(raw, at); err != nil {
			return nil, err
		}
		if s.duplicate(name, mark, seen) {
			s.pos = at
			return nil, s.fail(ErrDuplicateName)
		}
	}
	s.space()
	if s.peek() != ':' {
		return nil, s.fail(ErrSyntax)
	}
	s.pos++
	s.space()
	return name, nil
}

// fewKeys is the size up to which comparing one by one beats a map.
const fewKeys = 16

func (s *scanner) duplicate(name []byte, mark int, seen *map[string]struct{}) bool {
	if *seen != nil {
		if _, ok := (*seen)[string(name)]; ok {
			return true
		}
		(*seen)[string(name)] = struct{}{}
		return false
	}
	for _, k := range s.keys[mark:] {
		if bytes.Equal(k, name) {
			return true
		}
	}
	s.keys = append(s.keys, name)
	if len(s.keys)-mark >= fewKeys {
		*seen = make(map[string]struct{}, 4*fewKeys)
		for _, k := range s.keys[mark:] {
			(*seen)[string(k)] = struct{}{}
		}
	}
	return false
}

func (s *scanner) array(depth int) error {
	if depth >= s.maxDepth {
		return s.fail(ErrTooDeep)
	}
	s.pos++ // [
	s.space()
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		s.space()
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
		if done, err := s.next(']'); done || err != nil {
			return err
		}
	}
}

// next moves past a comma or the closing byte and tells which it was.
func (s *scanner) next(closing byte) (done bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		return false, nil
	case closing:
		s.pos++
		return true, nil
	default:
		return false, s.fail(ErrSyntax)
	}
}

// str moves past a string and returns what stands between the quotes.
func (s *scanner) str() ([]byte, error) {
	s.pos++ // opening quote
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start : s.pos-1], nil
		case c == '\\':
			if !s.escape() {
				return nil, s.fail(ErrSyntax)
			}
		case c < 0x20:
			return nil, s.fail(ErrSyntax)
		default:
			s.pos++
		}
	}
	return nil, s.fail(ErrSyntax)
}

func (s *scanner) escape() bool {
	if s.pos+1 >= len(s.data) {
		return false
	}
	switch s.data[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		if _, ok := hex4(s.data[s.pos+2:]); !ok {
			return false
		}
		s.pos += 6
		return true
	default:
		return false
	}
}

// number moves past a number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	switch {
	case s.peek() == '0':
		s.pos++
	case !s.digits():
		return s.fail(ErrSyntax)
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.fail(ErrSyntax)
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.fail(ErrSyntax)
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) literal() error {
	for _, word := range []string{"true", "false", "null"} {
		if len(s.data)-s.pos >= len(word) && string(s.data[s.pos:s.pos+len(word)]) == word {
			s.pos += len(word)
			return nil
		}
	}
	return s.fail(ErrSyntax)
}

// unquote decodes what str returned; at is where its opening quote stands. An
// unpaired surrogate is refused: Go reads U+FFFD there, JavaScript keeps it, so
// the two would see different names.
func (s *scanner) unquote(raw []byte, at int) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	if loneSurrogate(raw) {
		return nil, &ParseError{Offset: at, Err: ErrSurrogate}
	}
	var out string
	if err := json.Unmarshal(s.data[at:at+len(raw)+2], &out); err != nil {
		return nil, &ParseError{Offset: at, Err: ErrSyntax}
	}
	return []byte(out), nil
}

func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++ // the escaped byte
		if raw[i] != 'u' {
			continue
		}
		hi, _ := hex4(raw[i+1:])
		i += 4
		if hi < 0xD800 || hi > 0xDFFF {
			continue
		}
		if hi > 0xDBFF || i+2 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
			return true
		}
		lo, ok := hex4(raw[i+3:])
		if !ok || lo < 0xDC00 || lo > 0xDFFF {
			return true
		}
		i += 6
	}
	return false
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
