package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/scaffold"
)

type initFlags struct {
	scaffold.Options
	pins        []string
	resolve     bool
	yes, dryRun bool
}

func newInit(w World) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [DIR] [flags] [-- CMD [ARG…]]",
		Short: "Make a server's folder ready for production",
		Long: `Init looks at the folder of an MCP server (Python, TypeScript or Go, stdio or
HTTP) without running anything in it, and writes a Dockerfile, .dockerignore,
mcpserver.yaml, HOLDFAST.md and a GitHub workflow.

Nothing is overwritten without asking: the difference is shown first. Without a
terminal to ask on, it writes nothing, names the files that differ and exits 2;
--yes overwrites them. Symbolic links are neither followed nor replaced.

What cannot be seen in the code can be said: --transport, --port, and behind --
the command line that starts the server inside its image.`,
		Example: `  holdfast init
  holdfast init --dry-run services/weather
  holdfast init --server cmd/weather
  holdfast init --resolve
  holdfast init --pin python:3.13-slim=sha256:…
  holdfast init -- python -m weather --transport streamable-http`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args, f.Command = args[:dash], args[dash:]
			}
			switch len(args) {
			case 0:
			case 1:
				dir = args[0]
			default:
				return usage("the server's own command stands behind --", "more than one folder")
			}
			return f.run(cmd.Context(), w, dir)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Server, "server", "", "which server, by its path, where the folder holds several")
	flags.StringVar(&f.Name, "name", "", "name of the server (default: from the project file, else the folder)")
	flags.Var(&choice{into: &f.Transport, of: []string{scaffold.Stdio, scaffold.StreamableHTTP, scaffold.SSE}}, "transport", "how the server speaks, where its code does not say")
	flags.IntVar(&f.Port, "port", 0, "port that the server listens on, where its code does not say")
	flags.StringVar(&f.Image, "image", "", "repository of the server's image (default: ghcr.io and the git origin)")
	flags.StringVar(&f.Namespace, "namespace", "mcp", "namespace of the MCPServer")
	flags.StringArrayVar(&f.pins, "pin", nil, "digest of a base image, IMAGE:TAG=sha256:…; may be repeated")
	flags.BoolVar(&f.resolve, "resolve", false, "ask the registries for the digests of the base images")
	flags.BoolVarP(&f.yes, "yes", "y", false, "overwrite files that differ")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would be written, and write nothing")
	cmd.MarkFlagsMutuallyExclusive("yes", "dry-run")
	_ = cmd.MarkFlagDirname("server")
	return cmd
}

func (f *initFlags) run(ctx context.Context, w World, dir string) error {
	if err := f.complete(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return usage("name the folder of an MCP server", "open folder: %w", err)
	}
	defer root.Close()
	project, err := scaffold.Detect(ctx, root, f.Options)
	if err != nil {
		return detectError(dir, err)
	}
	if f.resolve {
		if err := f.askRegistries(ctx, project); err != nil {
			return err
		}
	}
	files, err := scaffold.Files(project, f.Options)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	changes, err := scaffold.Compare(root, files)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	p := &printer{out: w.Stdout}
	p.found(project)
	if f.dryRun {
		for _, c := range changes {
			p.printf("%s", c.Diff())
		}
		return p.failure()
	}
	if changes, err = f.permitted(w, changes); err != nil {
		return err
	}
	if err := scaffold.Write(root, changes); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	p.written(changes)
	p.next(project, f.Options)
	return p.failure()
}

var pinFlag = regexp.MustCompile(`^([^=@\s]+)=(sha256:[a-f0-9]{64})$`)

// complete fills in what the flags do not hold as such.
func (f *initFlags) complete(dir string) error {
	f.Digests = map[string]string{}
	for _, pin := range f.pins {
		m := pinFlag.FindStringSubmatch(pin)
		if m == nil {
			return usage("write --pin python:3.13-slim=sha256: and 64 hexadecimal digits", "--pin %q is no IMAGE:TAG=sha256:…", pin)
		}
		f.Digests[m[1]] = m[2]
	}
	if f.Port < 0 || f.Port > 65535 {
		return usage("for example --port 8000", "--port %d is no port", f.Port)
	}
	full, err := filepath.Abs(dir)
	if err != nil {
		return usage("", "open folder: %w", err)
	}
	f.Folder = filepath.Base(full)
	if v := buildVersion(); v != "dev" && v != "unknown" {
		v, _, _ = strings.Cut(v, "+") // what is not committed cannot be installed
		f.Holdfast = strings.TrimPrefix(v, "dev-")
	}
	return nil
}

