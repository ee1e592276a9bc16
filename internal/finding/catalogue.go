package finding

import (
	"slices"
	"strconv"
	"strings"
)

// Catalogue lists every code, in order of its number.
func Catalogue() []Entry {
	all := slices.Concat(reach(), answers(), authorization(), inventory(), calls(),
		lintProbes(),
		lintLifecycle(),
		lintRoutes(),
		lintSessions(),
		lintSupply(),
		lintMonitors(),
		lintInputs(),
	)
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Code, b.Code) })
	return all
}

// group is the part of the journey, or the subject of the linter, that a run of
// numbers belongs to.
type group struct {
	from, to int // numbers, both included
	title    string
}

// groups lists them in order of their numbers.
func groups() []group {
	return []group{
		{1, 19, "Reaching the endpoint"},
		{20, 54, "Answers, versions and sessions"},
		{55, 65, "Authorization"},
		{66, 76, "The list of tools"},
		{77, 99, "Calls, and what shows over time"},
		{100, 199, "Lint: health probes"},
		{200, 299, "Lint: life cycle"},
		{300, 399, "Lint: routes"},
		{400, 499, "Lint: sessions and scaling"},
		{500, 599, "Lint: supply chain and identity"},
		{600, 699, "Lint: monitoring"},
	}
}

// groupOf gives the group of a code. A number that no group claims gets one for
// its hundred, so that nothing falls out of the documentation.
func groupOf(code string) group {
	n, err := strconv.Atoi(strings.TrimPrefix(code, "HF"))
	if err != nil {
		n = 0
	}
	for _, g := range groups() {
		if g.from <= n && n <= g.to {
			return g
		}
	}
	hundred := n / 100 * 100
	return group{from: hundred, to: hundred + 99, title: "Other findings"}
}
