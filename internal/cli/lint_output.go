package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/kube/lint"
	"github.com/holdfast-mcp/holdfast/internal/report"
)

func (w World) style() report.Style {
	return report.Style{Color: w.color(w.Stdout), Width: w.width(w.Stdout)}
}

// wrote makes an exit code of an output that failed.
func wrote(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUsage, err: fmt.Errorf("write output: %w", err)}
}

func (f *lintFlags) writeRules(w World) error {
	if f.output == "json" {
		enc := json.NewEncoder(w.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(lint.Entries())
	}
	return report.LintRules(w.Stdout, w.style())
}

func (f *lintFlags) writeExport(w World) error {
	export := lint.KubeLinterConfig
	if f.export == "vap" {
		export = func() ([]byte, error) { return lint.AdmissionPolicies(f.action) }
	}
	text, err := export()
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	_, err = w.Stdout.Write(text)
	return wrote(err)
}

func (f *lintFlags) writeReport(w World, r lint.Report) error {
	var out bytes.Buffer // programs get the whole document or none of it
	var err error
	switch f.output {
	case "json":
		err = report.LintJSON(&out, r)
	case "sarif":
		version := ""
		if v := buildVersion(); releaseTag.MatchString(v) {
			version = strings.TrimPrefix(v, "v") // SARIF wants a semantic version or none
		}
		err = report.LintSARIF(&out, r, version)
	case "github":
		err = report.LintGitHub(&out, r)
	case "junit":
		err = report.LintJUnit(&out, r)
	default:
		err = report.LintText(&out, r, w.style())
	}
	if err != nil {
		return err
	}
	_, err = out.WriteTo(w.Stdout)
	return err
}

// writePatch prints the fixes, and how many findings they leave.
func (f *lintFlags) writePatch(w World, r lint.Report) error {
	if err := report.LintDiff(w.Stdout, r); err != nil {
		return err
	}
	mended := 0
	for _, x := range r.Findings {
		if r.Diff(x) != "" {
			mended++
		}
	}
	fmt.Fprintf(w.Stderr, "%d of %d findings can be mended mechanically: --fix --write does it; without --fix all are explained\n", mended, len(r.Findings))
	return nil
}

// maxRounds bounds how often fixes are applied: those that touch the same
// bytes go one after the other.
const maxRounds = 10

// mend applies the fixes until none is left, and reports what remains.
func (f *lintFlags) mend(ctx context.Context, w World, opts lint.Options, paths []string, r lint.Report) (lint.Report, error) {
	before := len(r.Findings)
	changed := map[string]bool{}
	for range maxRounds {
		patches := r.Patches()
		if len(patches) == 0 {
			break
		}
		for _, p := range patches {
			if err := rewrite(p); err != nil {
				return r, &exitError{code: exitUsage, err: fmt.Errorf("apply fixes: %w", err)}
			}
			changed[p.File] = true
		}
		var err error
		if r, err = judge(ctx, w, opts, inputs(paths, nil)); err != nil {
			return r, err
		}
	}
	fmt.Fprintf(w.Stderr, "changed %s; %d findings before, %d now\n", amount(len(changed), "file"), before, len(r.Findings))
	return r, nil
}

// rewrite puts the new text in the place of the old one, at once, unless
// somebody else has changed the file meanwhile. Links are followed.
func rewrite(p lint.FilePatch) error {
	path, err := filepath.EvalSymlinks(filepath.FromSlash(p.File))
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	now, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	mark := []byte("\xef\xbb\xbf") // lint reads behind it
	text, marked := bytes.CutPrefix(now, mark)
	if !bytes.Equal(text, p.Old) {
		return fmt.Errorf("%s changed while it was judged: run again", p.File)
	}
	fresh := p.New
	if marked {
		fresh = append(bytes.Clone(mark), fresh...)
	}
	return replaceFile(path, info.Mode().Perm(), func(w io.Writer) error {
		_, err := w.Write(fresh)
		return err
	})
}

// replaceFile writes a file beside the old one and moves it there, so that
// nobody ever sees half of it.
func replaceFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".holdfast-*")
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil {
		err = file.Chmod(mode)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error is the one to tell
	}
	return err
}

func (f *lintFlags) saveBaseline(w World, r lint.Report) error {
	write := func(path string) error { return replaceFile(path, 0o644, r.WriteBaseline) }
	if !regular(f.baseline) {
		write = func(path string) error { // a device or pipe cannot be replaced
			file, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer file.Close()
			return r.WriteBaseline(file)
		}
	}
	if err := write(f.baseline); err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("write --baseline: %w", err)}
	}
	fmt.Fprintf(w.Stderr, "wrote %s to %s\n", amount(len(r.Findings)+len(r.Known), "finding"), f.baseline)
	return nil
}

// amount writes a number with its noun.
func amount(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
