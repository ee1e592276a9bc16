package archtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Layer is a floor of the house. Imports point to lower layers only.
type Layer uint8

// The layers, from the ground up. Test stands beside them: it may import
// everything, and only tests may import it.
const (
	Vocabulary Layer = iota // types and pure functions; no I/O, no goroutine
	Mechanism               // one outside thing each
	Engine                  // reusable behaviour
	Workload                // what a subcommand is
	Shell                   // configuration in, reports out
	CLI                     // the command line
	Main                    // the binary
	Test                    // peers, benches, this test
)

func (l Layer) String() string {
	return [...]string{"vocabulary", "mechanism", "engine", "workload", "shell", "cli", "main", "test"}[l]
}

// House is the whole table.
type House struct {
	Module string
	// Packages says in which layer each package stands. A path may be planned
	// and not exist yet; one that exists and is not here is a violation.
	Packages map[string]Layer
	Edges    []Edge
	Imports  []ImportRule
	Uses     []UseRule
	// Revision is the type whose values only its own package compares.
	Revision   string // import path, relative to Module, a dot and the name
	Exceptions []Exception
	// FunctionLines, FileLines and Params are the largest sizes allowed.
	FunctionLines, FileLines, Params int
}

// Edge allows one import that does not point down.
type Edge struct{ From, To, Why string }

// ImportRule says who may import a package or anything below it.
type ImportRule struct {
	Paths []string // import paths; each covers what is below it
	In    []string // where, relative to the module; "x/..." covers x and below
	Not   []string // if In is empty: where it may not be imported
	Tests bool     // whether _test.go files are held to it as well
	Exact bool     // whether what lies below a path is left out
	Why   string
}

// UseRule says who may use functions, types or variables of other packages.
// Tests and generated files are free.
type UseRule struct {
	Objects []string // "os.Exit", "net/http.Client"; "net.Lookup*" by prefix
	In      []string // as in ImportRule
	Why     string
}

// Exception frees one file, or a folder with a trailing /..., of one rule.
type Exception struct{ Rule, Path, Why string }

// Violation is one break of the rules.
type Violation struct {
	Rule    string
	File    string // relative to the checked directory
	Line    int
	Message string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", v.File, v.Line, v.Rule, v.Message)
}

func compareViolations(a, b Violation) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
}

// covers tells whether pattern, a path or "path/...", includes path.
func covers(pattern, path string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return path == base || deep && strings.HasPrefix(path, base+"/")
}

func coveredBy(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, path) })
}
