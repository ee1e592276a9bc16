//go:build unix

package interop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// suiteTimeout bounds one run of the suite; a good run takes two seconds, one in
// which every scenario runs into the suite's own limit takes minutes.
const suiteTimeout = 10 * time.Minute

// Conformance runs the official suite against the server at url, for a spec
// revision that has a frozen list of requirements (2025-11-25 or 2026-07-28).
// It runs all required scenarios and the unscored ones. Failing scenarios are
// in the report and do not fail the test; a suite that did not run does.
func Conformance(t testing.TB, url, revision string) Report {
	t.Helper()
	src := root(t)
	const suite = "npm/node_modules/@modelcontextprotocol/conformance/"
	node, err1 := installed(src, "bin/node")
	script, err2 := installed(src, suite+"dist/index.js")
	list, err3 := installed(src, suite+"requirements/"+revision+".yaml")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatalf("conformance %s of %s: %v", revision, url, err)
	}
	required, err := readRequirements(list)
	if err != nil {
		t.Fatalf("conformance %s of %s: %v", revision, url, err)
	}

	results := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, script, "server",
		"--url", url, "--requirements", revision, "--output-dir", results)
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	output := &tail{limit: 1 << 20}
	cmd.Stdout, cmd.Stderr = output, output

	began := time.Now()
	err = cmd.Run()
	took := time.Since(began)
	// Exit code 1 means that required scenarios failed, which is a result.
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !(ok && exit.ExitCode() == 1) {
		t.Fatalf("conformance %s of %s: %v\n%s", revision, url, err, output)
	}
	report, err := readResults(os.DirFS(filepath.Clean(results)), required)
	if err != nil {
		t.Fatalf("conformance %s of %s: %v\n%s", revision, url, err, output)
	}
	report.URL, report.Revision, report.Took = url, revision, took
	return report
}

// Revisions lists the revisions that Conformance can be asked for.
func Revisions() []string { return []string{"2025-11-25", "2026-07-28"} }
