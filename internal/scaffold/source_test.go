package scaffold

import "testing"

func TestEvaluate(t *testing.T) {
	t.Parallel()
	const src = `
HOST: str = "0.0.0.0"
PORT = int(os.environ.get("PORT", "8123"))
NAMED = PORT
LOOP = LOOP
const port = process.env.PORT ? Number(process.env.PORT) : 3000;
const fallback = Number(process.env.MCP_PORT ?? 3001);
const parsed = parseInt(process.env.PORT || "3002", 10);
`
	for _, c := range []struct {
		expr string
		want value
	}{
		{`8000`, value{text: "8000", known: true}},
		{`"http"`, value{text: "http", known: true}},
		{`HOST`, value{text: "0.0.0.0", known: true}},
		{`NAMED`, value{text: "8123", env: "PORT", known: true}},
		{`os.environ["PORT"]`, value{env: "PORT"}},
		{`os.getenv("MODE")`, value{env: "MODE"}},
		{`fallback`, value{text: "3001", env: "MCP_PORT", known: true}},
		{`parsed`, value{text: "3002", env: "PORT", known: true}},
		{`LOOP`, value{}},
		{`args.port`, value{}},
		{`f"{x}"`, value{}},
		{``, value{}},
	} {
		if got := evaluate(src, c.expr); got != c.want {
			t.Errorf("%s comes to %+v, want %+v", c.expr, got, c.want)
		}
	}
}

func TestServerName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"@example/weather-mcp":                        "weather-mcp",
		"github.com/example/weather":                  "weather",
		"awslabs.amazon-bedrock-agentcore-mcp-server": "awslabs-amazon-bedrock-agentcore-mcp",
		"2048":  "mcp-2048",
		"___":   "folder",
		"天気":    "folder",
		"a.b_c": "a-b-c",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	} {
		if got := serverName(raw, "folder"); got != want {
			t.Errorf("%q is called %q, want %q", raw, got, want)
		}
	}
}

// FuzzSource: no program text makes the reader of calls panic or loop.
func FuzzSource(f *testing.F) {
	f.Add(`mcp.run(transport="http", port=int(os.environ.get("PORT", "8000")))`)
	f.Add("app.listen(Number(process.env.PORT ?? 3000), () => { console.log(`x ${y(')')}`) })")
	f.Add("a = a\nmcp.run(a, *b, c=[(1,), {'x': \")\"}]")
	f.Fuzz(func(_ *testing.T, src string) {
		for _, c := range append(calls(src, pyRun), calls(src, tsListen)...) {
			for _, v := range keywords(src, c.args) {
				v.int()
			}
		}
	})
}
