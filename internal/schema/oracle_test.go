package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	oracle "github.com/santhosh-tekuri/jsonschema/v6"
)

// generator writes random schemas and instances over a small vocabulary, so
// that they meet. One schema in a few is wrong somewhere.
type generator struct{ *rand.Rand }

func (g generator) pick(options ...string) string { return options[g.IntN(len(options))] }

func (g generator) value(depth int) string {
	if depth > 0 {
		switch g.IntN(3) {
		case 0:
			return g.list("[", "]", func() string { return g.value(depth - 1) })
		case 1:
			return g.list("{", "}", func() string { return fmt.Sprintf("%q:%s", g.name(), g.value(depth-1)) })
		}
	}
	return g.pick("null", "true", "false", "0", "1", "1.0", "-2", "2.5", "10", "1e1", `""`, `"a"`, `"ab"`, `"b1"`, `"é"`)
}

func (g generator) name() string { return g.pick("a", "b", "c", "aa", "b1") }

// list joins up to three different members.
func (g generator) list(open, end string, member func() string) string {
	var parts []string
	seen := map[string]bool{}
	for range g.IntN(4) {
		m := member()
		name, _, _ := strings.Cut(m, ":")
		if open == "{" && seen[name] {
			continue
		}
		seen[name] = true
		parts = append(parts, m)
	}
	return open + strings.Join(parts, ",") + end
}

func (g generator) schema(d draft, depth int) string {
	if depth <= 0 || g.IntN(12) == 0 {
		if d > draft4 && g.IntN(4) == 0 {
			return g.pick("true", "false")
		}
		return g.pick(`{}`, `{"type":"string"}`, `{"type":"integer"}`, `{"type":["object","null"]}`, `{"minimum":1}`)
	}
	text := g.list("{", "}", func() string { return g.keyword(d, depth-1) })
	if d == draft6 || d == draft7 {
		// Beside a $ref everything is to be ignored; v6.0.3 heeds const there.
		for _, ref := range []string{`"$ref":"#"`, `"$ref":"#/definitions/x"`} {
			if strings.Contains(text, ref+",") || strings.Contains(text, ","+ref) {
				return "{" + ref + "}"
			}
		}
	}
	return text
}

