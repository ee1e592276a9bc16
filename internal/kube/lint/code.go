package lint

import (
	"regexp"
	"strconv"
)

var (
	routeDecorator = regexp.MustCompile(`^\s*@\w+\.(?:get|route|custom_route)\(\s*["']([^"']+)["']`)
	asksOthers     = regexp.MustCompile(`\b(?:httpx|requests|aiohttp|session|client)\b[\s\S]*\.(?:get|post|head|request)\(`)
	timeoutArg     = regexp.MustCompile(`\btimeout\s*=\s*(?:httpx\.Timeout\()?([0-9]+(?:\.[0-9]+)?)`)
)

// handlerTimeouts reads from Python code how long each route's handler may wait
// for somebody else.
func (x *Index) handlerTimeouts() map[string]handlerTimeout {
	out := map[string]handlerTimeout{}
	for _, f := range x.files {
		if f.Kind != Python {
			continue
		}
		for i, line := range f.code.lines {
			m := routeDecorator.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			body := f.code.handler(i + 1)
			h := handlerTimeout{file: f, line: i + 1, asks: asksOthers.MatchString(body)}
			if t := timeoutArg.FindStringSubmatch(body); t != nil {
				if seconds, err := strconv.ParseFloat(t[1], 64); err == nil && seconds < 3600 {
					h.seconds = seconds
				}
			}
			out[m[1]] = h
		}
	}
	return out
}

var defLine = regexp.MustCompile(`^\s*(?:async\s+)?def\s`)

// handler gives the function that a decorator on a line is put on.
func (s *sourceCode) handler(line int) string {
	for i := line; i < min(line+8, len(s.lines)); i++ {
		if defLine.MatchString(s.lines[i]) {
			return s.block(i + 1)
		}
	}
	return ""
}
