package mcp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ToolHashes are the fingerprints of one tool, each SHA-256 in hex, apart from
// one another so that drift can be judged by what changed: a renamed tool keeps
// its Input, a reworded one keeps everything but Text.
type ToolHashes struct {
	Name   string `json:"name"`
	Text   string `json:"text"`   // title, description, annotations and all prose inside the schemas
	Input  string `json:"input"`  // inputSchema without prose
	Output string `json:"output"` // outputSchema without prose; "" if there is none
}

// maxInlined bounds what resolving local references may grow a schema to, in
// nodes. A schema beyond it is hashed with its references as they stand.
const maxInlined = 20_000

// HashTool computes the fingerprints of a tool as it stood in tools/list.
// Order of members, of required, enum and type lists, the spelling of numbers,
// and the use of local $ref make no difference.
func HashTool(raw json.RawMessage) (ToolHashes, error) {
	var tool struct {
		Name         string          `json:"name"`
		Title        json.RawMessage `json:"title"`
		Description  json.RawMessage `json:"description"`
		Annotations  json.RawMessage `json:"annotations"`
		InputSchema  json.RawMessage `json:"inputSchema"`
		OutputSchema json.RawMessage `json:"outputSchema"`
	}
	if err := json.Unmarshal(raw, &tool); err != nil {
		return ToolHashes{}, fmt.Errorf("hash tool: %w", err)
	}
	in, inText, err := canonicalSchema(tool.InputSchema)
	if err != nil {
		return ToolHashes{}, fmt.Errorf("hash tool %q: inputSchema: %w", tool.Name, err)
	}
	out, outText, err := canonicalSchema(tool.OutputSchema)
	if err != nil {
		return ToolHashes{}, fmt.Errorf("hash tool %q: outputSchema: %w", tool.Name, err)
	}
	text := map[string]any{"input": inText, "output": outText}
	for key, raw := range map[string]json.RawMessage{
		"title": tool.Title, "description": tool.Description, "annotations": tool.Annotations,
	} {
		v, err := decodeAny(raw)
		if err != nil {
			return ToolHashes{}, fmt.Errorf("hash tool %q: %s: %w", tool.Name, key, err)
		}
		text[key] = v
	}
	h := ToolHashes{Name: digest(tool.Name), Text: digest(text), Input: digest(in)}
	if tool.OutputSchema != nil {
		h.Output = digest(out)
	}
	return h, nil
}

// HashTools is one fingerprint for a whole list. The order of the tools makes
// no difference: the specification only asks that it be stable.
func HashTools(hashes []ToolHashes) string {
	lines := make([]string, len(hashes))
	for i, h := range hashes {
		lines[i] = strings.Join([]string{h.Name, h.Text, h.Input, h.Output}, " ")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func digest(v any) string {
	var b bytes.Buffer
	writeCanonical(&b, v)
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:])
}

func decodeAny(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// canonicalSchema splits a schema into what a validator obeys and the prose.
func canonicalSchema(raw json.RawMessage) (shape, text any, err error) {
	v, err := decodeAny(raw)
	if err != nil || v == nil {
		return nil, nil, err
	}
	in := inliner{root: v, budget: maxInlined}
	if resolved, ok := in.resolve(v, 0); ok {
		v = resolved
		if m, isObject := v.(map[string]any); isObject {
			delete(m, "$defs")
			delete(m, "definitions")
		}
	}
	prose := map[string]any{}
	return strip(v, "", prose, false), prose, nil
}

// inliner replaces local references by what they point at.
type inliner struct {
	root   any
	budget int
	open   []string // references being resolved, to see recursion
}

// resolve returns a copy without local references; false when the schema is
// recursive, too large, or refers to something that is not there.
func (in *inliner) resolve(v any, depth int) (any, bool) {
	if in.budget--; in.budget < 0 || depth > defaultMaxDepth {
		return nil, false
	}
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && strings.HasPrefix(ref, "#") {
			return in.follow(v, ref, depth)
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			r, ok := in.resolve(e, depth+1)
			if !ok {
				return nil, false
			}
			out[k] = r
		}
		return out, true
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			r, ok := in.resolve(e, depth+1)
			if !ok {
				return nil, false
			}
			out[i] = r
		}
		return out, true
	default:
		return v, true
	}
}

func (in *inliner) follow(v map[string]any, ref string, depth int) (any, bool) {
	target, ok := pointer(in.root, ref[1:])
	if !ok || slices.Contains(in.open, ref) {
		return nil, false
	}
	in.open = append(in.open, ref)
	defer func() { in.open = in.open[:len(in.open)-1] }()
	r, ok := in.resolve(target, depth+1)
	if !ok || len(v) == 1 {
		return r, ok
	}
	rest := make(map[string]any, len(v))
	for k, e := range v {
		if k != "$ref" {
			rest[k] = e
		}
	}
	siblings, ok := in.resolve(rest, depth+1)
	if !ok {
		return nil, false
	}
	return map[string]any{"allOf": []any{r, siblings}}, true
}

// pointer looks up a JSON pointer (RFC 6901).
func pointer(v any, ptr string) (any, bool) {
	if ptr == "" {
		return v, true
	}
	if ptr[0] != '/' {
		return nil, false // an anchor; left as it is
	}
	for part := range strings.SplitSeq(ptr[1:], "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[part]; !ok {
			return nil, false
		}
	}
	return v, true
}

// strip returns the schema without prose, which it collects by path. names is
// true inside "properties" and the like, where a member called "title" is a
// property and not a title.
func strip(v any, path string, prose map[string]any, names bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			at := path + "/" + k
			if !names && isProse(k) {
				prose[at] = e
				continue
			}
			if !names && isLiteral(k) {
				out[k] = unordered(k, e)
				continue
			}
			out[k] = strip(e, at, prose, !names && isNameMap(k))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = strip(e, fmt.Sprintf("%s/%d", path, i), prose, false)
		}
		return out
	default:
		return v
	}
}

func isProse(k string) bool {
	switch k {
	case "title", "description", "$comment", "examples", "icons":
		return true
	}
	return false
}

// isLiteral: keywords whose value is data, not a schema.
func isLiteral(k string) bool {
	switch k {
	case "enum", "const", "default", "required", "type":
		return true
	}
	return false
}

func isNameMap(k string) bool {
	switch k {
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependentRequired":
		return true
	}
	return false
}

// unordered sorts the lists in which order carries no meaning.
func unordered(k string, v any) any {
	list, ok := v.([]any)
	if !ok || k == "const" || k == "default" {
		return v
	}
	keys := make([]string, len(list))
	for i, e := range list {
		var b bytes.Buffer
		writeCanonical(&b, e)
		keys[i] = b.String()
	}
	slices.Sort(keys)
	out := make([]any, len(keys))
	for i, k := range keys {
		out[i] = json.RawMessage(k)
	}
	return out
}