// keyword fills in one of the members that a dialect has. In the templates S
// stands for a schema, N for named schemas, C for a count, X for a number, V
// for a value, each behind one of ":[,".
func (g generator) keyword(d draft, depth int) string {
	options := []string{
		`"type":"object"`, `"type":"array"`, `"type":"string"`, `"type":"number"`, `"type":"integer"`, `"type":["string","array"]`,
		`"type":["null","integer"]`, `"type":"int"`, `"type":[]`, `"allOf":[S,S]`, `"anyOf":[S,S]`, `"oneOf":[S,S]`, `"not":S`,
		`"properties":N`, `"properties":N`, `"properties":N`, `"additionalProperties":S`, `"patternProperties":{"^a":S,"1$":S}`,
		`"required":["a"]`, `"required":["a","b"]`, `"required":["a","a"]`, `"required":[]`, `"items":S`, `"items":S`,
		`"minItems":C`, `"maxItems":C`, `"uniqueItems":true`, `"minLength":C`, `"maxLength":C`, `"minProperties":C`,
		`"maxProperties":C`, `"minimum":X`, `"maximum":X`, `"multipleOf":1`, `"multipleOf":0.5`, `"multipleOf":0`,
		`"pattern":"^a"`, `"pattern":"b|1"`, `"pattern":"^.$"`, `"enum":[V]`, `"$ref":"#"`, `"$ref":"#/definitions/x"`, `"definitions":{"x":S}`,
	}
	if d <= draft7 {
		// Later drafts give it no meaning; the library still does.
		options = append(options, `"dependencies":{"a":["b"]}`, `"dependencies":{"a":S}`)
	}
	if d <= draft2019 {
		options = append(options, `"items":[S,S]`, `"items":[S,S],"additionalItems":S`)
	}
	if d == draft4 {
		options = append(options, `"minimum":X,"exclusiveMinimum":true`, `"exclusiveMaximum":true`)
	} else {
		options = append(options, `"const":V`, `"contains":S`, `"propertyNames":S`, `"exclusiveMinimum":X`, `"exclusiveMaximum":X`)
	}
	if d != draft7 {
		// The library's copy of draft-07's metaschema wants distinct values, the
		// draft's text only says that they should be.
		options = append(options, `"enum":[V,V]`)
	}
	if d >= draft7 {
		options = append(options, `"if":S,"then":S,"else":S`)
	}
	if d >= draft2019 {
		options = append(options, `"unevaluatedProperties":S`, `"unevaluatedItems":S`, `"contains":S,"minContains":C,"maxContains":C`,
			`"dependentRequired":{"a":["b"]}`, `"dependentSchemas":{"b":S}`, `"unevaluatedProperties":false`, `"unevaluatedItems":false`)
	}
	if d >= draft2020 {
		options = append(options, `"prefixItems":[S,S]`)
	}
	var b strings.Builder
	prev := ' '
	for _, c := range g.pick(options...) {
		if !strings.ContainsRune(":[,", prev) {
			b.WriteRune(c)
			prev = c
			continue
		}
		prev = c
		switch c {
		case 'S':
			b.WriteString(g.schema(d, depth))
		case 'N':
			b.WriteString(g.list("{", "}", func() string { return fmt.Sprintf("%q:%s", g.name(), g.schema(d, depth)) }))
		case 'C':
			b.WriteString(g.pick("0", "1", "2", "3", "1.0", "2", "1", "-1"))
		case 'X':
			b.WriteString(g.pick("0", "1", "2.5", "1e1", "-2", "0.5", "1", `"x"`))
		case 'V':
			b.WriteString(g.value(1))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// TestAgainstLibrary holds judgement and evaluation against those of an
// independent implementation.
func TestAgainstLibrary(t *testing.T) {
	dialects := map[draft]string{
		draft4: "http://json-schema.org/draft-04/schema#", draft6: "http://json-schema.org/draft-06/schema#",
		draft7: "http://json-schema.org/draft-07/schema#", draft2019: "https://json-schema.org/draft/2019-09/schema",
		draft2020: "https://json-schema.org/draft/2020-12/schema",
	}
	for d, uri := range dialects {
		var judged, refused, valid, invalid int
		g := generator{rand.New(rand.NewPCG(7, uint64(d)))}
		for range 2_500 {
			body := g.schema(d, 4)
			if body == "{}" || body[0] != '{' {
				continue
			}
			raw := json.RawMessage(`{"$schema":"` + uri + `",` + body[1:])
			ours, err := Compile(raw)
			theirs, theirErr := compileTheirs(t, raw)
			if differs := (err == nil) != (theirErr == nil); differs && !expected(err) {
				t.Fatalf("compile %s\nours %v\ntheirs %v", raw, err, theirErr)
			}
			if judged++; err != nil || theirErr != nil {
				refused++
				continue
			}
			for range 8 {
				instance := g.value(3)
				if !quick(t, ours, instance) {
					continue
				}
				got := ours.Validate(json.RawMessage(instance))
				want := theirs.Validate(decodeTheirs(t, []byte(instance)))
				if (got == nil) != (want == nil) {
					t.Fatalf("%s\nwith %s\nours %v\ntheirs %v", raw, instance, got, want)
				}
				if got == nil {
					valid++
				} else {
					invalid++
				}
			}
		}
		t.Logf("draft %d: %d schemas, %d refused; %d valid instances, %d not", d, judged, refused, valid, invalid)
		if refused < 100 || judged-refused < 100 || valid < 500 || invalid < 500 {
			t.Errorf("draft %d: too few of a kind to prove anything", d)
		}
	}
}

// quick says whether an instance is decided in few steps: the library has no
// budget and would be at it for hours.
func quick(t *testing.T, s *Schema, instance string) bool {
	t.Helper()
	e := &evaluator{left: 2_000}
	e.eval(s.root, decodeTheirs(t, []byte(instance)), nil)
	return !e.exhausted
}

// expected says that we refuse a schema for what the library finds out only
// when it evaluates, or in a place that it does not look at.
func expected(err error) bool {
	ce, ok := errors.AsType[*CompileError](err)
	if !ok {
		return false
	}
	for _, p := range ce.Problems {
		if p.Kind != Recursive && p.Kind != BadRef {
			return false
		}
	}
	return true
}

func compileTheirs(t *testing.T, raw []byte) (*oracle.Schema, error) {
	t.Helper()
	c := oracle.NewCompiler()
	c.UseLoader(oracle.SchemeURLLoader{})
	if err := c.AddResource("mem:///schema", decodeTheirs(t, raw)); err != nil {
		return nil, err
	}
	return c.Compile("mem:///schema")
}

func decodeTheirs(t *testing.T, raw []byte) any {
	t.Helper()
	v, err := oracle.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}
