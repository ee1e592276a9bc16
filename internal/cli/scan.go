package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/report"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

type scanFlags struct {
	scanOutputFlags
	registry     string
	state        string
	shard        string
	caFile       string
	parallel     int
	perHost      int
	perDomain    int
	perAddress   int
	gap          time.Duration
	budget       time.Duration
	confirmAfter time.Duration
	control      string
	optOut       string
	own          bool
	allowPrivate bool
}

func newScan(w World) *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan [FILE|-] [--registry URL]",
		Short: "Probe thousands of endpoints politely and add up what works",
		Long: `Scan asks each endpoint of a list once whether it works for a client, and adds
up the answers. The list is a file (- for stdin) of one URL a line, or of JSON
lines with "url" and perhaps "name", or the output of an earlier scan; or it is
the active servers of a registry.

Endpoints of one registrable domain or address are probed one at a time with a
pause in between, longer when a server asks for it. dead and unusable need two
probes that agree, some time apart. robots.txt is honoured unless --own says
that the servers are yours. What was not measured is unknown, never dead.

Results go to stdout as JSON lines (not to a terminal; there --out - does it),
progress and the summary to stderr. With --state a scan that was interrupted
goes on where it was.

Exit codes: 0 the scan ran, 1 --fail-on was met or the scan was interrupted, 2
wrong usage or input, or results could not be written, 4 nothing could be
measured.`,
		Example: `  holdfast scan endpoints.txt --out results.jsonl --html report.html
  holdfast scan --registry https://registry.modelcontextprotocol.io --state census.state --per-host 20
  holdfast scan --own --allow-private --fail-on unusable mine.txt
  holdfast scan merge shard-*.jsonl --html report.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), w, args)
		},
	}
	f.add(cmd)
	cmd.AddCommand(newScanMerge(w))
	return cmd
}

func (f *scanFlags) add(cmd *cobra.Command) {
	f.scanOutputFlags.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.registry, "registry", "", "read the remotes of this registry's active servers, such as https://registry.modelcontextprotocol.io")
	fl.StringVar(&f.state, "state", "", "file to resume from: finished endpoints are kept there")
	fl.StringVar(&f.shard, "shard", "", "measure one part i/n of the list, 0 <= i < n; a domain is never split")
	fl.IntVar(&f.parallel, "parallel", 512, "how many probes are under way at most")
	fl.DurationVar(&f.gap, "gap", 600*time.Millisecond, "least pause between two probes of one domain or address")
	fl.IntVar(&f.perHost, "per-host", 0, "measure so many endpoints of each host, drawn by lot; 0 is all")
	fl.IntVar(&f.perDomain, "per-domain", 1, "how many endpoints of one registrable domain are probed at a time")
	fl.IntVar(&f.perAddress, "per-address", 1, "how many endpoints of one IP address are probed at a time; 0 is no limit")
	fl.DurationVar(&f.budget, "budget", 10*time.Second, "how long a client waits for one answer")
	fl.DurationVar(&f.confirmAfter, "confirm-after", 5*time.Second, "least time before a second probe checks an accusation; four times that after a 5xx")
	fl.StringVar(&f.control, "control", "", "an endpoint known to work, to tell a dead list from a dead network")
	fl.StringVar(&f.optOut, "opt-out", "", "file of hosts, domains and addresses that are not to be asked, one a line")
	fl.BoolVar(&f.own, "own", false, "these are my own servers: robots.txt does not matter")
	fl.BoolVar(&f.allowPrivate, "allow-private", false, "also probe loopback and private addresses")
	fl.StringVar(&f.caFile, "ca-file", "", "file with PEM certificates to trust besides the system's")
	for _, name := range []string{"state", "opt-out", "ca-file"} {
		_ = cmd.MarkFlagFilename(name)
	}
}

// check refuses flags that make no sense.
func (f *scanFlags) check() error {
	switch {
	case f.budget <= 0:
		return usage("for example --budget 10s", "--budget must be more than zero")
	case f.gap < 0 || f.confirmAfter <= 0:
		return usage("for example --gap 600ms --confirm-after 5s", "--gap must not be negative, --confirm-after must be more than zero")
	case f.parallel < 1 || f.perDomain < 1 || f.perHost < 0 || f.perAddress < 0:
		return usage("see holdfast scan --help", "--parallel and --per-domain must be at least 1, --per-host and --per-address at least 0")
	}
	return f.distinct(f.state)
}

func (f *scanFlags) run(ctx context.Context, w World, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	opts, err := f.options()
	if err != nil {
		return err
	}
	status := newStatus(w, f.quiet)
	list, incomplete := f.list(ctx, w, status, args)
	if len(list.Targets) == 0 {
		return firstError(incomplete, usage("see holdfast scan --help for what a list looks like", "there is nothing to scan"))
	}
	status.input(list, incomplete)
	out, err := f.open(w, status)
	if err != nil {
		return err
	}
	targets, err := f.resume(out, list.Targets)
	if err != nil {
		return errors.Join(err, out.close())
	}
	if w.lookup("GOMEMLIMIT") == "" {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(scan.MemoryLimit(len(list.Targets), f.parallel)))
	}
	scanner := scan.New(opts)
	stop := status.watch(scanner, len(list.Targets)-len(targets), f.gap)
	err = scanner.Run(ctx, targets, out.emit)
	stop()
	written := out.finish(f.page(list))
	if err := report.ScanSummary(w.Stderr, out.census, f.article, status.style); err != nil {
		return err
	}
	if out.jsonl == nil && f.html == "" && f.csv == "" && !f.quiet {
		fmt.Fprintln(w.Stderr, "\nThe results were not kept: use --out FILE, --html FILE or --csv FILE.")
	}
	return f.verdict(ctx, out.census, len(list.Targets), err, firstError(written, incomplete))
}

// firstError gives the first error there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// verdict chooses what the exit code is about: what went wrong with us first,
// then what was found.
func (f *scanFlags) verdict(ctx context.Context, c *scan.Census, total int, ran, other error) error {
	switch {
	case other != nil:
		if _, ok := errors.AsType[*exitError](other); ok {
			return other
		}
		return &exitError{code: exitUsage, err: other, hint: "what was measured is in the other outputs"}
	case errors.Is(ran, scan.ErrNetworkDown):
		return &exitError{code: exitUnreachable, err: ran, hint: "with --state the scan can go on later"}
	case ctx.Err() != nil:
		hint := "with --state FILE a scan can go on where it was"
		if f.state != "" {
			hint = "the same command goes on where this one was"
		}
		return &exitError{code: exitFindings, err: fmt.Errorf("stopped: %d of %d endpoints are reported", c.Total, total), hint: hint}
	case ran != nil:
		return ran
	}
	return f.judge(c)
}

// list reads what is to be scanned. The error says why it is not all there; a
// list that is not empty is worth scanning nevertheless.
func (f *scanFlags) list(ctx context.Context, w World, status *status, args []string) (*scan.List, error) {
	list := &scan.List{}
	var err error
	if list.Shard, err = scan.ParseShard(f.shard); err != nil {
		return list, usage("for example --shard 0/4", "%w", err)
	}
	switch {
	case len(args) == 1:
		err = readList(w, list, args[0])
	case f.registry != "":
	case typedIn(w):
		return list, usage("give a FILE, - for stdin, or --registry URL", "nothing to scan")
	default:
		err = readList(w, list, "-")
	}
	if err != nil {
		return &scan.List{}, err
	}
	if f.registry == "" {
		return list, nil
	}
	_, agent := identity()
	client := egress.New(egress.Options{Guard: nearby()})
	defer client.Close()
	err = scan.Registry{HTTP: client, UserAgent: agent, Base: f.registry}.Read(ctx, list, func(page int) {
		status.say(fmt.Sprintf("reading the registry: %d pages, %d endpoints", page, len(list.Targets)))
	})
	if err == nil {
		return list, nil
	}
	code := exitUsage
	if e, ok := errors.AsType[*egress.Error](err); ok && e.Kind != egress.BadRequest && len(list.Targets) == 0 {
		code = exitUnreachable
	}
	return list, &exitError{code: code, err: err, hint: "the list is incomplete; what was read of it has been scanned"}
}

// typedIn tells whether stdin is a person at a terminal.
func typedIn(w World) bool {
	f, ok := w.Stdin.(*os.File)
	return ok && terminal(f)
}

func readList(w World, list *scan.List, file string) error {
	var in io.Reader = w.Stdin
	name := "stdin"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return usage("", "%w", err)
		}
		defer f.Close()
		in, name = f, file
	}
	err := list.Read(in, name)
	switch {
	case errors.Is(err, scan.ErrTooMany):
		return usage("split the list with --shard i/n", "%w", err)
	case err != nil:
		return usage("a list is text: one URL a line, or JSON lines", "%w", err)
	case len(list.Targets) == 0 && list.Elsewhere == 0:
		if list.Invalid > 0 {
			return usage("a list is one URL a line, or JSON lines", "%s holds no endpoint; %s", name, list.Warnings[0])
		}
		return usage("a list is one URL a line, or JSON lines", "%s is empty", name)
	}
	return nil
}

func (f *scanFlags) options() (scan.Options, error) {
	roots, err := (&credentialFlags{caFile: f.caFile}).roots()
	if err != nil {
		return scan.Options{}, err
	}
	info, agent := identity()
	o := scan.Options{
		Probe: probe.Options{
			Egress: egress.Options{RootCAs: roots}, Info: info, UserAgent: agent, Budget: f.budget,
		},
		Parallel: f.parallel, Gap: f.gap, PerDomain: f.perDomain, PerAddress: f.perAddress, PerHost: f.perHost,
		ConfirmAfter: f.confirmAfter, Control: f.control,
	}
	if f.allowPrivate {
		o.Probe.Egress.Guard = nearby()
	}
	if !f.own {
		o.Robots = info.Name
	}
	if f.optOut != "" {
		file, err := os.Open(f.optOut)
		if err != nil {
			return o, usage("", "read --opt-out: %w", err)
		}
		defer file.Close()
		if o.OptOut, err = scan.ReadOptOut(file, f.optOut); err != nil {
			return o, usage("write one host, domain or address a line", "%w", err)
		}
	}
	return o, nil
}

// resume opens the state, reports what it holds and gives the other targets.
func (f *scanFlags) resume(out *scanOutputs, targets []scan.Target) ([]scan.Target, error) {
	if f.state == "" {
		return targets, nil
	}
	wanted := make(map[string]struct{}, len(targets))
	for _, t := range targets {
		wanted[t.Key] = struct{}{}
	}
	journal, err := scan.OpenJournal(f.state, scan.Settings{
		Budget: f.budget.String(), Shard: f.shard, PerHost: f.perHost, Own: f.own, AllowPrivate: f.allowPrivate,
	}, func(r scan.Record) error {
		if _, ok := wanted[r.Key]; !ok {
			return nil // of another list
		}
		delete(wanted, r.Key)
		return out.emit(r)
	})
	if _, ok := errors.AsType[*scan.SettingsError](err); ok {
		return nil, usage("use the same flags, or another --state file", "%w", err)
	}
	if err != nil {
		return nil, usage("--state must be a file of an earlier scan, or a new one", "open --state: %w", err)
	}
	out.journal = journal
	left := make([]scan.Target, 0, len(wanted))
	for _, t := range targets {
		if _, ok := wanted[t.Key]; ok {
			left = append(left, t)
		}
	}
	return left, nil
}

// page says in the report how it came about.
func (f *scanFlags) page(list *scan.List) report.ScanPage {
	method := []string{
		fmt.Sprintf("Each endpoint was asked as a client asks it, with a budget of %s for one answer, by %s.", f.budget, "holdfast "+buildVersion()),
		fmt.Sprintf("dead and unusable are what two probes saw, at least %s apart. 429 was tried once more, later.", f.confirmAfter),
		fmt.Sprintf("At most %d at a time of one registrable domain, with %s or more between two.", f.perDomain, f.gap),
	}
	if f.own {
		method = append(method, "robots.txt was not asked: the servers are the operator's own.")
	} else {
		method = append(method, "robots.txt was honoured. No credential was shown and no tool was called.")
	}
	if f.perHost > 0 {
		method = append(method, fmt.Sprintf("Of hosts with more than %d endpoints, %d were drawn by lot.", f.perHost, f.perHost))
	}
	if list.Shard.Of > 1 {
		method = append(method, fmt.Sprintf("This is part %s of the list; %d entries belong to others.", list.Shard, list.Elsewhere))
	}
	if list.Duplicates+list.Invalid > 0 {
		method = append(method, fmt.Sprintf("The list named %d endpoints more than once and had %d lines that are no endpoint.", list.Duplicates, list.Invalid))
	}
	return report.ScanPage{Method: method, Article: f.article}
}

// judge gives the exit code of what was found.
func (f *scanOutputFlags) judge(c *scan.Census) error {
	if c.Measured() == 0 {
		return &exitError{code: exitUnreachable, err: errors.New("nothing could be measured"), hint: "the reasons are in the summary above"}
	}
	met := c.Grades[finding.Dead]
	switch f.failOn {
	case "":
		return nil
	case string(finding.Degraded):
		met += c.Grades[finding.Degraded] + c.Grades[finding.Unusable]
	case string(finding.Unusable):
		met += c.Grades[finding.Unusable]
	}
	if met > 0 {
		return &exitError{code: exitFindings, err: fmt.Errorf("%d endpoints are %s or worse", met, f.failOn)}
	}
	return nil
}
