package probe

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

const (
	maxClip       = 200
	maxTranscript = 1 << 10 // bytes shown of a body
	maxShown      = 8 << 10 // bytes of a body that are looked at for that
	maxLines      = 40
)

// evidence writes the transcript and the command line that shows the same.
func (j *journey) evidence() {
	for _, x := range j.exchanges[:min(len(j.exchanges), maxLines)] {
		j.res.Transcript = append(j.res.Transcript, Line{
			Request: j.requestLine(x), Response: j.responseLine(x), Seconds: toSeconds(x.Timing.Total),
		})
	}
	x := j.decisive
	if x == nil || x.HTTPMethod == "" {
		return
	}
	j.res.Curl = j.redact(j.curl(x))
	for i := range j.res.Findings {
		if f := &j.res.Findings[i]; f.Evidence == "" && gradeOf(*f).Accuses() {
			f.Evidence = j.res.Curl
		}
	}
}

func (j *journey) requestLine(x *client.Exchange) string {
	if x.HTTPMethod == "" {
		return j.shown(x.Request)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", x.HTTPMethod, withoutQuery(x.URL))
	for _, name := range shownHeaders(x.RequestHeader) {
		fmt.Fprintf(&b, "\n%s: %s", name, strings.Join(x.RequestHeader[name], ", "))
	}
	if len(x.Request) > 0 {
		b.WriteString("\n\n" + j.shown(x.Request))
	}
	return b.String()
}

// shown makes a body fit for the transcript. What is secret goes before it is
// clipped: half a secret would not be found any more.
func (j *journey) shown(body []byte) string {
	look := maxShown
	if len(j.hidden.secrets) == 0 {
		look = maxTranscript + utf8.UTFMax
	}
	return clipTo(printable(j.redact(string(body[:min(len(body), look)]))), maxTranscript)
}

func (j *journey) responseLine(x *client.Exchange) string {
	if x.Status == 0 && x.Err != nil {
		return x.Err.Error()
	}
	var b strings.Builder
	if x.Status != 0 {
		fmt.Fprintf(&b, "%d %s", x.Status, http.StatusText(x.Status))
	}
	for _, name := range []string{"Content-Type", "Www-Authenticate", "Retry-After", "Location", mcp.HeaderSession} {
		if v := x.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "\n%s: %s", name, j.clip(v))
		}
	}
	if len(x.Body) > 0 {
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(j.shown(x.Body))
	}
	if x.Err != nil {
		fmt.Fprintf(&b, "\n(%v)", x.Err)
	}
	return b.String()
}

// shownHeaders lists the request headers worth showing, sorted.
func shownHeaders(h http.Header) []string { return slices.Sorted(maps.Keys(h)) }

// curl gives the command that repeats an exchange. The credential is left for
// the reader to fill in.
func (j *journey) curl(x *client.Exchange) string {
	var b strings.Builder
	b.WriteString("curl -sS -i")
	if x.HTTPMethod != http.MethodPost {
		b.WriteString(" -X " + x.HTTPMethod)
	}
	for _, name := range shownHeaders(x.RequestHeader) {
		for _, v := range x.RequestHeader[name] {
			b.WriteString(" -H " + quote(name+": "+v))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.target.Endpoint.Header)) {
		b.WriteString(" -H " + quote(name+": …"))
	}
	if len(x.Request) > 0 {
		b.WriteString(" --data-raw " + quote(string(x.Request)))
	}
	b.WriteString(" " + quote(withoutQuery(x.URL)))
	return b.String()
}

// quote makes a word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// withoutQuery drops what may hold a key.
func withoutQuery(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(unparsable URL)"
	}
	u.User = nil
	if u.RawQuery != "" {
		u.RawQuery = "…"
	}
	return u.String()
}

// clip makes a text of the peer's fit for a report: bounded, one line, no
// control or bidirectional characters.
func (j *journey) clip(s string) string { return clipTo(printable(j.redact(s)), maxClip) }

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, strings.ToValidUTF8(s, "·"))
}

func clipTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
