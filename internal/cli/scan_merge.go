package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/report"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

func newScanMerge(w World) *cobra.Command {
	var f scanOutputFlags
	cmd := &cobra.Command{
		Use:   "merge FILE…",
		Short: "Bring the results of several scans together into one report",
		Long: `Merge reads results (JSON lines) and state files of scans, such as those of
shards, and keeps one result for each endpoint: a measured one rather than one
that is unknown, and of those the latest. The order of the files does not
matter.

Exit codes: those of scan.`,
		Example: `  holdfast scan merge shard-0.jsonl shard-1.jsonl --out all.jsonl --html report.html
  holdfast scan merge census.state --csv results.csv`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return f.merge(cmd.Context(), w, files)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *scanOutputFlags) merge(ctx context.Context, w World, files []string) error {
	if err := f.distinct(""); err != nil {
		return err
	}
	status := newStatus(w, f.quiet)
	merged := scan.NewMerge()
	bad := 0
	for _, name := range files {
		if err := readResults(merged, name, func(where string, err error) {
			if bad++; bad <= 20 {
				status.warn(fmt.Sprintf("%s: left out: %v", where, err))
			}
		}); err != nil {
			return usage("merge reads the output or the state of scans", "%w", err)
		}
	}
	records := merged.Records()
	if len(records) == 0 {
		return usage("merge reads the output or the state of scans", "the files hold no results")
	}
	out, err := f.open(w, status)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err = errors.Join(out.emit(r), ctx.Err()); err != nil {
			break
		}
	}
	written := out.finish(report.ScanPage{Article: f.article, Method: []string{
		fmt.Sprintf("%d files were merged; %d results were replaced by better or later ones of the same endpoint, %d lines were no results.", len(files), merged.Replaced, bad),
	}})
	if err := report.ScanSummary(w.Stderr, out.census, f.article, status.style); err != nil {
		return err
	}
	if err := firstError(written, err); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	return f.judge(out.census)
}

func readResults(into *scan.Merge, name string, bad func(string, error)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return into.Read(file, name, bad)
}
