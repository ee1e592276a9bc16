package lint

import (
	"regexp"
	"strings"
)

func authCodeRules() []Rule {
	return []Rule{
		{Name: "auth.unattached", Reads: "Python, TypeScript", Heuristic: true, Check: authUnattached},
		{Name: "auth.secret_in_code", Reads: "Python, TypeScript", Heuristic: true, Check: secretInCode},
		{Name: "auth.challenge_missing", Reads: "Python, TypeScript", Heuristic: true, Check: challengeMissing},
		{Name: "auth.no_audience", Reads: "Python, TypeScript", Heuristic: true, Check: noAudience},
	}
}

var verifier = regexp.MustCompile(`^(?:export\s+)?(?:(?:async\s+)?def|(?:async\s+)?function|const|let)\s+((?i:verify_?(?:token|jwt|auth|bearer)|check_?(?:token|auth)|validate_?(?:token|jwt)|require_?(?:auth|token)|authenticate|auth_?middleware|get_?current_?user)\w*)\b`)

func authUnattached(p *Pass) {
	for _, f := range p.entries() {
		for i, line := range f.code.lines {
			m := verifier.FindStringSubmatch(line)
			if m == nil || p.mentions(m[1]) > 1 || decorated(f.code.lines, i) {
				continue
			}
			p.ReportLine(f, i+1, m[1], nil, m[1]+" is defined, and nothing in the input uses it")
		}
	}
}

// mentions counts a name in all entry points.
func (p *Pass) mentions(name string) int {
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
	n := 0
	for _, f := range p.entries() {
		n += len(word.FindAllStringIndex(f.code.text, 2))
	}
	return n
}

// decorated tells whether a decorator attaches the function.
func decorated(lines []string, i int) bool {
	return i > 0 && strings.HasPrefix(strings.TrimSpace(lines[i-1]), "@")
}

var secretLiteral = regexp.MustCompile(`(?i)\b(\w*(?:client_?secret|secret_?key|api_?key|access_?token|auth_?token|password))["']?\s*[:=]\s*["']([^"'\s]{8,})["']`)

func secretInCode(p *Pass) {
	for _, f := range p.entries() {
		for i, line := range f.code.lines {
			if m := secretLiteral.FindStringSubmatch(line); m != nil && looksSecret(m[2]) {
				p.ReportLine(f, i+1, m[1], nil, m[1]+" is a literal in the code")
			}
		}
	}
}

var placeholder = regexp.MustCompile(`(?i)your|example|change|placeholder|replace|dummy|xxxx|<|\$\{|\{\{|^https?:|^%|redacted|todo|\.\.\.`)

// looksSecret tells a value from a name or a placeholder: it has digits or
// upper and lower case, and says nothing of being replaced.
func looksSecret(value string) bool {
	if len(value) < 8 || placeholder.MatchString(value) {
		return false
	}
	digits := strings.ContainsAny(value, "0123456789")
	mixed := strings.ToLower(value) != value && strings.ToUpper(value) != value
	return digits || mixed
}

var (
	answers401 = regexp.MustCompile(`status_code\s*=\s*(?:401|status\.HTTP_401)|HTTPException\(\s*(?:401|status\.HTTP_401)|\.status\(\s*401\s*\)|status:\s*401\b|writeHead\(\s*401`)
	challenge  = regexp.MustCompile(`(?i)www[-_]authenticate`)
)

func challengeMissing(p *Pass) {
	for _, f := range p.entries() {
		if line, _ := f.code.find(answers401); line > 0 && !f.code.has(challenge) {
			p.ReportLine(f, line, "401", nil, "401 is answered, and no WWW-Authenticate header is set in this file")
		}
	}
}

var (
	decodesToken  = regexp.MustCompile(`\bjwt\.decode\(|\bjwtVerify\(|\bjwt\.verify\(`)
	introspects   = regexp.MustCompile(`(?i)introspect`)
	readsActive   = regexp.MustCompile(`["']active["']|\.active\b`)
	readsAudience = regexp.MustCompile(`(?i)["']aud["']|\.aud\b|audience`)
	audienceOff   = regexp.MustCompile(`verify_aud["']?\s*[:=]\s*(?:False|false)`)
)

func noAudience(p *Pass) {
	for _, f := range p.entries() {
		line, _ := f.code.find(decodesToken)
		off, _ := f.code.find(audienceOff)
		switch {
		case off > 0:
			p.ReportLine(f, off, "aud", nil, "the audience check is turned off")
		case line > 0 && !readsAudience.MatchString(f.code.text):
			p.ReportLine(f, line, "aud", nil, "a token is decoded, and its audience is never looked at")
		case line == 0 && f.code.has(introspects) && !f.code.has(readsAudience):
			if active, _ := f.code.find(readsActive); active > 0 {
				p.ReportLine(f, active, "aud", nil, "an introspected token counts when it is active, for whatever audience")
			}
		}
	}
}
