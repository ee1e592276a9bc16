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
		err = s.object(depth)
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

// object moves past one object.
func (s *scanner) object(depth int) error {
	var m members
	if err := s.open(depth); err != nil {
		return err
	}
	for {
		_, ok, err := s.member(&m)
		if err != nil || !ok {
			return err
		}
		if _, err = s.value(depth + 1); err != nil {
			return err
		}
	}
}

// members is the way through one object: open, then member and its value in
// turn until there is none left.
type members struct {
	begun bool
	// first holds the names for the search for duplicates, and all takes over
	// once they are many. The array lives on the stack, so that most messages
	// cost no allocation here.
	first [fewNames][]byte
	n     int
	all   map[string]struct{}
}

// fewNames is the size up to which comparing one by one beats a map.
const fewNames = 12

// open moves past the opening brace.
func (s *scanner) open(depth int) error {
	if depth >= s.maxDepth {
		return s.fail(ErrTooDeep)
	}
	s.pos++ // {
	return nil
}

// member moves past the next name and stands at its value, or past the closing
// brace and reports false. A name that stands twice in one object is an error at
// every level: parsers disagree on which of the two counts.
func (s *scanner) member(m *members) (name []byte, ok bool, err error) {
	s.space()
	if c := s.peek(); c == '}' {
		s.pos++
		return nil, false, nil
	} else if m.begun {
		if c != ',' {
			return nil, false, s.fail(ErrSyntax)
		}
		s.pos++
		s.space()
	}
	m.begun = true
	name, err = s.memberName(m)
	return name, err == nil, err
}

// memberName reads `"name" :` and stands at the value after it.
func (s *scanner) memberName(m *members) ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail(ErrSyntax)
	}
	at := s.pos
	name, err := s.str()
	if err != nil {
		return nil, err
	}
	if !s.lax {
		if name, err = s.unquote(name, at); err != nil {
			return nil, err
		}
		if m.add(name) {
			return nil, &ParseError{Offset: at, Err: ErrDuplicateName}
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

// add notes a name and tells whether it was there before.
func (m *members) add(name []byte) (twice bool) {
	if m.all != nil {
		if _, twice = m.all[string(name)]; !twice {
			m.all[string(name)] = struct{}{}
		}
		return twice
	}
	for _, other := range m.first[:m.n] {
		if bytes.Equal(other, name) {
			return true
		}
	}
	if m.n < fewNames {
		m.first[m.n] = name
		m.n++
		return false
	}
	m.all = make(map[string]struct{}, 4*fewNames)
	for _, other := range m.first {
		m.all[string(other)] = struct{}{}
	}
	m.all[string(name)] = struct{}{}
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
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.fail(ErrSyntax)
		}
	}
}

// str moves past a string and returns what stands between the quotes.
func (s *scanner) str() ([]byte, error) {
	s.pos++ // opening quote
	start := s.pos
	for {
		// Most bytes of most messages pass here, so pos stays in a register.
		data, i := s.data, s.pos
		for i < len(data) && data[i] >= 0x20 && data[i] != '"' && data[i] != '\\' {
			i++
		}
		s.pos = i
		switch {
		case i < len(data) && data[i] == '"':
			s.pos++
			return data[start:i], nil
		case i < len(data) && data[i] == '\\' && s.escape():
		default:
			return nil, s.fail(ErrSyntax)
		}
	}
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
