package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// parseJSON reads JSON into the same nodes as YAML. YAML's own parser is not
// used for it, because it refuses the tabs with which many indent package.json.
func parseJSON(f *File) (root *yaml.Node, duplicates []*yaml.Node, failed *syntaxError) {
	r := &jsonReader{file: f, dec: json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(f.src, []byte("\xef\xbb\xbf"))))}
	r.dec.UseNumber()
	node, err := r.value(0)
	if err == nil && r.dec.More() {
		err = errors.New("something follows the first JSON value")
	}
	if err != nil {
		line, column := r.place(r.dec.InputOffset())
		if syn, ok := errors.AsType[*json.SyntaxError](err); ok {
			line, column = r.place(syn.Offset)
		}
		return nil, nil, &syntaxError{line: line, column: column, reason: err.Error()}
	}
	w := walker{}
	if err := w.walk(node, 0); err != nil {
		return nil, nil, &syntaxError{line: 1, column: 1, reason: err.Error()}
	}
	return node, w.duplicates, nil
}

type jsonReader struct {
	file *File
	dec  *json.Decoder
	line int // cursor of place, 0-based, only moves forward
}

// place turns a byte offset into line and column, counting forward from the
// last one asked for.
func (r *jsonReader) place(offset int64) (line, column int) {
	at := r.file.lines()
	if r.line > 0 && int64(at[r.line]) > offset {
		r.line = 0
	}
	for r.line+1 < len(at) && int64(at[r.line+1]) <= offset {
		r.line++
	}
	return r.line + 1, int(offset) - at[r.line] + 1
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	end := r.dec.InputOffset()
	n := &yaml.Node{Kind: yaml.ScalarNode}
	raw := ""
	switch t := token.(type) {
	case json.Delim:
		n.Line, n.Column = r.place(end - 1)
		n.Style = yaml.FlowStyle
		return r.collection(n, t, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
		raw = r.rawString(end)
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
		if _, err := strconv.ParseInt(t.String(), 10, 64); err == nil {
			n.Tag = "!!int"
		}
		raw = n.Value
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
		raw = n.Value
	default:
		n.Tag, n.Value = "!!null", "null"
		raw = n.Value
	}
	n.Line, n.Column = r.place(end - int64(len(raw)))
	return n, nil
}

// rawString finds the opening quote of the string that ends at an offset.
func (r *jsonReader) rawString(end int64) string {
	src := r.file.src[:min(int(end), len(r.file.src))]
	for i := len(src) - 2; i >= 0; i-- {
		if src[i] != '"' {
			continue
		}
		slashes := 0
		for j := i - 1; j >= 0 && src[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return string(src[i:])
		}
	}
	return ""
}

func (r *jsonReader) collection(n *yaml.Node, open json.Delim, depth int) (*yaml.Node, error) {
	n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.dec.More() {
		child, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err := r.dec.Token()
	return n, err
}
