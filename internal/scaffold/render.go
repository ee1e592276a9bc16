package scaffold

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// File is one file to be written, by its path from the folder that Detect was
// given, with slashes.
type File struct {
	Path string
	Data []byte
}

// uvVersion is the newest release when this was written; uv.lock files of
// older ones stay readable.
const uvVersion = "0.13.9"

// page is what templates see.
type page struct {
	*Project
	Namespace, Image, Holdfast string
	// Base, Run, UV and Front are image references, pinned where possible.
	Base, Run, UV, Front string
	Unpinned             []string
	Stdio                bool
	HostEnv              string
	Entrypoint, Local    []string
	Script               string // the file that node runs
	CheckURL             string
	CheckPort            int
	Readme               string
}

// Images lists the images that the Dockerfile stands on, as their tags.
func (p *Project) Images(opts Options) []string {
	var out []string
	switch p.Language {
	case Python:
		out = []string{"python:" + p.Python.Version + "-slim"}
		if p.Python.Locked {
			out = append(out, "ghcr.io/astral-sh/uv:"+uvVersion)
		}
	case Node:
		out = []string{"node:" + p.Node.Version + "-slim"}
	case Go:
		out = []string{"golang:" + p.Go.Version, "gcr.io/distroless/static-debian12:nonroot"}
	}
	if p.Transport == Stdio {
		out = append(out, frontImage(opts.Holdfast))
	}
	return out
}

var release = regexp.MustCompile(`^v\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?$`)

func frontImage(version string) string {
	tag := "latest"
	if release.MatchString(version) {
		tag = version
	}
	return "ghcr.io/holdfast-mcp/holdfast:" + tag
}

// Unpinned lists those images of which nobody gave a digest.
func (p *Project) Unpinned(opts Options) []string {
	return slices.DeleteFunc(p.Images(opts), func(ref string) bool { return p.pin(ref, opts) != ref })
}

// pin adds the digest to a reference, if it is known.
func (p *Project) pin(ref string, opts Options) string {
	if digest := cmp.Or(opts.Digests[ref], p.known[ref]); digest != "" {
		return ref + "@" + digest
	}
	return ref
}

// Files makes the files for a project. It is pure: the same project and
// options give the same bytes.
func Files(p *Project, opts Options) ([]File, error) {
	dockerfile := map[Language]string{Python: "python", Node: "node", Go: "go"}[p.Language]
	data := p.page(opts)
	var out []File
	for _, f := range []struct{ path, template string }{
		{path.Join(p.Dir, "Dockerfile"), dockerfile + ".Dockerfile.tmpl"},
		{path.Join(p.Dir, ".dockerignore"), "dockerignore.tmpl"},
		{path.Join(p.Dir, "mcpserver.yaml"), "mcpserver.yaml.tmpl"},
		{path.Join(p.Dir, "HOLDFAST.md"), "HOLDFAST.md.tmpl"},
		{".github/workflows/" + p.Name + ".yml", "workflow.yml.tmpl"},
	} {
		t, err := template.New(f.template).Option("missingkey=error").Funcs(template.FuncMap{"json": jsonList, "flow": jsonList, "shell": shell}).
			ParseFS(templates, "templates/parts.tmpl", "templates/"+f.template)
		if err != nil {
			return nil, fmt.Errorf("parse template %s: %w", f.template, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.path, err)
		}
		out = append(out, File{f.path, append(bytes.TrimSpace(b.Bytes()), '\n')})
	}
	return out, nil
}

func (p *Project) page(opts Options) page {
	images := p.Images(opts)
	d := page{
		Project: p, Namespace: cmp.Or(opts.Namespace, "mcp"), Image: p.image, Holdfast: cmp.Or(opts.Holdfast, "latest"),
		Base: p.pin(images[0], opts), Unpinned: p.Unpinned(opts), Stdio: p.Transport == Stdio,
		Entrypoint: p.Command, Local: p.Command, CheckURL: fmt.Sprintf("http://127.0.0.1:%d%s", p.Port, p.Path), CheckPort: p.Port,
	}
	if d.Stdio {
		d.Front = p.pin(images[len(images)-1], opts)
		d.CheckURL, d.CheckPort = "http://127.0.0.1:8080/mcp", 8080
		d.Entrypoint = append([]string{"/usr/local/bin/holdfast", "serve", "--listen", "0.0.0.0:8080", "--"}, p.Command...)
	}
	switch p.Language {
	case Python:
		d.HostEnv = p.Python.HostEnv
		if p.Python.Locked {
			d.UV = p.pin(images[1], opts)
			d.Local = append([]string{"uv", "run"}, p.Command...)
		}
		d.Readme = p.Python.Readme
	case Node:
		d.Script = p.Command[len(p.Command)-1]
		if i := slices.IndexFunc(p.Command, func(w string) bool { return nodeFile.MatchString(w) }); i >= 0 {
			d.Script = p.Command[i]
		}
	case Go:
		d.Run = p.pin(images[1], opts)
		d.Local = append([]string{"go", "run", p.Go.Main}, p.Command[min(1, len(p.Command)):]...)
	}
	return d
}

var nodeFile = regexp.MustCompile(`\.[cm]?[jt]s$`)

// jsonList writes words in the exec form of a Dockerfile, which is a YAML flow
// list too.
func jsonList(words []string) (string, error) {
	quoted := make([]string, len(words))
	for i, w := range words {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(w); err != nil {
			return "", err
		}
		quoted[i] = strings.TrimSpace(b.String())
	}
	return "[" + strings.Join(quoted, ", ") + "]", nil
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// shell writes words for a POSIX shell.
func shell(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if !plainWord.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		quoted[i] = w
	}
	return strings.Join(quoted, " ")
}
