package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const oddDockerfile = `# syntax=docker/dockerfile:1
ARG BASE=alpine
FROM --platform=$BUILDPLATFORM ${BASE} AS build
RUN apk add \
    # a comment inside
    git \
    make
RUN <<END
echo CMD not an instruction
USER root
END
COPY <<-"A" <<B /x/
	a
	A
b
B
FROM build as Final
ENTRYPOINT [ "a", "b c" ]
CMD x && y
HEALTHCHECK --interval=5s CMD ["curl", "-f", "http://x"]
`

func TestDockerfile(t *testing.T) {
	d := parseDockerfile(oddDockerfile)
	type row struct {
		Name, Args string
		Exec       []string
		Line, End  int
	}
	var got []row
	for _, in := range d.instructions {
		got = append(got, row{in.Name, in.Args, in.Exec, in.Line, in.End})
	}
	want := []row{
		{"ARG", "BASE=alpine", nil, 2, 2},
		{"FROM", "--platform=$BUILDPLATFORM ${BASE} AS build", nil, 3, 3},
		{"RUN", "apk add git make", nil, 4, 7},
		{"RUN", "<<END", nil, 8, 11},
		{"COPY", `<<-"A" <<B /x/`, nil, 12, 16},
		{"FROM", "build as Final", nil, 17, 17},
		{"ENTRYPOINT", `[ "a", "b c" ]`, []string{"a", "b c"}, 18, 18},
		{"CMD", "x && y", nil, 19, 19},
		{"HEALTHCHECK", `--interval=5s CMD ["curl", "-f", "http://x"]`, []string{"curl", "-f", "http://x"}, 20, 20},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := d.base(); got != "${BASE}" {
		t.Errorf("base %q", got)
	}
	if got := d.instructions[3].Body; got != "echo CMD not an instruction\nUSER root\n" {
		t.Errorf("body %q", got)
	}
	if _, set := d.last("USER"); set {
		t.Error("a line of a heredoc counts as an instruction")
	}
	if words, _, ok := d.command(); !ok || len(words) != 5 {
		t.Errorf("command %q", words)
	}
}

func TestDockerfileEscape(t *testing.T) {
	d := parseDockerfile("# escape=`\r\nFROM windows\r\nRUN a `\r\n  b\r\nCMD c:\\x\\\r\n")
	if len(d.instructions) != 3 || d.instructions[1].Args != "a b" || d.instructions[2].Args != `c:\x\` {
		t.Errorf("%+v", d.instructions)
	}
}

func TestUnits(t *testing.T) {
	for in, want := range map[string]string{"300": "5m", "300s": "5m", "1h30m": "1h30m", "0.5": "500ms", "-1": "-1s"} {
		if d, ok := parseDuration(in); !ok || short(d) != want {
			t.Errorf("parseDuration(%q) = %s, %v", in, short(d), ok)
		}
	}
	for _, in := range []string{"", "five", "1e300", "NaN", "5 m"} {
		if d, ok := parseDuration(in); ok {
			t.Errorf("parseDuration(%q) = %s", in, d)
		}
	}
	for in, want := range map[string]imageRef{
		"a":                      {"a", "", ""},
		"r.io:5000/a/b":          {"r.io:5000/a/b", "", ""},
		"r.io:5000/a/b:1":        {"r.io:5000/a/b", "1", ""},
		"r.io/a:1@sha256:3f":     {"r.io/a", "1", "sha256:3f"},
		"ghcr.io/x/weather-mcp@": {"ghcr.io/x/weather-mcp", "", ""},
	} {
		if got := parseImage(in); got != want {
			t.Errorf("parseImage(%q) = %+v", in, got)
		}
	}
	for in, want := range map[string]int64{"500m": 500, "1": 1000, "0.25": 250, "1.5": 1500} {
		if got, ok := cpu(in); !ok || got != want {
			t.Errorf("cpu(%q) = %d", in, got)
		}
	}
	for _, pair := range [][2]string{{"1.22.0", "1.23.0"}, {"1.9.4", "1.10.0"}, {"2.0.0rc1", "2.0.0"}, {"1.0", "1.0.1"}, {"v1.4.0", "1.4.1"}} {
		if !older(pair[0], pair[1]) || older(pair[1], pair[0]) {
			t.Errorf("%s should be older than %s", pair[0], pair[1])
		}
	}
}

// TestWords shows what counts as saying mcp.
func TestWords(t *testing.T) {
	for _, s := range []string{"mcp", "weather-mcp", "mcp-server", "mcpserver", "fastmcp", "ghcr.io/github/github-mcp-server", "MCP_PORT", "@modelcontextprotocol/server-everything", "my_mcp"} {
		if !mcpWord(s) {
			t.Errorf("%q should say mcp", s)
		}
	}
	for _, s := range []string{"", "mcpx", "tcmp", "gcmcpu", "dmcp-relay", "campcp", "weather"} {
		if mcpWord(s) {
			t.Errorf("%q should not say mcp", s)
		}
	}
	for s, want := range map[string]bool{"/mcp": true, "/mcp/": true, "/a/mcp": true, "/mcp/v1": true, "/mcpx": false, "/": false, "/.well-known/x": false, "/MCP": true} {
		if isMCPPath(s) != want {
			t.Errorf("isMCPPath(%q) = %v", s, !want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		"kind: Deployment\napiVersion: apps/v1\nmetadata: {name: mcp, labels: {a: b}}\nspec: {template: {spec: {containers: [{name: a, image: b, ports: [{containerPort: 1}]}]}}}\n",
		"kind: Service\napiVersion: v1\nmetadata: {name: mcp}\nspec: {ports: [{port: 443}], selector: {a: b}}\n---\nkind: List\nitems: [{kind: Ingress}]\n",
		"a: &a [*a]\n<<: *a\nkind: x\n", "services: {mcp: {image: a, command: npx b}}\n", "--- |\n--- >\nkind: [\n", "kind: CronJob\nspec: {schedule: 1}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		r := lintText(t, Options{All: true}, "a.yaml", string(src))
		for _, x := range r.Findings {
			if x.Line < 1 || x.Column < 1 || x.Code == "" {
				t.Fatalf("a finding without place: %+v", x)
			}
		}
		for _, p := range r.Patches() {
			after := lintText(t, Options{All: true}, "a.yaml", string(p.New))
			if hasCode(after, "HF690") && !hasCode(r, "HF690") {
				t.Fatalf("the fixes broke the file:\n%s", p.Diff())
			}
		}
	})
}

func hasCode(r Report, code string) bool { return strings.Contains(codes(r), code) }

func FuzzDockerfile(f *testing.F) {
	for _, seed := range []string{"FROM a\nRUN <<E\nx\nE\nCMD [\"a\"]\n", "# escape=`\nFROM a AS b\nFROM b\nUSER x", "FROM\nCOPY . .\n\\\n", "HEALTHCHECK --x CMD", "RUN --a --"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		lines := strings.Count(string(src), "\n") + 1
		for _, in := range parseDockerfile(string(src)).instructions {
			if in.Line < 1 || in.End < in.Line || in.End > lines {
				t.Fatalf("instruction %q at %d to %d of %d", in.Name, in.Line, in.End, lines)
			}
		}
		lintText(t, Options{All: true}, "Dockerfile", string(src))
	})
}
