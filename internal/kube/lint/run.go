package lint

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// Options say what is judged and how strictly. The zero value judges MCP
// servers by every rule.
type Options struct {
	// All treats every workload as an MCP server.
	All bool
	// Only keeps the rules with these codes or names; empty keeps all.
	Only []string
	// Skip leaves out rules by code or name.
	Skip []string
	// Severity replaces the catalogue's severity, by code.
	Severity map[string]finding.Severity
	// Ignores silences findings for a reason.
	Ignores []Ignore
	// Baseline holds the fingerprints of findings that were there before.
	Baseline Baseline
}

// Result is one finding at its place.
type Result struct {
	finding.Finding
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	// Object is the Kubernetes object, compose service or file it is about.
	Object string `json:"object"`
	// Path is the place within the object: spec.template.spec.containers[x].
	Path string `json:"path,omitempty"`
	// Heuristic marks findings that come from reading program text.
	Heuristic bool `json:"heuristic,omitempty"`
	// Fix is a mechanical repair, nil where a person has to decide.
	Fix *Fix `json:"-"`

	object *Object
}

// Report is the outcome of a run.
type Report struct {
	Findings []Result
	// Ignored and Known are what Options.Ignores, annotations and the baseline
	// took away.
	Ignored, Known []Result
	// Files and Objects count what was judged, Servers the workloads that count
	// as MCP servers.
	Files, Objects, Servers int
	// Skipped lists what was found and not judged, with the reason.
	Skipped []Skip

	files []*File
}

// Skip is a file that was not judged.
type Skip struct{ File, Reason string }

// Worst is the number of findings of at least a severity.
func (r Report) Worst(atLeast finding.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if rank(f.Severity) >= rank(atLeast) {
			n++
		}
	}
	return n
}

func rank(s finding.Severity) int {
	switch s {
	case finding.Error:
		return 3
	case finding.Warning:
		return 2
	case finding.Info:
		return 1
	default:
		return 0
	}
}

// Run reads the inputs and judges them. It fails only where an input cannot be
// read at all or the context ends; what is wrong inside an input is a finding.
func Run(ctx context.Context, opts Options, inputs ...Input) (Report, error) {
	loaded, err := load(ctx, inputs)
	if err != nil {
		return Report{}, err
	}
	return judge(ctx, opts, loaded)
}

func judge(ctx context.Context, opts Options, in loadedInputs) (Report, error) {
	x := newIndex(in.files, opts.All)
	report := Report{Files: len(in.files), Objects: len(x.objects), Skipped: in.skipped, files: in.files}
	report.Servers = len(x.servers)
	entries := map[string]finding.Entry{}
	for _, e := range finding.Catalogue() {
		entries[e.Name] = e
	}
	var all []Result
	for _, rule := range Rules() {
		if err := ctx.Err(); err != nil {
			return Report{}, fmt.Errorf("lint: %w", err)
		}
		entry, ok := entries[rule.Name]
		if !ok {
			return Report{}, fmt.Errorf("lint: rule %s has no catalogue entry", rule.Name)
		}
		if !opts.selects(entry) {
			continue
		}
		rule.Check(&Pass{Index: x, opts: opts, rule: rule, entry: entry, out: &all})
	}
	all = append(all, in.problems(opts)...)
	report.divide(dedupe(all), opts)
	return report, nil
}

func (o Options) selects(e finding.Entry) bool {
	names := func(s string) bool { return s == e.Code || s == e.Name }
	if len(o.Only) > 0 && !slices.ContainsFunc(o.Only, names) {
		return false
	}
	return !slices.ContainsFunc(o.Skip, names)
}

// dedupe sorts by place and drops what is said twice of one place.
func dedupe(all []Result) []Result {
	slices.SortStableFunc(all, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Seen, b.Seen))
	})
	return slices.CompactFunc(all, func(a, b Result) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Code == b.Code && a.Seen == b.Seen
	})
}
