// Package front is a workload.
package front

import (
	"errors"
	"net/netip"
	"regexp"
	"sort"
	"sync"
	"sync/atomic"

	_ "embed"
)

// Kind is something.
const Kind = "x"

//go:embed front.go
var source string

// ErrGone is a sentinel.
var ErrGone = errors.New("gone")

var (
	_        error = ErrGone
	pattern        = regexp.MustCompile("x")
	table          = map[string][]string{"a": {"b"}}
	prefixes       = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	rules          = []struct {
		name string
		run  func(string) bool
	}{{"a", pattern.MatchString}}

	// Table can be written by anybody.
	Table = []int{1} // want global

	unset     string                     // want global
	mutex     sync.Mutex                 // want global
	pool      = sync.Pool{}              // want global
	count     = atomic.Int64{}           // want global
	pointers  = []*int{nil}              // want global
	anything  = map[string]any{}         // want global
	assigned  = 1                        // want global
	increased = 1                        // want global
	entry     = map[string]int{}         // want global
	field     = struct{ a []int }{}      // want global
	addressed = 1                        // want global
	deleted   = map[string]int{"a": 1}   // want global
	sorted    = []int{2, 1}              // want global
	byTest    = 1                        // want global
	method    = counter{}                // want global
	errOnce   = errors.New("reassigned") // want global
	shadowed  = 1
)

type counter struct{ n int }

func (c *counter) add() { c.n++ }

func use() {
	assigned = 2
	increased++
	entry["a"] = 1
	field.a[0] = 1
	_ = &addressed
	delete(deleted, "a")
	sort.Ints(sorted)
	method.add()
	errOnce = nil
	shadowed := 2
	shadowed++
	_, _, _, _, _, _ = source, table, prefixes, rules, unset, shadowed
}
