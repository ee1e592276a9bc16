package cli

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

func newVersion(w World) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version and the MCP revisions it speaks",
		Example: "  holdfast version -o json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var revisions []mcp.Revision
			for _, t := range mcp.Revisions() {
				revisions = append(revisions, t.Revision)
			}
			if output == "json" {
				return written(json.NewEncoder(w.Stdout).Encode(map[string]any{
					"version": buildVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "revisions": revisions,
				}))
			}
			_, err := fmt.Fprintf(w.Stdout, "holdfast %s (%s, %s/%s)\nspeaks MCP %v\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, revisions)
			return written(err)
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}
