package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestJudgeAccepts: what real generators write is no problem.
func TestJudgeAccepts(t *testing.T) {
	tests := map[string]string{
		"no arguments":     `{"type":"object"}`,
		"empty properties": `{"type":"object","properties":{},"required":[]}`,
		"pydantic": `{"$defs":{"Unit":{"enum":["c","f"],"title":"Unit","type":"string"},
			"Place":{"properties":{"city":{"title":"City","type":"string","maxLength":80},
			"geo":{"anyOf":[{"maxItems":2,"minItems":2,"prefixItems":[{"type":"number"},{"type":"number"}],"type":"array"},{"type":"null"}],"default":null}},
			"required":["city"],"title":"Place","type":"object"}},
			"properties":{"place":{"$ref":"#/$defs/Place"},"unit":{"$ref":"#/$defs/Unit","default":"c"},
			"when":{"anyOf":[{"format":"date-time","type":"string"},{"type":"null"}],"default":null,"title":"When"}},
			"required":["place"],"title":"forecastArguments","type":"object"}`,
		"zod": `{"type":"object","properties":{"path":{"type":"string","description":"where"},
			"edits":{"type":"array","items":{"type":"object","properties":{"oldText":{"type":"string"},"newText":{"type":"string"}},
			"required":["oldText","newText"],"additionalProperties":false}},"dryRun":{"type":"boolean","default":false}},
			"required":["path","edits"],"additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}`,
		"zod, draft-07 definitions and relative path": `{"$schema":"http://json-schema.org/draft-07/schema","type":"object",
			"properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}},"c":{"$ref":"#/properties/a/properties/b"}}}`,
		"draft-07 with $defs": `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","$defs":{"x":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/x"}}}`,
		"typebox": `{"type":"object","required":["mode"],"properties":{"mode":{"anyOf":[{"const":"r","type":"string"},{"const":"w","type":"string"}]},
			"n":{"minimum":0,"exclusiveMaximum":10.5,"multipleOf":0.5,"type":"number"}}}`,
		"nullable and nested": `{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"type":"object","additionalProperties":{"type":"integer"}},
			"c":{"oneOf":[{"type":"string","format":"uri"},{"type":"array","items":{"type":"string"},"uniqueItems":true}]}}}`,
		"openapi leftovers": `{"type":"object","properties":{"a":{"type":"string","nullable":true,"example":"x","x-order":1,"discriminator":{"propertyName":"t"}}}}`,
		"recursive tree":    `{"type":"object","properties":{"value":{"type":"string"},"children":{"type":"array","items":{"$ref":"#"}}}}`,
		"mutual recursion": `{"type":"object","properties":{"e":{"$ref":"#/$defs/E"}},"$defs":{"E":{"anyOf":[{"type":"number"},{"$ref":"#/$defs/Op"}]},
			"Op":{"type":"object","properties":{"l":{"$ref":"#/$defs/E"},"r":{"$ref":"#/$defs/E"}}}}}`,
		"unused self reference":   `{"type":"object","$defs":{"a":{"$ref":"#/$defs/a"}}}`,
		"anchors":                 `{"type":"object","$defs":{"a":{"$anchor":"here","type":"string"}},"properties":{"x":{"$ref":"#here"}}}`,
		"ids":                     `{"$id":"https://example.com/tool","type":"object","$defs":{"a":{"$id":"a","type":"string"}},"properties":{"x":{"$ref":"a"},"y":{"$ref":"https://example.com/tool#/$defs/a"}}}`,
		"metaschema":              `{"type":"object","properties":{"schema":{"$ref":"http://json-schema.org/draft-07/schema#"}}}`,
		"draft-04":                `{"$schema":"http://json-schema.org/draft-04/schema#","id":"x","type":"object","properties":{"n":{"type":"integer","minimum":0,"exclusiveMinimum":true}}}`,
		"draft-06":                `{"$schema":"http://json-schema.org/draft-06/schema#","type":"object","properties":{"n":{"const":1,"examples":[1]}}}`,
		"2019-09":                 `{"$schema":"https://json-schema.org/draft/2019-09/schema","type":"object","properties":{"n":{"items":[{"type":"string"}],"additionalItems":false}},"unevaluatedProperties":false}`,
		"lookahead":               `{"type":"object","properties":{"p":{"type":"string","pattern":"^(?=.*[A-Z])(?!.*\\s)(?<!x)[\\w-.]{8,}\\1$"}}}`,
		"unicode pattern":         `{"type":"object","properties":{"p":{"pattern":"^\\p{L}[\\u0041-\\u{1F600}]\\/\\cA$"}},"patternProperties":{"^x-":{}}}`,
		"python pattern":          `{"type":"object","properties":{"p":{"pattern":"(?i)^(?P<year>\\d{4})$"}}}`,
		"long repetition":         `{"type":"object","properties":{"p":{"pattern":"^.{1,5000}$"}}}`,
		"enormous but harmless":   `{"type":"object","properties":{"n":{"minimum":-1e999999999,"maximum":1e999999999}}}`,
		"x-mcp-header":            `{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"Region"},"o":{"type":"object","properties":{"i":{"type":"integer","x-mcp-header":"Id"},"b":{"type":["boolean","null"],"x-mcp-header":"B"}}}}}`,
		"a property named $ref":   `{"type":"object","properties":{"$ref":{"type":"string"},"type":{"type":"string"},"x-mcp-header":{"type":"number"}}}`,
		"keywords inside default": `{"type":"object","default":{"type":1,"$ref":"nowhere"},"examples":[{"x-mcp-header":1}],"properties":{"e":{"const":{"$ref":"#/x"},"enum":[{"pattern":"("}]}}}`,
	}
	for name, raw := range tests {
		if got := Judge(json.RawMessage(raw), Input); got != nil {
			t.Errorf("%s: %v", name, got)
		}
		if _, err := Compile(json.RawMessage(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestJudgeRefuses gives each kind its cases, beside the nearest thing that is
// right.
func TestJudgeRefuses(t *testing.T) {
	tests := []struct{ name, bad, want, good string }{
		{"boolean", `true`, "not_object at ", `{"type":"object"}`},
		{"null", `null`, "not_object at ", `{"type":"object"}`},
		{"no JSON", `{"type":"object"`, "not_object at ", `{"type":"object"}`},
		{"two values", `{"type":"object"}{}`, "not_object at ", ` {"type":"object"} `},
		{"no type", `{"properties":{}}`, "wrong_type at ", `{"type":"object","properties":{}}`},
		{"array", `{"type":"array"}`, "wrong_type at /type", `{"type":"object"}`},
		{"list of types", `{"type":["object"]}`, "wrong_type at /type", `{"type":"object"}`},
		{"python's int", in(`{"type":"int"}`), "invalid at /properties/p/type", in(`{"type":"integer"}`)},
		{"negative length", in(`{"minLength":-1}`), "invalid at /properties/p/minLength", in(`{"minLength":1.0}`)},
		{"fraction", in(`{"maxItems":1.5}`), "invalid at /properties/p/maxItems", in(`{"maxItems":15e1}`)},
		{"required in a property", in(`{"required":true}`), "invalid at /properties/p/required", in(`{"required":["a"]}`)},
		{"required twice", in(`{"required":["a","a"]}`), "invalid at /properties/p/required", in(`{"required":["a","A"]}`)},
		{"enum no list", in(`{"enum":"a"}`), "invalid at /properties/p/enum", in(`{"enum":[]}`)},
		{"empty anyOf", in(`{"anyOf":[]}`), "invalid at /properties/p/anyOf", in(`{"anyOf":[{}]}`)},
		{"properties no object", `{"type":"object","properties":[]}`, "invalid at /properties", `{"type":"object","properties":{}}`},
		{"property no schema", `{"type":"object","properties":{"p":"string"}}`, "invalid at /properties/p", in(`true`)},
		{"old exclusive", in(`{"minimum":1,"exclusiveMinimum":true}`), "invalid at /properties/p/exclusiveMinimum", in(`{"exclusiveMinimum":1}`)},
		{"old tuple", in(`{"items":[{}]}`), "invalid at /properties/p/items", in(`{"prefixItems":[{}]}`)},
		{"zero multiple", in(`{"multipleOf":0}`), "invalid at /properties/p/multipleOf", in(`{"multipleOf":0.01}`)},
		{"unknown dialect", `{"$schema":"https://example.com/mine","type":"object"}`, "invalid at /$schema", `{"$schema":"https://json-schema.org/draft/2020-12/schema#","type":"object"}`},
		{"draft-04 boolean", `{"$schema":"http://json-schema.org/draft-04/schema","type":"object","properties":{"p":true}}`, "invalid at /properties/p", `{"$schema":"http://json-schema.org/draft-06/schema","type":"object","properties":{"p":true}}`},
		{"escaped pointer", `{"type":"object","properties":{"a/b~c":{"type":1}}}`, "invalid at /properties/a~1b~0c/type", `{"type":"object","properties":{"a/b~c":{}}}`},
		{"missing definition", in(`{"$ref":"#/$defs/x"}`), "bad_ref at /properties/p/$ref", `{"type":"object","$defs":{"x":{}},"properties":{"p":{"$ref":"#/$defs/x"}}}`},
		{"missing anchor", in(`{"$ref":"#x"}`), "bad_ref at /properties/p/$ref", in(`{"$ref":"#"}`)},
		{"reference to a string", `{"type":"object","title":"x","properties":{"p":{"$ref":"#/title"}}}`, "bad_ref at /properties/p/$ref", in(`{"$ref":"#/properties"}`)},
		{"remote", in(`{"$ref":"https://example.com/x.json"}`), "remote_ref at /properties/p/$ref", in(`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`)},
		{"file", in(`{"$ref":"file:///etc/passwd"}`), "remote_ref at /properties/p/$ref", in(`{"$comment":"file:///etc/passwd"}`)},
		{"relative", in(`{"$ref":"other.json#/x"}`), "remote_ref at /properties/p/$ref", `{"$id":"http://e.com/a","type":"object","$defs":{"o":{"$id":"other.json","x":{}}},"properties":{"p":{"$ref":"other.json#/x"}}}`},
		{"open group", in(`{"pattern":"(a"}`), "bad_pattern at /properties/p/pattern", in(`{"pattern":"(a)"}`)},
		{"nothing to repeat", in(`{"pattern":"*.md"}`), "bad_pattern at /properties/p/pattern", in(`{"pattern":".*\\.md"}`)},
		{"bad range", in(`{"pattern":"[z-a]"}`), "bad_pattern at /properties/p/pattern", in(`{"pattern":"[a-z-]"}`)},
		{"repeated repetition", in(`{"pattern":"a{1000}{1000}"}`), "bad_pattern at /properties/p/pattern", in(`{"pattern":"(a{10}){10}"}`)},
		{"bad member pattern", `{"type":"object","patternProperties":{"[":{}}}`, "bad_pattern at /patternProperties", `{"type":"object","patternProperties":{"]":{}}}`},
		{"pattern bomb", in(`{"pattern":"((a{1000}){1000}){1000}"}`), "over_budget at /properties/p/pattern", in(`{"pattern":"((a{9}){9}){9}"}`)},
		{"exponent", in(`{"minimum":1e99999999999999999999}`), "over_budget at /properties/p/minimum", in(`{"minimum":0e99999999999999999999}`)},
		{"digits", in(`{"multipleOf":` + strings.Repeat("7", 2000) + `}`), "over_budget at /properties/p/multipleOf", in(`{"multipleOf":7e2000}`)},
		{"too deep", strings.Repeat(`{"not":`, 200) + `{}` + strings.Repeat(`}`, 200), "over_budget at ", `{"type":"object","default":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`},
		{"too large", `{"type":"object","title":"` + strings.Repeat("x", MaxSchemaBytes) + `"}`, "over_budget at ", `{"type":"object","title":"` + strings.Repeat("x", MaxSchemaBytes/2) + `"}`},
		{"doubling", doubling(22), "over_budget at ", doubling(8)},
		{"self", `{"type":"object","$ref":"#"}`, "recursive at ", in(`{"$ref":"#"}`)},
		{"self below anyOf", `{"type":"object","anyOf":[{"type":"string"},{"$ref":"#"}]}`, "recursive at /anyOf/1", `{"type":"object","anyOf":[{"items":{"$ref":"#"}}]}`},
		{"two apart", in(`{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}`), "recursive at /$defs/b/not", in(`{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"contains":{"$ref":"#/$defs/a"}}`)},
		{"static dynamic", `{"type":"object","$dynamicRef":"#"}`, "recursive at ", in(`{"$dynamicRef":"#"}`)},
		{"header on number", in(`{"type":"number","x-mcp-header":"A"}`), "bad_header at /properties/p/x-mcp-header", in(`{"type":"integer","x-mcp-header":"A"}`)},
		{"header without type", in(`{"x-mcp-header":"A"}`), "bad_header at /properties/p/x-mcp-header", in(`{"type":"string","x-mcp-header":"A"}`)},
		{"empty header", in(`{"type":"string","x-mcp-header":""}`), "bad_header at /properties/p/x-mcp-header", in(`{"type":"string","x-mcp-header":"!"}`)},
		{"header no token", in(`{"type":"string","x-mcp-header":"a b"}`), "bad_header at /properties/p/x-mcp-header", in(`{"type":"string","x-mcp-header":"a-b"}`)},
		{"header no string", in(`{"type":"string","x-mcp-header":true}`), "bad_header at /properties/p/x-mcp-header", in(`{"type":"string","x-mcp-header":"true"}`)},
		{"header twice", in(`{"type":"string","x-mcp-header":"A"},"q":{"type":"string","x-mcp-header":"a"}`), "bad_header at /properties/q/x-mcp-header", in(`{"type":"string","x-mcp-header":"A"},"q":{"type":"string","x-mcp-header":"a1"}`)},
		{"header at root", `{"type":"object","x-mcp-header":"A"}`, "bad_header at /x-mcp-header", in(`{"type":"string","x-mcp-header":"A"}`)},
		{"header in items", in(`{"items":{"type":"string","x-mcp-header":"A"}}`), "bad_header at /properties/p/items/x-mcp-header", in(`{"properties":{"x":{"type":"string","x-mcp-header":"A"}}}`)},
		{"header in anyOf", in(`{"anyOf":[{"type":"string","x-mcp-header":"A"}]}`), "bad_header at /properties/p/anyOf/0/x-mcp-header", in(`{"anyOf":[{"type":"string"}],"type":"string","x-mcp-header":"A"}`)},
		{"header in definition", `{"type":"object","$defs":{"x":{"type":"string","x-mcp-header":"A"}},"properties":{"p":{"$ref":"#/$defs/x"}}}`, "bad_header at /$defs/x/x-mcp-header", `{"type":"object","$defs":{"x":{"const":"A"}},"properties":{"p":{"$ref":"#/$defs/x","type":"string","x-mcp-header":"A"}}}`},
	}
	for _, tt := range tests {
		got := Judge(json.RawMessage(tt.bad), Input)
		found := false
		for _, p := range got {
			found = found || string(p.Kind)+" at "+p.Pointer == tt.want || strings.HasPrefix(string(p.Kind)+" at "+p.Pointer, tt.want+"/")
		}
		if !found {
			t.Errorf("%s: want %q in %v", tt.name, tt.want, got)
		}
		if got := Judge(json.RawMessage(tt.good), Input); got != nil {
			t.Errorf("%s, near miss: %v", tt.name, got)
		}
	}
}

// in is a tool's schema with one property p.
func in(property string) string { return `{"type":"object","properties":{"p":` + property + `}}` }

// doubling is the bomb of 1.4 KB: each level applies the next one twice.
func doubling(levels int) string {
	var b strings.Builder
	b.WriteString(`{"type":"object","$ref":"#/$defs/a0","$defs":{`)
	for i := range levels {
		fmt.Fprintf(&b, `"a%d":{"anyOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"a%d":{"type":"string"}}}`, levels)
	return b.String()
}

func TestJudgeUse(t *testing.T) {
	list := json.RawMessage(`{"type":"array","items":{"type":"string","x-mcp-header":""}}`)
	var got [][]Problem
	for _, use := range []Use{Input, Output, OutputObject} {
		got = append(got, Judge(list, use))
	}
	wrong := Problem{Pointer: "/type", Kind: WrongType, Detail: `the root must say "type":"object", not "array"`}
	header := Problem{Pointer: "/items/x-mcp-header", Kind: BadHeader, Detail: "must not be empty"}
	if d := cmp.Diff([][]Problem{{header, wrong}, nil, {wrong}}, got); d != "" {
		t.Errorf("Judge (-want +got):\n%s", d)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	long := strings.Repeat("n", 3000)
	raw := `{"type":"object","properties":{`
	for i := range 100 {
		raw += fmt.Sprintf(`"%d%s":{"type":"%s"},`, i, long[:i*30], long)
	}
	raw += `"z":{}}}`
	got := Judge(json.RawMessage(raw), Input)
	if len(got) != MaxProblems {
		t.Errorf("%d problems, want %d", len(got), MaxProblems)
	}
	for _, p := range got {
		if len(p.Pointer) > maxPointer || len(p.Detail) > maxDetail {
			t.Errorf("pointer of %d and detail of %d bytes", len(p.Pointer), len(p.Detail))
		}
	}
	if d := cmp.Diff(got, Judge(json.RawMessage(raw), Input)); d != "" {
		t.Errorf("second judgement differs:\n%s", d)
	}
}

func TestCompileRefuses(t *testing.T) {
	_, err := Compile(json.RawMessage(`{"type":"int","minLength":-1}`))
	ce, ok := errors.AsType[*CompileError](err)
	if !ok || len(ce.Problems) != 2 {
		t.Fatalf("got %v", err)
	}
	want := "compile schema: invalid at /minLength: minLength must be a whole number of at least 0 (and 1 more)"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// TestValidate says what is wrong, where, and nothing of the value.
func TestValidate(t *testing.T) {
	tests := []struct{ schema, instance, want string }{
		{`true`, `1`, ""},
		{`false`, `1`, "the value: nothing is allowed here"},
		{`{"type":"object"}`, `{`, "the value: not JSON: unexpected EOF"},
		{in(`{"type":"string"}`), `{"p":1}`, "/p: must be string, not number"},
		{in(`{"type":["integer","null"]}`), `{"p":1.5}`, "/p: must be null or integer, not number"},
		{in(`{"type":"integer"}`), `{"p":1.0}`, ""},
		{in(`{"type":"integer"}`), `{"p":1e400}`, ""},
		{`{"required":["a","b"]}`, `{"b":1}`, `the value: must have the member "a"`},
		{`{"additionalProperties":false,"properties":{"a":{}}}`, `{"a":1,"secret":"x"}`, `the value: must not have the member "secret"`},
		{`{"items":{"maximum":3}}`, `[1,5,2,9]`, "/1: must be at most 3; /3: must be at most 3"},
		{`{"enum":["a",1,null]}`, `"b"`, `the value: must be one of "a", 1, null`},
		{`{"enum":["a",1,null]}`, `1.0`, ""},
		{`{"const":{"a":[1,2]}}`, `{"a":[1.0,2e0]}`, ""},
		{`{"multipleOf":0.01}`, `1234567890123456789012345.67`, ""},
		{`{"multipleOf":0.01}`, `0.005`, "the value: must be a multiple of 1e-2"},
		{`{"multipleOf":3}`, `1e999999`, "the value: must be a multiple of 3e0"},
		{`{"maximum":1e999999999}`, `2e999999999`, "the value: must be at most 1e999999999"},
		{`{"uniqueItems":true}`, `[1,{"a":1,"b":2},{"b":2,"a":1.0}]`, "the value: must not repeat items, 1 and 2 are equal"},
		{`{"anyOf":[{"type":"object","required":["x"]},{"type":"null"}]}`, `{}`, `the value: must satisfy one of 2 alternatives; the likely one:  must have the member "x"`},
		{`{"pattern":"^[a-z]+$"}`, `"A"`, `the value: must match the pattern "^[a-z]+$"`},
		{`{"pattern":"^\\s$"}`, `"\u00a0"`, ""},
		{`{"pattern":"^\\S$"}`, `"\ufeff"`, `the value: must match the pattern "^\\S$"`},
		{`{"pattern":"^.$"}`, `"\u2028"`, `the value: must match the pattern "^.$"`},
		{`{"pattern":"^\\u{1F600}\\ud83d\\ude00$"}`, `"😀😀"`, ""},
		{`{"pattern":"^[\\w-.]+$"}`, `"a-b.c"`, ""},
		{`{"format":"date"}`, `"tomorrow"`, ""},
		{`{"properties":{"t":{"minLength":2,"maxLength":2}}}`, `{"t":"éé"}`, ""},
		{`{"propertyNames":{"maxLength":1}}`, `{"ab":1}`, `the value: the name "ab" is not allowed`},
	}
	for _, tt := range tests {
		s, err := Compile(json.RawMessage(tt.schema))
		if err != nil {
			t.Errorf("%s: %v", tt.schema, err)
			continue
		}
		got := ""
		if err := s.Validate(json.RawMessage(tt.instance)); err != nil {
			if _, ok := errors.AsType[*ValidationError](err); !ok {
				t.Errorf("%s with %s: %v is no ValidationError", tt.schema, tt.instance, err)
			}
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s with %s:\n got %q\nwant %q", tt.schema, tt.instance, got, tt.want)
		}
	}
}

// TestDoubtNeverAccuses: a pattern that cannot be evaluated fails nothing,
// however it is wrapped, and hides no other failure.
func TestDoubtNeverAccuses(t *testing.T) {
	const foreign = `{"pattern":"^(?!a)"}`
	tests := []struct {
		schema, instance string
		valid            bool
	}{
		{foreign, `"a"`, true},
		{`{"not":` + foreign + `}`, `"b"`, true},
		{`{"oneOf":[` + foreign + `,true]}`, `"b"`, true},
		{`{"if":` + foreign + `,"then":false}`, `"b"`, true},
		{`{"if":` + foreign + `,"then":false,"else":false}`, `"b"`, false},
		{`{"allOf":[` + foreign + `,{"maxLength":0}]}`, `"b"`, false},
		{`{"contains":` + foreign + `,"maxContains":0}`, `["b"]`, true},
		{`{"patternProperties":{"^(?!a)":false},"additionalProperties":false}`, `{"b":1}`, true},
		{`{"patternProperties":{"^(?!a)":true},"unevaluatedProperties":false}`, `{"b":1}`, true},
		{`{"anyOf":[{"patternProperties":{"^(?!a)":true}}],"unevaluatedProperties":false}`, `{"b":1}`, true},
		{`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, `{"type":1}`, true},
	}
	for _, tt := range tests {
		s, err := Compile(json.RawMessage(tt.schema))
		if err != nil {
			t.Fatalf("%s: %v", tt.schema, err)
		}
		if err := s.Validate(json.RawMessage(tt.instance)); (err == nil) != tt.valid {
			t.Errorf("%s with %s: %v, want valid %v", tt.schema, tt.instance, err, tt.valid)
		}
	}
}
