package config

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/holdfast-mcp/holdfast/api/v1alpha1"
)

// maxSecret bounds a file with a secret, in bytes.
const maxSecret = 64 << 10

const envOpen = "${env:"

// header is what the server is shown. Problems name fields and files, never
// what is in them.
func (b *builder) header(at string, c *v1alpha1.Credential) http.Header {
	if c == nil {
		return nil
	}
	out := http.Header{}
	for i, h := range c.Headers {
		path := fmt.Sprintf("%s.headers[%d]", at, i)
		name := http.CanonicalHeaderKey(h.Name)
		b.need(!reserved(name), path+".name", "%s is set by the protocol", name)
		b.need(name != "Authorization" || c.Bearer == nil, path+".name", "bearer sets Authorization already")
		b.need(out[name] == nil, path+".name", "the same header as one before")
		value := b.secret(path+".value", h.Value)
		b.need(httpguts.ValidHeaderFieldValue(value), path+".value", "does not hold the value of a header")
		out.Set(name, value)
	}
	if c.Bearer != nil {
		token := b.secret(at+".bearer", *c.Bearer)
		b.need(!strings.ContainsAny(token, " \t\r\n") && httpguts.ValidHeaderFieldValue(token), at+".bearer", "does not hold the bare token and nothing else")
		out.Set("Authorization", "Bearer "+token)
	}
	return out
}

// reserved names headers that the protocol or the connection sets.
func reserved(canonical string) bool {
	return strings.HasPrefix(canonical, "Mcp-") || slices.Contains([]string{
		"Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Host", "Last-Event-Id", "Transfer-Encoding",
	}, canonical)
}

// secret reads a value, without the space around it; "" after a problem.
func (b *builder) secret(at string, v v1alpha1.SecretValue) string {
	if v.Secret != nil {
		return "" // refused as unsupported
	}
	if (v.File != "") == (v.Env != "") {
		b.need(false, at, "set exactly one of file and env")
		return ""
	}
	if v.Env != "" {
		text, ok := b.variable(at+".env", v.Env)
		text = strings.TrimSpace(text)
		b.need(text != "" || !ok, at+".env", "the variable %.80q is empty", v.Env)
		return text
	}
	text, err := b.read(v.File)
	if err != nil {
		b.need(false, at+".file", "%v", err)
		return ""
	}
	text = strings.TrimSpace(text)
	b.need(text != "", at+".file", "%s is empty", v.File)
	return text
}

func (b *builder) read(name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(b.dir, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = errors.New(name + " has more than 64 KiB, which no secret needs")
	}
	return string(data), err
}

// reference resolves ${env:NAME}, which must be the whole value.
func (b *builder) reference(at, value string) string {
	name, ok := strings.CutPrefix(value, envOpen)
	name, closed := strings.CutSuffix(name, "}")
	if !ok || !closed || strings.ContainsAny(name, "${}") {
		b.need(false, at, "${env:NAME} must be the whole value")
		return ""
	}
	text, _ := b.variable(at, name) // a variable that is not there is told
	return text
}

// variable looks up the environment, in which the last one of a name counts.
func (b *builder) variable(at, name string) (value string, ok bool) {
	for _, v := range slices.Backward(b.env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok && name != "" {
			return value, true
		}
	}
	b.need(false, at, "the environment has no variable %.80q", name)
	return "", false
}