// askRegistries resolves what --pin does not say; a digest that is in the
// Dockerfile already is asked for again.
func (f *initFlags) askRegistries(ctx context.Context, project *scaffold.Project) error {
	ask := slices.DeleteFunc(project.Images(f.Options), func(image string) bool { return f.Digests[image] != "" })
	digests, err := resolveImages(ctx, ask)
	if err != nil {
		return err
	}
	maps.Copy(f.Digests, digests)
	return nil
}

func detectError(dir string, err error) error {
	if several, ok := errors.AsType[*scaffold.AmbiguousError](err); ok && !errors.Is(err, scaffold.ErrNoServer) {
		return usage("choose one: holdfast init --server "+several.Candidates[0].Path, "%w", err)
	}
	if errors.Is(err, scaffold.ErrNoServer) {
		return usage("init looks for Python files that build a FastMCP or MCPServer, a package.json or a go.mod that names an MCP SDK; for a server that runs elsewhere write an MCPServer with its url", "%s: %w", dir, err)
	}
	return &exitError{code: exitUsage, err: err}
}

// permitted asks about each file that would be overwritten and leaves out
// those that shall stay.
func (f *initFlags) permitted(w World, changes []scaffold.Change) ([]scaffold.Change, error) {
	differ := slices.DeleteFunc(slices.Clone(changes), func(c scaffold.Change) bool { return !c.Overwrites() })
	if len(differ) == 0 || f.yes {
		return changes, nil
	}
	in, isFile := w.Stdin.(*os.File)
	if !isFile || !terminal(in) {
		var names []string
		for _, c := range differ {
			names = append(names, c.Path)
		}
		return nil, usage("see the difference with --dry-run, overwrite with --yes", "nothing written, because these files are there and differ: %s", strings.Join(names, ", "))
	}
	answers := bufio.NewReader(in)
	var keep []scaffold.Change
	for _, c := range changes {
		ok, err := !c.Overwrites(), error(nil)
		if !ok {
			fmt.Fprintf(w.Stderr, "%s\noverwrite %s? [y/N] ", c.Diff(), c.Path)
			ok, err = yes(answers)
		}
		if err != nil {
			return nil, usage("", "nothing written: %w", err)
		}
		if ok {
			keep = append(keep, c)
		}
	}
	return keep, nil
}

// yes reads one answer; anything but y or yes is no.
func yes(in *bufio.Reader) (bool, error) {
	line, err := in.ReadString('\n')
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return false, fmt.Errorf("read answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// printer writes lines and keeps the first error.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *printer) failure() error {
	if p.err != nil && !errors.Is(p.err, fs.ErrClosed) {
		return &exitError{code: exitUsage, err: fmt.Errorf("write output: %w", p.err)}
	}
	return nil
}

func (p *printer) found(project *scaffold.Project) {
	p.printf("%s: %s, %s\n", project.Name, project.Language, project.Candidate.Path)
	if project.Transport == scaffold.Stdio {
		p.printf("  speaks stdio\n")
	} else {
		p.printf("  speaks %s on port %d at %s\n", project.Transport, project.Port, project.Path)
	}
	p.printf("  started by %s\n\n", strings.Join(project.Command, " "))
}

func (p *printer) written(changes []scaffold.Change) {
	for _, c := range changes {
		verb := "wrote    "
		switch {
		case c.Same():
			verb = "unchanged"
		case c.Exists:
			verb = "rewrote  "
		}
		p.printf("%s %s\n", verb, c.Path)
	}
}

// next says what a person has to do.
func (p *printer) next(project *scaffold.Project, opts scaffold.Options) {
	steps := slices.Clone(project.Advice)
	if unpinned := project.Unpinned(opts); len(unpinned) > 0 {
		steps = append([]string{"pin the base images by digest, which lint asks for as HF501: run again with --resolve, or offline with --pin " + strings.Join(unpinned, "=sha256:… --pin ") + "=sha256:…"}, steps...)
	}
	steps = append(steps, "read HOLDFAST.md: how to run it, and what the workflow needs", "run holdfast lint on the folder")
	p.printf("\nNext:\n")
	for _, s := range steps {
		p.printf("- %s\n", s)
	}
}
