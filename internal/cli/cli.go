// Package cli is the command line: one file per subcommand. It is the only
// place that reads the environment, opens the terminal, chooses stores and
// decides exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes of every command, as documented in the README and in --help.
const (
	exitOK          = 0
	exitFindings    = 1 // something was found
	exitUsage       = 2 // wrong flags, arguments, files
	exitAuth        = 3 // a credential is needed or was refused
	exitUnreachable = 4 // no answer
	exitTool        = 5 // a declared tool call failed
)

// World is everything outside the program, so that a whole run fits in a test.
type World struct {
	Args   []string // without the program's name
	Env    []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// OS is the World of this process.
func OS() World {
	return World{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

// lookup reads one environment variable.
func (w World) lookup(name string) string {
	for _, kv := range w.Env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// color tells whether a stream is a terminal that wants colour.
func (w World) color(out io.Writer) bool {
	return w.lookup("NO_COLOR") == "" && w.lookup("TERM") != "dumb" && terminal(out)
}

// width gives the columns of a terminal, 0 if it is none.
func (w World) width(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}

func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// exitError carries an exit code up to Run. A nil err means that everything has
// been said already.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage makes an error of the user's input: what is wrong, and what to do.
func usage(hint, format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// written makes an error of output that could not be written, nil of nil.
func written(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, err: fmt.Errorf("write result: %w", err)}
}

// Run runs the program and returns its exit code.
func Run(ctx context.Context, w World) int {
	root := newRoot(w)
	root.SetArgs(w.Args)
	root.SetIn(w.Stdin)
	root.SetOut(w.Stdout)
	root.SetErr(w.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	e, ok := errors.AsType[*exitError](err)
	if !ok {
		e = &exitError{code: exitUsage, err: err, hint: "see holdfast --help"}
	}
	if e.err != nil {
		fmt.Fprintf(w.Stderr, "holdfast: %v\n", e.err)
	}
	if e.hint != "" {
		fmt.Fprintf(w.Stderr, "hint: %s\n", e.hint)
	}
	return e.code
}

func newRoot(w World) *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast",
		Short: "Keep MCP servers alive",
		Long: `Holdfast keeps MCP servers alive: in front of one server or a fleet, from
outside the way a client sees them, and on Kubernetes.

Exit codes: 0 all is well, 1 findings, 2 wrong usage or input, 3 a credential is
needed or was refused, 4 unreachable, 5 a tool call failed.`,
		Example: `  holdfast check https://mcp.example.com/mcp
  holdfast check -- npx -y @modelcontextprotocol/server-everything
  holdfast serve --demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       buildVersion(),
	}
	root.SetVersionTemplate("holdfast {{.Version}}\n")
	root.AddCommand(newServe(w), newCheck(w), newScan(w), newInit(w), newRender(w), newLint(w), newExplain(w), newVersion(w))
	return root
}

// buildVersion is what the build info says: a tag, or the commit.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (version == "" || version == "(devel)") {
			version = "dev-" + s.Value[:min(12, len(s.Value))]
		}
	}
	if version == "" || version == "(devel)" {
		return "dev"
	}
	return version
}
