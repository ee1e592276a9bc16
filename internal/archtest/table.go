package archtest

// Holdfast is the house of docs/architecture.md.
func Holdfast() House {
	return House{
		Module:        "github.com/holdfast-mcp/holdfast",
		Packages:      rooms(),
		Edges:         edges(),
		Imports:       importRules(),
		Uses:          useRules(),
		Revision:      "internal/mcp.Revision",
		Exceptions:    exceptions(),
		FunctionLines: 120,
		FileLines:     800,
		Params:        5,
	}
}

func rooms() map[string]Layer {
	return map[string]Layer{
		"api/v1alpha1":                  Vocabulary,
		"deploy/crds":                   Vocabulary,
		"internal/finding":              Vocabulary,
		"internal/kube/manifest/strict": Vocabulary,
		"internal/mcp":                  Vocabulary,
		"internal/mcp/sse":              Vocabulary,
		"internal/schema":               Vocabulary,

		"internal/client":     Mechanism,
		"internal/egress":     Mechanism,
		"internal/kube/image": Mechanism,
		"internal/lifecycle":  Mechanism,
		"internal/telemetry":  Mechanism,

		"internal/bridge":        Engine,
		"internal/kube/lint":     Engine,
		"internal/kube/manifest": Engine,
		"internal/probe":         Engine,

		"internal/demo":     Workload,
		"internal/gateway":  Workload,
		"internal/scaffold": Workload,
		"internal/scan":     Workload,

		"internal/config": Shell,
		"internal/report": Shell,
		"internal/web":    Shell,
		"internal/cli":    CLI,
		"cmd/holdfast":    Main,

		"bench/front":          Test,
		"bench/probe":          Test,
		"bench/scan":           Test,
		"internal/archtest":    Test,
		"internal/mcp/mcptest": Test,
		"interop":              Test,
	}
}

func edges() []Edge {
	return []Edge{
		{"internal/client", "internal/egress", "a client has no other way out; the first design says so too: client speaks MCP over egress"},
	}
}

func importRules() []ImportRule {
	return []ImportRule{
		{
			Paths: []string{"github.com/modelcontextprotocol/go-sdk"}, Tests: true,
			In:  []string{"internal/mcp/mcptest", "internal/demo", "interop/..."},
			Why: "the SDK drops unknown fields and hides status codes; it is a peer, never our data path (docs/decisions/0001)",
		},
		{
			Paths: []string{"k8s.io", "sigs.k8s.io"}, Tests: true,
			In:  []string{"api/...", "deploy/...", "internal/kube/..."},
			Why: "a front on a laptop must not carry Kubernetes",
		},
		{
			Paths: []string{"github.com/spf13/cobra", "golang.org/x/term"}, In: []string{"internal/cli"},
			Why: "only the command line knows flags and terminals",
		},
		{
			Paths: []string{"log"}, Exact: true, Why: "log/slog says it with keys, and has no global that everybody shares",
		},
		{
			Paths: []string{"os/exec"}, In: []string{"internal/client", "internal/cli", "internal/mcp/mcptest", "interop/...", "bench/...", "internal/archtest"},
			Why: "only the stdio client starts processes",
		},
		{
			Paths: []string{"os", "net", "log/slog"}, Exact: true,
			Not: []string{"api/v1alpha1", "deploy/crds", "internal/finding", "internal/kube/manifest/strict", "internal/mcp", "internal/mcp/sse", "internal/schema"},
			Why: "the vocabulary does no I/O",
		},
		{
			Paths: []string{"github.com/holdfast-mcp/holdfast/internal/egress"},
			Not:   []string{"internal/kube/manifest", "internal/kube/lint"},
			Why:   "render and lint are pure: the same input gives the same answer without a network",
		},
	}
}

func useRules() []UseRule {
	return []UseRule{
		{
			Objects: []string{"os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "os.Setenv", "syscall.Exit", "syscall.Getenv"},
			In:      []string{"cmd/...", "internal/cli", "bench/..."},
			Why:     "the outside world comes in through cli.World; whoever exits skips everybody's defers",
		},
		{
			Objects: []string{"context.Background", "context.TODO"},
			In:      []string{"cmd/...", "internal/cli", "bench/..."},
			Why:     "take the caller's ctx, or context.WithoutCancel(ctx) for work that must outlive it",
		},
		{
			Objects: []string{
				"net/http.Client", "net/http.Transport", "net/http.DefaultClient", "net/http.DefaultTransport",
				"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm",
				"net.Dial*", "net.Dialer", "net.Lookup*", "net.Resolver", "net.DefaultResolver",
				"crypto/tls.Dial*", "crypto/tls.Dialer",
			},
			In:  []string{"internal/egress", "internal/mcp/mcptest", "interop/...", "bench/..."},
			Why: "every outbound byte goes through egress, which guards addresses and caps bodies (docs/decisions/0005)",
		},
		{
			Objects: []string{"net/http.DefaultServeMux", "net/http.Handle", "net/http.HandleFunc", "log/slog.Default", "log/slog.SetDefault"},
			In:      []string{"internal/cli"},
			Why:     "global registries are state that tests share",
		},
	}
}

func exceptions() []Exception {
	return []Exception{
		{"revision", "internal/mcp/mcptest/...", "a test peer is of a revision by definition, also of ones that do not exist"},
		{"use", "internal/mcp/mcptest/stdio.go", "a server that dies in the middle of a call is the fault it plays"},
	}
}
