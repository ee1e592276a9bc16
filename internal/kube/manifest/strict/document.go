package strict

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File         string
	Line, Column int
	// Path of the field, such as spec.scaling.max. Empty: the document.
	Path    string
	Message string
}

// Error gives the form that editors and terminals can follow:
// file:line:column: path: message.
func (p Problem) Error() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, p.Line)
		if p.Column > 0 {
			at = fmt.Sprintf("%s:%d", at, p.Column)
		}
	}
	if p.Path != "" {
		at += ": " + p.Path
	}
	return at + ": " + p.Message
}

// Document is one YAML document of a stream.
type Document struct {
	File string
	// Root is the document's content; its lines count from the top of the
	// file, not of the document.
	Root *yaml.Node
}

// Split cuts a stream into documents and parses each alone, so that a broken
// one does not hide the others. Empty documents are left out.
func Split(file string, data []byte) ([]Document, []Problem) {
	if len(data) > MaxBytes {
		return nil, []Problem{{File: file, Message: fmt.Sprintf("the file has more than %d MiB, which no declaration needs", MaxBytes>>20)}}
	}
	var docs []Document
	var problems []Problem
	line := 0
	for _, part := range cut(data) {
		var node yaml.Node
		switch err := yaml.Unmarshal(part, &node); {
		case err != nil:
			problems = append(problems, syntaxProblem(file, line, err))
		case len(node.Content) == 1 && node.Content[0].ShortTag() != "!!null":
			shift(&node, line)
			docs = append(docs, Document{file, node.Content[0]})
		}
		line += bytes.Count(part, []byte("\n"))
	}
	return docs, problems
}

// cut splits at the lines that begin with "---"; such a line cannot be part
// of a value in block style. The line itself stays with what follows it.
func cut(data []byte) [][]byte {
	var parts [][]byte
	start := 0
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n') + at + 1
		if end == at {
			end = len(data)
		}
		text := data[at:end]
		marker := bytes.HasPrefix(text, []byte("---")) && (len(text) == 3 || bytes.IndexByte([]byte(" \t\r\n"), text[3]) >= 0)
		if marker && at > start {
			parts = append(parts, data[start:at])
			start = at
		}
		at = end
	}
	return append(parts, data[start:])
}

var lineNumber = regexp.MustCompile(`^line (\d+): `)

// syntaxProblem takes the line out of the parser's message and adds that of
// the document.
func syntaxProblem(file string, offset int, err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := lineNumber.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // the pattern allows digits only
		text = text[len(m[0]):]
	}
	return Problem{File: file, Line: offset + max(line, 1), Message: "not valid YAML: " + text}
}

// shift adds lines to every position below n. Aliases share their anchor's
// nodes, which are visited where they stand.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines)
	}
}

// Position finds the line and column of a path such as spec.env[0].name. When
// the path is not written in the document, the nearest parent's counts.
func (d Document) Position(path string) (line, column int) {
	node := d.Root
	line, column = node.Line, node.Column
	for _, step := range steps(path) {
		next, key := child(node, step)
		if next == nil {
			break
		}
		node = next
		line, column = key.Line, key.Column
	}
	return line, column
}

// steps splits "a.b[1].c" into a, b, [1], c.
func steps(path string) []string {
	path = strings.ReplaceAll(path, "[", ".[")
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' })
}

// child gives the value behind a step, and the node that marks its place.
func child(n *yaml.Node, step string) (value, key *yaml.Node) {
	n = follow(n)
	if index, ok := strings.CutPrefix(step, "["); ok && n.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil || i < 0 || i >= len(n.Content) {
			return nil, nil
		}
		return n.Content[i], n.Content[i]
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1], n.Content[i]
		}
	}
	return nil, nil
}

// follow resolves aliases, a bounded number of times.
func follow(n *yaml.Node) *yaml.Node {
	for range MaxDepth {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// Field gives the scalar at the top of a document, such as kind; empty when
// there is none.
func (d Document) Field(name string) string {
	value, _ := child(d.Root, name)
	if value == nil {
		return ""
	}
	return follow(value).Value
}

// Problem places a message at a path of the document.
func (d Document) Problem(path, message string) Problem {
	line, column := d.Position(path)
	return Problem{File: d.File, Line: line, Column: column, Path: path, Message: message}
}
