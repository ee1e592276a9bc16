package strict

import (
	"slices"
	"testing"
)

func TestSplitCountsLinesFromTheTop(t *testing.T) {
	docs, problems := Split("f.yaml", []byte("# head\n--- # first\na: 1\n---\n\n---\nb:\n  c: |\n    --- not a document\nd: 2\n---\n\te: 3\n"))
	if len(problems) != 1 || problems[0].Line != 12 {
		t.Errorf("problems: %v, want one in line 12", problems)
	}
	if len(docs) != 2 || docs[0].Root.Line != 3 || docs[1].Root.Line != 7 {
		t.Fatalf("documents: %v", docs)
	}
	docs, problems = Split("f.yaml", []byte("a: 1\r\n---\r\nb:\r\n- c: 2\r\n  d: {e: 3}\r\n"))
	if len(docs) != 2 || len(problems) != 0 {
		t.Fatalf("documents: %v, problems: %v", docs, problems)
	}
	for path, want := range map[string][2]int{"b": {3, 1}, "b[0]": {4, 3}, "b[0].d.e": {5, 7}, "b[0].d.missing": {5, 3}, "b[7]": {3, 1}, "": {3, 1}} {
		if line, column := docs[1].Position(path); line != want[0] || column != want[1] {
			t.Errorf("%q stands at %d:%d, want %d:%d", path, line, column, want[0], want[1])
		}
	}
}

func TestSuggestion(t *testing.T) {
	known := map[string]*Schema{"longestCall": nil, "heartbeat": nil, "image": nil, "port": nil}
	for name, want := range map[string]string{
		"LongestCall": ", did you mean longestCall?",
		"heart_beat":  ", did you mean heartbeat?",
		"ports":       ", did you mean port?",
		"replicas":    "; known here: heartbeat, image, longestCall, port",
	} {
		if got := suggestion(name, known); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A default is a value of its own: filling one document does not change the
// next.
func TestDefaults(t *testing.T) {
	s := &Schema{Type: "object", Properties: map[string]*Schema{
		"scaling": {Type: "object", Default: map[string]any{}, Properties: map[string]*Schema{"min": {Type: "integer", Default: 2}}},
		"verbs":   {Type: "array", Default: []any{"get"}},
	}}
	decode := func(text string) map[string]any {
		docs, _ := Split("f.yaml", []byte(text))
		v, problems := docs[0].Decode(s)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return v.(map[string]any)
	}
	first := decode("verbs: null")
	scaling, ok := first["scaling"].(map[string]any)
	if !ok || scaling["min"] != int64(2) || !slices.Equal(first["verbs"].([]any), []any{"get"}) {
		t.Errorf("defaults: %v", first)
	}
	scaling["min"], first["verbs"].([]any)[0] = int64(9), "all"
	second := decode("scaling: {}")
	if second["scaling"].(map[string]any)["min"] != int64(2) || second["verbs"].([]any)[0] != "get" {
		t.Errorf("the first document's values leak into the second: %v", second)
	}
}
