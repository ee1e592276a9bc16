package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
)

type lintFlags struct {
	output        string
	failOn        string
	all           bool
	only, skip    []string
	config        string
	baseline      string
	writeBaseline bool
	fix, write    bool
	listRules     bool
	export        string
	action        string
}

func newLint(w World) *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint PATH…|-",
		Short: "Find what breaks an MCP server in manifests, Dockerfiles and pins",
		Long: `Lint reads Kubernetes YAML, Dockerfiles, compose files, dependency pins,
server.json and entry points in Python and TypeScript, and finds what makes an
MCP server unusable for its clients. Folders are walked, - is stdin. What is
named together is judged together: a Service against its pods, a route against
its time-outs, a Role against its binding.

Only workloads that look like MCP servers are judged; --all judges every one,
and the label holdfast.dev/mcp decides for one. A finding is ignored by the
comment "# holdfast:ignore HF411 reason" on its line or the one above, by the
annotation lint.holdfast.dev/ignore: "HF411=reason", or in the file of --config:

  all: false
  skip: [HF509]
  severity: {HF411: error}
  ignore:
    - {code: HF501, object: "Deployment tools/*", reason: loaded by kind}

Exit codes: 0 nothing found as bad as --fail-on, 1 findings, 2 wrong usage, or
an input cannot be read. A file that can be read and not parsed is a finding.`,
		Example: `  holdfast lint .
  holdfast lint --fail-on error -o sarif deploy/ > lint.sarif
  helm template weather ./chart | holdfast lint -
  holdfast lint --fix . | patch -p1
  holdfast lint --baseline lint.json --write-baseline .`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			switch {
			case f.listRules:
				return wrote(f.writeRules(w))
			case f.export != "":
				return f.writeExport(w)
			}
			return f.run(cmd.Context(), w, args)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *lintFlags) add(cmd *cobra.Command) {
	outputFlag(cmd, &f.output, "text", "json", "sarif", "github", "junit")
	flags := cmd.Flags()
	oneOf := func(into *string, name, help string, words ...string) {
		flags.Var(&choice{into: into, of: words}, name, help)
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	f.failOn = string(finding.Warning)
	oneOf(&f.failOn, "fail-on", "exit 1 on findings as bad as this", string(finding.Error), string(finding.Warning), string(finding.Info))
	flags.BoolVar(&f.all, "all", false, "judge every workload as an MCP server")
	flags.StringSliceVar(&f.only, "only", nil, "only these rules, by code or name")
	flags.StringSliceVar(&f.skip, "skip", nil, "leave out these rules, by code or name")
	flags.StringVar(&f.config, "config", "", "file of exceptions, see above")
	flags.StringVar(&f.baseline, "baseline", "", "file of tolerated findings")
	flags.BoolVar(&f.writeBaseline, "write-baseline", false, "write the file of --baseline anew")
	flags.BoolVar(&f.fix, "fix", false, "print a patch instead of the findings")
	flags.BoolVar(&f.write, "write", false, "with --fix: change the files")
	flags.BoolVar(&f.listRules, "list-rules", false, "list the rules and what each reads")
	oneOf(&f.export, "export", "print the rules in CEL for another tool", "kube-linter", "vap")
	f.action = "Deny"
	oneOf(&f.action, "action", "what policies of --export vap do", "Deny", "Warn", "Audit")
	for _, name := range []string{"only", "skip"} {
		_ = cmd.RegisterFlagCompletionFunc(name, completeRules)
	}
	_ = cmd.MarkFlagFilename("config")
	_ = cmd.MarkFlagFilename("baseline")
	cmd.MarkFlagsMutuallyExclusive("list-rules", "export", "fix", "write-baseline")
}

func completeRules(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, e := range lint.Entries() {
		words = append(words, e.Code+"\t"+e.Title, e.Name+"\t"+e.Title)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// check finds flags that make no sense together, before anything is read.
func (f *lintFlags) check(cmd *cobra.Command, args []string) error {
	alone := f.listRules || f.export != ""
	switch {
	case alone && len(args) > 0:
		return usage("", "--list-rules and --export read no files")
	case f.listRules && f.output != "text" && f.output != "json":
		return usage("", "--list-rules has the formats text and json")
	case f.export != "" && cmd.Flags().Changed("output"):
		return usage("", "--export has a format of its own: leave out -o")
	case cmd.Flags().Changed("action") && f.export != "vap":
		return usage("", "--action is for --export vap")
	case alone:
		return nil
	case len(args) == 0:
		return usage("give a file or a folder (. for this one), or - for stdin", "nothing to lint")
	case f.write && !f.fix:
		return usage("--fix alone shows what would change", "--write is for --fix")
	case f.fix && !f.write && f.output != "text":
		return usage("-o json has the patch of each finding, without --fix", "--fix prints a patch and nothing else: leave out -o")
	case f.write && slices.Contains(args, stdinName):
		return usage("--fix alone prints a patch", "stdin cannot be changed")
	case f.writeBaseline && f.baseline == "":
		return usage("say where: --baseline FILE --write-baseline", "--write-baseline without --baseline")
	}
	return twice(args)
}

// options reads what the flags and the files they name say about the rules.
func (f *lintFlags) options() (lint.Options, error) {
	var errs []error
	opts := lint.Options{All: f.all}
	if f.config != "" {
		c, err := readWith(f.config, lint.ReadConfig)
		if err != nil {
			errs = append(errs, fmt.Errorf("--config %s: %w", f.config, err))
		}
		opts = c.Apply(opts)
		if opts.Skip, err = rulesNamed("--config "+f.config+": skip", opts.Skip); err != nil {
			errs = append(errs, err)
		}
	}
	if f.baseline != "" && !f.writeBaseline {
		b, err := readWith(f.baseline, lint.ReadBaseline)
		if err != nil {
			errs = append(errs, fmt.Errorf("--baseline %s: %w", f.baseline, err))
		}
		opts.Baseline = b
	}
	var err error
	if opts.Only, err = rulesNamed("--only", f.only); err != nil {
		errs = append(errs, err)
	}
	skip, err := rulesNamed("--skip", f.skip)
	if err != nil {
		errs = append(errs, err)
	}
	opts.Skip = append(opts.Skip, skip...)
	if len(errs) > 0 {
		return opts, usage("holdfast lint --list-rules lists the rules, holdfast lint --help shows the config file", "%w", errors.Join(errs...))
	}
	return opts, nil
}

func readWith[T any](name string, read func(io.Reader) (T, error)) (T, error) {
	file, err := os.Open(name)
	if err != nil {
		var zero T
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			err = pe.Err // the caller names the file
		}
		return zero, err
	}
	defer file.Close()
	return read(file)
}

// rulesNamed checks that each word is a rule and gives its code.
func rulesNamed(where string, words []string) ([]string, error) {
	rules := lint.Entries()
	var codes []string
	var errs []error
	for _, word := range words {
		word = strings.TrimSpace(word)
		e, ok := finding.Lookup(word)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: there is no rule %q%s", where, word, nearest(word, rules)))
		case !slices.ContainsFunc(rules, func(x finding.Entry) bool { return x.Code == e.Code }):
			errs = append(errs, fmt.Errorf("%s: %s is no rule of lint", where, word))
		default:
			codes = append(codes, e.Code)
		}
	}
	return codes, errors.Join(errs...)
}

func (f *lintFlags) run(ctx context.Context, w World, paths []string) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	if err := present(paths); err != nil {
		return err
	}
	stdin := openStdin(ctx, w)
	defer stdin.Close()
	r, err := judge(ctx, w, opts, inputs(paths, stdin))
	if err != nil {
		return err
	}
	if slices.Contains(paths, stdinName) && stdin.blank() {
		return usage("did the command before the pipe fail?", "stdin: nothing in it")
	}
	if f.write {
		if r, err = f.mend(ctx, w, opts, paths, r); err != nil {
			return err
		}
	}
	switch {
	case f.writeBaseline:
		return f.saveBaseline(w, r)
	case f.fix && !f.write:
		err = f.writePatch(w, r)
	default:
		err = f.writeReport(w, r)
	}
	if err := wrote(err); err != nil {
		return err
	}
	return f.verdict(r, paths)
}

