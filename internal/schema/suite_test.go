package schema

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// group is a group of the official test suite: one schema, many instances.
type group struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

func readSuite(t testing.TB, draft string) map[string][]group {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "suite", draft+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var suite map[string][]group
	if err := json.Unmarshal(raw, &suite); err != nil {
		t.Fatal(err)
	}
	return suite
}

// inDialect says the dialect in the schema, as the suite leaves it to the
// folder for drafts up to 07.
func inDialect(draft string, schema json.RawMessage) json.RawMessage {
	text := strings.TrimSpace(string(schema))
	uri, old := map[string]string{
		"draft4": "http://json-schema.org/draft-04/schema#",
		"draft6": "http://json-schema.org/draft-06/schema#",
		"draft7": "http://json-schema.org/draft-07/schema#",
	}[draft]
	if !old || !strings.HasPrefix(text, "{") || strings.Contains(text, `"$schema"`) {
		return schema
	}
	if text == "{}" {
		return json.RawMessage(`{"$schema":"` + uri + `"}`)
	}
	return json.RawMessage(`{"$schema":"` + uri + `",` + text[1:])
}

// opaqueMetaschema are the tests that ask whether an instance is itself a valid
// schema: a reference to a metaschema is never an accusation here.
func opaqueMetaschema(g group) bool {
	return strings.Contains(string(g.Schema), `"$ref":"http://json-schema.org/draft-0`) ||
		strings.Contains(string(g.Schema), `"$ref":"https://json-schema.org/draft/20`)
}

// TestSuite runs the official test suite of every dialect. What the package
// refuses on purpose is pinned by number: schemas that need another document.
func TestSuite(t *testing.T) {
	type counts struct{ Instances, Refused int }
	want := map[string]counts{
		"draft4":       {599, 8},
		"draft6":       {814, 11},
		"draft7":       {902, 11},
		"draft2019-09": {1221, 17},
		"draft2020-12": {1248, 22},
	}
	got := map[string]counts{}
	for draft := range want {
		var n counts
		for file, groups := range readSuite(t, draft) {
			for _, g := range groups {
				s, err := Compile(inDialect(draft, g.Schema))
				if err != nil {
					n.Refused++
					needsAnother(t, file+": "+g.Description, err)
					continue
				}
				for _, c := range g.Tests {
					if !c.Valid && opaqueMetaschema(g) {
						continue
					}
					n.Instances++
					if err := s.Validate(c.Data); (err == nil) != c.Valid {
						t.Errorf("%s/%s: %s: %s: %s\nschema %s\nwant valid %v, got %v", draft, file, g.Description, c.Description, c.Data, g.Schema, c.Valid, err)
					}
				}
			}
		}
		got[draft] = n
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tests that ran (-want +got):\n%s", d)
	}
}

func needsAnother(t *testing.T, name string, err error) {
	t.Helper()
	ce, ok := errors.AsType[*CompileError](err)
	if !ok {
		t.Fatalf("%s: %v is no CompileError", name, err)
	}
	for _, p := range ce.Problems {
		if p.Kind != RemoteRef && !strings.HasPrefix(p.Detail, "unknown dialect") {
			t.Errorf("%s: refused for %s", name, p)
		}
	}
}
