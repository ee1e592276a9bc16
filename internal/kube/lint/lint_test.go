package lint

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var wantMark = regexp.MustCompile(`\bwant( below)?((?:\s+HF\d{3})+)`)

// wanted reads the marks of a case: "want HF105" on the line it is about, or
// "want below HF105" on the line before it, where a line can hold no comment.
func wanted(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		scanner := bufio.NewScanner(f)
		scanner.Buffer(nil, maxFile)
		for n := 1; scanner.Scan(); n++ {
			if m := wantMark.FindStringSubmatch(scanner.Text()); m != nil {
				line := n
				if m[1] != "" {
					line++
				}
				for code := range strings.FieldsSeq(m[2]) {
					out = append(out, fmt.Sprintf("%s:%d %s", filepath.ToSlash(name), line, code))
				}
			}
		}
		return scanner.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func lintPath(t *testing.T, opts Options, name string) Report {
	t.Helper()
	r, err := Run(context.Background(), opts, Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func found(r Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Code))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestCases runs every testdata/HFnnn/{bad,good}*: a bad case yields exactly
// its marks, a good case, which is a near miss, nothing.
func TestCases(t *testing.T) {
	cases, err := filepath.Glob("testdata/HF[0-9][0-9][0-9]/*")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		code, kind := filepath.Base(filepath.Dir(name)), filepath.Base(name)
		t.Run(code+"/"+kind, func(t *testing.T) {
			want := wanted(t, name)
			switch {
			case strings.HasPrefix(kind, "bad") && len(want) == 0:
				t.Fatal("a bad case without a mark")
			case strings.HasPrefix(kind, "good") && len(want) > 0:
				t.Fatal("a good case with a mark")
			}
			r := lintPath(t, Options{Only: []string{code}}, name)
			if diff := cmp.Diff(want, found(r)); diff != "" {
				for _, f := range r.Findings {
					t.Logf("%s %s", f.Finding, f.Object)
				}
				t.Errorf("marks (-) and findings (+):\n%s", diff)
			}
		})
	}
}
