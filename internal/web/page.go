package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

//go:embed page.gohtml
var pageTemplate string

//go:embed page.css
var styles string

//go:embed page.js
var script string

//go:embed icon.svg
var icon []byte

// reloadSeconds is how often a browser without scripts asks again.
const reloadSeconds = 15

// Page serves the status page at /, the explanations of all codes at /findings
// and an icon. It answers GET and HEAD. view is asked for each page and may be
// called concurrently.
func Page(view func() View) http.Handler {
	p := &page{templates: parse(), policy: policy()}
	codes := newGlossary()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		p.write(w, "status", codes.screen(view()))
	})
	mux.HandleFunc("GET /findings", func(w http.ResponseWriter, _ *http.Request) {
		p.write(w, "findings", finding.Catalogue())
	})
	mux.HandleFunc("GET /icon.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Cache-Control", "max-age=86400")
		_, _ = w.Write(icon) // the reader has left
	})
	return mux
}

type page struct {
	templates *template.Template
	policy    string
}

// parse reads the templates. They are part of the program, so that a mistake in
// them is a mistake in the program.
func parse() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"styles": func() template.CSS { return template.CSS(styles) }, // our own file
		"script": func() template.JS { return template.JS(script) },   // our own file
		"reload": func() int { return reloadSeconds },
		"pieces": pieces,
		"lower":  strings.ToLower,
		"words":  gradeWords,
		"grades": finding.Grades,
	}).Parse(pageTemplate))
}

// policy lets the browser use our own style and script and nothing else.
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(styles) + "; script-src " + hash(script) +
		"; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// write renders the whole page before the first byte leaves.
func (p *page) write(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, fmt.Sprintf("render %s: %v", name, err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", p.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // the reader has left
}

// gradeWords says what a grade means, in a sentence.
func gradeWords(g finding.Grade) string {
	switch g {
	case finding.Healthy:
		return "A client lists at least one valid tool in time, and every check passes."
	case finding.Degraded:
		return "A client can work, but something is slow, cold, partly broken or about to end."
	case finding.Gated:
		return "It asks correctly for a credential that we do not hold: alive, not judged further."
	case finding.Unusable:
		return "A client gets an answer and cannot work."
	case finding.Dead:
		return "A client gets nothing."
	}
	return "It was not measured. That says nothing about the server."
}
