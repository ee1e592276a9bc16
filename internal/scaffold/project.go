package scaffold

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Language of a server's source.
type Language string

// The languages that are recognised.
const (
	Python Language = "Python"
	Node   Language = "TypeScript/JavaScript"
	Go     Language = "Go"
)

// The transports, as an MCPServer names them.
const (
	Stdio          = "stdio"
	StreamableHTTP = "streamable-http"
	SSE            = "sse"
)

// Options are what the caller knows better than the folder tells.
type Options struct {
	// Server chooses a candidate by its path, where there are several.
	Server string
	// Name of the server; default: from the project file, else Folder.
	Name string
	// Folder is the name of the folder, for want of a better one.
	Folder string
	// Transport, Port and Command replace what would be detected. Zero or
	// empty: detect. Command is the whole command line inside the image.
	Transport string
	Port      int
	Command   []string
	// Image is the repository of the server's image, without tag; default:
	// ghcr.io and the origin of the git repository.
	Image string
	// Namespace of the MCPServer; default: mcp.
	Namespace string
	// Holdfast is the version of Holdfast to install in CI and to take out of
	// its image: a tag such as v1.2.0, or a commit.
	Holdfast string
	// Digests holds "sha256:…" by image reference.
	Digests map[string]string
}

// Candidate is something in the folder that looks like a server.
type Candidate struct {
	Path     string // the entry point, or the project file
	Language Language
	About    string // what it was recognised by

	dir    string
	python *pythonEntry
}

// Project is what is known about one server.
type Project struct {
	Candidate
	Name string
	// Dir is the folder of the project's own files, slash-separated, "." for
	// the folder that was looked at.
	Dir       string
	Transport string
	Port      int
	Path      string // of the MCP endpoint
	Stateless bool
	// PortEnv is the variable that the code reads its port from.
	PortEnv string
	// Command is the command line inside the image.
	Command []string
	// Advice is what the user should know or do, one sentence each.
	Advice []string

	Python *PythonProject
	Node   *NodeProject
	Go     *GoProject

	// known holds digests by image reference, found in the folder.
	known map[string]string
	image string
}

// Problem is an error at a place in a file of the folder.
type Problem struct {
	File    string
	Line    int
	Message string
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)
}

// AmbiguousError lists several servers of which the caller has to choose one.
type AmbiguousError struct{ Candidates []Candidate }

func (e *AmbiguousError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d servers found:", len(e.Candidates))
	for _, c := range e.Candidates {
		fmt.Fprintf(&b, "\n  %s  (%s, %s)", c.Path, c.Language, c.About)
	}
	return b.String()
}

// ErrNoServer says that nothing in the folder looks like an MCP server.
var ErrNoServer = errors.New("no MCP server found")

// Detect finds the server in a folder. An *[AmbiguousError] means that
// Options.Server must choose, a *[Problem] that a file cannot be read or
// leaves something open.
func Detect(ctx context.Context, root *os.Root, opts Options) (*Project, error) {
	t, err := openTree(root)
	if err != nil {
		return nil, err
	}
	var found []Candidate
	for _, look := range []func(*tree) ([]Candidate, error){pythonCandidates, nodeCandidates, goCandidates} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some, err := look(t)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	chosen, err := choose(found, opts.Server)
	if err != nil {
		return nil, err
	}
	p := &Project{Candidate: chosen, Dir: chosen.dir, Path: "/mcp", Command: opts.Command, Transport: opts.Transport, Port: opts.Port, known: map[string]string{}}
	describe := map[Language]func(*Project, *tree, Options) error{Python: describePython, Node: describeNode, Go: describeGo}
	if err := describe[p.Language](p, t, opts); err != nil {
		return nil, err
	}
	p.Name = serverName(cmp.Or(opts.Name, p.Name, path.Base(p.Dir), opts.Folder), opts.Folder)
	if p.image = opts.Image; p.image == "" {
		p.image = imageOf(root, p)
	}
	p.keepPins(root)
	return p, p.settle()
}

