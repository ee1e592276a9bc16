package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/holdfast-mcp/holdfast/internal/kube/manifest/strict"
)

// WriteYAML writes objects as one stream of documents: fields in the order in
// which the API declares them, each reason beside its value. The same objects
// always give the same bytes.
func WriteYAML(w io.Writer, objects []Object) error {
	for i, o := range objects {
		if i > 0 {
			if _, err := io.WriteString(w, "---\n"); err != nil {
				return fmt.Errorf("write YAML: %w", err)
			}
		}
		node, err := o.node()
		if err != nil {
			return err
		}
		if err := encode(w, node); err != nil {
			return fmt.Errorf("write %s %s: %w", o.Kind(), o.Name(), err)
		}
	}
	return nil
}

func encode(w io.Writer, node *yaml.Node) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(node); err != nil {
		return err
	}
	return enc.Close()
}

// node gives the object as a YAML tree with its comments.
func (o Object) node() (*yaml.Node, error) {
	node, err := ordered(o.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", o.Kind(), o.Name(), err)
	}
	tidy(node)
	for _, r := range o.Reasons {
		key, value, err := find(node, r.Path)
		if err != nil {
			return nil, fmt.Errorf("explain %s %s: %w", o.Kind(), o.Name(), err)
		}
		comment(key, value, r.Because)
	}
	return node, nil
}

// comment puts text behind a scalar, or above what has more than one line.
func comment(key, value *yaml.Node, text string) {
	if value.Kind == yaml.ScalarNode && value.Style != yaml.LiteralStyle {
		value.LineComment = "# " + text
		return
	}
	if key.HeadComment != "" {
		key.HeadComment += "\n"
	}
	key.HeadComment += "# " + text
}

// tidy puts apiVersion first and drops what only a cluster fills in.
func tidy(root *yaml.Node) {
	var first, rest []*yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		pair := root.Content[i : i+2]
		switch pair[0].Value {
		case "apiVersion":
			first = append(append([]*yaml.Node{}, pair...), first...)
		case "kind", "metadata":
			first = append(first, pair...)
		case "status":
		default:
			rest = append(rest, pair...)
		}
	}
	root.Content = append(first, rest...)
}

// ordered turns a value into a YAML tree by way of its JSON, keeping the order
// of the fields.
func ordered(v any) (*yaml.Node, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return next(dec)
}

func next(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		return container(dec, t)
	case string:
		return text(t), nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(t)}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
}

// base60 is how YAML 1.1 writes numbers such as 12:30.
var base60 = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)

// text quotes what Kubernetes' YAML would read as something else; the encoder
// knows the rules of YAML 1.2 only.
func text(s string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch {
	case strings.Contains(s, "\n"):
		node.Style = yaml.LiteralStyle
	case strict.OldBoolean(s) || base60.MatchString(s):
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}

func container(dec *json.Decoder, open json.Delim) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if open == '[' {
		node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
	}
	for dec.More() {
		child, err := next(dec)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, child)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle
	}
	_, err := dec.Token() // the closing delimiter
	return node, err
}

// find follows a path such as spec.ports[http].port or
// metadata.annotations["a.b/c"] to the key and the value at its end.
func find(root *yaml.Node, path string) (key, value *yaml.Node, err error) {
	key, value = root, root
	for rest := path; rest != ""; {
		var step string
		step, rest, err = cutStep(rest)
		if err != nil {
			return nil, nil, fmt.Errorf("path %s: %w", path, err)
		}
		k, v := field(value, step)
		if v == nil {
			return nil, nil, fmt.Errorf("path %s: nothing at %q", path, step)
		}
		key, value = k, v
	}
	return key, value, nil
}

// cutStep takes the first step off a path. A list step keeps its bracket.
func cutStep(path string) (step, rest string, err error) {
	if text, ok := strings.CutPrefix(path, `["`); ok {
		step, rest, ok = strings.Cut(text, `"]`)
		if !ok {
			return "", "", errors.New("a quoted key does not end")
		}
		return step, strings.TrimPrefix(rest, "."), nil
	}
	if strings.HasPrefix(path, "[") {
		end := strings.IndexByte(path, ']')
		if end < 0 {
			return "", "", errors.New("a bracket does not end")
		}
		return path[:end+1], strings.TrimPrefix(path[end+1:], "."), nil
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return path, "", nil
	}
	return path[:end], strings.TrimPrefix(path[end:], "."), nil
}

func field(n *yaml.Node, step string) (key, value *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		return item(n, strings.Trim(step, "[]"))
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// item finds a list item by number or by what it calls itself.
func item(n *yaml.Node, name string) (key, value *yaml.Node) {
	if i, err := strconv.Atoi(name); err == nil {
		if i < 0 || i >= len(n.Content) {
			return nil, nil
		}
		return n.Content[i], n.Content[i]
	}
	for _, c := range n.Content {
		for _, by := range []string{"name", "type", "kind", "alert"} {
			if _, v := field(c, by); v != nil && v.Value == name {
				return c, c
			}
		}
	}
	return nil, nil
}
