package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"go.yaml.in/yaml/v3"
)

// maxTotal bounds the bytes of all inputs of one run together.
const maxTotal = 512 << 20

// Input is a file, a folder, or bytes that the caller already has.
type Input struct {
	path   string
	reader io.Reader
}

// Path names a file, or a folder that is walked.
func Path(name string) Input { return Input{path: name} }

// Stream reads one input from a reader; the name is used in findings and tells
// the kind of file, Kubernetes YAML where it tells nothing.
func Stream(name string, r io.Reader) Input { return Input{path: name, reader: r} }

// ignoredDirs are folders that hold other people's files.
var ignoredDirs = map[string]bool{
	".git": true, "node_modules": true, ".venv": true, "venv": true, "vendor": true, "__pycache__": true,
	".terraform": true, ".tox": true, ".mypy_cache": true, "site-packages": true, ".idea": true, ".vscode": true,
}

// problem is something about an input as such, told as a finding.
type problem struct {
	rule         string
	file         *File
	line, column int
	seen         string
}

type loadedInputs struct {
	files   []*File
	skipped []Skip
	bad     []problem
	bytes   int64
}

func load(ctx context.Context, inputs []Input) (loadedInputs, error) {
	var in loadedInputs
	for _, input := range inputs {
		if err := in.add(ctx, input); err != nil {
			return in, fmt.Errorf("lint %s: %w", input.path, err)
		}
	}
	return in, nil
}

func (in *loadedInputs) add(ctx context.Context, input Input) error {
	if input.reader != nil {
		kind := kindByName(input.path)
		if kind == other {
			kind = Manifest
		}
		return in.read(&File{Path: input.path, Kind: kind}, input.reader)
	}
	info, err := os.Stat(input.path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return in.walk(ctx, input.path)
	}
	kind := kindByName(input.path)
	if kind == other {
		kind = Manifest // the caller named it
	}
	return in.open(input.path, kind)
}

func (in *loadedInputs) walk(ctx context.Context, root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			in.skip(name, err.Error())
			return nil
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		if d.IsDir() {
			if name != root && ignoredDirs[d.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		kind := kindByName(name)
		if kind == other || !d.Type().IsRegular() {
			return nil
		}
		return in.open(name, kind)
	})
}

func (in *loadedInputs) open(name string, kind FileKind) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		in.skip(name, "it may not be read: permission denied")
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return in.read(&File{Path: filepath.ToSlash(name), Kind: kind}, f)
}

func (in *loadedInputs) skip(name, reason string) {
	in.skipped = append(in.skipped, Skip{File: filepath.ToSlash(name), Reason: reason})
}

func (in *loadedInputs) read(f *File, r io.Reader) error {
	src, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return err
	}
	in.bytes += int64(len(src))
	switch {
	case len(src) > maxFile:
		in.bad = append(in.bad, problem{"input.too_big", f, 1, 1, fmt.Sprintf("the file is larger than %d MiB and was not read", maxFile>>20)})
		in.skip(f.Path, "larger than 8 MiB")
		return nil
	case in.bytes > maxTotal:
		return fmt.Errorf("the inputs are larger than %d MiB together: name fewer", maxTotal>>20)
	case isBinary(src):
		in.skip(f.Path, "binary")
		return nil
	}
	f.src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	in.parse(f)
	return nil
}

func (in *loadedInputs) parse(f *File) {
	switch f.Kind {
	case Manifest, Compose, Workflow:
		if strings.HasSuffix(strings.ToLower(f.Path), ".json") {
			in.parseJSONFile(f)
		} else {
			in.parseYAMLFile(f)
		}
	case PackageJSON, ServerJSON:
		in.parseJSONFile(f)
	case Dockerfile:
		f.docker = parseDockerfile(string(f.src))
	case Python, TypeScript:
		f.code = readSource(f)
		if f.code == nil {
			return // not about MCP: not worth a count
		}
	case Requirements, PyProject, PyLock, GoMod:
		in.parsePins(f)
	}
	in.files = append(in.files, f)
}

