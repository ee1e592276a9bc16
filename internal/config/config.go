// Package config reads the file of `holdfast serve`: strictly, everything that
// is wrong at once, each with file, line and column. The file is the one that
// `holdfast render` writes for a pod, and its servers have the shape of an
// MCPServer's spec.
//
// What the schema knows and this version cannot do is an error that says so
// (see unsupported in gaps.go); what does no harm when it is left out is told
// as a note (harmless). Nothing is passed over in silence.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// Config is what a file says.
type Config struct {
	// Front holds the fields of the front that the file decides; the caller
	// adds the others.
	Front gateway.Config
	// Notes tell of fields that are set and have no effect, in the order of the
	// file.
	Notes []strict.Problem
}

// Load reads a file of at most [strict.MaxBytes] and the secrets that it names.
// The environment, as NAME=value, is where ${env:NAME} and env are looked up;
// relative names of files count from the folder of the file. All that is wrong
// comes back at once, joined, what has a place in the file as
// [strict.Problem].
func Load(name string, env []string) (*Config, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("read configuration: %s is a folder", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, strict.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(name, data, env)
}

// content is the file in types; manifest's frontConfig writes it.
type content struct {
	Listen struct {
		Public string `json:"public"`
		Admin  string `json:"admin"`
	} `json:"listen"`
	Servers []server `json:"servers"`
	Drain   struct {
		Wait    v1alpha1.Duration  `json:"wait"`
		Timeout *v1alpha1.Duration `json:"timeout"`
	} `json:"drain"`
}

type server struct {
	Name string `json:"name"`
	v1alpha1.ServerSpec
}

func parse(name string, data []byte, env []string) (*Config, error) {
	schema, err := fileSchema()
	if err != nil {
		return nil, err
	}
	docs, problems := strict.Split(name, data)
	switch {
	case len(problems) > 0:
		return nil, joined(problems)
	case len(docs) == 0:
		return nil, fmt.Errorf("%s: nothing in it: want listen and servers", name)
	case len(docs) > 1:
		return nil, docs[1].Problem("", "a second document: the configuration is one")
	}
	b := &builder{doc: docs[0], dir: filepath.Dir(name), env: env}
	value, problems := b.doc.Decode(schema)
	sound := len(problems) == 0
	b.problems = append(problems, missing(b.doc, value)...)
	c := &Config{Notes: ignored(b.doc, value)}
	if sound {
		typed, err := decode(value)
		if err != nil {
			return nil, b.doc.Problem("", err.Error())
		}
		c.Front = b.front(typed)
		c.Notes = append(c.Notes, b.notes...)
	}
	if len(b.problems) > 0 {
		return nil, joined(b.problems)
	}
	slices.SortStableFunc(c.Notes, byPlace)
	return c, nil
}

// decode brings the checked value into types.
func decode(value any) (*content, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	var c content
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("decode configuration: %w", err)
	}
	return &c, nil
}

func byPlace(a, b strict.Problem) int {
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}

func joined(problems []strict.Problem) error {
	slices.SortStableFunc(problems, byPlace)
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}
