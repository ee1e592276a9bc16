package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
	"github.com/holdfast-mcp/holdfast/deploy/crds"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// Declaration is one MCPServer or one MCPGateway, with its defaults filled in.
type Declaration struct {
	Server  *v1alpha1.MCPServer
	Gateway *v1alpha1.MCPGateway

	// document it was read from; the zero value when it came from elsewhere.
	document strict.Document
}

// Name gives kind and name, as error messages need them.
func (d *Declaration) Name() string {
	if d.Gateway != nil {
		return v1alpha1.KindMCPGateway + " " + d.Gateway.Name
	}
	return v1alpha1.KindMCPServer + " " + d.Server.Name
}

// errorf places a message at a field: by file and line when the declaration
// was read from a file, by its name otherwise.
func (d *Declaration) errorf(path, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if d.document.Root == nil {
		return fmt.Errorf("%s: %s: %s", d.Name(), path, message)
	}
	return d.document.Problem(path, message)
}

// Parse reads declarations from one stream; see [Parser.Parse].
func Parse(name string, r io.Reader) ([]Declaration, error) {
	p, err := NewParser()
	if err != nil {
		return nil, err
	}
	return p.Parse(name, r)
}

// Parser reads declarations by the schemas of our CRDs. It may be used by many
// goroutines at once.
type Parser struct{ schemas map[string]*strict.Schema }

// NewParser reads the schemas, which takes some milliseconds.
func NewParser() (*Parser, error) {
	schemas, err := loadSchemas()
	if err != nil {
		return nil, err
	}
	return &Parser{schemas}, nil
}

// Parse reads declarations from a stream of YAML documents. The name is that
// of the file, for messages. All that is wrong comes back at once, joined, each
// error a [strict.Problem] with line and column; the declarations returned
// beside it are those that are right.
func (p *Parser) Parse(name string, r io.Reader) ([]Declaration, error) {
	data, err := io.ReadAll(io.LimitReader(r, strict.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	docs, problems := strict.Split(name, data)
	if len(docs) == 0 && len(problems) == 0 {
		return nil, fmt.Errorf("%s: no declaration in it: want an MCPServer or MCPGateway of holdfast.dev/v1alpha1", name)
	}
	var out []Declaration
	first := map[string]int{}
	for _, doc := range docs {
		d, bad := read(doc, p.schemas)
		problems = append(problems, bad...)
		if d == nil || len(bad) > 0 {
			continue
		}
		id := d.namespace() + "/" + d.Name()
		if line, twice := first[id]; twice {
			problems = append(problems, doc.Problem("metadata.name", fmt.Sprintf("%s is declared twice, first in line %d", d.Name(), line)))
			continue
		}
		first[id] = doc.Root.Line
		out = append(out, *d)
	}
	return out, join(problems)
}

func join(problems []strict.Problem) error {
	slices.SortStableFunc(problems, func(a, b strict.Problem) int { return a.Line - b.Line })
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// loadSchemas reads the schemas of our kinds out of the CRDs.
func loadSchemas() (map[string]*strict.Schema, error) {
	files, err := fs.Glob(crds.Files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list CRDs: %w", err)
	}
	out := map[string]*strict.Schema{}
	for _, file := range files {
		data, err := crds.Files.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read CRD: %w", err)
		}
		kind, schema, err := strict.FromCRD(data, v1alpha1.Version)
		if err != nil {
			return nil, err
		}
		out[kind] = withMetadata(schema)
	}
	return out, nil
}

// withMetadata names the metadata that a declaration may carry: a CRD leaves
// that to the API server. What a cluster adds on its own is let through, so
// that the output of kubectl get can be rendered.
func withMetadata(s *strict.Schema) *strict.Schema {
	text := &strict.Schema{Type: "string"}
	labels := &strict.Schema{Type: "object", Additional: &strict.Additional{Schema: text}}
	anything := &strict.Schema{Preserve: true}
	s.Properties["metadata"] = &strict.Schema{
		Type:     "object",
		Required: []string{"name"},
		Properties: map[string]*strict.Schema{
			"name": text, "namespace": text, "labels": labels, "annotations": labels,
			"creationTimestamp": anything, "deletionTimestamp": anything, "finalizers": anything, "generation": anything,
			"managedFields": anything, "ownerReferences": anything, "resourceVersion": anything, "uid": anything,
		},
	}
	s.Properties["status"] = anything
	s.Required = append(s.Required, "metadata")
	return s
}

// read turns one document into a declaration.
func read(doc strict.Document, schemas map[string]*strict.Schema) (*Declaration, []strict.Problem) {
	kind, version := doc.Field("kind"), doc.Field("apiVersion")
	schema := schemas[kind]
	if want := v1alpha1.GroupVersion().String(); schema == nil || version != want {
		found := fmt.Sprintf("%s of %s", kind, version)
		if kind == "" || version == "" {
			found = "this"
		}
		message := fmt.Sprintf("%s is not a declaration: want kind MCPServer or MCPGateway of apiVersion %s", found, want)
		return nil, []strict.Problem{doc.Problem("kind", message)}
	}
	value, problems := doc.Decode(schema)
	if len(problems) > 0 {
		return nil, problems
	}
	d := &Declaration{document: doc}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, []strict.Problem{doc.Problem("", "want a mapping")}
	}
	delete(object, "status")
	if err := d.fill(kind, object); err != nil {
		return nil, []strict.Problem{doc.Problem("", err.Error())}
	}
	for _, v := range d.validate() {
		problems = append(problems, placed(doc, v))
	}
	return d, problems
}

// placed finds the line of a broken rule: that of the field its message begins
// with, when that field is written out.
func placed(doc strict.Document, v v1alpha1.Violation) strict.Problem {
	p := doc.Problem(v.Path, v.Message)
	word, _, _ := strings.Cut(v.Message, " ")
	p.Line, p.Column = doc.Position(v.Path + "." + word)
	return p
}

// fill decodes the checked value into the typed declaration.
func (d *Declaration) fill(kind string, object map[string]any) error {
	data, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	var target any
	if kind == v1alpha1.KindMCPGateway {
		d.Gateway = &v1alpha1.MCPGateway{}
		target = d.Gateway
	} else {
		d.Server = &v1alpha1.MCPServer{}
		target = d.Server
	}
	if err := json.Unmarshal(data, target); err != nil {
		return fmt.Errorf("decode %s: %w", kind, err)
	}
	return nil
}

func (d *Declaration) validate() []v1alpha1.Violation {
	if d.Gateway != nil {
		return d.Gateway.Validate()
	}
	return d.Server.Validate()
}

func (d *Declaration) namespace() string {
	if d.Gateway != nil {
		return d.Gateway.Namespace
	}
	return d.Server.Namespace
}
