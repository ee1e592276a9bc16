package schema

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestDecimal holds the arithmetic on digits against exact rationals.
func TestDecimal(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	number := func() string {
		s := fmt.Sprint(g.IntN(2000) - 1000)
		if g.IntN(2) == 0 {
			s += fmt.Sprintf(".%0*d", 1+g.IntN(3), g.IntN(10))
		}
		if g.IntN(2) == 0 {
			s += fmt.Sprintf("e%+d", g.IntN(9)-4)
		}
		return s
	}
	multiples := 0
	for range 20_000 {
		a, b := number(), number()
		x, okX := parseDecimal(a)
		y, okY := parseDecimal(b)
		ratX, _ := new(big.Rat).SetString(a)
		ratY, _ := new(big.Rat).SetString(b)
		if !okX || !okY || x.compare(y) != ratX.Cmp(ratY) || (x == y) != (ratX.Cmp(ratY) == 0) {
			t.Fatalf("%s compared with %s: %d, want %d", a, b, x.compare(y), ratX.Cmp(ratY))
		}
		if x.integer() != ratX.IsInt() {
			t.Fatalf("%s integer: %v", a, x.integer())
		}
		if ratY.Sign() <= 0 {
			continue
		}
		want := new(big.Rat).Quo(ratX, ratY).IsInt()
		if got, ok := newFactor(y).divides(x); got != want || !ok {
			t.Fatalf("%s a multiple of %s: %v, want %v", a, b, got, want)
		} else if got {
			multiples++
		}
	}
	if multiples < 20 {
		t.Errorf("only %d multiples", multiples)
	}
	for s, want := range map[string]int{"0": 0, "12": 12, "1.2e1": 12, "3e2": 300, "1e99": 1_000_000_000, "12345678901": 1_000_000_000} {
		if d, _ := parseDecimal(s); d.count() != want {
			t.Errorf("count of %s: %d, want %d", s, d.count(), want)
		}
	}
}
