// Command holdfast keeps MCP servers alive: it fronts them, watches them from
// outside and deploys them. See "holdfast help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdfast-mcp/holdfast/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(cli.Run(ctx, cli.OS()))
}
