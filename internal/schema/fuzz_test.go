package schema

import (
	"errors"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func seeds(f *testing.F) []string {
	list := []string{typicalTool, doubling(22), `{"$ref":"#"}`, in(`{"pattern":"^(?=a)[\\w-]{1,3}\\u{41}$"}`),
		`{"multipleOf":1e-999999999,"enum":[1e999999999]}`, `{"$id":"a","$anchor":"b","$dynamicRef":"#b","$defs":{"x/~":{"$ref":"a#/$defs/x~1~0"}}}`, `{`, `"`, ``}
	for _, draft := range []string{"draft4", "draft2019-09", "draft2020-12"} {
		for _, groups := range readSuite(f, draft) {
			list = append(list, string(groups[0].Schema))
		}
	}
	return list
}

// FuzzJudge: whatever the schema, Judge answers, soon, the same twice, in
// bounds, and agrees with Compile.
func FuzzJudge(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(s), uint8(Input))
	}
	f.Fuzz(func(t *testing.T, raw []byte, use uint8) {
		var got []Problem
		timed(t, "judge", func() { got = Judge(raw, Use(use%3)) })
		if d := cmp.Diff(got, Judge(raw, Use(use%3))); d != "" {
			t.Fatalf("judged twice:\n%s", d)
		}
		if len(got) > MaxProblems {
			t.Fatalf("%d problems", len(got))
		}
		for _, p := range got {
			if p.Kind == "" || p.Detail == "" || len(p.Pointer) > maxPointer || len(p.Detail) > maxDetail {
				t.Fatalf("problem %+v", p)
			}
		}
		_, err := Compile(raw)
		if ok := len(Judge(raw, Output)) == 0; ok && err != nil {
			t.Fatalf("no problem, and %v", err)
		}
		if len(got) > 0 && err == nil && !slices.ContainsFunc(got, rootOrHeader) {
			t.Fatalf("%v, and compiles", got)
		}
	})
}

// rootOrHeader are the problems that Compile does not share.
func rootOrHeader(p Problem) bool {
	return p.Kind == WrongType || p.Kind == NotObject || p.Kind == BadHeader
}

// FuzzValidate: whatever the schema and the instance, the evaluation ends
// within its steps, with one of its three answers.
func FuzzValidate(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(s), []byte(typicalCall))
		f.Add([]byte(s), []byte(`[{"a":[1,2.5,"x",null]},1e999999999]`))
	}
	f.Fuzz(func(t *testing.T, raw, instance []byte) {
		s, err := Compile(raw)
		if err != nil {
			if _, ok := errors.AsType[*CompileError](err); !ok {
				t.Fatalf("%v is no CompileError", err)
			}
			return
		}
		timed(t, "validate", func() { err = s.Validate(instance) })
		ve, invalid := errors.AsType[*ValidationError](err)
		if err != nil && !invalid && !errors.Is(err, ErrBudget) {
			t.Fatalf("unknown answer %v", err)
		}
		if invalid && (len(ve.Failures) == 0 || len(ve.Failures) > MaxFailures) {
			t.Fatalf("%d failures", len(ve.Failures))
		}
	})
}

// FuzzPattern: what the translator calls translatable, Go's engine takes.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{`^[\w-.]+$`, `(?<y>a{1,3}?|[^])*`, `[\b\S\u{41}-\x5a]`, `\p{Script=Greek}\cA\0`, `a{,3}{`, `[[:alpha:]&&x]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if !utf8.ValidString(source) {
			return // no decoded JSON string is like that
		}
		tr := &translator{in: source}
		if err := tr.translate(); err != nil || tr.foreign || tr.size > maxProgram {
			return
		}
		if _, err := regexp.Compile(tr.out.String()); err != nil {
			t.Fatalf("%q became %q: %v", source, tr.out.String(), err)
		}
	})
}
