package lint

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a document. Real manifests stay far below; what lies above is
// refused with its place, before it can cost memory.
const (
	maxFile  = 8 << 20
	maxDepth = 100
	maxNodes = 400_000
)

// chunk is the text of one YAML document and the line it starts on, from 0.
type chunk struct {
	src  []byte
	line int
}

// splitYAML cuts a stream at its document markers, which YAML forbids inside a
// document, so that one broken document does not take the others with it.
func splitYAML(src []byte) []chunk {
	var out []chunk
	start, startLine, line := 0, 0, 0
	for pos := 0; pos < len(src); line++ {
		end := bytes.IndexByte(src[pos:], '\n')
		next := len(src)
		if end >= 0 {
			next = pos + end + 1
		}
		if isMarker(src[pos:next]) && pos > start {
			out = append(out, chunk{src: src[start:pos], line: startLine})
			start, startLine = pos, line
		}
		pos = next
	}
	return append(out, chunk{src: src[start:], line: startLine})
}

func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) {
		return false
	}
	return len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0
}

// syntaxError is a document that cannot be read, with its place.
type syntaxError struct {
	line, column int
	reason       string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

// yamlError finds the line in a message of the YAML parser, which knows no other
// way to tell it.
func yamlError(err error, c chunk, place *regexp.Regexp) *syntaxError {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := c.line + 1
	if m := place.FindStringSubmatch(reason); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			line = c.line + n
		}
		reason = strings.TrimPrefix(reason, m[0])
		if strings.HasPrefix(reason, "did not find expected") {
			line++ // the library counts these from 0, and scanner errors from 1
		}
	}
	return &syntaxError{line: line, column: 1, reason: reason}
}

// parseYAML reads one document into nodes whose lines count from the start of
// the file. A document of comments gives nil. Duplicate keys are collected, not
// refused: the rest of the document can still be judged.
func parseYAML(c chunk) (root *yaml.Node, duplicates []*yaml.Node, failed *syntaxError) {
	// The library's parser panics on a few malformed inputs; its own decoder
	// recovers from them, so must we.
	defer func() {
		if r := recover(); r != nil {
			root, failed = nil, &syntaxError{line: c.line + 1, column: 1, reason: fmt.Sprint("not readable as YAML: ", r)}
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(c.src, &doc); err != nil {
		return nil, nil, yamlError(err, c, regexp.MustCompile(`^line (\d+): `))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil, nil
	}
	w := walker{shift: c.line}
	if err := w.walk(doc.Content[0], 0); err != nil {
		return nil, nil, &syntaxError{line: max(doc.Content[0].Line, c.line+1), column: 1, reason: err.Error()}
	}
	return doc.Content[0], w.duplicates, nil
}

// walker shifts the lines of a tree, holds its bounds and finds duplicate keys.
// It does not follow aliases, so that a bomb of anchors costs what it weighs.
type walker struct {
	shift      int
	nodes      int
	duplicates []*yaml.Node
}

var errTooManyNodes = errors.New("the document has more than " + strconv.Itoa(maxNodes) + " nodes")

func (w *walker) walk(n *yaml.Node, depth int) error {
	w.nodes++
	if w.nodes > maxNodes {
		return errTooManyNodes
	}
	if depth > maxDepth {
		return fmt.Errorf("the document is nested more than %d deep", maxDepth)
	}
	n.Line += w.shift
	if n.Kind == yaml.MappingNode {
		w.findDuplicates(n)
	}
	for _, child := range n.Content {
		if err := w.walk(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) findDuplicates(n *yaml.Node) {
	if len(n.Content) > 2*64 { // large maps are data, not structure
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			if seen[n.Content[i].Value] {
				w.duplicates = append(w.duplicates, n.Content[i])
			}
			seen[n.Content[i].Value] = true
		}
		return
	}
	for i := 2; i < len(n.Content); i += 2 {
		for j := 0; j < i; j += 2 {
			if n.Content[i].Value == n.Content[j].Value && n.Content[i].Tag != "!!merge" {
				w.duplicates = append(w.duplicates, n.Content[i])
				break
			}
		}
	}
}