// choose picks the candidate that was asked for, or the only one.
func choose(found []Candidate, wanted string) (Candidate, error) {
	wanted = path.Clean(strings.ReplaceAll(wanted, `\`, "/"))
	if wanted != "." {
		all := found
		found = slices.DeleteFunc(slices.Clone(found), func(c Candidate) bool { return c.Path != wanted && c.dir != wanted && path.Dir(c.Path) != wanted })
		if len(found) == 0 {
			err := fmt.Errorf("%w at %s", ErrNoServer, wanted)
			if len(all) > 0 {
				err = fmt.Errorf("%w; %w", err, &AmbiguousError{all})
			}
			return Candidate{}, err
		}
	}
	switch len(found) {
	case 0:
		return Candidate{}, ErrNoServer
	case 1:
		return found[0], nil
	default:
		return Candidate{}, &AmbiguousError{found}
	}
}

var (
	plainPath  = regexp.MustCompile(`^[\w.@+/-]+$`)
	plainURL   = regexp.MustCompile(`^/[-A-Za-z0-9._~/%]*$`)
	plainImage = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._:/]*$`)
)

// plain refuses names that would mean something else in a Dockerfile, a shell
// or YAML: they come from a folder that somebody else may have written.
func (p *Project) plain() error {
	names := append([]string{p.Dir, p.Candidate.Path}, p.Command...)
	if p.Python != nil {
		names = append(names, cmp.Or(p.Python.Readme, "."))
	}
	for i, name := range names {
		if i < 2 && !plainPath.MatchString(name) || strings.ContainsAny(name, "\n\r\x00") || i >= 2 && name == "" {
			return &Problem{File: p.Candidate.Path, Message: fmt.Sprintf("%q cannot be written into a Dockerfile: rename it", name)}
		}
	}
	if p.Python != nil && p.Python.Readme != "" && !plainPath.MatchString(p.Python.Readme) {
		p.Python.Readme = ""
	}
	if !plainURL.MatchString(p.Path) {
		return &Problem{File: p.Candidate.Path, Message: fmt.Sprintf("the path %q is none that an MCPServer takes", p.Path)}
	}
	if !plainImage.MatchString(p.image) {
		return fmt.Errorf("%q is no image repository: write it as ghcr.io/owner/name", p.image)
	}
	return nil
}

// settle checks what was detected and fills in defaults.
func (p *Project) settle() error {
	if err := p.plain(); err != nil {
		return err
	}
	switch p.Transport {
	case Stdio:
		p.Port = 0
		return nil
	case StreamableHTTP, SSE:
	default:
		return &Problem{File: p.Candidate.Path, Message: "cannot tell which transport it serves: say --transport stdio or --transport streamable-http, and behind -- the command line, if a flag of its own selects it"}
	}
	if p.Port == 0 && (p.Python == nil || p.python.object == "") {
		p.advise("the code does not show the port: 8000 is assumed; if that is wrong, run again with --port")
	}
	p.Port = cmp.Or(p.Port, 8000)
	if p.Port != 8080 && p.Port != 9090 {
		return nil
	}
	if p.PortEnv == "" {
		return &Problem{File: p.Candidate.Path, Message: fmt.Sprintf("the server listens on %d, which is the port of Holdfast's front in the same pod: let it listen on another one, such as 8000 (or say --port, if it does)", p.Port)}
	}
	p.advise("%s was %d, which is the front's port in the same pod: the image sets %s=8000 instead", p.PortEnv, p.Port, p.PortEnv)
	p.Port = 8000
	return nil
}

func (p *Project) advise(format string, args ...any) {
	p.Advice = append(p.Advice, fmt.Sprintf(format, args...))
}

// serverName makes a name that Services and CronJobs can be named after: at
// most 40 letters, digits and dashes, beginning with a letter.
func serverName(raw, folder string) string {
	if i := strings.LastIndexAny(raw, "/\\"); i >= 0 {
		raw = raw[i+1:]
	}
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(raw), "-"), "-")
	if name == "" {
		if folder != "" && folder != raw {
			return serverName(folder, "")
		}
		return "server"
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = "mcp-" + name
	}
	if len(name) <= 40 {
		return name
	}
	name = name[:41]
	if i := strings.LastIndexByte(name, '-'); i > 20 {
		return name[:i]
	}
	return strings.TrimRight(name[:40], "-")
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

var gitOrigin = regexp.MustCompile(`(?m)^\s*url\s*=\s*(?:https://|ssh://git@|git@)github\.com[:/]([\w.-]+)/([\w.-]+?)(?:\.git)?\s*$`)

// imageOf derives the repository of the image from the git origin.
func imageOf(root *os.Root, p *Project) string {
	config, err := readRegular(root, ".git/config")
	m := gitOrigin.FindStringSubmatch(string(config))
	if err != nil || m == nil {
		p.advise("the image's repository is not known: put yours in the place of OWNER in mcpserver.yaml, or run again with --image")
		return "ghcr.io/OWNER/" + p.Name
	}
	repository := strings.ToLower("ghcr.io/" + m[1] + "/" + m[2])
	if p.Dir != "." {
		repository += "/" + p.Name
	}
	return repository
}

var pinnedFrom = regexp.MustCompile(`(?mi)^\s*FROM\s+(?:--\S+\s+)*([^\s@]+)@(sha256:[a-f0-9]{64})(?:\s|$)`)

// keepPins remembers the digests of a Dockerfile that is there already.
func (p *Project) keepPins(root *os.Root) {
	src, err := readRegular(root, path.Join(p.Dir, "Dockerfile"))
	if err != nil {
		return // none there, or none that may be read: Compare says so
	}
	for _, m := range pinnedFrom.FindAllStringSubmatch(string(src), -1) {
		p.known[m[1]] = m[2]
	}
}

// lineAt counts the line of a byte offset, from 1.
func lineAt(src string, offset int) int {
	return 1 + strings.Count(src[:min(max(offset, 0), len(src))], "\n")
}
