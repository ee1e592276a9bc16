package lint

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/finding"
	"go.yaml.in/yaml/v3"
)

// ignoreAnnotation silences findings on an object, each for a reason:
//
//	lint.holdfast.dev/ignore: "HF411=one replica by contract; HF509=no policy engine here"
const ignoreAnnotation = "lint.holdfast.dev/ignore"

// ignoreComment does the same for the line it stands on or above, in any file.
var ignoreComment = regexp.MustCompile(`(?:#|//)\s*holdfast:ignore\s+(HF\d{3})[=\s]*(.*)$`)

// Ignore silences findings. Empty fields match everything; Object and File are
// shell patterns as of path.Match.
type Ignore struct {
	Code   string `yaml:"code"`
	Object string `yaml:"object"`
	File   string `yaml:"file"`
	Reason string `yaml:"reason"`
}

func (i Ignore) matches(r Result) bool {
	if i.Code != r.Code && i.Code != r.Name {
		return false
	}
	return glob(i.Object, r.Object) && glob(i.File, r.File)
}

// glob matches a shell pattern against the whole text or its last part.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	for _, candidate := range []string{text, path.Base(text)} {
		if ok, err := path.Match(pattern, candidate); ok && err == nil {
			return true
		}
	}
	return false
}

// Fingerprint names a finding so that it is the same after an edit elsewhere
// in the file: code, object and place within the object, never the line.
func (r Result) Fingerprint() string {
	parts := []string{r.Code, r.Object, r.Path}
	if r.object == nil || r.object.root.node == nil || r.object.APIVersion == "" {
		parts = append(parts, r.File) // a Dockerfile is called the same everywhere
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// Baseline is what is known and tolerated: fingerprints, and how often each.
type Baseline map[string]int

type baselineFile struct {
	Version  int             `json:"version"`
	Findings []baselineEntry `json:"findings"`
}

type baselineEntry struct {
	Fingerprint string `json:"fingerprint"`
	Code        string `json:"code"`
	Object      string `json:"object"`
	Path        string `json:"path,omitempty"`
	File        string `json:"file"`
}

// maxBaseline bounds a baseline file, in bytes.
const maxBaseline = 16 << 20

// ReadBaseline reads what [Report.WriteBaseline] wrote.
func ReadBaseline(r io.Reader) (Baseline, error) {
	var f baselineFile
	dec := json.NewDecoder(io.LimitReader(r, maxBaseline))
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	if f.Version != 1 {
		return nil, fmt.Errorf("read baseline: version %d is not known, write it again", f.Version)
	}
	b := Baseline{}
	for _, e := range f.Findings {
		b[e.Fingerprint]++
	}
	return b, nil
}

// WriteBaseline writes every present finding, those already known included.
func (r Report) WriteBaseline(w io.Writer) error {
	f := baselineFile{Version: 1, Findings: []baselineEntry{}}
	for _, x := range slices.Concat(r.Findings, r.Known) {
		f.Findings = append(f.Findings, baselineEntry{x.Fingerprint(), x.Code, x.Object, x.Path, x.File})
	}
	slices.SortStableFunc(f.Findings, func(a, b baselineEntry) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path))
	})
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(f)
}

// divide sorts results into findings, ignored and known ones, and adds a
// finding for each ignore that gives no reason.
func (r *Report) divide(all []Result, opts Options) {
	known := Baseline{}
	maps.Copy(known, opts.Baseline)
	for _, x := range all {
		switch {
		case x.Name != "ignore.without_reason" && ignored(x, opts.Ignores):
			r.Ignored = append(r.Ignored, x)
		case known[x.Fingerprint()] > 0:
			known[x.Fingerprint()]--
			r.Known = append(r.Known, x)
		default:
			r.Findings = append(r.Findings, x)
		}
	}
}

func ignored(x Result, ignores []Ignore) bool {
	for _, i := range ignores {
		if strings.TrimSpace(i.Reason) != "" && i.matches(x) {
			return true
		}
	}
	if x.object == nil {
		return false
	}
	for code, reason := range x.object.ignores() {
		if reason != "" && (code == x.Code || code == x.Name) {
			return true
		}
	}
	for _, n := range []int{x.Line, x.Line - 1} {
		m := ignoreComment.FindStringSubmatch(x.object.file.line(n))
		if m == nil || m[1] != x.Code || strings.TrimSpace(m[2]) == "" {
			continue
		}
		if n == x.Line || onlyComment(x.object.file.line(n)) {
			return true
		}
	}
	return false
}

func onlyComment(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")
}

// ignores reads the annotation of the object and of its pod template.
func (o *Object) ignores() map[string]string {
	out := map[string]string{}
	for _, place := range o.ignorePlaces() {
		maps.Copy(out, parseIgnores(place.Str()))
	}
	return out
}

// parseIgnores reads "HF411=reason; HF509=reason" into reasons by code.
func parseIgnores(text string) map[string]string {
	out := map[string]string{}
	for entry := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ';' || c == '\n' }) {
		code, reason, _ := strings.Cut(strings.TrimSpace(entry), "=")
		if code = strings.TrimSpace(code); code != "" {
			out[code] = strings.TrimSpace(reason)
		}
	}
	return out
}

func (o *Object) ignorePlaces() []Value {
	var out []Value
	for _, at := range [][]string{{"metadata"}, {"spec", "template", "metadata"}, {"spec", "jobTemplate", "metadata"}} {
		if v := o.root.Get(append(at, "annotations", ignoreAnnotation)...); v.OK() {
			out = append(out, v)
		}
	}
	return out
}

// Config is the file that a project keeps beside its manifests.
type Config struct {
	// All treats every workload as an MCP server.
	All      bool                        `yaml:"all"`
	Skip     []string                    `yaml:"skip"`
	Severity map[string]finding.Severity `yaml:"severity"`
	Ignore   []Ignore                    `yaml:"ignore"`
}

// ReadConfig reads a config file strictly; all errors are told at once.
func ReadConfig(r io.Reader) (Config, error) {
	var c Config
	dec := yaml.NewDecoder(io.LimitReader(r, maxFile))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("read lint config: %w", err)
	}
	var errs []error
	for i, x := range c.Ignore {
		if _, ok := finding.Lookup(x.Code); !ok {
			errs = append(errs, fmt.Errorf("ignore[%d]: there is no code %q", i, x.Code))
		}
		if strings.TrimSpace(x.Reason) == "" {
			errs = append(errs, fmt.Errorf("ignore[%d]: %s needs a reason", i, x.Code))
		}
	}
	for code, s := range c.Severity {
		if _, ok := finding.Lookup(code); !ok || rank(s) == 0 {
			errs = append(errs, fmt.Errorf("severity: %s: %s is not a code with one of error, warning, info", code, s))
		}
	}
	return c, errors.Join(errs...)
}

// Apply adds what a config file says to the options.
func (c Config) Apply(o Options) Options {
	o.All = o.All || c.All
	o.Skip = append(slices.Clone(o.Skip), c.Skip...)
	o.Ignores = append(slices.Clone(o.Ignores), c.Ignore...)
	merged := map[string]finding.Severity{}
	for _, m := range []map[string]finding.Severity{c.Severity, o.Severity} {
		maps.Copy(merged, m)
	}
	o.Severity = merged
	return o
}
