package lint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"go.yaml.in/yaml/v3"
)

// Fix is a mechanical repair of one finding: edits of the text it was found
// in. Edits touch only the bytes they are about, so comments and layout stay.
type Fix struct {
	// Summary says what the fix does, in the imperative.
	Summary string
	edits   []edit
}

// edit is one change. A set names keys below a mapping, so that several fixes
// that need the same parent (lifecycle, securityContext) can be merged before
// anything is written; the others are byte ranges.
type edit struct {
	file  *File
	at    Value // set: the mapping that exists
	path  []string
	value any
	start int // else: the bytes to replace
	end   int
	text  string
}

// setKey sets a value below a mapping, making the parents it needs.
func setKey(summary string, at Value, value any, path ...string) *Fix {
	fix := &Fix{Summary: summary}
	if !at.Map() || at.obj == nil || len(path) == 0 {
		return fix
	}
	for len(path) > 1 {
		next := at.Get(path[0])
		if !next.Map() {
			break
		}
		at, path = next, path[1:]
	}
	if old := at.Get(path[0]); old.node != nil {
		if len(path) > 1 || old.node.Kind != yaml.ScalarNode {
			return fix
		}
		return replaceScalar(summary, old, scalarText(value))
	}
	if at.obj.file.plainYAML() {
		fix.edits = []edit{{file: at.obj.file, at: at, path: path, value: value}}
	}
	return fix
}

// and joins the edits of another fix to this one.
func (f *Fix) and(more *Fix) *Fix {
	f.edits = append(f.edits, more.edits...)
	return f
}

// plainYAML tells whether edits by line and indent are safe in a file.
func (f *File) plainYAML() bool {
	return (f.Kind == Manifest || f.Kind == Compose || f.Kind == Workflow) && !strings.HasSuffix(strings.ToLower(f.Path), ".json")
}

// replaceScalar writes another text in the place of a scalar.
func replaceScalar(summary string, v Value, text string) *Fix {
	fix := &Fix{Summary: summary}
	if v.obj == nil || !v.obj.file.plainYAML() {
		return fix
	}
	if start, end, ok := scalarRange(v.obj.file, v.node); ok {
		fix.edits = []edit{{file: v.obj.file, start: start, end: end, text: text}}
	}
	return fix
}

// removeKey deletes a key with its one-line value.
func removeKey(summary string, v Value) *Fix {
	fix := &Fix{Summary: summary}
	if v.obj == nil || v.key == nil || !v.obj.file.plainYAML() {
		return fix
	}
	f := v.obj.file
	_, end, ok := scalarRange(f, v.node)
	start, found := f.offset(v.key.Line, 1)
	if !ok || !found || strings.TrimSpace(f.line(v.key.Line)[:v.key.Column-1]) != "" {
		return fix
	}
	if nl := bytes.IndexByte(f.src[end:], '\n'); nl >= 0 {
		end += nl + 1
	} else {
		end = len(f.src)
	}
	fix.edits = []edit{{file: f, start: start, end: end}}
	return fix
}

// scalarRange finds the bytes of a scalar that stands on one line.
func scalarRange(f *File, n *yaml.Node) (start, end int, ok bool) {
	if n == nil || n.Kind != yaml.ScalarNode || n.Anchor != "" {
		return 0, 0, false
	}
	start, ok = f.offset(n.Line, n.Column)
	if !ok {
		return 0, 0, false
	}
	rest := f.src[start:]
	if nl := bytes.IndexByte(rest, '\n'); nl >= 0 {
		rest = rest[:nl]
	}
	switch n.Style &^ yaml.TaggedStyle {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		length := quotedLength(rest)
		return start, start + length, length > 0
	case 0, yaml.FlowStyle:
		return start, start + len(n.Value), n.Value != "" && bytes.HasPrefix(rest, []byte(n.Value))
	default:
		return 0, 0, false
	}
}

func quotedLength(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case quote == '"' && s[i] == '\\':
			i++
		case s[i] != quote:
		case quote == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		default:
			return i + 1
		}
	}
	return 0
}

func scalarText(value any) string {
	out, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(out), "\n")
}

// FilePatch is a file before and after its fixes.
type FilePatch struct {
	File     string
	Old, New []byte
}

// Diff is the patch in unified form, with paths that patch -p1 takes.
func (p FilePatch) Diff() string {
	name := strings.TrimPrefix(p.File, "/")
	return udiff.Unified("a/"+name, "b/"+name, string(p.Old), string(p.New))
}

