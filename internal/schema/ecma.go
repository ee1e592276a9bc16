package schema

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// translator reads a regular expression as ECMA-262 has it, in either of its
// modes (with and without the u flag), and writes what RE2 understands.
//
// It errs on the side of acceptance: what one of the modes takes is no error.
// What it takes and RE2 cannot say, or says differently in the two modes, sets
// foreign.
type translator struct {
	in      string
	pos     int
	out     strings.Builder
	foreign bool
	size    int // atoms when all repetitions are written out, saturated
	depth   int
}

// maxGroups bounds the nesting of groups, and with it the recursion here.
const maxGroups = 250

// The characters that \s means, and the ones that \S means. RE2's \s knows
// ASCII only.
const (
	spaceSet    = `\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	notSpaceSet = `\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}` +
		`\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	anyButLineEnd = `[^\n\r\x{2028}\x{2029}]`
)

func (t *translator) translate() error {
	size, err := t.alternatives()
	if err != nil {
		return err
	}
	if t.pos < len(t.in) {
		return t.errorf("unmatched )")
	}
	t.size = size
	return nil
}

func (t *translator) errorf(format string, args ...any) error {
	return fmt.Errorf(format+" at byte "+strconv.Itoa(t.pos), args...)
}

func (t *translator) more() bool { return t.pos < len(t.in) }

func (t *translator) peek() byte {
	if t.pos < len(t.in) {
		return t.in[t.pos]
	}
	return 0
}

// take consumes a prefix if it is next.
func (t *translator) take(prefix string) bool {
	if !strings.HasPrefix(t.in[t.pos:], prefix) {
		return false
	}
	t.pos += len(prefix)
	return true
}

func (t *translator) char() rune {
	r, n := utf8.DecodeRuneInString(t.in[t.pos:])
	t.pos += n
	return r
}

// alternatives reads up to the end or to the bracket that closes the group.
func (t *translator) alternatives() (size int, err error) {
	for t.more() && t.peek() != ')' {
		if t.take("|") {
			t.out.WriteByte('|')
			continue
		}
		n, err := t.term()
		if err != nil {
			return 0, err
		}
		size = min(size+n, maxRepeats+1)
	}
	return size, nil
}

// term reads an assertion, or an atom and its quantifier.
func (t *translator) term() (size int, err error) {
	switch c := t.peek(); c {
	case '^', '$':
		t.pos++
		t.out.WriteByte(c)
		return 1, t.noQuantifier()
	case '*', '+', '?':
		return 0, t.errorf("nothing to repeat")
	case '(':
		size, assertion, err := t.group()
		if err != nil {
			return 0, err
		}
		if assertion {
			t.foreign = true
		}
		return t.quantifier(size)
	case '[':
		t.pos++
		size, err := t.class()
		if err != nil {
			return 0, err
		}
		return t.quantifier(size)
	case '.':
		t.pos++
		t.out.WriteString(anyButLineEnd)
		return t.quantifier(1)
	case '\\':
		return t.escape()
	case '{':
		if _, _, ok := t.braces(); ok {
			return 0, t.errorf("nothing to repeat")
		}
	}
	t.literal(t.char())
	return t.quantifier(1)
}

func (t *translator) literal(r rune) { t.out.WriteString(regexp.QuoteMeta(string(r))) }

func (t *translator) noQuantifier() error {
	if c := t.peek(); c == '*' || c == '+' || c == '?' && t.more() {
		return t.errorf("nothing to repeat")
	}
	if t.peek() == '{' {
		if _, _, ok := t.braces(); ok {
			return t.errorf("nothing to repeat")
		}
	}
	return nil
}

// group reads "(...)" of any kind; assertion is one of the four look-arounds.
func (t *translator) group() (size int, assertion bool, err error) {
	if t.depth++; t.depth > maxGroups {
		return 0, false, t.errorf("groups nested deeper than %d", maxGroups)
	}
	defer func() { t.depth-- }()
	open := t.pos
	t.pos++
	if t.take("?") {
		switch {
		case t.take(":"):
		case t.take("="), t.take("!"), t.take("<="), t.take("<!"):
			assertion = true
		case t.take("<"):
			if !t.groupName() {
				return 0, false, t.errorf("bad group name")
			}
		case t.modifiers():
			t.foreign = true
		default:
			return 0, false, t.errorf("unknown kind of group")
		}
	}
	t.out.WriteString("(?:")
	size, err = t.alternatives()
	if err != nil {
		return 0, false, err
	}
	if !t.take(")") {
		t.pos = open
		return 0, false, t.errorf("unclosed group")
	}
	t.out.WriteByte(')')
	return size + 1, assertion, nil
}

