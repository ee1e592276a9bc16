// Package gateway is the HTTP front that MCP clients talk to: one URL for every
// client, in front of one server or of several. It reads each message once,
// strictly, decides the era per request, checks that headers and body agree,
// and relays bytes. Health is the probe's answer, never its own opinion.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/lifecycle"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
	"github.com/holdfast-mcp/holdfast/internal/telemetry"
)

// Server is one server behind the front.
type Server struct {
	// Name is part of its URL: /servers/NAME/mcp. Letters, digits, - and _.
	Name string
	// About is a line for people, may be empty.
	About    string
	Endpoint client.Endpoint
	// Transport is how the endpoint is spoken to; Start finds it out when it
	// is empty.
	Transport client.Transport
	// Eras overrides which eras the server is taken to speak; empty: what the
	// probe found.
	Eras []mcp.Era
	// Calls are run by each health probe.
	Calls []probe.Call
}

// Config of a Gateway.
type Config struct {
	Public, Admin string // listen addresses
	Servers       []Server
	// AllowHosts are Host names that are ours besides loopback ones, AllowOrigins
	// the Origins that browsers may call from.
	AllowHosts, AllowOrigins []string
	// ProbeEvery is the pause between health probes, ProbeBudget what a client
	// waits for an answer.
	ProbeEvery, ProbeBudget time.Duration
	// DrainDelay is how long load balancers get to notice that we go, Grace how
	// long calls get to finish after it: at least the longest call.
	DrainDelay, Grace time.Duration
	// Heartbeat is the longest silence on an event stream.
	Heartbeat time.Duration
	// FirstByte is how long a call may be silent before its answer begins as an
	// event stream.
	FirstByte time.Duration
	Egress    egress.Options
	Info      client.Implementation
	UserAgent string
	ParentEnv []string
	Logger    *slog.Logger
	// Metrics counts what the front does; nil for none.
	Metrics *telemetry.Metrics
	// StatusPage makes the page of the admin listener from what it may ask; nil
	// leaves the JSON of /api/status in its place.
	StatusPage func(overview func() Overview) http.Handler
}

// Limits on what comes in.
const (
	maxBody     = 4 << 20 // one message, bytes
	maxSessions = 256     // stdio and HTTP+SSE sessions per server
	sessionIdle = 30 * time.Minute
)

var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// Gateway is a running front.
type Gateway struct {
	cfg      Config
	group    *lifecycle.Group
	fronts   []*front
	http     *egress.Client
	buffers  sync.Pool // *[]byte, for copying answers
	draining atomic.Bool
	quiesced sync.Once
	inFlight atomic.Int64 // requests on the public listener
	// streams ends with the drain: GET streams and subscriptions hang on it.
	streams    context.Context //nolint:containedctx // the lifetime of streams, not of a call
	endStreams context.CancelFunc
}

// New checks the configuration and opens the listeners.
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	setDefaults(&cfg)
	if err := validate(cfg); err != nil {
		return nil, err
	}
	g := &Gateway{cfg: cfg, http: egress.New(cfg.Egress)}
	g.streams, g.endStreams = context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range cfg.Servers {
		f, err := g.newFront(s)
		if err != nil {
			return nil, fmt.Errorf("server %s: %w", s.Name, err)
		}
		g.fronts = append(g.fronts, f)
	}
	group, err := lifecycle.Listen(ctx, lifecycle.Options{
		Listeners: []lifecycle.Listener{
			{Name: "public", Address: cfg.Public, Handler: g.public()},
			{Name: "admin", Address: cfg.Admin, Handler: g.admin(), Last: true},
		},
		Draining: g.quiesce, Grace: cfg.Grace, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	g.group = group
	return g, nil
}

func setDefaults(c *Config) {
	for d, v := range map[*time.Duration]time.Duration{
		&c.ProbeEvery: 30 * time.Second, &c.ProbeBudget: 10 * time.Second,
		&c.Grace: 30 * time.Second, &c.Heartbeat: 15 * time.Second, &c.FirstByte: firstByte,
	} {
		if *d <= 0 {
			*d = v
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Egress.MaxIdlePerHost = max(c.Egress.MaxIdlePerHost, 64)
}

func validate(c Config) error {
	var errs []error
	if len(c.Servers) == 0 {
		errs = append(errs, errors.New("no server to stand in front of"))
	}
	var names []string
	for i, s := range c.Servers {
		if !serverName.MatchString(s.Name) {
			errs = append(errs, fmt.Errorf("servers[%d]: name %q is not 1 to 63 letters, digits, - or _", i, s.Name))
		}
		if slices.Contains(names, s.Name) {
			errs = append(errs, fmt.Errorf("servers[%d]: a second server named %q", i, s.Name))
		}
		names = append(names, s.Name)
	}
	return errors.Join(errs...)
}

// PublicURL and AdminURL give where the listeners are.
func (g *Gateway) PublicURL() string { return "http://" + dialable(g.group.Address("public")) }

// AdminURL gives the address of status page and health checks.
func (g *Gateway) AdminURL() string { return "http://" + dialable(g.group.Address("admin")) }

// dialable turns 0.0.0.0 and [::] into an address one can open.
func dialable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// Run serves until ctx ends, then drains. It returns when everything it started
// has ended.
func (g *Gateway) Run(ctx context.Context) error {
	var background sync.WaitGroup
	watchCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	for _, f := range g.fronts {
		background.Go(func() { f.health.run(watchCtx) })
		background.Go(func() { f.pipes.expire(watchCtx) })
	}
	err := g.group.Run(ctx)
	stop()
	for _, f := range g.fronts {
		background.Go(func() {
			f.modern.close(context.WithoutCancel(ctx))
			f.legacy.close()
			f.pipes.closeAll(context.WithoutCancel(ctx))
		})
	}
	background.Wait()
	g.endStreams()
	g.http.CloseIdle()
	return err
}

// public is what clients reach.
func (g *Gateway) public() http.Handler {
	mux := http.NewServeMux()
	for _, f := range g.fronts {
		mux.Handle("/servers/"+f.server.Name+"/mcp", f)
	}
	if len(g.fronts) == 1 {
		mux.Handle("/mcp", g.fronts[0])
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "not an MCP endpoint; servers are at /servers/NAME/mcp", http.StatusNotFound)
	})
	return g.counted(g.originGuard(mux))
}
