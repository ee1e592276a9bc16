package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

// live are the codes that only a running server shows; doctor and monitor
// report them.
var live = []string{"HF107", "HF206", "HF507", "HF510"}

// TestRulesAndCatalogue holds rules, catalogue and cases together: each code of
// HF1xx to HF6xx has a rule or is live, and each rule has at least two bad and
// two good cases.
func TestRulesAndCatalogue(t *testing.T) {
	ruled := map[string]bool{}
	for _, e := range Entries() {
		ruled[e.Code] = true
		if e.Code == "HF693" {
			continue // a file of 8 MiB does not belong in a repository: TestBounds
		}
		for _, kind := range []string{"bad", "good"} {
			if cases, _ := filepath.Glob("testdata/" + e.Code + "/" + kind + "*"); len(cases) < 2 {
				t.Errorf("%s %s has %d %s cases, want 2", e.Code, e.Name, len(cases), kind)
			}
		}
	}
	for _, e := range finding.Catalogue() {
		isLint := e.Code >= "HF100" && e.Code < "HF700"
		if isLint && !ruled[e.Code] && !slices.Contains(live, e.Code) {
			t.Errorf("%s %s has no rule and is not live", e.Code, e.Name)
		}
		if isLint && e.Grade != "" {
			t.Errorf("%s %s has a grade", e.Code, e.Name)
		}
	}
	for _, r := range Rules() {
		if _, ok := finding.ByName(r.Name); !ok || r.Reads == "" || r.Check == nil {
			t.Errorf("rule %s: no entry, nothing read or no check", r.Name)
		}
	}
}

// TestQuiet: files that are ordinary, and a server that is as it should be,
// yield nothing at all.
func TestQuiet(t *testing.T) {
	for _, name := range []string{"testdata/ordinary", "testdata/hardened"} {
		r := lintPath(t, Options{}, name)
		for _, f := range r.Findings {
			t.Errorf("%s (%s)", f.Finding, f.Object)
		}
		if r.Objects < 9 {
			t.Errorf("%s: only %d objects were judged", name, r.Objects)
		}
	}
	if r := lintPath(t, Options{}, "testdata/hardened"); r.Servers != 1 {
		t.Errorf("%d servers, want 1", r.Servers)
	}
	if r := lintPath(t, Options{All: true}, "testdata/ordinary"); len(r.Findings) < 30 {
		t.Errorf("with All only %d findings, so the silence proves nothing", len(r.Findings))
	}
}

