package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/report"
	"github.com/holdfast-mcp/holdfast/internal/scan"
)

// scanOutputFlags say where results go; scan and scan merge share them.
type scanOutputFlags struct {
	out, csv, html string
	failOn         string
	article        bool
	quiet          bool
}

func (f *scanOutputFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "write the results as JSON lines to this file instead of stdout")
	fl.StringVar(&f.csv, "csv", "", "also write them as CSV to this file")
	fl.StringVar(&f.html, "html", "", "write a report for people to this file: one page, no external resource")
	fl.BoolVar(&f.article, "article", false, "add the classes of the article: dead, not fully usable, healthy")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress on stderr")
	grades := []string{string(finding.Degraded), string(finding.Unusable), string(finding.Dead)}
	fl.Var(&choice{into: &f.failOn, of: grades}, "fail-on", "exit 1 if an endpoint has this grade or a worse one")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(grades, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"out", "csv", "html"} {
		_ = cmd.MarkFlagFilename(name)
	}
}

// distinct refuses two outputs in one file.
func (f *scanOutputFlags) distinct(state string) error {
	used := map[string]string{}
	for flag, path := range map[string]string{"--out": f.out, "--csv": f.csv, "--html": f.html, "--state": state} {
		if path == "" || path == "-" || !regular(path) {
			continue
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			abs = path
		}
		if other := used[abs]; other != "" {
			return usage("give each its own file", "%s and %s are both %s", min(flag, other), max(flag, other), path)
		}
		used[abs] = flag
	}
	return nil
}

// regular is false for devices and pipes that exist.
func regular(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// sink is one file that records are written to as they come.
type sink struct {
	name   string
	file   io.Closer // nil for stdout
	buf    *bufio.Writer
	write  func(scan.Record) error
	end    func() error // before the buffer is flushed; nil for nothing
	synced time.Time
	broken error
}

// flushEvery is how long a record may stay in memory.
const flushEvery = time.Second

func (s *sink) take(r scan.Record) error {
	if s.broken != nil {
		return nil
	}
	err := s.write(r)
	if err == nil && time.Since(s.synced) >= flushEvery {
		s.synced = time.Now()
		err = s.flush()
	}
	return s.fail(err)
}

func (s *sink) flush() error {
	if s.end != nil {
		if err := s.end(); err != nil {
			return err
		}
	}
	return s.buf.Flush()
}

func (s *sink) fail(err error) error {
	if err == nil || s.broken != nil {
		return nil
	}
	if _, named := errors.AsType[*fs.PathError](err); !named {
		err = fmt.Errorf("write %s: %w", s.name, err)
	}
	s.broken = err
	return err
}

func (s *sink) close() error {
	if s.broken == nil {
		_ = s.fail(s.flush()) // kept in broken
	}
	if s.file != nil {
		_ = s.fail(s.file.Close()) // likewise
	}
	return s.broken
}

// scanOutputs are all places that records go to.
type scanOutputs struct {
	census  *scan.Census
	status  *status
	jsonl   *sink // nil: nowhere
	csv     *sink
	html    *os.File
	journal *scan.Journal
	// lost is the error of the journal.
	lost error
}

// open creates the output files, so that a wrong path is known before hours of
// work.
func (f *scanOutputFlags) open(w World, status *status) (*scanOutputs, error) {
	o := &scanOutputs{census: scan.NewCensus(), status: status}
	create := func(flag, path string) (*os.File, error) {
		file, err := os.Create(path)
		if err != nil {
			return nil, errors.Join(usage("", "open %s: %w", flag, err), o.close())
		}
		return file, nil
	}
	switch {
	case f.out == "-" || f.out == "" && !terminal(w.Stdout):
		o.jsonl = lineSink("stdout", w.Stdout, nil)
	case f.out != "":
		file, err := create("--out", f.out)
		if err != nil {
			return nil, err
		}
		o.jsonl = lineSink(f.out, file, file)
	}
	if f.csv != "" {
		file, err := create("--csv", f.csv)
		if err != nil {
			return nil, err
		}
		buf := bufio.NewWriterSize(file, 64<<10)
		table := report.NewScanCSV(buf)
		o.csv = &sink{name: f.csv, file: file, buf: buf, write: table.Write, end: table.Flush, synced: time.Now()}
	}
	if f.html != "" {
		file, err := create("--html", f.html)
		if err != nil {
			return nil, err
		}
		o.html = file
	}
	return o, nil
}

func lineSink(name string, to io.Writer, file io.Closer) *sink {
	buf := bufio.NewWriterSize(to, 64<<10)
	return &sink{
		name: name, file: file, buf: buf, synced: time.Now(),
		write: func(r scan.Record) error { return report.JSONLine(buf, r) },
	}
}

// emit puts a record everywhere. Where one output fails the others go on; the
// scan stops when no output is left that keeps whole results.
func (o *scanOutputs) emit(r scan.Record) error {
	o.census.Add(r)
	for _, s := range []*sink{o.jsonl, o.csv} {
		if s != nil {
			o.complain(s.take(r))
		}
	}
	if o.journal != nil && o.lost == nil {
		if err := o.journal.Append(r); err != nil {
			o.lost = fmt.Errorf("write --state: %w", err)
			o.complain(o.lost)
		}
	}
	if o.jsonl == nil || o.jsonl.broken == nil || o.journal != nil && o.lost == nil {
		return nil
	}
	return o.jsonl.broken
}

func (o *scanOutputs) complain(err error) {
	if err != nil {
		o.status.warn(err.Error())
	}
}

// finish writes what is written at the end, closes everything and returns the
// first thing that could not be written.
func (o *scanOutputs) finish(page report.ScanPage) error {
	var html error
	if o.html != nil {
		page.Census = o.census
		page.Generated = time.Now()
		buf := bufio.NewWriter(o.html)
		if html = report.ScanHTML(buf, page); html == nil {
			html = buf.Flush()
		}
		if html != nil {
			html = fmt.Errorf("write %s: %w", o.html.Name(), html)
		}
	}
	return firstError(o.close(), html)
}

func (o *scanOutputs) close() error {
	var errs []error
	for _, s := range []*sink{o.jsonl, o.csv} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if o.journal != nil {
		if err := o.journal.Close(); err != nil && o.lost == nil {
			o.lost = fmt.Errorf("write --state: %w", err)
		}
		errs = append(errs, o.lost)
	}
	if o.html != nil {
		_ = o.html.Close() // what it holds has been written, or is not there yet
	}
	return firstError(errs...)
}