func (t *translator) groupName() bool {
	name, _, ok := strings.Cut(t.in[t.pos:], ">")
	if !ok || name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, r := range name {
		if r != '_' && r != '$' && r != '\\' && r != '{' && r != '}' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	t.pos += len(name) + 1
	return true
}

// modifiers reads "i:" or "i-s:" (ES2025).
func (t *translator) modifiers() bool {
	flags, _, ok := strings.Cut(t.in[t.pos:], ":")
	if !ok || flags == "" || flags == "-" || strings.Trim(flags, "ims-") != "" || strings.Count(flags, "-") > 1 {
		return false
	}
	t.pos += len(flags) + 1
	return true
}

// quantifier reads what may follow an atom of the given size.
func (t *translator) quantifier(size int) (int, error) {
	start := t.pos
	switch c := t.peek(); c {
	case '*', '+', '?':
		t.pos++
	case '{':
		low, high, ok := t.braces()
		if !ok {
			return size, nil
		}
		if high < low {
			return 0, t.errorf("repetition out of order")
		}
		if low > 1000 || high > 1000 && high != math.MaxInt {
			t.foreign = true // beyond RE2
		}
		times := low + 1
		if high != math.MaxInt {
			times = max(high, 1)
		}
		if times > maxRepeats {
			times = maxRepeats + 1
		}
		size = min(size*times, maxRepeats+1)
	default:
		return size, nil
	}
	t.take("?")
	t.out.WriteString(t.in[start:t.pos])
	return size, t.noQuantifier()
}

// braces reads {n}, {n,} or {n,m} and moves past it; anything else is
// literal text and stays.
func (t *translator) braces() (low, high int, ok bool) {
	body, _, ok := strings.Cut(t.in[t.pos+1:], "}")
	if !ok || len(body) > 40 {
		return 0, 0, false
	}
	from, to, ranged := strings.Cut(body, ",")
	low, ok = repetition(from)
	if !ok {
		return 0, 0, false
	}
	high = low
	if ranged {
		high = math.MaxInt
		if to != "" {
			if high, ok = repetition(to); !ok {
				return 0, 0, false
			}
		}
	}
	t.pos += len(body) + 2
	return low, high, true
}

// repetition reads a count, however large.
func repetition(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > math.MaxInt32 {
		n = math.MaxInt32
	}
	return n, true
}

// escape reads a backslash outside of a class, with its quantifier.
func (t *translator) escape() (int, error) {
	if t.pos+1 >= len(t.in) {
		return 0, t.errorf("trailing backslash")
	}
	switch c := t.in[t.pos+1]; {
	case c == 'b' || c == 'B':
		t.pos += 2
		t.out.WriteString(`\` + string(c))
		return 1, t.noQuantifier()
	case c >= '1' && c <= '9', c == 'k':
		t.pos += 2
		t.foreign = true // a back-reference, or literal without the u flag
		if c == 'k' && t.peek() == '<' {
			t.pos++
			t.groupName()
		}
		return t.quantifier(1)
	case strings.IndexByte("dDwWsSpP", c) >= 0:
		size := t.set()
		return t.quantifier(size)
	}
	t.literal(t.escaped())
	return t.quantifier(1)
}

// set reads and writes an escape that stands for many characters, outside of a
// class. inner is the same inside one.
func (t *translator) set() int {
	t.out.WriteByte('[')
	size := t.inner()
	t.out.WriteByte(']')
	return size
}

func (t *translator) inner() int {
	c := t.in[t.pos+1]
	t.pos += 2
	switch c {
	case 's':
		t.out.WriteString(spaceSet)
		return 10
	case 'S':
		t.out.WriteString(notSpaceSet)
		return 10
	case 'p', 'P':
		return t.property(c)
	}
	t.out.WriteString(`\` + string(c))
	return 1
}

// property reads \p{...}. Without the u flag it is literal text, which nobody
// means.
func (t *translator) property(c byte) int {
	body, _, ok := strings.Cut(t.in[t.pos:], "}")
	if !ok || !strings.HasPrefix(body, "{") || len(body) > 60 {
		t.foreign = true
		t.out.WriteByte('p')
		return 1
	}
	t.pos += len(body) + 1
	name := body[1:]
	if key, value, ok := strings.Cut(name, "="); ok {
		switch key {
		case "Script", "sc", "General_Category", "gc":
			name = value
		default:
			name = ""
		}
	}
	if long, ok := unicode.CategoryAliases[name]; ok {
		name = long
	}
	if unicode.Categories[name] == nil && unicode.Scripts[name] == nil {
		t.foreign = true
		t.out.WriteByte('p')
		return 1
	}
	t.out.WriteString(`\` + string(c) + "{" + name + "}")
	return 100
}

// escaped reads a backslash and what it makes of one character.
func (t *translator) escaped() rune {
	t.pos++
	switch c := t.char(); c {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'v':
		return '\v'
	case 'f':
		return '\f'
	case 'r':
		return '\r'
	case '0':
		if d := t.peek(); d >= '0' && d <= '9' {
			t.foreign = true // octal without the u flag
		}
		return 0
	case 'c':
		if l := t.peek(); l|0x20 >= 'a' && l|0x20 <= 'z' {
			t.pos++
			return rune(l & 0x1f)
		}
		t.foreign = true
		return 'c'
	case 'x':
		return t.hex(2)
	case 'u':
		return t.unicode()
	default:
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '1' && c <= '9' {
			t.foreign = true // means something in other languages, nothing here
		}
		return c
	}
}

// hex reads exactly n digits; without them the letter is literal.
func (t *translator) hex(n int) rune {
	if t.pos+n <= len(t.in) {
		if v, err := strconv.ParseUint(t.in[t.pos:t.pos+n], 16, 32); err == nil {
			t.pos += n
			return rune(v)
		}
	}
	t.foreign = true
	return 'x'
}

// unicode reads what follows \u: four digits, two surrogates, or braces.
func (t *translator) unicode() rune {
	if t.peek() == '{' {
		body, _, ok := strings.Cut(t.in[t.pos+1:], "}")
		v, err := strconv.ParseUint(body, 16, 32)
		if !ok || err != nil || v > unicode.MaxRune {
			t.foreign = true
			return 'u'
		}
		t.pos += len(body) + 2
		return t.whole(rune(v))
	}
	r := t.hex(4)
	if r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(t.in[t.pos:], `\u`) {
		back := t.pos
		t.pos += 2
		if low := t.hex(4); low >= 0xdc00 && low < 0xe000 {
			return 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
		}
		t.pos = back
	}
	return t.whole(r)
}

// whole refuses half characters, which Go's strings cannot hold.
func (t *translator) whole(r rune) rune {
	if r >= 0xd800 && r < 0xe000 {
		t.foreign = true
	}
	return r
}

// class reads a character class behind its bracket.
func (t *translator) class() (size int, err error) {
	negated := t.take("^")
	if t.take("]") {
		// Nothing, or anything: RE2 has no such classes.
		if negated {
			t.out.WriteString(`[\x{0}-\x{10ffff}]`)
		} else {
			t.out.WriteString(`[^\x{0}-\x{10ffff}]`)
		}
		return 1, nil
	}
	t.out.WriteByte('[')
	if negated {
		t.out.WriteByte('^')
	}
	for size = 1; ; size++ {
		if !t.more() {
			return 0, t.errorf("unclosed [")
		}
		if t.take("]") {
			t.out.WriteByte(']')
			return size, nil
		}
		if err := t.classRange(); err != nil {
			return 0, err
		}
	}
}

// classRange reads one member of a class, or two with a dash between.
func (t *translator) classRange() error {
	low, single, err := t.classAtom()
	if err != nil {
		return err
	}
	dashed := t.peek() == '-' && t.pos+1 < len(t.in) && t.in[t.pos+1] != ']'
	if !dashed || !single {
		if single {
			t.writeRune(low)
		}
		if dashed {
			// A set at one end of a range: an error with the u flag, else the
			// dash is literal.
			t.pos++
			t.writeRune('-')
		}
		return nil
	}
	t.pos++
	high, single, err := t.classAtom()
	switch {
	case err != nil:
		return err
	case !single:
		t.writeRune(low)
		t.writeRune('-')
		return nil
	case high < low:
		return t.errorf("range out of order")
	}
	t.writeRune(low)
	t.out.WriteByte('-')
	t.writeRune(high)
	return nil
}

func (t *translator) writeRune(r rune) { fmt.Fprintf(&t.out, `\x{%x}`, r) }

// classAtom reads a character of a class, or writes a set and says it is not a
// single one.
func (t *translator) classAtom() (r rune, single bool, err error) {
	if t.peek() != '\\' {
		if !t.more() {
			return 0, false, t.errorf("unclosed [")
		}
		return t.char(), true, nil
	}
	if t.pos+1 >= len(t.in) {
		return 0, false, t.errorf("trailing backslash")
	}
	switch c := t.in[t.pos+1]; {
	case c == 'b':
		t.pos += 2
		return '\b', true, nil
	case strings.IndexByte("dDwWsSpP", c) >= 0:
		t.inner()
		return 0, false, nil
	}
	return t.escaped(), true, nil
}