// Patches applies the fixes of results, all findings of the report where none
// is named, and gives the files that change. Fixes that touch the same bytes
// are applied first come, first served: run again for the rest.
func (r Report) Patches(results ...Result) []FilePatch {
	if len(results) == 0 {
		results = r.Findings
	}
	edits := map[*File][]edit{}
	for _, x := range results {
		if x.Fix == nil {
			continue
		}
		for _, e := range x.Fix.edits {
			edits[e.file] = append(edits[e.file], e)
		}
	}
	var out []FilePatch
	for _, f := range r.files {
		if len(edits[f]) == 0 {
			continue
		}
		if changed := applyEdits(f, edits[f]); !bytes.Equal(changed, f.src) {
			out = append(out, FilePatch{File: f.Path, Old: f.src, New: changed})
		}
	}
	return out
}

// Diff is the patch of one finding alone, "" where it has no fix.
func (r Report) Diff(x Result) string {
	if x.Fix == nil {
		return ""
	}
	for _, p := range r.Patches(x) {
		return p.Diff()
	}
	return ""
}

func applyEdits(f *File, edits []edit) []byte {
	plain := mergeSets(f, edits)
	slices.SortStableFunc(plain, func(a, b edit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	var out bytes.Buffer
	done := 0
	for i, e := range plain {
		if e.start < done || (i > 0 && e.start == plain[i-1].start && e.end == plain[i-1].end && e.text == plain[i-1].text) {
			continue
		}
		out.Write(f.src[done:e.start])
		out.WriteString(e.text)
		done = e.end
	}
	out.Write(f.src[done:])
	return out.Bytes()
}

// mergeSets joins the sets below each mapping into one insertion.
func mergeSets(f *File, edits []edit) []edit {
	var plain []edit
	var order []*yaml.Node
	trees := map[*yaml.Node]*yaml.Node{}
	for _, e := range edits {
		if e.path == nil {
			plain = append(plain, e)
			continue
		}
		n := e.at.node
		if trees[n] == nil {
			trees[n] = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			order = append(order, n)
		}
		graft(trees[n], e.path, e.value)
	}
	for _, n := range order {
		if e, ok := insertion(f, n, trees[n]); ok {
			plain = append(plain, e)
		}
	}
	return plain
}

// graft sets a value in a new tree; what is already there stays.
func graft(tree *yaml.Node, path []string, value any) {
	for i, name := range path {
		next := (Value{node: tree}).Get(name).node
		if next == nil {
			next = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			if i == len(path)-1 {
				if err := next.Encode(value); err != nil {
					return
				}
			}
			tree.Content = append(tree.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, next)
		}
		if next.Kind != yaml.MappingNode {
			return
		}
		tree = next
	}
	if value, ok := value.(map[string]any); ok {
		for name, v := range value {
			graft(tree, []string{name}, v)
		}
	}
}

// insertion writes new keys into a mapping: behind one of its one-line scalars,
// or before its first key, or behind the brace of a flow mapping.
func insertion(f *File, mapping, tree *yaml.Node) (edit, bool) {
	if mapping.Style&yaml.FlowStyle != 0 || len(mapping.Content) == 0 {
		return flowInsertion(f, mapping, tree)
	}
	indent := mapping.Content[0].Column - 1
	text, err := indented(tree, indent)
	if err != nil {
		return edit{}, false
	}
	for i := len(mapping.Content) - 2; i >= 0; i -= 2 {
		_, end, ok := scalarRange(f, mapping.Content[i+1])
		if !ok || !endsLine(f, end) {
			continue
		}
		if nl := bytes.IndexByte(f.src[end:], '\n'); nl >= 0 {
			return edit{file: f, start: end + nl + 1, end: end + nl + 1, text: text}, true
		}
		return edit{file: f, start: len(f.src), end: len(f.src), text: "\n" + text}, true
	}
	start, ok := f.offset(mapping.Content[0].Line, mapping.Content[0].Column)
	text = strings.TrimLeft(text, " ") + strings.Repeat(" ", indent)
	return edit{file: f, start: start, end: start, text: text}, ok
}

// endsLine tells whether only a comment follows, and the scalar does not go on
// in the next line.
func endsLine(f *File, end int) bool {
	rest, _, _ := bytes.Cut(f.src[end:], []byte("\n"))
	rest = bytes.TrimSpace(rest)
	return len(rest) == 0 || rest[0] == '#'
}

func indented(tree *yaml.Node, indent int) (string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(tree); err != nil {
		return "", err
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		out.WriteString(strings.Repeat(" ", indent) + line)
	}
	return out.String(), nil
}

func flowInsertion(f *File, mapping, tree *yaml.Node) (edit, bool) {
	start, ok := f.offset(mapping.Line, mapping.Column)
	if !ok || start >= len(f.src) || f.src[start] != '{' {
		return edit{}, false
	}
	var value map[string]any
	if err := tree.Decode(&value); err != nil {
		return edit{}, false
	}
	text, err := json.Marshal(value)
	if err != nil {
		return edit{}, false
	}
	body := string(bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("{")), []byte("}")))
	if len(mapping.Content) > 0 {
		body += ", "
	}
	return edit{file: f, start: start + 1, end: start + 1, text: body}, true
}
