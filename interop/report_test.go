package interop

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// result is the file system that the suite would leave for scenarios with the
// given checks.json.
func result(scenarios map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, checks := range scenarios {
		files["server-"+name+"-2026-11-22T15-23-26-072Z/checks.json"] = &fstest.MapFile{Data: []byte(checks)}
	}
	return files
}

func TestReadResultsScoresLikeTheSuite(t *testing.T) {
	report, err := readResults(result(map[string]string{
		"good":    `[{"id":"a","status":"SUCCESS"},{"id":"b","status":"WARNING"}]`,
		"bad":     `[{"id":"a","status":"SUCCESS"},{"id":"b","status":"FAILURE","errorMessage":"no b"}]`,
		"skipped": `[{"id":"a","status":"SKIPPED","errorMessage":"later"}]`,
		"extra":   `[{"id":"a","status":"FAILURE"}]`,
	}), []string{"good", "bad", "skipped", "lost"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"good": true, "bad": false, "skipped": false, "lost": false}
	if diff := cmp.Diff(want, report.Required()); diff != "" {
		t.Errorf("Required (-want +got):\n%s", diff)
	}
	if passed, total := report.Score(); passed != 1 || total != 4 {
		t.Errorf("Score = %d/%d, want 1/4", passed, total)
	}
	wantFailures := []string{"bad: b: FAILURE: no b", "lost: no result", "skipped: a: SKIPPED: later"}
	if diff := cmp.Diff(wantFailures, report.Failures()); diff != "" {
		t.Errorf("Failures (-want +got):\n%s", diff)
	}
}

func TestReadResultsRefusesWhatItCannotTrust(t *testing.T) {
	tests := map[string]fstest.MapFS{
		"nothing":      {},
		"not json":     result(map[string]string{"a": "<html>"}),
		"foreign name": {"client-a-2026-11-22T15-23-26-072Z/checks.json": &fstest.MapFile{Data: []byte("[]")}},
		"two results": {
			"server-a-2026-11-22T15-23-26-072Z/checks.json": &fstest.MapFile{Data: []byte("[]")},
			"server-a-2026-11-22T15-23-27-072Z/checks.json": &fstest.MapFile{Data: []byte("[]")},
		},
	}
	for name, files := range tests {
		t.Run(name, func(t *testing.T) {
			if report, err := readResults(files, nil); err == nil {
				t.Errorf("readResults = %+v, want an error", report)
			}
		})
	}
}

func TestLostComparesCheckByCheck(t *testing.T) {
	read := func(scenarios map[string]string) Report {
		t.Helper()
		report, err := readResults(result(scenarios), nil)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	direct := read(map[string]string{
		"same":   `[{"id":"a","status":"SUCCESS"}]`,
		"fewer":  `[{"id":"a","status":"SUCCESS"},{"id":"a","status":"SUCCESS"}]`,
		"broken": `[{"id":"a","status":"SUCCESS"}]`,
		"gone":   `[{"id":"a","status":"SUCCESS"}]`,
		"never":  `[{"id":"a","status":"FAILURE"}]`,
	})
	through := read(map[string]string{
		"same":   `[{"id":"a","status":"SUCCESS"}]`,
		"fewer":  `[{"id":"a","status":"SUCCESS"},{"id":"a","status":"FAILURE","errorMessage":"cut"}]`,
		"broken": `[{"id":"setup","status":"FAILURE","errorMessage":"refused"}]`,
		"never":  `[{"id":"a","status":"FAILURE"}]`,
	})
	want := []string{
		"broken: a: succeeded 0 of 1 times: setup FAILURE refused",
		"fewer: a: succeeded 1 of 2 times: FAILURE cut",
		"gone: a: succeeded 0 of 1 times: absent",
	}
	if diff := cmp.Diff(want, through.Lost(direct)); diff != "" {
		t.Errorf("Lost (-want +got):\n%s", diff)
	}
	if lost := direct.Lost(direct); lost != nil {
		t.Errorf("Lost against itself = %q, want nothing", lost)
	}
}

func TestReadRequirementsTakesTheServerSection(t *testing.T) {
	file := filepath.Join(t.TempDir(), "2026-07-28.yaml")
	text := "# head\n\nserver:\n  - one\n  - two\n\nclient:\n  - three\n\nnot_scored:\n  - scenario: four\n    leg: server\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readRequirements(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, got); diff != "" {
		t.Errorf("requirements (-want +got):\n%s", diff)
	}
}
