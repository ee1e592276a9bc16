package manifest_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// switches reads a case's options out of the comments at the top of its file.
func switches(t *testing.T, data []byte) manifest.Options {
	t.Helper()
	o := manifest.Options{Digests: map[string]string{}, SecretHashes: map[string]string{}}
	for line := range strings.Lines(string(data)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), ": ")
		if !strings.HasPrefix(line, "# ") || !ok {
			break
		}
		key, item, _ := strings.Cut(value, "=")
		switch name {
		case "front":
			o.FrontImage = value
		case "namespace":
			o.Namespace = value
		case "kubernetes":
			minor, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			o.Kubernetes = minor
		case "operator":
			o.OperatorNamespace = value
		case "allow-tags":
			o.AllowTags = value == "true"
		case "digest":
			o.Digests[key] = item
		case "secret-hash":
			o.SecretHashes[key] = item
		case "story":
		default:
			t.Fatalf("unknown switch %q", name)
		}
	}
	return o
}

func build(t *testing.T, file string) (*manifest.Set, error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decls, err := manifest.Parse(filepath.Base(file), bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return manifest.Build(decls, switches(t, data))
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (run with -update)", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func inputs(t *testing.T, glob string) []string {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", glob, len(files), err)
	}
	return files
}

func TestGolden(t *testing.T) {
	for _, in := range inputs(t, "testdata/*.in.yaml") {
		t.Run(filepath.Base(in), func(t *testing.T) {
			set, err := build(t, in)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			for _, n := range set.Notes {
				fmt.Fprintf(&out, "# note: %s\n", n)
			}
			if err := manifest.WriteYAML(&out, set.Objects); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(in, ".in.yaml")+".out.yaml", out.Bytes())
		})
	}
}

// Every way to be wrong gives messages with file, line and column.
func TestRefused(t *testing.T) {
	for _, in := range inputs(t, "testdata/bad/*.in.yaml") {
		t.Run(filepath.Base(in), func(t *testing.T) {
			_, err := build(t, in)
			if err == nil {
				t.Fatal("no error")
			}
			golden(t, strings.TrimSuffix(in, ".in.yaml")+".out.txt", []byte(err.Error()+"\n"))
		})
	}
}
