package scaffold

import (
	"regexp"
	"strconv"
	"strings"
)

// value is what an expression of program text comes to, as far as that can be
// seen: a literal, or the default of an environment variable.
type value struct {
	text  string
	env   string // the variable it is read from
	known bool
}

func (v value) int() (int, bool) {
	n, err := strconv.Atoi(v.text)
	return n, v.known && err == nil && n > 0 && n < 65536
}

// call is one call in program text.
type call struct {
	name string
	args string // between the parentheses
	line int
}

// calls finds the calls that match, each with its balanced arguments. The
// pattern must end in \( and may have one group: the name.
func calls(src string, pattern *regexp.Regexp) []call {
	var out []call
	for _, m := range pattern.FindAllStringSubmatchIndex(src, -1) {
		c := call{args: balanced(src[m[1]:]), line: lineAt(src, m[0])}
		if len(m) > 3 && m[2] >= 0 {
			c.name = src[m[2]:m[3]]
		}
		out = append(out, c)
	}
	return out
}

// balanced gives the text up to the parenthesis that closes one opened before
// it; all of it if none does.
func balanced(s string) string {
	depth, quote := 1, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			if depth--; depth == 0 {
				return s[:i]
			}
		}
	}
	return s
}

// split cuts arguments at the commas that belong to no inner call or text.
func split(args string) []string {
	var out []string
	depth, quote, from := 0, byte(0), 0
	for i := 0; i < len(args); i++ {
		switch c := args[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(args[from:i]))
			from = i + 1
		}
	}
	if rest := strings.TrimSpace(args[from:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

var (
	pyEnv     = regexp.MustCompile(`os\.(?:environ\.get|getenv)\(\s*["'](\w+)["']\s*(?:,\s*["']?([\w./-]+)["']?)?\s*\)`)
	pyEnvHard = regexp.MustCompile(`os\.environ\[\s*["'](\w+)["']\s*\]`)
	jsEnv     = regexp.MustCompile(`process\.env(?:\.(\w+)|\[["'](\w+)["']\])(?:\s*(?:\?\?|\|\|)\s*["']?([\w./-]+)["']?)?`)
	jsDefault = regexp.MustCompile(`(?:\?\?|\|\|)\s*["']?(\d+)["']?\s*\)?\s*;?\s*$`)
	literal   = regexp.MustCompile(`^(?:["'` + "`" + `]([^"'` + "`" + `$]*)["'` + "`" + `]|(\d+)|(true|false|True|False|undefined))$`)
	nameOnly  = regexp.MustCompile(`^[A-Za-z_$][\w$]*$`)
)

// evaluate looks at an expression and, if it is a name, at what the file binds
// it to.
func evaluate(src, expr string) value {
	for range 4 { // a name for a name for a name
		expr = strings.TrimSuffix(strings.TrimSpace(expr), ";")
		if m := literal.FindStringSubmatch(expr); m != nil {
			return value{text: m[1] + m[2] + m[3], known: true}
		}
		if m := pyEnv.FindStringSubmatch(expr); m != nil {
			return value{text: m[2], env: m[1], known: m[2] != ""}
		}
		if m := pyEnvHard.FindStringSubmatch(expr); m != nil {
			return value{env: m[1]}
		}
		if m := jsEnv.FindStringSubmatch(expr); m != nil {
			v := value{text: m[3], env: m[1] + m[2]}
			if d := jsDefault.FindStringSubmatch(expr); d != nil {
				v.text = d[1]
			}
			v.known = v.text != ""
			return v
		}
		if !nameOnly.MatchString(expr) {
			return value{}
		}
		bound := regexp.MustCompile(`(?m)^\s*(?:export\s+)?(?:const\s+|let\s+|var\s+)?` + regexp.QuoteMeta(expr) + `\s*(?::[^=\n]+)?=\s*([^=\n][^\n]*)$`).FindStringSubmatch(src)
		if bound == nil {
			return value{}
		}
		expr, _, _ = strings.Cut(bound[1], "  #")
	}
	return value{}
}

// uncommented blanks out comments that fill a line, so that an example in one
// is not taken for code; lines keep their numbers.
func uncommented(src string, marks ...string) string {
	lines := strings.Split(src, "\n")
	for i, l := range lines {
		for _, mark := range marks {
			if strings.HasPrefix(strings.TrimSpace(l), mark) {
				lines[i] = ""
			}
		}
	}
	return strings.Join(lines, "\n")
}
