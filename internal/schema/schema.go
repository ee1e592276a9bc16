// Package schema judges JSON Schemas that strangers wrote and evaluates
// instances against them, within bounds that hold for any input.
//
// A tool's inputSchema and outputSchema come from servers nobody here runs.
// Two things follow. First, an accusation must be true: what the schema's own
// dialect allows is no [Problem], even where Go or this package cannot use it
// (a look-ahead in a pattern, for one). Second, a schema is a program: 1.4 KB
// of doubling anyOf keep an ordinary evaluator busy for hours, and "$ref":"#"
// overflows a stack. So nothing here loads anything, every cost is estimated
// before it is paid, and an evaluation that is not over within its steps ends
// with [ErrBudget].
//
// Dialects: 2020-12 (the default), 2019-09, draft-07, draft-06, draft-04.
// "format" and the content keywords are annotations and never fail an
// instance. Everything here is safe for concurrent use; there is no shared
// state.
package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Limits on what is looked at. What exceeds them is reported as [OverBudget]
// (schema) or [ErrBudget] (instance), never half judged.
const (
	MaxSchemaBytes   = 512 << 10 // encoded size of a schema
	MaxSchemaDepth   = 128       // nesting of the schema's JSON
	MaxSubschemas    = 10_000    // schemas inside a schema, itself included
	MaxInPlace       = 10_000    // schemas applied to one and the same value
	MaxInstanceBytes = 4 << 20   // encoded size of an instance
	MaxInstanceDepth = 512       // nesting of the instance's JSON
	MaxValues        = 400_000   // values and names inside an instance
	MaxSteps         = 1_000_000 // steps of one evaluation; a step is 20-250 ns
	MaxProblems      = 32        // problems reported for one schema
	MaxFailures      = 8         // failures reported for one instance
)

// Kind says what sort of thing is wrong. The strings are stable and appear in
// reports.
type Kind string

// The kinds of problems.
const (
	NotObject  Kind = "not_object"  // the schema is not a JSON object
	WrongType  Kind = "wrong_type"  // the root must say "type":"object"
	Invalid    Kind = "invalid"     // refused by the dialect's metaschema
	BadRef     Kind = "bad_ref"     // a reference to nothing in this document
	RemoteRef  Kind = "remote_ref"  // a reference out of this document; never fetched
	BadPattern Kind = "bad_pattern" // a regular expression that no engine accepts
	OverBudget Kind = "over_budget" // beyond the limits of this package
	Recursive  Kind = "recursive"   // applies itself to the same value for ever
	BadHeader  Kind = "bad_header"  // x-mcp-header against the rules of SEP-2243
)

// Problem is one thing wrong with a schema.
type Problem struct {
	Pointer string // JSON Pointer (RFC 6901) into the schema, "" is the root; cut at 512 bytes
	Kind    Kind
	Detail  string // one short line, at most 200 bytes
}

// String is "kind at pointer: detail", on one line.
func (p Problem) String() string {
	where := p.Pointer
	if where == "" {
		where = "the root"
	}
	return string(p.Kind) + " at " + where + ": " + p.Detail
}

// Use says what a schema is for, which decides the rules for its root.
type Use uint8

// What schemas are for.
const (
	// Input is a tool's inputSchema: the root must say "type":"object", and
	// x-mcp-header is judged.
	Input Use = iota
	// Output is a tool's outputSchema as of 2026-07-28: the root may be of any
	// type.
	Output
	// OutputObject is a tool's outputSchema up to 2025-11-25: the root must
	// say "type":"object".
	OutputObject
)

// Judge says what is wrong with a tool's schema; nil means nothing. It takes
// milliseconds for any input, follows no reference out of the document and
// reports at most [MaxProblems], in the order of the document's sorted names.
func Judge(raw json.RawMessage, use Use) []Problem {
	b := newBuilder(use)
	b.build(raw)
	slices.SortStableFunc(b.problems, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(x.Pointer, y.Pointer), cmp.Compare(x.Kind, y.Kind))
	})
	return slices.Compact(b.problems)
}

// CompileError is why a schema cannot be evaluated.
type CompileError struct{ Problems []Problem }

// Error names the first problem and counts the others.
func (e *CompileError) Error() string {
	s := "compile schema: " + e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		s += " (and " + strconv.Itoa(more) + " more)"
	}
	return s
}

// ErrBudget reports an instance that could not be decided within the limits:
// too large, too deep, or too many steps. It says nothing about validity.
var ErrBudget = errors.New("validate: not decided within bounds")

// Failure is one place where an instance does not satisfy its schema.
type Failure struct {
	Pointer string // JSON Pointer into the instance, "" is the whole; cut at 512 bytes
	Reason  string // what was expected; never holds a value of the instance
}

// ValidationError is how an instance fails its schema.
type ValidationError struct{ Failures []Failure }

// Error lists the failures, each as "pointer: reason".
func (e *ValidationError) Error() string {
	var b strings.Builder
	for i, f := range e.Failures {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(cmp.Or(f.Pointer, "the value"))
		b.WriteString(": ")
		b.WriteString(f.Reason)
	}
	return b.String()
}

// Schema is a compiled schema, immutable.
type Schema struct{ root *node }

// Compile prepares a schema for [Schema.Validate]. It accepts any schema of a
// known dialect, the boolean ones too, and fails with a [*CompileError] on
// whatever [Judge] would report except the rules for a tool's root and for
// headers. Patterns that only an ECMA engine understands compile, and never
// fail an instance.
func Compile(raw json.RawMessage) (*Schema, error) {
	b := newBuilder(anyRoot)
	b.regexps = true
	root := b.build(raw)
	if len(b.problems) > 0 {
		return nil, &CompileError{Problems: b.problems}
	}
	return &Schema{root: root}, nil
}

// Validate says whether an instance satisfies the schema: nil, a
// [*ValidationError], or an error wrapping [ErrBudget].
func (s *Schema) Validate(instance json.RawMessage) error {
	return evaluate(s.root, instance)
}

// anyRoot is the use of [Compile]: no rule for the root.
const anyRoot Use = 255
