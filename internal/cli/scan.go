package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/report"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

type scanFlags struct {
	out          string
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
	article      bool
	quiet        bool
}

func newScan(w World) *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan [FILE|-]",
		Short: "Probe thousands of endpoints politely and add up what works",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), w, args)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *scanFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "write the results as JSON lines to this file instead of stdout")
	fl.IntVar(&f.parallel, "parallel", 512, "how many probes are under way at most")
	fl.DurationVar(&f.gap, "gap", 600*time.Millisecond, "least pause between two probes of one domain or address")
	fl.IntVar(&f.perHost, "per-host", 0, "measure so many endpoints of each host, chosen by lot; 0 is all")
	fl.IntVar(&f.perDomain, "per-domain", 1, "how many endpoints of one registrable domain are probed at a time")
	fl.IntVar(&f.perAddress, "per-address", 1, "how many endpoints of one IP address are probed at a time; 0 is no limit")
	fl.DurationVar(&f.budget, "budget", 10*time.Second, "how long a client waits for one answer")
	fl.DurationVar(&f.confirmAfter, "confirm-after", 5*time.Second, "least time before an accusation is checked by a second probe; four times that after a 5xx")
	fl.StringVar(&f.control, "control", "", "an endpoint known to work, to tell a dead list from a dead network")
	fl.StringVar(&f.optOut, "opt-out", "", "file of hosts and domains that are not to be asked")
	fl.BoolVar(&f.own, "own", false, "these are my own servers: robots.txt does not matter")
	fl.BoolVar(&f.allowPrivate, "allow-private", false, "also probe private and loopback addresses")
	fl.StringVar(&f.shard, "shard", "", "measure one part i/n of the list, 0 <= i < n")
	fl.BoolVar(&f.article, "article", false, "add the classes dead, not fully usable, healthy")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress on stderr")
	fl.StringVar(&f.caFile, "ca-file", "", "file with PEM certificates to trust besides the system's")
}

func (f *scanFlags) run(ctx context.Context, w World, args []string) error {
	list := &scan.List{}
	var err error
	if list.Shard, err = scan.ParseShard(f.shard); err != nil {
		return usage("for example --shard 0/4", "%w", err)
	}
	if err := f.read(w, list, args); err != nil {
		return err
	}
	opts, err := f.options()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w.Stdout, 64<<10)
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return usage("", "write --out: %w", err)
		}
		defer file.Close()
		out = bufio.NewWriterSize(file, 64<<10)
	}
	census := scan.NewCensus()
	scanner := scan.New(opts)
	err = scanner.Run(ctx, list.Targets, func(r scan.Record) error {
		census.Add(r)
		return report.JSONLine(out, r)
	})
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if err := report.ScanSummary(w.Stderr, census, f.article, report.Style{Color: w.color(w.Stderr), Width: w.width(w.Stderr)}); err != nil {
		return err
	}
	if census.Grades[finding.Unknown] == census.Total {
		return &exitError{code: exitUnreachable}
	}
	return nil
}

func (f *scanFlags) read(w World, list *scan.List, args []string) error {
	var in io.Reader = w.Stdin
	name := "stdin"
	if len(args) == 1 && args[0] != "-" {
		file, err := os.Open(args[0])
		if err != nil {
			return usage("", "%w", err)
		}
		defer file.Close()
		in, name = file, args[0]
	}
	if err := list.Read(in, name); err != nil {
		return usage("", "%w", err)
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
		o.Robots = "holdfast"
	}
	return o, nil
}
