package schema

import (
	"regexp"
	"regexp/syntax"
)

const (
	// maxRepeats bounds what a pattern amounts to when its counted repetitions
	// are written out; engines that do so need memory in proportion.
	maxRepeats = 1_000_000
	// maxProgram bounds a pattern that is evaluated here, written out.
	maxProgram = 5_000
	// maxPrograms bounds all patterns of one schema together.
	maxPrograms = 100_000
)

// pattern is a regular expression of a schema.
type pattern struct {
	source string
	re     *regexp.Regexp // nil: no one here can say whether it matches
	size   int
}

// pattern judges a regular expression. The standard's dialect is ECMA-262, of
// which schemas are written in both modes, and generators leak the syntax of
// their own language: so it is bad only if neither ECMA nor RE2 takes it. What
// only a backtracking engine can match is left unevaluated, for a backtracker
// on a stranger's pattern has no bound.
func (b *builder) pattern(n *node, keyword, source string) *pattern {
	p := &pattern{source: source}
	t := &translator{in: source}
	goSource := ""
	switch err := t.translate(); {
	case err == nil && t.size > maxRepeats:
		b.report(n, keyword, OverBudget, "the pattern repeats itself more than a million times")
		return p
	case err == nil:
		if p.size = t.size; !t.foreign {
			goSource = t.out.String()
		}
	default:
		parsed, goErr := syntax.Parse(source, syntax.Perl)
		if goErr != nil {
			b.report(n, keyword, BadPattern, quote(source)+": "+err.Error())
			return p
		}
		p.size, goSource = programSize(parsed), source
	}
	if !b.regexps || goSource == "" || p.size > maxProgram || b.compiled+p.size > maxPrograms {
		return p
	}
	b.compiled += p.size
	if re, err := regexp.Compile(goSource); err == nil {
		p.re = re
	}
	return p
}

// programSize estimates an expression's compiled size before its repetitions
// are written out.
func programSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)/2
	for _, sub := range re.Sub {
		size = min(size+programSize(sub), maxRepeats+1)
	}
	if re.Op == syntax.OpRepeat {
		size = min(size*max(re.Min+1, re.Max), maxRepeats+1)
	}
	return size
}

// match says whether the pattern occurs in s, or maybe.
func (p *pattern) match(s string, m meter) verdict {
	if p.re == nil || !m(1+len(s)*p.size/16) {
		return maybe
	}
	if p.re.MatchString(s) {
		return yes
	}
	return no
}