func (in *loadedInputs) parseJSONFile(f *File) {
	if f.Kind == Manifest && !speaksKubernetes(f.src) {
		return
	}
	root, duplicates, failed := parseJSON(f)
	if failed != nil {
		in.broken(f, failed)
		return
	}
	in.take(f, root, duplicates)
}

var (
	helmAction  = regexp.MustCompile(`\{\{-?\s*[^}]*(?:\.Values|\.Release|\.Chart|include |template |define |range |if |with |end)\b?`)
	helmInPlain = regexp.MustCompile(`(?m)(?:^|:\s|-\s)\s*\{\{-?`)
)

func (in *loadedInputs) parseYAMLFile(f *File) {
	if f.Kind == Manifest && helmAction.Match(f.src) && (helmInPlain.Match(f.src) || strings.Contains(f.Path, "/templates/")) {
		f.Kind = HelmTemplate
		at := helmAction.FindIndex(f.src)[0]
		line := 1 + bytes.Count(f.src[:at], []byte("\n"))
		in.bad = append(in.bad, problem{"input.helm_template", f, line, 1, "the file is a Helm template, not YAML yet"})
		in.skip(f.Path, "Helm template")
		return
	}
	for _, c := range splitYAML(f.src) {
		root, duplicates, failed := parseYAML(c)
		if failed != nil && f.Kind == Manifest && !speaksKubernetes(c.src) {
			in.skip(f.Path, "not readable, and not about Kubernetes")
			continue
		}
		if failed != nil {
			in.broken(f, failed)
			continue
		}
		if root != nil {
			in.take(f, root, duplicates)
		}
	}
}

// speaksKubernetes tells whether text could hold an object: other programs'
// files are none of our business, readable or not.
func speaksKubernetes(src []byte) bool {
	return bytes.Contains(src, []byte("kind")) || bytes.Contains(src, []byte("apiVersion"))
}

func (in *loadedInputs) broken(f *File, e *syntaxError) {
	in.bad = append(in.bad, problem{"input.unreadable", f, e.line, e.column, "not readable: " + e.reason})
}

// take turns a document into objects, opening lists.
func (in *loadedInputs) take(f *File, root *yaml.Node, duplicates []*yaml.Node) {
	v := Value{node: root}
	switch {
	case f.Kind == Manifest && v.Get("services").Map() && !v.Get("apiVersion").OK() && looksLikeCompose(v):
		f.Kind = Compose
	case f.Kind == Manifest && !v.Get("kind").OK():
		return // another program's YAML
	}
	for _, d := range duplicates {
		in.bad = append(in.bad, problem{"input.duplicate_key", f, d.Line, d.Column, fmt.Sprintf("the key %q stands here a second time", d.Value)})
	}
	if f.Kind == Manifest && strings.HasSuffix(v.Get("kind").Str(), "List") && v.Get("items").OK() {
		for _, item := range v.Get("items").List() {
			if item.Map() {
				f.objects = append(f.objects, newObject(f, item))
			}
		}
		return
	}
	o := newObject(f, v)
	if f.Kind != Manifest {
		o.Kind, o.Name = string(f.Kind), filepath.Base(f.Path)
	}
	f.objects = append(f.objects, o)
}

func looksLikeCompose(v Value) bool {
	for _, s := range v.Get("services").Fields() {
		if s.Get("image").OK() || s.Get("build").OK() {
			return true
		}
	}
	return false
}

// problems tells as findings what is wrong with inputs as such.
func (in *loadedInputs) problems(opts Options) []Result {
	var out []Result
	for _, b := range in.bad {
		entry, _ := finding.ByName(b.rule)
		if !opts.selects(entry) {
			continue
		}
		p := Pass{opts: opts, rule: Rule{Name: b.rule}, entry: entry, out: &out}
		o := &Object{file: b.file, Kind: "file", Name: filepath.Base(b.file.Path)}
		p.add(o, place{line: b.line, column: b.column}, nil, b.seen)
	}
	return out
}
