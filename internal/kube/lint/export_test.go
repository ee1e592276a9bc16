package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"go.yaml.in/yaml/v3"
)

// compiled is a program with one variable.
// It uses the core of CEL only: kube-linter has no extensions, the API server
// has all that are used here.
func compiled(t *testing.T, variable, expression string) cel.Program {
	t.Helper()
	env, err := cel.NewEnv(cel.Variable(variable, cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		t.Fatalf("%v\n%s", issues.Err(), expression)
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// corpusObjects gives every Kubernetes object of the test data on its own: as
// YAML to lint and as the value that CEL sees.
func corpusObjects(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir("testdata", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".yaml" || strings.Contains(name, "HF69") {
			return err
		}
		in, err := load(t.Context(), []Input{Path(name)})
		if err != nil {
			return err
		}
		for _, f := range in.files {
			for i, o := range f.objects {
				if f.Kind != Manifest {
					continue
				}
				src, err := yaml.Marshal(o.root.node)
				if err != nil {
					return err
				}
				out[name+"#"+string(rune('a'+i))] = src
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// blind tells what an expression cannot see and the rule can: how long a command
// sleeps.
func blind(name string, src []byte) bool {
	return name == "lifecycle.prestop_too_long" && bytes.Contains(src, []byte("exec:"))
}

func appliesTo(r celRule, kind string) bool {
	switch r.on {
	case "workload":
		return slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, kind)
	default:
		return kind == r.on
	}
}

// TestExportAgrees evaluates each exported expression on every object of the
// test data, as the API server and as kube-linter would, and holds the answers
// against the rule's own.
func TestExportAgrees(t *testing.T) {
	objects := corpusObjects(t)
	for _, r := range celRules() {
		t.Run(r.name, func(t *testing.T) {
			e, _ := finding.ByName(r.name)
			admission := compiled(t, "object", r.expression("object"))
			linter := compiled(t, "subject", r.kubeLinterExpression(e))
			broken, fine := 0, 0
			for place, src := range objects {
				var value map[string]any
				if err := yaml.Unmarshal(src, &value); err != nil {
					t.Fatal(place, err)
				}
				if kind, _ := value["kind"].(string); !appliesTo(r, kind) {
					continue
				}
				report, err := Run(t.Context(), Options{Only: []string{e.Code}}, Stream("one.yaml", bytes.NewReader(src)))
				if err != nil {
					t.Fatal(err)
				}
				ours := len(report.Findings) > 0
				got, _, err := admission.Eval(map[string]any{"object": value})
				if ours && blind(r.name, src) {
					continue
				}
				if err != nil || got.Value() != ours {
					t.Errorf("%s: admission says %v (%v), lint says %v", place, got, err, ours)
				}
				said, _, err := linter.Eval(map[string]any{"subject": throughJSON(t, value)})
				if err != nil || (said.Value() != "") != ours {
					t.Errorf("%s: kube-linter says %v (%v), lint says %v", place, said, err, ours)
				}
				if ours {
					broken++
				} else {
					fine++
				}
			}
			if broken < 1 || fine < 2 {
				t.Errorf("the corpus shows %d broken and %d fine objects: too few", broken, fine)
			}
		})
	}
}

// throughJSON turns numbers into floats, as kube-linter does.
func throughJSON(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAdmissionPolicies(t *testing.T) {
	if _, err := AdmissionPolicies("deny"); err == nil {
		t.Error("an action that does not exist was taken")
	}
	src, err := AdmissionPolicies("Warn")
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	n := 0
	for {
		var doc struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				PolicyName      string `yaml:"policyName"`
				MatchConditions []struct{ Expression string }
				Validations     []struct{ Expression, Message string }
			}
		}
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		for _, v := range append(doc.Spec.Validations, struct{ Expression, Message string }{"true", ""}) {
			compiled(t, "object", v.Expression)
		}
		if doc.Kind == "ValidatingAdmissionPolicyBinding" && doc.Spec.PolicyName != doc.Metadata.Name {
			t.Errorf("binding %s names policy %s", doc.Metadata.Name, doc.Spec.PolicyName)
		}
	}
	if n != 2*len(Exported()) {
		t.Errorf("%d documents for %d rules", n, len(Exported()))
	}
}

func TestKubeLinterConfig(t *testing.T) {
	src, err := KubeLinterConfig()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		CustomChecks []struct {
			Name, Template string
			Params         struct{ Check string }
		} `yaml:"customChecks"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.CustomChecks) != len(Exported()) {
		t.Errorf("%d checks for %d rules", len(doc.CustomChecks), len(Exported()))
	}
	for _, c := range doc.CustomChecks {
		compiled(t, "subject", c.Params.Check)
	}
}