// present looks for all paths first, so that all that are missing are told at
// once.
func present(paths []string) error {
	var errs []error
	for _, p := range paths {
		if p == stdinName {
			continue
		}
		if _, err := os.Stat(p); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return usage("", "lint: %w", errors.Join(errs...))
	}
	return nil
}

func inputs(paths []string, stdin io.Reader) []lint.Input {
	var out []lint.Input
	for _, p := range paths {
		if p == stdinName {
			out = append(out, lint.Stream("stdin", stdin))
		} else {
			out = append(out, lint.Path(p))
		}
	}
	return out
}

// judge runs the linter and, on a terminal, says so when it takes long.
func judge(ctx context.Context, w World, opts lint.Options, in []lint.Input) (lint.Report, error) {
	type outcome struct {
		report lint.Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := lint.Run(ctx, opts, in...)
		done <- outcome{r, err}
	}()
	o := waitShowing(w, "linting", done)
	switch {
	case o.err != nil && ctx.Err() != nil:
		return o.report, &exitError{code: exitUsage, err: context.Cause(ctx)}
	case o.err != nil:
		return o.report, &exitError{code: exitUsage, err: o.err}
	}
	return o.report, nil
}

// verdict is the exit code of a report.
func (f *lintFlags) verdict(r lint.Report, paths []string) error {
	var unread []string
	for _, s := range r.Skipped {
		named := slices.Contains(paths, s.File) || s.File == "stdin"
		if named && !slices.ContainsFunc(r.Findings, func(x lint.Result) bool { return x.File == s.File }) {
			unread = append(unread, s.File+": "+s.Reason)
		}
	}
	switch {
	case len(unread) > 0:
		return usage("", "not judged: %s", strings.Join(unread, ", "))
	case r.Worst(finding.Severity(f.failOn)) > 0:
		return &exitError{code: exitFindings}
	case r.Files == 0 && len(r.Findings)+len(r.Ignored)+len(r.Known)+len(r.Skipped) == 0 && slices.ContainsFunc(paths, folder):
		return usage("is it the right folder?", "there is no file that lint reads in %s", strings.Join(paths, ", "))
	}
	return nil
}

func folder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
