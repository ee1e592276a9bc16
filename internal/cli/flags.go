package cli

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
	"github.com/holdfast-mcp/holdfast/internal/probe"
)

// outputFlag adds -o with a fixed set of formats, the first being the default.
func outputFlag(cmd *cobra.Command, into *string, formats ...string) {
	cmd.Flags().VarP(&choice{into: into, of: formats}, "output", "o", "format: "+strings.Join(formats, " or "))
	*into = formats[0]
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

// choice is a flag that takes one of a few words.
type choice struct {
	into *string
	of   []string
}

func (c *choice) String() string { return *c.into }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }

func (c *choice) Set(v string) error {
	if !slices.Contains(c.of, v) {
		return fmt.Errorf("must be one of %s", strings.Join(c.of, ", "))
	}
	*c.into = v
	return nil
}

// credentialFlags are the ways to show a credential: by file only, so that it
// is neither in the process list nor in the shell's history.
type credentialFlags struct {
	tokenFile, headerFile, caFile string
}

func (f *credentialFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.tokenFile, "token-file", "", "file with a bearer token to show to the server")
	cmd.Flags().StringVar(&f.headerFile, "header-file", "", `file with headers to show, one "Name: value" a line`)
	cmd.Flags().StringVar(&f.caFile, "ca-file", "", "file with PEM certificates to trust besides the system's")
	for _, name := range []string{"token-file", "header-file", "ca-file"} {
		_ = cmd.MarkFlagFilename(name)
	}
}

// maxSecretFile bounds credential files, in bytes.
const maxSecretFile = 64 << 10

func (f *credentialFlags) header() (http.Header, error) {
	h := http.Header{}
	if f.headerFile != "" {
		if err := readHeaders(f.headerFile, h); err != nil {
			return nil, err
		}
	}
	if f.tokenFile != "" {
		raw, err := readSmall(f.tokenFile)
		if err != nil {
			return nil, usage("", "read --token-file: %w", err)
		}
		token := strings.TrimSpace(string(raw))
		if token == "" || strings.ContainsAny(token, " \r\n\t") || !httpguts.ValidHeaderFieldValue(token) {
			return nil, usage("the file must hold the bare token and nothing else", "--token-file %s does not hold a token", f.tokenFile)
		}
		h.Set("Authorization", "Bearer "+token)
	}
	return h, nil
}

// readHeaders reads "Name: value" lines; blank lines and those that begin with
// # are skipped. Errors name the line, never its content.
func readHeaders(file string, into http.Header) error {
	raw, err := readSmall(file)
	if err != nil {
		return usage("", "read --header-file: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return usage(`write one "Name: value" a line`, "%s:%d: not a header", file, n)
		}
		if reserved(name) {
			return usage("take this line out", "%s:%d: %s is set by the protocol", file, n, name)
		}
		into.Add(name, value)
	}
	return nil
}

func reserved(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return strings.HasPrefix(name, "Mcp-") || slices.Contains([]string{"Accept", "Content-Type", "Content-Length", "Host", "Accept-Encoding", "Transfer-Encoding", "Connection"}, name)
}

func readSmall(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(raw) > maxSecretFile {
		err = fmt.Errorf("%s is larger than %d KiB", file, maxSecretFile>>10)
	}
	return raw, err
}

// roots gives the trust store, nil for the system's alone.
func (f *credentialFlags) roots() (*x509.CertPool, error) {
	if f.caFile == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pem, err := os.ReadFile(f.caFile)
	if err != nil {
		return nil, usage("", "read --ca-file: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usage("the file must hold certificates in PEM form", "--ca-file %s holds no certificate", f.caFile)
	}
	return pool, nil
}

// identity says honestly who asks.
func identity() (client.Implementation, string) {
	v := buildVersion()
	return client.Implementation{Name: "holdfast", Version: v}, "holdfast/" + v + " (+https://github.com/holdfast-mcp/holdfast)"
}

// nearby lets the operator probe what runs on this machine or network.
func nearby() egress.Guard {
	return egress.Guard{Allow: slices.Concat(egress.Loopback(), egress.Private())}
}

// parseEra reads --era.
func parseEra(s string) mcp.Era {
	switch s {
	case "legacy":
		return mcp.EraLegacy
	case "modern":
		return mcp.EraModern
	default:
		return mcp.EraUnknown
	}
}

// parseCall reads --call: `tool=NAME args=JSON`, where args may be left out, or
// the bare NAME.
func parseCall(s string) (probe.Call, error) {
	const hint = `write --call 'tool=forecast args={"city":"Oslo"}'`
	c := probe.Call{Critical: true}
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "tool=")
	if !ok && strings.ContainsAny(s, " =") {
		return c, usage(hint, "--call %q does not begin with tool=", s)
	}
	name, args, hasArgs := strings.Cut(rest, " args=")
	if !hasArgs {
		name, args, hasArgs = strings.Cut(rest, ",args=")
	}
	c.Tool = strings.TrimSpace(name)
	if c.Tool == "" || strings.Contains(c.Tool, " ") {
		return c, usage(hint, "--call %q names no tool", s)
	}
	if !hasArgs {
		return c, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(args), &object); err != nil {
		return c, usage(hint, "--call: args of %s is no JSON object: %v", c.Tool, err)
	}
	c.Args = json.RawMessage(args)
	return c, nil
}
