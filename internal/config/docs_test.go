package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const docs = "../../docs/"

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDocsExample: the example of the reference loads, without a note.
func TestDocsExample(t *testing.T) {
	_, text, ok := strings.Cut(read(t, docs+"configuration.md"), "```yaml\n")
	example, _, closed := strings.Cut(text, "```\n")
	if !ok || !closed {
		t.Fatal("no example in docs/configuration.md")
	}
	dir := t.TempDir()
	for name, data := range map[string]string{"holdfast.yaml": example, "weather-token": "t0ken\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "holdfast.yaml"), []string{"WEATHER_KEY=k", "NOTES_KEY=n"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Front.Servers) != 2 || len(c.Front.Servers[0].Calls) != 1 || len(c.Front.Servers[1].Endpoint.Env) != 2 {
		t.Errorf("not all of it is taken: %+v", c.Front.Servers)
	}
	for _, n := range c.Notes {
		if !strings.HasSuffix(n.Path, "probe.every") { // the command's, told in its place
			t.Error(n)
		}
	}
}

// TestDocsTables: the reference names every gap, in the words of the errors.
func TestDocsTables(t *testing.T) {
	var want, got []string
	for _, g := range unsupported() {
		if _, say, ok := strings.Cut(g.say, "this version of serve does not support it: "); ok {
			want = append(want, g.path+" | "+say)
		}
	}
	for _, g := range harmless() {
		want = append(want, g.path+" | "+g.say)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\S+)` \\| (.+) \\|$").FindAllStringSubmatch(read(t, docs+"configuration.md"), -1) {
		got = append(got, row[1]+" | "+row[2])
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("docs/configuration.md (-want +got)\n%s", d)
	}
}

// TestSchemaIsFresh: docs/holdfast.schema.json is what the code says; -update
// writes it.
func TestSchemaIsFresh(t *testing.T) {
	got, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(docs+"holdfast.schema.json", got, 0o644); err != nil { //nolint:gosec // a public document
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(read(t, docs+"holdfast.schema.json"), string(got)); d != "" {
		t.Errorf("stale: run go test ./internal/config -update (-have +want)\n%s", d)
	}
}