func lintText(t *testing.T, opts Options, name, text string) Report {
	t.Helper()
	r, err := Run(t.Context(), opts, Stream(name, strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func codes(r Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Code)
	}
	return strings.Join(slices.Compact(out), " ")
}

const twoReplicas = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: weather-mcp
%s
spec:
  replicas: 2
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: server
          image: a:1 %s
          ports: [{containerPort: 1}]
`

func TestIgnores(t *testing.T) {
	only := []string{"HF411", "HF501", "HF694"}
	for _, c := range []struct {
		name, annotation, comment, want string
		ignores                         []Ignore
	}{
		{name: "nothing is ignored", want: "HF411 HF501"},
		{name: "annotation", annotation: "  annotations: {lint.holdfast.dev/ignore: 'HF411=one zone; HF501=kind loads it'}"},
		{name: "by name", annotation: "  annotations: {lint.holdfast.dev/ignore: 'pdb.missing=one zone'}", want: "HF501"},
		{name: "no reason, no effect", annotation: "  annotations: {lint.holdfast.dev/ignore: HF411}", want: "HF411 HF694 HF501"},
		{name: "comment", comment: "# holdfast:ignore HF501 pinned at admission", want: "HF411"},
		{name: "comment for another code", comment: "# holdfast:ignore HF502 pinned", want: "HF411 HF501"},
		{name: "config", ignores: []Ignore{{Code: "HF501", Object: "Deployment *", Reason: "r"}}, want: "HF411"},
		{name: "config for another file", ignores: []Ignore{{Code: "HF501", File: "other/*", Reason: "r"}}, want: "HF411 HF501"},
		{name: "config without reason", ignores: []Ignore{{Code: "HF501"}}, want: "HF411 HF501"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lintText(t, Options{Only: only, Ignores: c.ignores}, "a.yaml", fmt.Sprintf(twoReplicas, c.annotation, c.comment))
			if got := codes(r); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestBaseline(t *testing.T) {
	text := fmt.Sprintf(twoReplicas, "", "")
	before := lintText(t, Options{}, "a.yaml", text)
	var file bytes.Buffer
	if err := before.WriteBaseline(&file); err != nil {
		t.Fatal(err)
	}
	baseline, err := ReadBaseline(&file)
	if err != nil {
		t.Fatal(err)
	}
	// Lines move, and one more mistake comes in.
	moved := "# a comment\n# and another\n" + strings.Replace(text, "ports:", "stdin: true\n          imagePullPolicy: IfNotPresent\n          ports:", 1)
	after := lintText(t, Options{Baseline: baseline}, "a.yaml", moved)
	if got := codes(after); got != "HF524 HF408" && got != "HF408 HF524" {
		t.Errorf("new findings %q, want HF408 and HF524", got)
	}
	if len(after.Known) != len(before.Findings) {
		t.Errorf("%d known, want %d", len(after.Known), len(before.Findings))
	}
	if _, err := ReadBaseline(strings.NewReader(`{"version":2}`)); err == nil {
		t.Error("a baseline of an unknown version was read")
	}
}

func TestConfig(t *testing.T) {
	c, err := ReadConfig(strings.NewReader("all: true\nskip: [HF113]\nseverity: {HF501: error}\nignore:\n  - {code: HF411, reason: one zone}\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := lintText(t, c.Apply(Options{Only: []string{"HF411", "HF501"}}), "a.yaml", fmt.Sprintf(twoReplicas, "", ""))
	if codes(r) != "HF501" || r.Findings[0].Severity != finding.Error || r.Worst(finding.Error) != 1 || len(r.Ignored) != 1 {
		t.Errorf("found %v, ignored %v", r.Findings, r.Ignored)
	}
	_, err = ReadConfig(strings.NewReader("severity: {HF501: fatal}\nignore:\n  - {code: HF411}\n  - {code: HF999, reason: x}\n"))
	for _, want := range []string{"HF501: fatal", "HF411 needs a reason", "no code \"HF999\""} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := ReadConfig(strings.NewReader("skipp: [HF113]\n")); err == nil {
		t.Error("an unknown key was taken")
	}
}

func TestBounds(t *testing.T) {
	server := fmt.Sprintf(twoReplicas, "", "")
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 20 {
		name, prev := string(rune('b'+i)), string(rune('a'+i))
		bomb += fmt.Sprintf("%s: &%s [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n", name, name, prev, prev, prev, prev, prev, prev, prev, prev)
	}
	merges := strings.NewReplacer("[", "{<<: [", "]", "]}").Replace(strings.Replace(bomb, "[x,x,x,x,x,x,x,x,x]", "{x: 1}", 1))
	for _, c := range []struct{ name, file, text, want string }{
		{"merge bomb", "a.yaml", merges + "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: weather-mcp, <<: *u}\n---\n" + server, "HF501"},
		{"too big", "a.yaml", server + strings.Repeat("# padding\n", maxFile/10), "HF693"},
		{"anchors bomb", "a.yaml", "kind: ConfigMap\napiVersion: v1\n" + bomb + "---\n" + server, "HF501"},
		{"self-reference", "a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: &m {name: weather-mcp, labels: *m}\n---\n" + server, "HF501"},
		{"deep", "a.yaml", "kind: A\nx: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "\n---\n" + server, "HF690 HF501"},
		{"tab", "a.yaml", server + "---\nkind: Service\n\tname: x\n---\n" + server, "HF501 HF690 HF501"},
		{"binary", "a.yaml", "\x00\x01kind: Deployment", ""},
		{"byte order mark", "a.yaml", "\xef\xbb\xbf" + server, "HF501"},
		{"CRLF", "a.yaml", strings.ReplaceAll(server, "\n", "\r\n"), "HF501"},
		{"list", "a.yaml", "apiVersion: v1\nkind: List\nitems:\n  - " + strings.ReplaceAll(strings.TrimSpace(server), "\n", "\n    ") + "\n", "HF501"},
		{"JSON", "a.json", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"weather-mcp"},"spec":{"template":{"spec":{"containers":[{"name":"s","image":"a:1"}]}}}}`, "HF501"},
		{"broken JSON", "a.json", "{\n  \"kind\": \"Deployment\",\n}", "HF690"},
		{"broken TOML", "pyproject.toml", "[project\n", "HF690"},
		{"broken go.mod", "go.mod", "module a\n\nrequire (\n", "HF690"},
		{"unknown kinds", "a.yaml", "apiVersion: example.com/v1\nkind: Weather\nspec: {image: 'mcp:1'}\n", ""},
		{"empty", "a.yaml", "", ""},
		{"merge keys", "a.yaml", strings.Replace(server, "        - name: server\n", "        - <<: {imagePullPolicy: IfNotPresent}\n          name: server\n", 1), "HF524 HF501"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lintText(t, Options{Only: []string{"HF501", "HF524", "HF690", "HF693"}}, c.file, c.text)
			if got := codes(r); got != c.want {
				t.Errorf("found %q, want %q: %v", got, c.want, r.Findings)
			}
		})
	}
}

func TestInputs(t *testing.T) {
	if _, err := Run(t.Context(), Options{}, Path("testdata/no such file")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{}, Path("testdata/hardened")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run gives %v", err)
	}
	dir := t.TempDir()
	for _, name := range []string{"node_modules/a.yaml", ".git/a.yaml", "k8s/a.yaml", "notes.txt", "k8s/b.bin.yaml"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(twoReplicas, "", "")
		if strings.Contains(name, "bin") {
			text = "\x00" + text
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", filepath.Join(dir, "k8s", "loop")); err != nil {
		t.Fatal(err)
	}
	r := lintPath(t, Options{}, dir)
	if r.Files != 1 || r.Objects != 1 || len(r.Skipped) != 1 || r.Skipped[0].Reason != "binary" {
		t.Errorf("%d files, %d objects, skipped %v", r.Files, r.Objects, r.Skipped)
	}
}

// TestHostileText: what a file says cannot steer a terminal, and values of
// secrets are never repeated.
func TestHostileText(t *testing.T) {
	text := fmt.Sprintf(twoReplicas, "", "") + "          env: [{name: API_TOKEN, value: hunter2-hunter2}]\n          args: [--host, \"127.0.0.1\\e[31m\"]\n"
	text = strings.Replace(text, "image: a:1", "image: \"a\\e[2J\\u202e:1"+strings.Repeat("x", 2000)+"\"", 1)
	r := lintText(t, Options{}, "a.yaml", text)
	if !strings.Contains(codes(r), "HF512") {
		t.Fatalf("found %s", codes(r))
	}
	for _, f := range r.Findings {
		if strings.ContainsAny(f.Seen+f.Object+f.Path, "\x1b\u202e") || len(f.Seen) > maxSeen+8 {
			t.Errorf("%s repeats control characters or too much: %q", f.Code, f.Seen)
		}
		if strings.Contains(f.Seen, "hunter2") {
			t.Errorf("%s repeats a secret", f.Code)
		}
	}
}
