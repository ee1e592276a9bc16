package cli

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/config"
	"github.com/holdfast-mcp/holdfast/internal/demo"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/gateway"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
	"github.com/holdfast-mcp/holdfast/internal/web"
)

type serveFlags struct {
	credentialFlags
	config              string
	check               bool
	upstream, name      string
	listen, admin       string
	hosts, origins      []string
	demo                bool
	every, budget       time.Duration
	drainDelay, grace   time.Duration
	heartbeat           time.Duration
	logLevel, logFormat string
}

func newServe(w World) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve --upstream URL | serve [flags] -- CMD [ARG…] | serve -c FILE | serve --demo",
		Short: "Stand in front of a server: one URL for every client",
		Long: `Serve stands in front of an MCP server, or with -c of several, and gives each
one URL for clients of every revision. It reads each message once and strictly, refuses what a web page
could forge, relays bytes, keeps streams alive, and says on an address of its own
whether the server works: /readyz is the answer of a probe that makes a client's
journey, /livez that of this process.

A stdio command gets a process per client session.

The Authorization header of clients is not passed on. What the server is shown
comes from --token-file or --header-file.

With -c all of this stands in a file, the one that render writes for a pod; see
docs/configuration.md. It is read once, and strictly: what this version cannot
do is an error, never passed over. --check reads it, with the secrets that it
names, and starts nothing.

On SIGTERM or Ctrl-C it turns unready, waits --drain-delay, ends endless
streams, lets calls finish for up to --grace, and stops. A second signal stops
at once.

Exit codes: 0 stopped or the file is right, 1 an address could not be served any
more, 2 wrong usage or configuration.`,
		Example: `  holdfast serve --demo
  holdfast serve --upstream http://localhost:8000/mcp
  holdfast serve -- npx -y @modelcontextprotocol/server-everything
  holdfast serve -c holdfast.yaml --check
  curl -s localhost:9090/readyz`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.exclusive(cmd, args); err != nil {
				return err
			}
			return f.run(cmd.Context(), w, args)
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "file that says what to serve and how")
	flags.BoolVar(&f.check, "check", false, "only say whether the file is right")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	flags.StringVar(&f.upstream, "upstream", "", "URL of the server")
	flags.StringVar(&f.name, "name", "", "name of the server, part of its URL (default: from URL or command)")
	flags.BoolVar(&f.demo, "demo", false, "stand in front of built-in servers of every era, one of them flaky")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address for clients")
	flags.StringVar(&f.admin, "admin", "127.0.0.1:9090", "address for status and health")
	flags.StringSliceVar(&f.hosts, "allow-host", nil, "Host name that is ours; may be repeated")
	flags.StringSliceVar(&f.origins, "allow-origin", nil, "Origin that browsers may call from; may be repeated")
	flags.DurationVar(&f.every, "probe-every", 30*time.Second, "pause between health probes; 4s with --demo; a command is probed every 5m at most")
	flags.DurationVar(&f.budget, "budget", 10*time.Second, "how long a client waits for an answer")
	flags.DurationVar(&f.drainDelay, "drain-delay", 0, "how long load balancers get to notice that we go")
	flags.DurationVar(&f.grace, "grace", 30*time.Second, "how long calls may finish after that; at least the longest call")
	flags.DurationVar(&f.heartbeat, "heartbeat", 15*time.Second, "longest silence on an event stream")
	f.logLevel, f.logFormat = "info", "text"
	flags.Var(&choice{into: &f.logLevel, of: []string{"debug", "info", "warn", "error"}}, "log-level", "what to log")
	flags.Var(&choice{into: &f.logFormat, of: []string{"text", "json"}}, "log-format", "how to log")
	return cmd
}

// demoProbeEvery is often enough to see the flaky server fail and recover.
const demoProbeEvery = 4 * time.Second

// exclusive refuses a mixture of the four ways to say what to serve.
func (f *serveFlags) exclusive(cmd *cobra.Command, args []string) error {
	given := 0
	for _, is := range []bool{f.config != "", f.upstream != "", len(args) > 0, f.demo} {
		if is {
			given++
		}
	}
	if given != 1 {
		return usage("for example: holdfast serve --upstream http://localhost:8000/mcp", "give one of --upstream URL, -- CMD…, -c FILE, --demo")
	}
	if f.demo && !cmd.Flags().Changed("probe-every") {
		f.every = demoProbeEvery
	}
	if f.config == "" {
		if f.check {
			return usage("", "--check is for a file: give -c FILE")
		}
		return nil
	}
	for _, name := range []string{"name", "token-file", "header-file", "listen", "admin", "probe-every", "budget", "drain-delay", "grace", "heartbeat"} {
		if cmd.Flags().Changed(name) {
			return usage("see docs/configuration.md", "--%s does not go with -c: say it in the file", name)
		}
	}
	return nil
}

func (f *serveFlags) run(ctx context.Context, w World, args []string) error {
	logger := f.logger(w)
	cfg, stop, err := f.front(ctx, w, args, logger)
	if err != nil || f.check {
		return err
	}
	defer stop()
	roots, err := f.roots()
	if err != nil {
		return err
	}
	info, agent := identity()
	cfg.AllowHosts, cfg.AllowOrigins = f.hosts, f.origins
	cfg.Egress = egress.Options{Guard: nearby(), RootCAs: roots}
	cfg.Info, cfg.UserAgent, cfg.ParentEnv, cfg.Logger = info, agent, w.Env, logger
	cfg.Metrics, cfg.StatusPage = telemetry.New(info.Version), web.Gateway
	g, err := gateway.New(ctx, cfg)
	if err != nil {
		hint := "another program may use the address; choose one with --listen or --admin"
		if f.config != "" {
			hint = "another program may use the address; choose one under listen in " + f.config
		}
		return &exitError{code: exitUsage, err: err, hint: hint}
	}
	f.announce(w, g, cfg.Servers)
	if err := g.Run(ctx); err != nil {
		return &exitError{code: exitFindings, err: err}
	}
	return nil
}

