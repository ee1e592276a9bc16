package lint

import (
	"bytes"
	"path"
	"path/filepath"
	"strings"
)

// FileKind is what a file is, decided by its name and, for YAML, its first keys.
type FileKind string

// The kinds of file that some rule reads.
const (
	Manifest     FileKind = "manifest"
	Dockerfile   FileKind = "dockerfile"
	Compose      FileKind = "compose"
	Workflow     FileKind = "workflow"
	Requirements FileKind = "requirements"
	PyProject    FileKind = "pyproject"
	PyLock       FileKind = "pylock"
	PackageJSON  FileKind = "package.json"
	PackageLock  FileKind = "package-lock"
	GoMod        FileKind = "go.mod"
	ServerJSON   FileKind = "server.json"
	Python       FileKind = "python"
	TypeScript   FileKind = "typescript"
	Ignorefile   FileKind = "dockerignore"
	HelmTemplate FileKind = "helm template"
	other        FileKind = ""
)

// File is one input as read.
type File struct {
	Path string // as the caller named it, with forward slashes
	Kind FileKind
	src  []byte
	at   []int // byte offset of each line's start, made on demand
	// objects found in it; one pseudo-object for files that hold no objects
	objects []*Object
	docker  *dockerfile
	code    *sourceCode
	deps    []dependency
}

// Dir is the folder a file lies in.
func (f *File) Dir() string { return path.Dir(f.Path) }

// kindByName decides by the file's name alone; .yaml and .json that are nothing
// else count as manifests until their content says otherwise.
func kindByName(name string) FileKind {
	base := path.Base(filepath.ToSlash(name))
	lower := strings.ToLower(base)
	switch {
	case lower == "dockerfile", lower == "containerfile", strings.HasPrefix(lower, "dockerfile."), strings.HasSuffix(lower, ".dockerfile"):
		return Dockerfile
	case lower == ".dockerignore":
		return Ignorefile
	case lower == "go.mod":
		return GoMod
	case lower == "server.json":
		return ServerJSON
	case lower == "package.json":
		return PackageJSON
	case lower == "package-lock.json", lower == "npm-shrinkwrap.json", lower == "pnpm-lock.yaml", lower == "yarn.lock", lower == "bun.lock":
		return PackageLock
	case lower == "pyproject.toml":
		return PyProject
	case lower == "uv.lock", lower == "poetry.lock", lower == "pdm.lock", lower == "pylock.toml", lower == "pipfile.lock":
		return PyLock
	case strings.HasPrefix(lower, "requirements") && strings.HasSuffix(lower, ".txt"):
		return Requirements
	}
	return kindByExtension(filepath.ToSlash(name), lower)
}

func kindByExtension(name, lower string) FileKind {
	switch path.Ext(lower) {
	case ".yaml", ".yml":
		if strings.HasPrefix(lower, "docker-compose") || strings.HasPrefix(lower, "compose") {
			return Compose
		}
		if strings.Contains(name, ".github/workflows/") || lower == ".gitlab-ci.yml" {
			return Workflow
		}
		return Manifest
	case ".json":
		return Manifest
	case ".py":
		return Python
	case ".ts", ".mts", ".js", ".mjs", ".cjs":
		if strings.HasSuffix(lower, ".d.ts") || strings.HasSuffix(lower, ".min.js") {
			return other
		}
		return TypeScript
	default:
		return other
	}
}

// isBinary looks for a zero byte in the head, as git does.
func isBinary(src []byte) bool { return bytes.IndexByte(src[:min(len(src), 8000)], 0) >= 0 }

// lines gives the byte offset at which each line starts.
func (f *File) lines() []int {
	if f.at == nil {
		f.at = append(f.at, 0)
		for i, b := range f.src {
			if b == '\n' {
				f.at = append(f.at, i+1)
			}
		}
	}
	return f.at
}

// offset turns a line and a column counted in characters into a byte offset.
func (f *File) offset(line, column int) (int, bool) {
	at := f.lines()
	if line < 1 || line > len(at) {
		return 0, false
	}
	pos := at[line-1]
	for range column - 1 {
		if pos >= len(f.src) || f.src[pos] == '\n' {
			return pos, pos <= len(f.src)
		}
		pos++
		for pos < len(f.src) && f.src[pos]&0xC0 == 0x80 {
			pos++
		}
	}
	return pos, true
}

// line gives the text of a line without its end; "" beyond the file.
func (f *File) line(n int) string {
	at := f.lines()
	if n < 1 || n > len(at) {
		return ""
	}
	end := len(f.src)
	if n < len(at) {
		end = at[n] - 1
	}
	return strings.TrimSuffix(string(f.src[at[n-1]:end]), "\r")
}

// lineOf finds the first line that holds a text, 1 where none does.
func (f *File) lineOf(text string) int {
	i := bytes.Index(f.src, []byte(text))
	if i < 0 {
		return 1
	}
	return 1 + bytes.Count(f.src[:i], []byte("\n"))
}
