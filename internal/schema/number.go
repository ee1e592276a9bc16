package schema

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"
)

const (
	// maxExponent bounds |exponent| of a number, far beyond any real one and
	// far below what overflows when digits are added to it.
	maxExponent = 1 << 40
	// maxFactorDigits bounds the numbers that multipleOf divides.
	maxFactorDigits = 1024
)

// decimal is a JSON number as sign, digits and power of ten, in one canonical
// form: no zeros at either end of digits, "" for zero. It is never expanded,
// so 1e999999999 costs eleven bytes here where math/big would take 400 MB.
type decimal struct {
	neg    bool
	digits string
	exp    int64 // value = digits * 10^exp
}

// parseDecimal reads a number in JSON's grammar; ok is false beyond
// [maxExponent].
func parseDecimal(s string) (d decimal, ok bool) {
	s, d.neg = strings.CutPrefix(s, "-")
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.ParseInt(s[i+1:], 10, 64)
		if err != nil || e > maxExponent || e < -maxExponent {
			return zeroUnless(s[:i])
		}
		d.exp, s = e, s[:i]
	}
	if whole, frac, found := strings.Cut(s, "."); found {
		d.exp -= int64(len(frac))
		s = whole + frac
	}
	s = strings.TrimLeft(s, "0")
	d.digits = strings.TrimRight(s, "0")
	d.exp += int64(len(s) - len(d.digits))
	if d.digits == "" {
		d = decimal{}
	}
	return d, true
}

// zeroUnless is what a number with an enormous exponent is: zero if its
// digits are, and otherwise too large or small to hold.
func zeroUnless(mantissa string) (decimal, bool) {
	return decimal{}, strings.Trim(mantissa, "0.") == ""
}

// integer reports a value without a fraction; 1.0 is one (draft-06 on).
func (d decimal) integer() bool { return d.digits == "" || d.exp >= 0 }

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// compare orders two numbers exactly, in time linear in their digits.
func (d decimal) compare(o decimal) int {
	if c := cmp.Compare(d.sign(), o.sign()); c != 0 || d.digits == "" {
		return c
	}
	c := cmp.Compare(int64(len(d.digits))+d.exp, int64(len(o.digits))+o.exp)
	if c == 0 {
		// Same magnitude: digits compare as text, a shorter prefix is less.
		c = cmp.Compare(d.digits, o.digits)
	}
	return c * d.sign()
}

// count reads a small natural number, as minLength and its like are; what is
// larger than any instance is cut.
func (d decimal) count() int {
	if d.exp > 9 || int64(len(d.digits))+d.exp > 9 {
		return 1_000_000_000
	}
	n, _ := strconv.Atoi(d.digits + strings.Repeat("0", int(d.exp))) // digits only
	return n
}

// factor is a divisor of multipleOf, prepared.
type factor struct {
	digits *big.Int
	exp    int64
}

// newFactor prepares a positive number; nil if it has too many digits.
func newFactor(d decimal) *factor {
	n := d.integerDigits()
	if n == nil {
		return nil
	}
	return &factor{digits: n, exp: d.exp}
}

func (d decimal) integerDigits() *big.Int {
	if len(d.digits) > maxFactorDigits {
		return nil
	}
	n, ok := new(big.Int).SetString(d.digits, 10)
	if !ok {
		return nil
	}
	return n
}

// divides says whether d is a multiple of f, without expanding a power of ten;
// ok is false if d has too many digits to say.
func (f *factor) divides(d decimal) (multiple, ok bool) {
	if d.digits == "" {
		return true, true
	}
	if d.exp < f.exp {
		// d has no trailing zero, so no factor of ten to give.
		return false, true
	}
	n := d.integerDigits()
	if n == nil {
		return false, false
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(d.exp-f.exp), f.digits)
	n.Mul(n, power)
	return n.Mod(n, f.digits).Sign() == 0, true
}

// String writes the number as digits and exponent, for messages.
func (d decimal) String() string {
	s := d.digits
	if s == "" {
		return "0"
	}
	if d.neg {
		s = "-" + s
	}
	switch {
	case d.exp == 0:
		return cut(s, 40)
	case d.exp > 0 && d.exp < 20:
		return cut(s+strings.Repeat("0", int(d.exp)), 40)
	}
	return cut(s, 40) + "e" + strconv.FormatInt(d.exp, 10)
}
