package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// TestReadsWhatRenderWrites: each file that render makes for a pod loads, or is
// refused for fields of the unsupported table alone. The gap between the two
// stands here; it may only shrink.
func TestReadsWhatRenderWrites(t *testing.T) {
	gap := []string{
		"auth", "policy",
		"servers[].checks[].expect[]", "servers[].contract", "servers[].credential.clientCredentials", "servers[].route",
		"sessions.peers", "store", "storePassword",
	}
	refused := map[string]bool{}
	var table []string
	for _, g := range unsupported() {
		table = append(table, g.path)
	}
	loaded, total := 0, 0
	for name, text := range rendered(t) {
		total++
		file, env := pod(t, text)
		_, err := Load(file, env)
		if err == nil {
			loaded++
			continue
		}
		for _, p := range problems(t, err) {
			field := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(p.Path, "[]")
			refused[field] = true
			if !slices.Contains(table, field) {
				t.Errorf("%s: %v", name, p)
			}
		}
	}
	if d := cmp.Diff(gap, slices.Sorted(maps.Keys(refused))); d != "" {
		t.Errorf("fields that render writes and serve refuses (-want +got)\n%s", d)
	}
	t.Logf("%d of %d files load", loaded, total)
	if loaded < 5 || total < 60 {
		t.Errorf("%d of %d files load: too few to prove anything", loaded, total)
	}
}

// rendered gives the front's files in the goldens of render.
func rendered(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../kube/manifest/testdata/*.out.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		docs := yaml.NewDecoder(f)
		for {
			var o struct {
				Kind     string            `yaml:"kind"`
				Metadata map[string]any    `yaml:"metadata"`
				Data     map[string]string `yaml:"-"`
				Raw      yaml.Node         `yaml:"data"`
			}
			if err := docs.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if o.Kind != "ConfigMap" {
				continue
			}
			if err := o.Raw.Decode(&o.Data); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if text, ok := o.Data["holdfast.yaml"]; ok {
				out[fmt.Sprintf("%s %v", filepath.Base(file), o.Metadata["name"])] = text
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// pod makes what the file finds in a pod: the Secrets mounted and the
// environment set.
func pod(t *testing.T, text string) (file string, env []string) {
	t.Helper()
	dir := t.TempDir()
	for _, m := range regexp.MustCompile(`file: (/var/run/holdfast/secrets/\S+)`).FindAllStringSubmatch(text, -1) {
		secret := filepath.Join(dir, m[1])
		if err := os.MkdirAll(filepath.Dir(secret), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range regexp.MustCompile(`\$\{env:(\w+)\}`).FindAllStringSubmatch(text, -1) {
		env = append(env, m[1]+"=value")
	}
	file = filepath.Join(dir, "holdfast.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "/var/run/", dir+"/var/run/")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, env
}

// problems takes a joined error apart.
func problems(t *testing.T, err error) []strict.Problem {
	t.Helper()
	list := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok { // only the joined error itself has parts
		list = many.Unwrap()
	}
	var out []strict.Problem
	for _, e := range list {
		p, ok := errors.AsType[strict.Problem](e)
		if !ok {
			t.Fatalf("no place: %v", e)
		}
		out = append(out, p)
	}
	return out
}

// TestEveryFieldHasItsPlace: a field that is added to the schema is acted upon,
// refused or said to be harmless; here is the list of the first.
func TestEveryFieldHasItsPlace(t *testing.T) {
	supported := strings.Fields(`
		drain.timeout drain.wait listen.admin listen.public
		servers[].args[] servers[].command[] servers[].env[].name servers[].env[].value
		servers[].checks[].args servers[].checks[].critical servers[].checks[].tool
		servers[].credential.bearer.env servers[].credential.bearer.file
		servers[].credential.headers[].name servers[].credential.headers[].value.env servers[].credential.headers[].value.file
		servers[].heartbeat servers[].longestCall servers[].name servers[].probe.budget servers[].probe.every
		servers[].transport servers[].url`)
	known := map[string]bool{}
	for _, g := range slices.Concat(unsupported(), harmless()) {
		known[g.path] = true
	}
	schema, err := fileSchema()
	if err != nil {
		t.Fatal(err)
	}
	var rest []string
	leaves(schema, "", func(path string) bool { return known[path] }, &rest)
	slices.Sort(rest)
	slices.Sort(supported)
	if d := cmp.Diff(supported, rest); d != "" {
		t.Errorf("fields without a place (-want +got)\n%s", d)
	}
}

func leaves(s *strict.Schema, path string, skip func(string) bool, into *[]string) {
	switch {
	case skip(path):
	case s.Items != nil:
		leaves(s.Items, path+"[]", skip, into)
	case len(s.Properties) > 0:
		for name, p := range s.Properties {
			leaves(p, joinPath(path, name), skip, into)
		}
	default:
		*into = append(*into, path)
	}
}
