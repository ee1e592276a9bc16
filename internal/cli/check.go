package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/finding"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/report"
)

type checkFlags struct {
	credentialFlags
	calls   []string
	budget  time.Duration
	era     string
	quick   bool
	verbose bool
	output  string
}

func newCheck(w World) *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check URL… | check [flags] -- CMD [ARG…]",
		Short: "Make a client's journey to a server and say what works",
		Long: `Check makes the journey a client makes: resolve, connect, TLS, find the era,
authenticate, list the tools, call those you name, listen, clean up. It prints
each step, what it found and what to do.

An accusation needs two probes that agree. No tool is called that you did not
name. Sessions that were opened are deleted.

Exit codes: 0 healthy, 1 findings, 2 wrong usage, 3 a credential is needed or was
refused, 4 unreachable, 5 a named tool call failed. With several targets it is
the code of the worst.`,
		Example: `  holdfast check https://mcp.example.com/mcp
  holdfast check --token-file token --call 'tool=forecast args={"city":"Oslo"}' https://mcp.example.com/mcp
  holdfast check -o json http://localhost:8000/mcp
  holdfast check -- npx -y @modelcontextprotocol/server-everything`,
		RunE: func(cmd *cobra.Command, args []string) error {
			targets, err := f.targets(args, cmd.ArgsLenAtDash())
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), w, targets)
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&f.calls, "call", nil, "call a tool and judge the answer: 'tool=NAME args={…}'; may be repeated")
	cmd.Flags().DurationVar(&f.budget, "budget", 10*time.Second, "how long a client waits for one answer; three times as long is waited here")
	cmd.Flags().Var(&choice{into: &f.era, of: []string{"auto", "modern", "legacy"}}, "era", "which era of the protocol to probe")
	f.era = "auto"
	_ = cmd.RegisterFlagCompletionFunc("era", cobra.FixedCompletions([]string{"auto", "modern", "legacy"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&f.quick, "quick", false, "leave out what costs the server more: second lists, streams, a bogus version")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "print the exchanges, redacted")
	outputFlag(cmd, &f.output, "text", "json")
	return cmd
}

// targets reads what is to be checked: URLs, or a command after --.
func (f *checkFlags) targets(args []string, dash int) ([]probe.Target, error) {
	header, err := f.header()
	if err != nil {
		return nil, err
	}
	var calls []probe.Call
	for _, s := range f.calls {
		c, err := parseCall(s)
		if err != nil {
			return nil, err
		}
		calls = append(calls, c)
	}
	switch {
	case len(args) == 0:
		return nil, usage("give a URL, or a command after --", "nothing to check")
	case f.budget <= 0:
		return nil, usage("for example --budget 10s", "--budget must be more than zero")
	case dash > 0:
		return nil, usage("check them in two runs", "both URLs and a command after --")
	case dash == 0:
		return []probe.Target{{Endpoint: client.Endpoint{Command: args}, Calls: calls}}, nil
	}
	var targets []probe.Target
	for _, url := range args {
		targets = append(targets, probe.Target{Endpoint: client.Endpoint{URL: url, Header: header}, Calls: calls})
	}
	return targets, nil
}

// parallelChecks is how many targets are under way at once.
const parallelChecks = 8

func (f *checkFlags) run(ctx context.Context, w World, targets []probe.Target) error {
	roots, err := f.roots()
	if err != nil {
		return err
	}
	info, agent := identity()
	prober := probe.New(probe.Options{
		Egress: egress.Options{Guard: nearby(), RootCAs: roots},
		Info:   info, UserAgent: agent, Budget: f.budget, Era: parseEra(f.era), Thorough: !f.quick, ParentEnv: w.Env,
	})
	results := make([]chan probe.Result, len(targets))
	for i := range results {
		results[i] = make(chan probe.Result, 1)
	}
	slots := make(chan struct{}, parallelChecks)
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		for i, t := range targets {
			slots <- struct{}{}
			running.Go(func() { results[i] <- prober.Run(ctx, t); <-slots })
		}
	})
	code := exitOK
	for i, t := range targets {
		r := waitShowing(w, "checking "+t.Endpoint.String(), results[i])
		code = worseExit(code, exitFor(r))
		if err := f.print(w, r, i); err != nil {
			return written(err)
		}
	}
	if ctx.Err() != nil {
		return &exitError{code: exitFindings, err: context.Cause(ctx)}
	}
	if code != exitOK {
		return &exitError{code: code}
	}
	return nil
}

func (f *checkFlags) print(w World, r probe.Result, i int) error {
	if f.output == "json" {
		if !f.verbose {
			r.Transcript = nil
		}
		return report.JSONLine(w.Stdout, r)
	}
	if i > 0 {
		if _, err := io.WriteString(w.Stdout, "\n"); err != nil {
			return err
		}
	}
	return report.Journey(w.Stdout, r, report.Style{Color: w.color(w.Stdout), Width: w.width(w.Stdout), Transcript: f.verbose})
}

// waitShowing waits for one value and, on a terminal, says so after two
// seconds.
func waitShowing[T any](w World, what string, from <-chan T) T {
	if !terminal(w.Stderr) {
		return <-from
	}
	start := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	shown := false
	for {
		select {
		case v := <-from:
			if shown {
				fmt.Fprint(w.Stderr, "\r\x1b[K")
			}
			return v
		case <-tick.C:
			if took := time.Since(start); took >= 2*time.Second {
				shown = true
				fmt.Fprintf(w.Stderr, "\r\x1b[K%s … %ds", what, int(took.Seconds()))
			}
		}
	}
}

// exitFor gives the exit code of one result.
func exitFor(r probe.Result) int {
	has := func(prefix string) bool {
		for _, c := range r.Codes {
			if strings.HasPrefix(c, prefix) {
				return true
			}
		}
		return false
	}
	switch {
	case r.Grade == finding.Healthy:
		return exitOK
	case r.Grade == finding.Dead, r.Grade == finding.Unknown && (has("dns.") || has("tcp.") || has("ssrf.")):
		return exitUnreachable
	case r.Grade == finding.Gated, has("auth."):
		return exitAuth
	case has("call."):
		return exitTool
	default:
		return exitFindings
	}
}

// worseExit orders exit codes by how bad they are, not by their number.
func worseExit(a, b int) int {
	order := []int{exitOK, exitFindings, exitTool, exitAuth, exitUnreachable}
	for _, o := range slices.Backward(order) {
		if a == o || b == o {
			return o
		}
	}
	return a
}
