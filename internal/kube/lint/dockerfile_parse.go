package lint

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Dockerfile is read by this small splitter instead of BuildKit's parser: the
// rules need instructions, their lines, exec or shell form and stages, while
// BuildKit's module brings containerd, gRPC and a hundred more. It knows line
// continuations with the escape directive, comments inside them, heredocs and
// the JSON form; ONBUILD counts as its own instruction.

// instruction is one instruction of a Dockerfile.
type instruction struct {
	Name     string // upper case
	Args     string // continuation lines joined by a blank, flags kept
	Exec     []string
	ExecForm bool
	Body     string // of heredocs
	Line     int    // first line, from 1
	End      int    // last line
}

// stage is what one FROM begins.
type stage struct {
	From         instruction
	Image, Name  string
	Instructions []instruction
}

type dockerfile struct {
	Args         []instruction // before the first FROM
	Stages       []stage
	instructions []instruction
}

const maxInstructions = 10_000

var (
	escapeDirective = regexp.MustCompile(`^#\s*escape\s*=\s*(\S)`)
	heredocMark     = regexp.MustCompile(`<<(-?)\s*(["']?)([A-Za-z_][A-Za-z0-9_]*)["']?`)
)

func parseDockerfile(src string) *dockerfile {
	d := &dockerfile{}
	r := dockerReader{lines: strings.Split(strings.ReplaceAll(src, "\r\n", "\n"), "\n"), escape: `\`}
	r.directives()
	for len(d.instructions) < maxInstructions {
		in, ok := r.next()
		if !ok {
			break
		}
		d.instructions = append(d.instructions, in)
		d.place(in)
	}
	return d
}

func (d *dockerfile) place(in instruction) {
	switch {
	case in.Name == "FROM":
		words := withoutFlags(in.Args)
		s := stage{From: in}
		if len(words) > 0 {
			s.Image = words[0]
		}
		if len(words) > 2 && strings.EqualFold(words[1], "as") {
			s.Name = words[2]
		}
		d.Stages = append(d.Stages, s)
	case len(d.Stages) == 0:
		d.Args = append(d.Args, in)
	default:
		last := &d.Stages[len(d.Stages)-1]
		last.Instructions = append(last.Instructions, in)
	}
}

// withoutFlags splits arguments at blanks and drops leading --flags.
func withoutFlags(args string) []string {
	words := strings.Fields(args)
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		words = words[1:]
	}
	return words
}

// final is the stage that becomes the image.
func (d *dockerfile) final() (stage, bool) {
	if len(d.Stages) == 0 {
		return stage{}, false
	}
	return d.Stages[len(d.Stages)-1], true
}

// stageNamed tells whether a FROM names an earlier stage instead of an image.
func (d *dockerfile) stageNamed(name string) (stage, bool) {
	for _, s := range d.Stages {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return stage{}, false
}

// lineage gives the instructions that shape the final image: those of the last
// stage and of the stages it is built from, oldest first.
func (d *dockerfile) lineage() []instruction {
	s, ok := d.final()
	if !ok {
		return nil
	}
	out := s.Instructions
	for range len(d.Stages) {
		parent, found := d.stageNamed(s.Image)
		if !found || parent.From.Line >= s.From.Line {
			break
		}
		out = append(append([]instruction{}, parent.Instructions...), out...)
		s = parent
	}
	return out
}

// base is the image that the final stage ends in.
func (d *dockerfile) base() string {
	s, ok := d.final()
	for range len(d.Stages) {
		parent, found := d.stageNamed(s.Image)
		if !ok || !found || parent.From.Line >= s.From.Line {
			break
		}
		s = parent
	}
	return s.Image
}

// last finds the instruction of a name that wins in the final image.
func (d *dockerfile) last(name string) (instruction, bool) {
	lineage := d.lineage()
	for _, l := range slices.Backward(lineage) {
		if l.Name == name {
			return l, true
		}
	}
	return instruction{}, false
}

// words is the command line of an ENTRYPOINT or CMD.
func (in instruction) words() []string {
	if in.ExecForm {
		return in.Exec
	}
	return strings.Fields(in.Args)
}

// command is the whole command line of the image and the instruction that
// starts it; ok is false where the base image decides.
func (d *dockerfile) command() (words []string, at instruction, ok bool) {
	entry, hasEntry := d.last("ENTRYPOINT")
	cmd, hasCmd := d.last("CMD")
	switch {
	case hasEntry && hasCmd && entry.ExecForm:
		return append(append([]string{}, entry.words()...), cmd.words()...), entry, true
	case hasEntry:
		return entry.words(), entry, true
	case hasCmd:
		return cmd.words(), cmd, true
	default:
		return nil, instruction{}, false
	}
}

type dockerReader struct {
	lines  []string
	at     int
	escape string
}

// directives reads the parser directives, which stand before all else.
func (r *dockerReader) directives() {
	for _, line := range r.lines {
		trimmed := strings.ToLower(strings.TrimSpace(line))
		if !strings.HasPrefix(trimmed, "#") || !strings.Contains(trimmed, "=") {
			return
		}
		if m := escapeDirective.FindStringSubmatch(trimmed); m != nil && m[1] == "`" {
			r.escape = "`"
		}
	}
}

