package cli

import (
	"context"
	"os"
	"os/signal"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes `holdfast` a command of the scripts: this test binary, run as
// the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"holdfast": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // as main does
			context.AfterFunc(ctx, stop)
			os.Exit(Run(ctx, OS()))
		},
	})
}

// TestScripts runs testdata/script/*.txtar: what a user types, and what must
// come of it.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true})
}