// front reads what to stand in front of, and how. The caller calls stop when
// there is no error and it does not just check.
func (f *serveFlags) front(ctx context.Context, w World, args []string, logger *slog.Logger) (cfg gateway.Config, stop func(), err error) {
	if f.config != "" {
		cfg, err = f.file(w, logger)
		return cfg, func() {}, err
	}
	servers, stop, err := f.servers(ctx, args)
	return gateway.Config{
		Public: f.listen, Admin: f.admin, Servers: servers,
		ProbeEvery: f.every, ProbeBudget: f.budget, DrainDelay: f.drainDelay, Grace: f.grace, Heartbeat: f.heartbeat,
	}, stop, err
}

// file reads the configuration and tells what is wrong with it, or with --check
// that nothing is.
func (f *serveFlags) file(w World, logger *slog.Logger) (gateway.Config, error) {
	c, err := config.Load(f.config, w.Env)
	if err != nil {
		text := err.Error()
		if n := 1 + strings.Count(text, "\n"); n > 1 {
			fmt.Fprintln(w.Stderr, text)
			err = fmt.Errorf("%d errors in %s, nothing served", n, f.config)
		}
		return gateway.Config{}, &exitError{code: exitUsage, err: err}
	}
	if f.check {
		for _, n := range c.Notes {
			fmt.Fprintf(w.Stderr, "warning: %v\n", n)
		}
		fmt.Fprintf(w.Stdout, "%s is right; servers: %d\n", f.config, len(c.Front.Servers))
		return c.Front, nil
	}
	for _, n := range c.Notes {
		logger.Warn("configuration", "field", n.Path, "note", n.Message, "file", n.File, "line", n.Line)
	}
	return c.Front, nil
}

// servers reads what to stand in front of from the flags.
func (f *serveFlags) servers(ctx context.Context, args []string) ([]gateway.Server, func(), error) {
	header, err := f.header()
	if err != nil {
		return nil, nil, err
	}
	if f.demo {
		return startDemo(ctx)
	}
	s := gateway.Server{Name: f.name, Endpoint: client.Endpoint{URL: f.upstream, Header: header, Command: args}}
	if s.Name == "" {
		s.Name = nameFor(f.upstream, args)
	}
	if f.upstream != "" {
		if _, err := client.ParseURL(f.upstream); err != nil {
			return nil, nil, usage("give the URL at which the server speaks MCP", "--upstream: %w", err)
		}
	}
	return []gateway.Server{s}, func() {}, nil
}

func startDemo(ctx context.Context) ([]gateway.Server, func(), error) {
	running, err := demo.Start(ctx)
	if err != nil {
		return nil, nil, &exitError{code: exitFindings, err: err}
	}
	var servers []gateway.Server
	for _, d := range running.List {
		servers = append(servers, gateway.Server{Name: d.Name, About: d.About, Endpoint: client.Endpoint{URL: d.URL}})
	}
	return servers, running.Stop, nil
}

// nameFor makes a name of what it stands for.
func nameFor(upstream string, command []string) string {
	raw := "server"
	if u, err := client.ParseURL(upstream); err == nil {
		raw = u.Hostname()
	} else if len(command) > 0 {
		raw = filepath.Base(command[0])
	}
	name := []byte{}
	for _, c := range []byte(raw) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			name = append(name, c)
		} else if len(name) > 0 {
			name = append(name, '-')
		}
	}
	if len(name) == 0 {
		return "server"
	}
	return string(name[:min(len(name), 63)])
}

func (f *serveFlags) logger(w World) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		level = slog.LevelInfo // the flag takes only the four words
	}
	opts := &slog.HandlerOptions{Level: level}
	if f.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(w.Stderr, opts))
}

// announce says where to look.
func (f *serveFlags) announce(w World, g *gateway.Gateway, servers []gateway.Server) {
	bold := func(s string) string { return s }
	if w.color(w.Stdout) {
		bold = func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
	}
	fmt.Fprintf(w.Stdout, "\nFor MCP clients:\n")
	if len(servers) == 1 {
		fmt.Fprintf(w.Stdout, "  %s\n", bold(g.PublicURL()+"/mcp"))
	}
	width := 0
	for _, s := range servers {
		width = max(width, len(s.Name))
	}
	for _, s := range servers {
		fmt.Fprintf(w.Stdout, "  %s/servers/%s/mcp%*s  %s\n", g.PublicURL(), bold(s.Name), width-len(s.Name), "", s.About)
	}
	fmt.Fprintf(w.Stdout, "\nFor you:\n  %s/            status of every server\n  %s/readyz      does it work for a client?\n", bold(g.AdminURL()), g.AdminURL())
	if f.demo {
		fmt.Fprintf(w.Stdout, "\nTry:\n  holdfast check %s/servers/legacy/mcp\n", g.PublicURL())
		for _, s := range servers {
			if s.Name == "gated" {
				fmt.Fprintf(w.Stdout, "  holdfast check %s      the login wall itself\n", s.Endpoint.URL)
			}
		}
	}
	fmt.Fprintln(w.Stdout, "\nCtrl-C to stop.")
}