func blankOrComment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

func (r *dockerReader) next() (instruction, bool) {
	for r.at < len(r.lines) && blankOrComment(r.lines[r.at]) {
		r.at++
	}
	if r.at >= len(r.lines) {
		return instruction{}, false
	}
	first := r.at
	var text strings.Builder
	for r.at < len(r.lines) {
		line := r.lines[r.at]
		r.at++
		if text.Len() > 0 && blankOrComment(line) {
			continue // allowed inside a continuation
		}
		trimmed := strings.TrimRight(line, " \t")
		rest, continued := strings.CutSuffix(trimmed, r.escape)
		text.WriteString(strings.TrimSpace(rest))
		if !continued {
			break
		}
		text.WriteByte(' ')
	}
	in := newInstruction(text.String(), first+1)
	in.Body = r.heredocs(in)
	in.End = r.at
	return in, true
}

func newInstruction(text string, line int) instruction {
	name, args, _ := strings.Cut(strings.TrimSpace(text), " ")
	in := instruction{Name: strings.ToUpper(name), Args: strings.TrimSpace(args), Line: line}
	if in.Name == "CMD" || in.Name == "ENTRYPOINT" || in.Name == "RUN" || in.Name == "HEALTHCHECK" {
		body := in.Args
		if in.Name == "HEALTHCHECK" {
			_, body, _ = strings.Cut(body, "CMD")
		}
		for strings.HasPrefix(body, "--") {
			_, body, _ = strings.Cut(body, " ")
			body = strings.TrimSpace(body)
		}
		in.ExecForm = json.Unmarshal([]byte(strings.TrimSpace(body)), &in.Exec) == nil && in.Exec != nil
	}
	return in
}

// heredocs reads the bodies that follow an instruction which opens some.
func (r *dockerReader) heredocs(in instruction) string {
	if in.Name != "RUN" && in.Name != "COPY" && in.Name != "ADD" {
		return ""
	}
	var body strings.Builder
	for _, m := range heredocMark.FindAllStringSubmatch(in.Args, -1) {
		end := r.at
		for end < len(r.lines) && !endsHeredoc(r.lines[end], m[3], m[1] == "-") {
			end++
		}
		if end == len(r.lines) {
			return body.String() // never closed: "<<" was something else
		}
		body.WriteString(strings.Join(r.lines[r.at:end], "\n"))
		body.WriteByte('\n')
		r.at = end + 1
	}
	return body.String()
}

func endsHeredoc(line, mark string, dash bool) bool {
	if dash {
		line = strings.TrimLeft(line, "\t")
	}
	return line == mark
}

// program is the file name of the first word.
func program(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return path.Base(words[0])
}
