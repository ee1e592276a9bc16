package manifest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// A broken document does not hide the good one beside it.
func TestParseKeepsWhatIsRight(t *testing.T) {
	const text = "apiVersion: holdfast.dev/v1alpha1\nkind: MCPServer\nmetadata: {name: good}\nspec: {service: {name: app}}\n---\nkind: [\n"
	decls, err := manifest.Parse("two.yaml", strings.NewReader(text))
	if len(decls) != 1 || decls[0].Name() != "MCPServer good" {
		t.Errorf("declarations: %v", decls)
	}
	problem, ok := errors.AsType[strict.Problem](err)
	if !ok || problem.File != "two.yaml" || problem.Line < 5 {
		t.Errorf("error %v: want one about the second document", err)
	}
}

func TestParseIsBounded(t *testing.T) {
	_, err := manifest.Parse("big.yaml", strings.NewReader(strings.Repeat("# nothing\n", strict.MaxBytes/10+2)))
	if err == nil || !strings.Contains(err.Error(), "more than 4 MiB") {
		t.Errorf("a file above the bound: %v", err)
	}
}

// What kubectl get prints can be rendered: what the cluster added is let go.
func TestParseTakesWhatAClusterAdds(t *testing.T) {
	const text = `{apiVersion: holdfast.dev/v1alpha1, kind: MCPServer, metadata: {name: a, uid: u, generation: 3, managedFields: [{manager: m}]},
spec: {service: {name: app}}, status: {tools: 3, conditions: []}}`
	if _, err := manifest.Parse("live.yaml", strings.NewReader(text)); err != nil {
		t.Error(err)
	}
}

func TestImages(t *testing.T) {
	const text = `{apiVersion: holdfast.dev/v1alpha1, kind: MCPServer, metadata: {name: a}, spec: {image: "x.example/a:1"}}
---
{apiVersion: holdfast.dev/v1alpha1, kind: MCPServer, metadata: {name: b}, spec: {image: "x.example/a:1"}}
---
{apiVersion: holdfast.dev/v1alpha1, kind: MCPServer, metadata: {name: c}, spec: {service: {name: app}}}
`
	decls, err := manifest.Parse("images.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := manifest.Images(decls, manifest.Options{FrontImage: "x.example/front:2"})
	if want := []string{"x.example/a:1", "x.example/front:2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The files, put together in the order of the kustomization, are the stream.
func TestSplit(t *testing.T) {
	set, err := build(t, "testdata/gateway.in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := manifest.Split(dir, set.Objects); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var parts [][]byte
	for line := range strings.Lines(string(list)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if !ok {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, data)
	}
	var stream bytes.Buffer
	if err := manifest.WriteYAML(&stream, set.Objects); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(stream.String(), string(bytes.Join(parts, []byte("---\n")))); d != "" {
		t.Errorf("the files are not the stream:\n%s", d)
	}
	stale, err := manifest.Split(dir, set.Objects[:1])
	if err != nil {
		t.Fatal(err)
	}
	if len(stale) != len(set.Objects)-1 {
		t.Errorf("%d files of the earlier run are named as stale, want %d", len(stale), len(set.Objects)-1)
	}
}

// Whatever is read, nothing panics, and an error carries a place.
func FuzzParse(f *testing.F) {
	for _, glob := range []string{"testdata/*.in.yaml", "testdata/bad/*.in.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	parser, err := manifest.NewParser()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		decls, err := parser.Parse("fuzz.yaml", bytes.NewReader(data))
		if err != nil && !strings.Contains(err.Error(), "fuzz.yaml") {
			t.Errorf("an error without a place: %v", err)
		}
		set, err := manifest.Build(decls, manifest.Options{FrontImage: frontImage, AllowTags: true})
		if err != nil {
			return
		}
		if err := manifest.WriteYAML(&bytes.Buffer{}, set.Objects); err != nil {
			t.Error(err)
		}
		if _, err := manifest.Explain(set.Objects); err != nil {
			t.Error(err)
		}
	})
}
