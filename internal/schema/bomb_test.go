package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// bombTime is far above what any of the bombs takes (the worst is logged) and
// far below what one that goes off does.
const bombTime = 5 * time.Second

// timed runs f, and twice more if it took longer than a bomb may: a machine
// that is busy with something else is slow once, a bomb is slow always.
func timed(t *testing.T, name string, f func()) time.Duration {
	t.Helper()
	var took time.Duration
	for range 3 {
		start := time.Now()
		f()
		if took = time.Since(start); took <= bombTime {
			return took
		}
	}
	t.Errorf("%s: %v", name, took)
	return took
}

func nested(open, inner, end string, depth int) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(end, depth)
}

// series writes format n times with the index in it, separated by commas.
func series(format string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
	}
	return b.String()
}

// TestJudgeBombs: schemas made to be slow to judge.
func TestJudgeBombs(t *testing.T) {
	chain := series(`"a%d":{"$ref":"#/$defs/b%d"},"b%d":{"allOf":[true]}`, 3000)
	bombs := map[string]string{
		"doubling":          doubling(22),
		"doubling, 3000":    doubling(3000),
		"flat":              `{"type":"object","allOf":[` + series(`{}`, 100_000) + `]}`,
		"problems":          `{"type":"object","allOf":[` + series(`{"type":1}`, 45_000) + `]}`,
		"bad references":    `{"type":"object","allOf":[` + series(`{"$ref":"#/x/%d"}`, 9_000) + `]}`,
		"references":        `{"type":"object","$defs":{` + chain + `}}`,
		"into the unknown":  `{"type":"object","x":[` + series(`{"$ref":"#/x/%d/y","y":{}}`, 9_000) + `],"properties":{` + series(`"p%d":{"$ref":"#/x/%d"}`, 4_000) + `}}`,
		"long reference":    `{"type":"object","properties":{` + series(`"p%d":{"$ref":"#`+strings.Repeat("/properties/p1", 100)+`"}`, 300) + `}}`,
		"resources":         `{"type":"object","$defs":{` + series(`"d%d":{"$id":"i%d","$dynamicAnchor":"n","$dynamicRef":"#n"}`, 8_000) + `}}`,
		"recursive anchors": `{"$schema":"https://json-schema.org/draft/2019-09/schema","type":"object","$defs":{` + series(`"d%d":{"$id":"i%d","$recursiveAnchor":true,"$recursiveRef":"#"}`, 6_000) + `}}`,
		"long name":         `{"type":"object","properties":{"` + strings.Repeat("n", 200_000) + `":{"allOf":[` + series(`{"type":1}`, 9_000) + `]}}}`,
		"deep long names":   nested(`{"type":1,"properties":{"`+strings.Repeat("n", 4_000)+`":`, `{}`, `}}`, 60),
		"patterns":          `{"type":"object","patternProperties":{` + series(`"^(%d{900}a{1000}|[\\p{L}\\p{N}]{1000})*$":{}`, 5_000) + `}}`,
		"groups":            in(`{"pattern":"` + nested("(", "a", ")*", 100_000) + `"}`),
		"enum":              `{"$schema":"http://json-schema.org/draft-04/schema","type":"object","enum":[` + series(`%d.0`, 50_000) + `]}`,
		"required":          `{"type":"object","required":[` + series(`"%d"`, 50_000) + `]}`,
		"deep":              strings.Repeat(`[`, MaxSchemaBytes),
		"quotes":            strings.Repeat(`"\`, MaxSchemaBytes/2),
		"digits":            `{"type":"object","minimum":` + strings.Repeat("9", 500_000) + `,"multipleOf":1e-999999999}`,
		"x-mcp-header":      `{"type":"object","properties":{` + series(`"p%d":{"type":"string","x-mcp-header":"A"}`, 9_000) + `}}`,
	}
	for name, raw := range bombs {
		var problems []Problem
		judged := timed(t, name, func() { problems = Judge(json.RawMessage(raw), Input) })
		compiled := timed(t, name, func() { _, _ = Compile(json.RawMessage(raw)) })
		t.Logf("%-18s %4d KiB: judge %8v, compile %8v, %d problems", name, len(raw)>>10, judged.Round(time.Microsecond), compiled.Round(time.Microsecond), len(problems))
	}
	if got := Judge(json.RawMessage(doubling(22)), Input); len(got) != 1 || got[0].Kind != OverBudget {
		t.Errorf("doubling: %v", got)
	}
}

// TestValidateBombs: pairs made to be slow to evaluate. over says that the
// steps must run out, or the time limit proves nothing.
func TestValidateBombs(t *testing.T) {
	twice := func(keyword string) string {
		return `{"` + keyword + `":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`
	}
	deep := nested(`{"a":`, `1`, `}`, 40)
	bombs := []struct {
		name, schema, instance string
		over                   bool
	}{
		// The first alternative of an anyOf that holds ends it: only failing ones explode.
		{"anyOf", `{"type":"object","anyOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`, deep, true},
		{"allOf", twice("allOf"), deep, true},
		{"oneOf", twice("oneOf"), deep, true},
		{"not", `{"not":` + strings.ReplaceAll(twice("anyOf"), `"#"`, `"#/not"`) + `}`, deep, false},
		{"patternProperties", `{"not":{"patternProperties":{"a":{"$ref":"#"},"a*":{"$ref":"#"},".":{"$ref":"#"}},"type":"object"}}`, deep, false},
		{"before 2019", `{"$schema":"http://json-schema.org/draft-07/schema","allOf":[{"properties":{"a":{"$ref":"#/allOf/1"}}},{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}]}`, deep, true},
		{"unevaluated", `{"unevaluatedProperties":false,"anyOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}`, deep, true},
		{"items", `{"allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}`, nested("[", "1", "]", 200), true},
		{"dynamic loop", `{"$dynamicAnchor":"n","properties":{"a":{"$id":"x","$dynamicAnchor":"n","allOf":[{"$dynamicRef":"#n"}]}},"$ref":"#/$defs/y","$defs":{"y":{"$id":"y","$dynamicAnchor":"n","anyOf":[true,{"$dynamicRef":"#n"}]}},"not":{"$dynamicRef":"y#n"}}`, `{"a":{"a":1}}`, false},
		{"chain of references", `{"$ref":"#/$defs/a0","$defs":{` + series(`"a%d":{"$ref":"#/$defs/b%d"},"b%d":{"items":{"$ref":"#/$defs/a0"}}`, 3_000) + `}}`, nested("[", "", "]", 500), false},
		{"long chain", longChain(4_500), `1`, true},
		{"pattern on a long text", `{"items":{"pattern":"^(a|b|ab|.*x){1,400}$"}}`, `["` + strings.Repeat("ab", 1_000_000) + `"]`, false},
		{"patterns on many names", `{"patternProperties":{` + series(`"^a*b*%d$":true`, 1_000) + `}}`, `{` + series(`"aaaaabbbbb%d":1`, 20_000) + `}`, true},
		{"enum on many items", `{"items":{"enum":[` + series(`[%d]`, 20_000) + `]}}`, `[` + series(`[-%d]`, 50_000) + `]`, false},
		{"required of many", `{"items":{"required":[` + series(`"a%d"`, 20_000) + `]}}`, `[` + series(`{}`, 100_000) + `]`, false},
		{"unique", `{"uniqueItems":true}`, `[` + series(`[%d]`, 130_000) + `]`, false},
		{"unique and deep", `{"$ref":"#/$defs/u","$defs":{"u":{"uniqueItems":true,"items":{"$ref":"#/$defs/u"}}}}`, nested("[1,", "2", "]", 500), false},
		{"large exponents", `{"minimum":1,"maximum":1e999999999,"multipleOf":7e-999999,"enum":[1e999999998,3],"const":10e999999997}`, `1e999999998`, false},
		{"many digits", `{"multipleOf":7,"minimum":1}`, strings.Repeat("7", 2_000_000), false},
		{"digits, often", `{"allOf":[` + series(`{"type":"integer"}`, 9_000) + `]}`, strings.Repeat("7", 2_000_000), true},
		{"long text, often", `{"allOf":[` + series(`{"enum":["x"]}`, 1) + `,` + series(`{"not":{"enum":["%d"],"maxLength":5}}`, 4_000) + `]}`, `"` + strings.Repeat("x", 4_000_000) + `"`, false},
		{"needs of many", `{"items":{"dependentRequired":{` + series(`"a%d":["b"]`, 20_000) + `}}}`, `[` + series(`{}`, 100_000) + `]`, true},
		{"members of many", `{"items":{"allOf":[` + series(`{"$ref":"#/$defs/p"}`, 4_000) + `]},"$defs":{"p":{"properties":{` + series(`"a%d":true`, 4_000) + `}}}}`, `[{` + series(`"b%d":1`, 5_000) + `}]`, true},
		{"wide", `{"items":{"type":"integer","minimum":0}}`, `[` + series(`%d`, 200_000) + `]`, false},
		{"annotations", `{"unevaluatedProperties":true,"anyOf":[` + series(`{"additionalProperties":true,"minProperties":%d}`, 300) + `]}`, `{` + series(`"p%d":1`, 50_000) + `}`, true},
	}
	for _, b := range bombs {
		s, err := Compile(json.RawMessage(b.schema))
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		took := timed(t, b.name, func() { err = s.Validate(json.RawMessage(b.instance)) })
		if b.over && !errors.Is(err, ErrBudget) {
			t.Errorf("%s: %v, want ErrBudget", b.name, err)
		}
		t.Logf("%-24s %5d KiB: validate %8v: %.70s", b.name, len(b.instance)>>10, took.Round(time.Microsecond), fmt.Sprint(err))
	}
}

// longChain applies n schemas to one value, one inside the other.
func longChain(n int) string {
	return `{"$ref":"#/$defs/a0","$defs":{` + chainLinks(n) + `}}`
}

func chainLinks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"a%d":{"$ref":"#/$defs/a%d"},`, i, i+1)
	}
	fmt.Fprintf(&b, `"a%d":{}`, n)
	return b.String()
}

func TestInstanceBounds(t *testing.T) {
	s, err := Compile(json.RawMessage(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"bytes":  `"` + strings.Repeat("x", MaxInstanceBytes) + `"`,
		"depth":  nested("[", "", "]", MaxInstanceDepth+1),
		"values": `[` + strings.Repeat("[],", MaxValues/2) + `1]`,
	} {
		if err := s.Validate(json.RawMessage(raw)); !errors.Is(err, ErrBudget) {
			t.Errorf("%s: %v, want ErrBudget", name, err)
		}
	}
	if err := s.Validate(json.RawMessage(nested("[", "", "]", MaxInstanceDepth))); err != nil {
		t.Error(err)
	}
}
