package scaffold

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// pyproject is what is read of a pyproject.toml.
type pyproject struct {
	Project struct {
		Name           string            `toml:"name"`
		RequiresPython string            `toml:"requires-python"`
		Readme         any               `toml:"readme"`
		Dependencies   []string          `toml:"dependencies"`
		Scripts        map[string]string `toml:"scripts"`
	} `toml:"project"`
	Build map[string]any `toml:"build-system"`
	Tool  struct {
		UV struct {
			Package *bool `toml:"package"`
		} `toml:"uv"`
	} `toml:"tool"`
}

func readTOML(t *tree, file string) (pyproject, error) {
	var doc pyproject
	src, err := t.get(file)
	if err != nil {
		return doc, err
	}
	if err := toml.Unmarshal([]byte(src), &doc); err != nil {
		bad := &Problem{File: file, Line: 1, Message: "not readable: " + err.Error()}
		if at, ok := errors.AsType[*toml.DecodeError](err); ok {
			bad.Line, _ = at.Position()
		}
		return doc, bad
	}
	return doc, nil
}

var pyLibrary = regexp.MustCompile(`^(fastmcp|mcp)(?:$|[^\w.-])`)

// packageCandidates finds packages that depend on an MCP library and have a
// script, where no file shows how the server is built: a subclass, a factory.
func packageCandidates(t *tree, found []Candidate) ([]Candidate, error) {
	var out []Candidate
	for _, name := range t.names {
		dir := path.Dir(name)
		if path.Base(name) != "pyproject.toml" || slices.ContainsFunc(found, func(c Candidate) bool { return within(c.Path, dir) }) {
			continue
		}
		doc, err := readTOML(t, name)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(doc.Project.Dependencies, pyLibrary.MatchString)
		if i < 0 || len(doc.Project.Scripts) == 0 {
			continue
		}
		library := pyLibrary.FindStringSubmatch(doc.Project.Dependencies[i])[1]
		out = append(out, Candidate{Path: name, Language: Python, dir: dir, python: &pythonEntry{library: library, starts: true},
			About: "it depends on " + library + " and has a script"})
	}
	return out, nil
}

var anyRun = regexp.MustCompile(`\.run(?:_async)?\(`)

// packageTransport looks through a package for the one transport that its code
// serves.
func (p *Project) packageTransport(t *tree) error {
	seen := map[string]bool{}
	for _, name := range t.below(p.Dir, ".py") {
		src, err := t.get(name)
		if err != nil {
			return err
		}
		if src = uncommented(src, "#"); !pyImport.MatchString(src) {
			continue
		}
		if pyStdio.MatchString(src) {
			seen[Stdio] = true
		}
		for _, m := range pyAsync.FindAllStringSubmatch(src, -1) {
			seen[m[1]] = true
		}
		for _, c := range calls(src, anyRun) {
			args := keywords(src, c.args)
			if n, ok := args["port"].int(); ok && p.Port == 0 {
				p.Port = n
			}
			switch v, given := args["transport"]; {
			case v.known:
				seen[v.text] = true
			case !given && strings.TrimSpace(c.args) == "":
				seen[Stdio] = true // the default of both libraries
			}
		}
	}
	switch {
	case len(seen) == 1 && seen[Stdio]:
		p.Transport = Stdio
	case len(seen) > 0 && !seen[Stdio] && !seen[SSE]:
		p.Transport = StreamableHTTP
	}
	return nil
}

var pyMinor = regexp.MustCompile(`3\.\d+`)

// readPyProject reads what is installed, and the project script that starts
// the candidate, if there is one.
func (p *Project) readPyProject(t *tree) (script string, err error) {
	file := path.Join(p.Dir, "pyproject.toml")
	p.Python.Locked = t.has(path.Join(p.Dir, "uv.lock"))
	if !t.has(file) {
		return "", nil
	}
	doc, err := readTOML(t, file)
	if err != nil {
		return "", err
	}
	p.Name = doc.Project.Name
	if v := pyMinor.FindString(doc.Project.RequiresPython); strings.HasPrefix(doc.Project.RequiresPython, "==") && v != "" {
		p.Python.Version = v
	}
	p.Python.Package = doc.Build != nil && (doc.Tool.UV.Package == nil || *doc.Tool.UV.Package)
	if !p.Python.Package {
		return "", nil
	}
	p.Python.Readme, _ = doc.Project.Readme.(string)
	return p.script(doc.Project.Scripts), nil
}

// script picks the project script that starts the candidate: one that calls
// main in its module, else one in its module, else the only one of the package.
func (p *Project) script(scripts map[string]string) string {
	entry := strings.TrimPrefix(strings.TrimSuffix(beside(p.Dir, p.Candidate.Path), ".py"), "src/")
	best, score := "", 0
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		mod, function, _ := strings.Cut(scripts[name], ":")
		mod = strings.ReplaceAll(mod, ".", "/")
		n := 0
		switch own := mod == entry || mod+"/__main__" == entry || mod+"/__init__" == entry; {
		case own && function == "main":
			n = 3
		case own:
			n = 2
		case len(scripts) == 1 && (!p.python.starts || p.python.object == "" || mod == path.Dir(entry) || path.Dir(mod) == path.Dir(entry)):
			n = 1
		}
		if n > score && plainPath.MatchString(name) {
			best, score = name, n
		}
	}
	return best
}

// readRequirements finds the requirements file and judges how tight it is.
func (p *Project) readRequirements(t *tree) error {
	py, file := p.Python, path.Join(p.Dir, "requirements.txt")
	for _, dev := range []string{"requirements-dev.txt", "requirements-test.txt", "dev-requirements.txt"} {
		if t.has(path.Join(p.Dir, dev)) {
			py.Dev = dev
		}
	}
	switch {
	case py.Locked:
		return nil
	case !t.has(file) && t.has(path.Join(p.Dir, "pyproject.toml")):
		py.Package = true
		p.advise("nothing locks what pyproject.toml pulls in: run `uv lock`, commit uv.lock, and run holdfast init again")
		return nil
	case !t.has(file):
		return &Problem{File: p.Candidate.Path, Message: "there is no requirements.txt and no pyproject.toml beside it: write one that names " + p.python.library + " with its version"}
	}
	src, err := t.get(file)
	if err != nil {
		return err
	}
	py.Requirements, py.Hashed = "requirements.txt", true
	for i, line := range strings.Split(src, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '-' || i > 0 && strings.HasSuffix(strings.TrimSpace(strings.Split(src, "\n")[i-1]), `\`) {
			continue
		}
		if !requirement.MatchString(line) {
			return &Problem{file, i + 1, fmt.Sprintf("not a requirement: %q", oneLine(line))}
		}
		if !strings.Contains(line, "==") && !strings.Contains(line, "@") {
			p.advise("%s:%d: %s has no exact version: a rebuild can bring another one", file, i+1, oneLine(line))
		}
	}
	py.Hashed = strings.Contains(src, "--hash=")
	if !py.Hashed {
		p.advise("lock what %s pulls in, with hashes: uv pip compile --universal --generate-hashes requirements.in -o requirements.txt", file)
	}
	return nil
}

var requirement = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*(?:$|[=<>!~@;(\\#]|--)`)
