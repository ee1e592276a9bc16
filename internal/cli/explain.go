package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/finding"
)

func newExplain(w World) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "explain [CODE…]",
		Short: "Explain a finding code; without one, list them all",
		Example: `  holdfast explain HF011
  holdfast explain tls.expired auth.prm_404`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var words []string
			for _, e := range finding.Catalogue() {
				words = append(words, e.Code+"\t"+e.Title, e.Name+"\t"+e.Title)
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, codes []string) error {
			entries, err := entriesFor(codes)
			if err != nil {
				return err
			}
			if output == "json" {
				return written(json.NewEncoder(w.Stdout).Encode(entries))
			}
			var b strings.Builder
			for i, e := range entries {
				switch {
				case len(codes) == 0:
					fmt.Fprintf(&b, "%s  %-26s %s\n", e.Code, e.Name, e.Title)
				case i > 0:
					b.WriteString("\n" + finding.Explain(e))
				default:
					b.WriteString(finding.Explain(e))
				}
			}
			_, err = io.WriteString(w.Stdout, b.String())
			return written(err)
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func entriesFor(codes []string) ([]finding.Entry, error) {
	if len(codes) == 0 {
		return finding.Catalogue(), nil
	}
	var entries []finding.Entry
	for _, code := range codes {
		e, ok := finding.Lookup(code)
		if !ok {
			return nil, usage("holdfast explain lists all codes"+nearest(code, finding.Catalogue()), "there is no finding %q", code)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// nearest suggests those of some codes whose name shares a part with what was
// asked for.
func nearest(code string, among []finding.Entry) string {
	var near []string
	for _, e := range among {
		for part := range strings.SplitSeq(strings.ToLower(code), ".") {
			if len(part) > 2 && strings.Contains(e.Name, part) && !slices.Contains(near, e.Name) {
				near = append(near, e.Name)
			}
		}
	}
	if len(near) == 0 {
		return ""
	}
	return "; near it: " + strings.Join(near[:min(3, len(near))], ", ")
}
