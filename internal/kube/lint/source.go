package lint

import (
	"regexp"
	"strings"
)

// sourceCode is an entry point as lines of text. Rules that read it match
// patterns, they do not understand the language, and say so.
type sourceCode struct {
	lines []string // comments blanked
	text  string
	// the lines, from 1, on which it first serves the old transport over HTTP
	// and the new one; 0 where it does not
	oldHTTP, newHTTP int
}

var (
	speaksMCP = regexp.MustCompile(`(?m)^\s*(?:from|import)\s+(?:fast)?mcp\b|@modelcontextprotocol/|["']fastmcp["']|\bFastMCP\s*\(|\bMcpServer\s*\(`)
	testFile  = regexp.MustCompile(`(?:^|/)(?:tests?|__tests__|spec)/|(?:^|/)(?:test_|conftest)|(?:_test|\.test|\.spec)\.\w+$`)
)

// maxSource is the longest entry point that is read; longer ones are bundles.
const maxSource = 1 << 20

// readSource gives nil for files that do not speak MCP.
func readSource(f *File) *sourceCode {
	if len(f.src) > maxSource || testFile.MatchString(f.Path) || !speaksMCP.Match(f.src) {
		return nil
	}
	lines := strings.Split(strings.ReplaceAll(string(f.src), "\r\n", "\n"), "\n")
	blankComments(lines, f.Kind)
	code := &sourceCode{lines: lines, text: strings.Join(lines, "\n")}
	before, after := oldPython, newPython
	if f.Kind == TypeScript {
		before, after = oldScript, newScript
	}
	code.oldHTTP, _ = code.find(before)
	code.newHTTP, _ = code.find(after)
	return code
}

// blankComments empties lines that are comments as a whole, and Python's triple
// quoted and C's block comments, so that prose does not trigger rules.
func blankComments(lines []string, kind FileKind) {
	open := ""
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if open != "" {
			if strings.Contains(line, open) {
				open = ""
			}
			lines[i] = ""
			continue
		}
		switch kind {
		case Python:
			for _, quote := range []string{`"""`, `'''`} {
				if strings.HasPrefix(trimmed, quote) && strings.Count(line, quote) == 1 {
					open = quote
				}
			}
			if open != "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, `"""`) {
				lines[i] = ""
			}
		default:
			if strings.HasPrefix(trimmed, "/*") && !strings.Contains(trimmed, "*/") {
				open = "*/"
			}
			if open != "" || strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "*") {
				lines[i] = ""
			}
		}
	}
}

// find gives the first line, from 1, that matches, and its submatches.
func (s *sourceCode) find(p *regexp.Regexp) (int, []string) {
	for i, line := range s.lines {
		if m := p.FindStringSubmatch(line); m != nil {
			return i + 1, m
		}
	}
	return 0, nil
}

// has tells whether a pattern matches anywhere.
func (s *sourceCode) has(p *regexp.Regexp) bool { return p.MatchString(s.text) }

// block gives the lines of the Python function that begins at a line: its
// signature and everything indented deeper.
func (s *sourceCode) block(start int) string {
	indent := func(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
	if start < 1 || start > len(s.lines) {
		return ""
	}
	base := indent(s.lines[start-1])
	end := start
	for end < len(s.lines) && (strings.TrimSpace(s.lines[end]) == "" || indent(s.lines[end]) > base || strings.HasPrefix(strings.TrimSpace(s.lines[end]), ")")) {
		end++
	}
	return strings.Join(s.lines[start-1:end], "\n")
}
