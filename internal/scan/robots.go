package scan

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/egress"
)

const (
	// maxRobots is as much of a robots.txt as has to be read (RFC 9309 section
	// 2.5 asks for at least 500 KiB).
	maxRobots = 512 << 10
	// robotsTimeout bounds the fetch: a host that is slow with it will be
	// found slow by the probe.
	robotsTimeout = 5 * time.Second
	// robotsHops is how many redirects are followed (section 2.3.1.2 asks for
	// five), none of them to another host.
	robotsHops = 5
)

// robots knows what the robots.txt of each origin wants of us. It is safe for
// concurrent use; two probes of one origin at once may both fetch it.
type robots struct {
	http  *egress.Client
	token string
	agent string

	mu    sync.Mutex
	rules map[string][]robotsRule // by origin
}

func newRobots(c *egress.Client, token, agent string) *robots {
	return &robots{http: c, token: strings.ToLower(token), agent: agent, rules: map[string][]robotsRule{}}
}

// forbids says which rule keeps us from asking u, "" if none does. A robots.txt
// that cannot be had forbids nothing.
func (r *robots) forbids(ctx context.Context, u *url.URL) string {
	origin := u.Scheme + "://" + u.Host
	r.mu.Lock()
	rules, known := r.rules[origin]
	r.mu.Unlock()
	if !known {
		rules = r.fetch(ctx, origin)
		if ctx.Err() == nil {
			r.mu.Lock()
			r.rules[origin] = rules
			r.mu.Unlock()
		}
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return forbiddenBy(rules, path)
}

// fetch reads and parses the robots.txt of an origin.
func (r *robots) fetch(ctx context.Context, origin string) []robotsRule {
	ctx, cancel := context.WithTimeout(ctx, robotsTimeout)
	defer cancel()
	at, err := url.Parse(origin + "/robots.txt")
	for hop := 0; err == nil && hop <= robotsHops; hop++ {
		var rules []robotsRule
		var next *url.URL
		rules, next, err = r.get(ctx, at)
		if next == nil {
			return rules
		}
		at = next
	}
	return nil
}

// get fetches one URL; next is where it redirects to.
func (r *robots) get(ctx context.Context, at *url.URL) (rules []robotsRule, next *url.URL, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", r.agent)
	req.Header.Set("Accept", "text/plain, */*;q=0.1")
	res, err := r.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	if to, ok := res.Redirect(); ok {
		if to.Location == nil || to.OtherHost || to.NotHTTP || to.Downgrade {
			return nil, nil, nil
		}
		return nil, to.Location, nil
	}
	if res.StatusCode/100 != 2 {
		return nil, nil, nil
	}
	res.LimitBody(maxRobots)
	body, _ := io.ReadAll(res.Body) // what came before a fault or the limit counts
	return parseRobots(string(body), r.token), nil, nil
}

// robotsRule is one line of the group that is about us.
type robotsRule struct {
	allow   bool
	pattern string
}

// maxRobotsRules bounds the rules kept of one origin.
const maxRobotsRules = 1000

// parseRobots takes the rules for a product token out of a robots.txt: those
// of all groups that name it, or else of all groups for "*" (RFC 9309 section
// 2.2.1). token is in lower case.
func parseRobots(text, token string) []robotsRule {
	var ours, anyones []robotsRule
	var named, forUs, forAll, inRules bool
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line, _, _ = strings.Cut(line, "#")
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch key = strings.ToLower(strings.TrimSpace(key)); key {
		case "user-agent":
			if inRules { // a new group begins
				forUs, forAll, inRules = false, false, false
			}
			agent := productToken(value)
			forUs = forUs || agent == token
			forAll = forAll || value == "*"
			named = named || agent == token
		case "allow", "disallow":
			inRules = true
			if value == "" {
				continue
			}
			rule := robotsRule{allow: key == "allow", pattern: normalPath(value)}
			if forUs && len(ours) < maxRobotsRules {
				ours = append(ours, rule)
			}
			if forAll && len(anyones) < maxRobotsRules {
				anyones = append(anyones, rule)
			}
		}
	}
	if named {
		return ours
	}
	return anyones
}

// productToken is the part of a user-agent line that counts, in lower case.
func productToken(s string) string {
	end := strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_')
	})
	if end >= 0 {
		s = s[:end]
	}
	return strings.ToLower(s)
}

// forbiddenBy gives the rule that forbids a path: the longest that matches,
// and of two equally long ones the one that allows (section 2.2.2).
func forbiddenBy(rules []robotsRule, path string) string {
	path = normalPath(path)
	var best robotsRule
	found := false
	for _, r := range rules {
		if !matchPath(r.pattern, path) {
			continue
		}
		if !found || len(r.pattern) > len(best.pattern) || len(r.pattern) == len(best.pattern) && r.allow {
			best, found = r, true
		}
	}
	if !found || best.allow {
		return ""
	}
	return fmt.Sprintf("robots.txt disallows %s", clip(best.pattern))
}

// matchPath matches a pattern with * and a final $ against a path, from its
// beginning. It takes the product of both lengths at worst.
func matchPath(pattern, path string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(path, parts[0]) {
		return false
	}
	path = path[len(parts[0]):]
	for i, part := range parts[1:] {
		if whole && i == len(parts)-2 {
			return strings.HasSuffix(path, part)
		}
		at := strings.Index(path, part)
		if at < 0 {
			return false
		}
		path = path[at+len(part):]
	}
	return !whole || path == ""
}

// normalPath spells percent-encoding one way: unreserved characters plain,
// everything else in upper case, other than ASCII encoded.
func normalPath(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		encoded := c >= 0x80
		if c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			encoded = !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0)
			i += 2
		}
		if encoded {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
