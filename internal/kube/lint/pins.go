package lint

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/mod/modfile"
)

// dependency is one line of a dependency file.
type dependency struct {
	name    string // lower case, dashes for underscores and dots
	spec    string // what the file asks for, as written
	version string // the exact version, "" where a range is asked for
	line    int
	hashed  bool // the line carries hashes of what may be installed
	url     bool // it names an address instead of a version
}

var (
	requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$`)
	exactPin    = regexp.MustCompile(`^===?\s*([0-9][^\s,;*]*)$`)
)

func pypiName(s string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(s))
}

// parsePins reads a dependency file; one that cannot be read is told about.
func (in *loadedInputs) parsePins(f *File) {
	switch f.Kind {
	case Requirements:
		f.deps = parseRequirements(f.src)
	case PyProject:
		in.parsePyProject(f)
	case PyLock:
		in.parsePyLock(f)
	case GoMod:
		in.parseGoMod(f)
	}
}

func parseRequirements(src []byte) []dependency {
	var out []dependency
	scanner := bufio.NewScanner(bytes.NewReader(src))
	scanner.Buffer(nil, maxFile)
	open := false // the line before ended in a backslash
	for n := 1; scanner.Scan(); n++ {
		line := scanner.Text()
		if open {
			if len(out) > 0 && strings.Contains(line, "--hash=") {
				out[len(out)-1].hashed = true
			}
			open = strings.HasSuffix(strings.TrimSpace(line), `\`)
			continue
		}
		open = strings.HasSuffix(strings.TrimSpace(line), `\`)
		if d, ok := requirementLine(line); ok {
			d.line = n
			out = append(out, d)
		}
	}
	return out
}

// requirementLine reads a PEP 508 requirement; options and comments are none.
func requirementLine(line string) (dependency, bool) {
	if i := strings.Index(line, " #"); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), `\`))
	if line == "" || line[0] == '#' || line[0] == '-' {
		return dependency{}, false
	}
	hashed := strings.Contains(line, "--hash=")
	if i := strings.Index(line, " --"); i >= 0 {
		line = line[:i]
	}
	line, _, _ = strings.Cut(line, ";")
	m := requirement.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return dependency{}, false
	}
	d := dependency{name: pypiName(m[1]), spec: strings.Trim(strings.TrimSpace(m[2]), "()"), hashed: hashed}
	d.url = strings.HasPrefix(d.spec, "@")
	if pin := exactPin.FindStringSubmatch(d.spec); pin != nil {
		d.version = pin[1]
	}
	return d, true
}

func (in *loadedInputs) parsePyProject(f *File) {
	var doc struct {
		Project struct {
			Dependencies []string `toml:"dependencies"`
		} `toml:"project"`
		Tool struct {
			Poetry struct {
				Dependencies map[string]any `toml:"dependencies"`
			} `toml:"poetry"`
		} `toml:"tool"`
	}
	if !in.toml(f, &doc) {
		return
	}
	for _, text := range doc.Project.Dependencies {
		if d, ok := requirementLine(text); ok {
			d.line = f.lineOf(text)
			f.deps = append(f.deps, d)
		}
	}
	for name, spec := range doc.Tool.Poetry.Dependencies {
		text, _ := spec.(string)
		if table, ok := spec.(map[string]any); ok {
			text, _ = table["version"].(string)
		}
		d := dependency{name: pypiName(name), spec: text, line: f.lineOf("\n"+name+" ") + 1}
		if regexp.MustCompile(`^\d[\w.]*$`).MatchString(text) {
			d.version = text
		}
		if name != "python" {
			f.deps = append(f.deps, d)
		}
	}
}

func (in *loadedInputs) parsePyLock(f *File) {
	var doc struct {
		Package []struct {
			Name    string `toml:"name"`
			Version string `toml:"version"`
		} `toml:"package"`
	}
	if strings.HasSuffix(strings.ToLower(f.Path), "pipfile.lock") || !in.toml(f, &doc) {
		return
	}
	for _, p := range doc.Package {
		f.deps = append(f.deps, dependency{name: pypiName(p.Name), spec: "==" + p.Version, version: p.Version,
			line: f.lineOf(`name = "` + p.Name + `"`), hashed: true})
	}
}

func (in *loadedInputs) toml(f *File, into any) bool {
	err := toml.Unmarshal(f.src, into)
	if err == nil {
		return true
	}
	e := &syntaxError{line: 1, column: 1, reason: err.Error()}
	if decode, ok := err.(*toml.DecodeError); ok { //nolint:errorlint // the concrete type carries the place
		e.line, e.column = decode.Position()
	}
	in.broken(f, e)
	return false
}

func (in *loadedInputs) parseGoMod(f *File) {
	mod, err := modfile.ParseLax(f.Path, f.src, nil)
	if err != nil {
		e := &syntaxError{line: 1, column: 1, reason: err.Error()}
		if list, ok := err.(modfile.ErrorList); ok && len(list) > 0 { //nolint:errorlint // the concrete type carries the place
			e.line, e.reason = list[0].Pos.Line, list[0].Err.Error()
		}
		in.broken(f, e)
		return
	}
	for _, r := range mod.Require {
		f.deps = append(f.deps, dependency{name: r.Mod.Path, spec: r.Mod.Version, version: strings.TrimPrefix(r.Mod.Version, "v"), line: r.Syntax.Start.Line})
	}
}
