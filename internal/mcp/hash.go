package mcp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ToolHashes are the fingerprints of one tool, each SHA-256 in hex, apart from
// one another so that drift can be judged by what changed: a renamed tool keeps
// its Input, a reworded one keeps everything but Text.
type ToolHashes struct {
	Name string `json:"name"`
	// Text: title, description, annotations, all prose inside the schemas, and
	// whatever else in them a model reads and no validator obeys.
	Text   string `json:"text"`
	Input  string `json:"input"`  // inputSchema without prose
	Output string `json:"output"` // outputSchema without prose; "" if there is none
}

// HashTool computes the fingerprints of a tool as it stood in tools/list.
// Order of members, of required, enum and type lists, the spelling of numbers,
// and the use of local $ref make no difference.
//
// It fails for a tool that two readers could understand differently, with the
// errors of Parse: a name that stands twice in one object, an unpaired surrogate
// in a name, nesting beyond 128 levels. Otherwise a server could show a harmless
// description to the fingerprint and another one to the model.
func HashTool(raw json.RawMessage) (ToolHashes, error) {
	tool, err := decodeTool(raw)
	if err != nil {
		return ToolHashes{}, fmt.Errorf("hash tool: %w", err)
	}
	name := tool["name"].(string)
	in, inText := canonicalSchema(tool["inputSchema"])
	out, outText := canonicalSchema(tool["outputSchema"])
	h := ToolHashes{
		Name:  digest(name),
		Input: digest(in),
		Text: digest(map[string]any{
			"title": tool["title"], "description": tool["description"], "annotations": tool["annotations"],
			"input": inText, "output": outText,
		}),
	}
	if tool["outputSchema"] != nil {
		h.Output = digest(out)
	}
	return h, nil
}

// decodeTool reads a tool into plain values, by the exact names of its members:
// decoding into a struct would let "Description" stand in for "description".
func decodeTool(raw json.RawMessage) (map[string]any, error) {
	if !utf8.Valid(raw) {
		return nil, &ParseError{Offset: firstInvalid(raw), Err: ErrInvalidUTF8}
	}
	s := scanner{data: raw, maxDepth: defaultMaxDepth}
	s.space()
	if _, err := s.value(0); err != nil {
		return nil, err
	}
	if s.space(); s.pos < len(raw) {
		return nil, s.fail(ErrTrailing)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tool map[string]any
	if err := dec.Decode(&tool); err != nil {
		return nil, fmt.Errorf("not an object: %w", err)
	}
	if _, ok := tool["name"].(string); !ok {
		return nil, errors.New("it has no name")
	}
	return tool, nil
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

// canonicalSchema splits a schema into what a validator obeys and the prose.
func canonicalSchema(schema any) (shape, text any) {
	if schema == nil {
		return nil, nil
	}
	inlined, unused, ok := inline(schema)
	if !ok {
		return strip(schema, false)
	}
	shape, text = strip(inlined, false)
	if len(unused) == 0 {
		return shape, text
	}
	// No validator reaches them, but the model is shown them all the same.
	rest := make(map[string]any, len(unused))
	for ptr, v := range unused {
		s, t := strip(v, false)
		rest[ptr] = []any{s, t}
	}
	return shape, map[string]any{"text": text, "unused": rest}
}

// strip returns a schema without its prose, and the prose at the places where it
// stood; nil if there is none. names is true inside "properties" and the like,
// where a member called "title" is a property and not a title.
func strip(v any, names bool) (shape, prose any) {
	switch v := v.(type) {
	case map[string]any:
		shape, texts := make(map[string]any, len(v)), map[string]any{}
		for k, e := range v {
			switch {
			case !names && isProse(k):
				texts[k] = e
			case !names && isLiteral(k):
				shape[k] = unordered(k, e)
			default:
				var text any
				if shape[k], text = strip(e, !names && isNameMap(k)); text != nil {
					texts[k] = text
				}
			}
		}
		return shape, orNil(texts)
	case []any:
		shape, texts := make([]any, len(v)), map[string]any{}
		for i, e := range v {
			var text any
			if shape[i], text = strip(e, false); text != nil {
				texts[fmt.Sprint(i)] = text
			}
		}
		return shape, orNil(texts)
	default:
		return v, nil
	}
}

func orNil(texts map[string]any) any {
	if len(texts) == 0 {
		return nil
	}
	return texts
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
	case "enum", "const", "default", "required", "type", "dependentRequired":
		return true
	}
	return false
}

// isNameMap: keywords whose value maps free names to schemas.
func isNameMap(k string) bool {
	switch k {
	case "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies":
		return true
	}
	return false
}

// unordered sorts the lists in which order carries no meaning.
func unordered(k string, v any) any {
	switch k {
	case "enum", "required", "type":
		if list, ok := v.([]any); ok {
			return sorted(list)
		}
	case "dependentRequired":
		if lists, ok := v.(map[string]any); ok {
			out := make(map[string]any, len(lists))
			for name, list := range lists {
				out[name] = unordered("required", list)
			}
			return out
		}
	}
	return v
}

func sorted(list []any) []any {
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
