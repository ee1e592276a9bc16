package probe

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// veil takes secrets out of texts: the credential, session ids, what a URL's
// query holds, and what the operator named.
type veil struct {
	secrets  []string
	replacer *strings.Replacer // nil until the next use after a change
}

const (
	// minSecret: hiding shorter texts would only mangle what is said.
	minSecret = 4
	// longValue is where a query value is hidden whatever its name is.
	longValue = 16
)

func newVeil(t Target) *veil {
	v := new(veil)
	for _, values := range t.Endpoint.Header {
		for _, value := range values {
			v.add(value)
			scheme, token, ok := strings.Cut(value, " ")
			if !ok {
				continue
			}
			v.add(token)
			if raw, err := base64.StdEncoding.DecodeString(token); err == nil && strings.EqualFold(scheme, "basic") {
				_, password, _ := strings.Cut(string(raw), ":")
				v.add(password)
			}
		}
	}
	for _, pair := range t.Endpoint.Env {
		if name, value, _ := strings.Cut(pair, "="); secretName(name) {
			v.add(value)
		}
	}
	for _, s := range t.Secrets {
		v.add(s)
	}
	v.addQuery(t.Endpoint.URL)
	return v
}

// addQuery hides what stands behind the question mark: the whole, and each
// value that looks like a secret, for servers repeat them one by one.
func (v *veil) addQuery(raw string) {
	_, query, ok := strings.Cut(raw, "?")
	if !ok {
		return
	}
	query, _, _ = strings.Cut(query, "#")
	v.add(query)
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if !secretName(name) && len(value) < longValue {
			continue
		}
		v.add(value)
		if plain, err := url.QueryUnescape(value); err == nil {
			v.add(plain)
		}
	}
}

// secretName tells whether a name says that its value is one.
func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"key", "token", "secret", "pass", "pwd", "auth", "sig", "cred", "session", "jwt", "code"},
		func(part string) bool { return strings.Contains(name, part) })
}

// add hides a text, in the spellings that JSON and URLs have for it.
func (v *veil) add(secret string) {
	if len(secret) < minSecret || slices.Contains(v.secrets, secret) {
		return
	}
	v.secrets = append(v.secrets, secret)
	for _, spelling := range []string{quoted(secret, true), quoted(secret, false), url.QueryEscape(secret), url.PathEscape(secret)} {
		if !slices.Contains(v.secrets, spelling) {
			v.secrets = append(v.secrets, spelling)
		}
	}
	v.replacer = nil
}

// quoted spells a text as it stands inside a JSON string.
func quoted(s string, html bool) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	if enc.Encode(s) != nil { // cannot happen for a string
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// learn hides the ids that an exchange brought: of sessions, in the header and
// in the URL that HTTP+SSE posts to.
func (v *veil) learn(x *client.Exchange) {
	v.add(x.Header.Get(mcp.HeaderSession))
	v.addQuery(x.URL)
}

// hide replaces every secret in a text.
func (v *veil) hide(s string) string {
	if len(v.secrets) == 0 {
		return s
	}
	if v.replacer == nil {
		// Longer ones first: one may be part of another.
		slices.SortStableFunc(v.secrets, func(a, b string) int { return len(b) - len(a) })
		pairs := make([]string, 0, 2*len(v.secrets))
		for _, secret := range v.secrets {
			pairs = append(pairs, secret, "[redacted]")
		}
		v.replacer = strings.NewReplacer(pairs...)
	}
	return v.hideCut(v.hideCut(v.replacer.Replace(s), "..."), "…")
}

// hideCut hides what is left of a secret where somebody else has cut the text
// before it came here.
func (v *veil) hideCut(s, ellipsis string) string {
	head, rest, found := strings.Cut(s, ellipsis)
	if !found {
		return s
	}
	cut := 0
	for _, secret := range v.secrets {
		for k := min(len(secret)-1, len(head)); k >= minSecret && k > cut; k-- {
			if strings.HasSuffix(head, secret[:k]) {
				cut = k
			}
		}
	}
	if cut > 0 {
		head = head[:len(head)-cut] + "[redacted]"
	}
	return head + ellipsis + v.hideCut(rest, ellipsis)
}

func (j *journey) redact(s string) string { return j.hidden.hide(s) }

// veilAll goes over everything that leaves the probe, for some secrets are only
// learned on the way.
func (j *journey) veilAll() {
	if len(j.hidden.secrets) == 0 {
		return
	}
	r := &j.res
	each := func(texts ...*string) {
		for _, t := range texts {
			*t = j.redact(*t)
		}
	}
	if r.Server != nil {
		each(&r.Server.Name, &r.Server.Version)
	}
	for i := range r.Versions {
		each(&r.Versions[i])
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		each(&f.Subject, &f.Seen, &f.Evidence)
	}
	for i := range r.Inventory {
		each(&r.Inventory[i].Name)
		for k := range r.Inventory[i].Problems {
			each(&r.Inventory[i].Problems[k])
		}
	}
	for i := range r.Steps {
		each(&r.Steps[i].Detail)
	}
	for i := range r.Transcript {
		each(&r.Transcript[i].Request, &r.Transcript[i].Response)
	}
	each(&r.Curl)
}

// placeholder quotes the first {part} of a URL and nothing else of it.
func placeholder(raw string) string {
	start := strings.IndexAny(raw, "{<")
	if start < 0 {
		start = strings.IndexAny(raw, "}>")
	}
	rest := raw[start:]
	if end := strings.IndexAny(rest, "}>"); end >= 0 {
		rest = rest[:end+1]
	}
	return clipTo(printable(rest), 80)
}
