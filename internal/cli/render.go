package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/kube/image"
	"github.com/holdfast-mcp/holdfast/internal/kube/manifest"
	"github.com/holdfast-mcp/holdfast/internal/report"
)

type renderFlags struct {
	frontImage string
	namespace  string
	kubernetes string
	split      string
	output     string
	explain    bool
	resolve    bool
	allowTags  bool
}

func newRender(w World) *cobra.Command {
	var f renderFlags
	cmd := &cobra.Command{
		Use:   "render FILE…|-",
		Short: "Turn MCPServers and MCPGateways into hardened Kubernetes manifests",
		Long: `Render reads MCPServers and MCPGateways and writes the Kubernetes objects that
keep them alive, in the order in which they can be applied, each derived value
with its reason. The same declarations always give the same bytes. A gateway
takes its servers from all files of the run. It asks no cluster, and no network
unless --resolve says so.

Images are pinned by digest: write name@sha256:…, or let --resolve ask the
registry. With --allow-tags what has no digest stays as it is.

Objects go to stdout, or with --split to a folder: a file each and a
kustomization.yaml. What a person must know or do besides goes to stderr.

Exit codes: 0 rendered, 2 wrong usage or input (nothing is written), 4 a
registry cannot be reached.`,
		Example: `  holdfast render mcpserver.yaml | kubectl apply -f -
  holdfast render --resolve --split deploy/ mcpserver.yaml gateway.yaml
  holdfast render --explain mcpserver.yaml
  holdfast render mcpserver.yaml | holdfast lint -`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), w, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.frontImage, "front-image", releasedImage(buildVersion()), "image of Holdfast itself, name@sha256:…")
	flags.StringVar(&f.namespace, "namespace", "", "namespace of declarations that name none")
	flags.StringVar(&f.kubernetes, "kubernetes", "1.35", "oldest version that the objects shall run in")
	flags.StringVar(&f.split, "split", "", "write a file per object into this folder")
	flags.BoolVar(&f.explain, "explain", false, "print why each value is what it is")
	flags.BoolVar(&f.resolve, "resolve", false, "ask the registries which digests stand behind tags")
	flags.BoolVar(&f.allowTags, "allow-tags", false, "let images stand that are not pinned by digest")
	outputFlag(cmd, &f.output, "text", "json")
	flags.Lookup("output").Usage += " (of --explain)"
	cmd.MarkFlagsMutuallyExclusive("split", "explain")
	_ = cmd.MarkFlagDirname("split")
	return cmd
}

func (f *renderFlags) run(ctx context.Context, w World, names []string) error {
	opts, err := f.options(names)
	if err != nil {
		return err
	}
	decls, err := readDeclarations(ctx, w, names)
	if opts.FrontImage == "" {
		missing := fmt.Errorf("no image for the front: %s is no release, so name one with --front-image", buildVersion())
		err = errors.Join(err, missing)
	}
	if err != nil {
		return broken(w, err)
	}
	if f.resolve {
		if opts.Digests, err = f.digests(ctx, w, manifest.Images(decls, opts)); err != nil {
			return err
		}
	}
	set, err := manifest.Build(decls, opts)
	if err != nil {
		return f.hinting(broken(w, err), manifest.Images(decls, opts))
	}
	if err := report.Notes(w.Stderr, set.Notes, report.Style{Width: w.width(w.Stderr)}); err != nil {
		return wrote(err)
	}
	if f.split != "" {
		return f.writeFolder(w, set.Objects, names)
	}
	var out bytes.Buffer
	if f.explain {
		err = f.writeReasons(w, &out, set.Objects)
	} else {
		err = manifest.WriteYAML(&out, set.Objects)
	}
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	if _, err := out.WriteTo(w.Stdout); err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("write output: %w", err)}
	}
	return nil
}

// hinting says which flags help where images have no digest.
func (f *renderFlags) hinting(err error, tags []string) error {
	e, ok := errors.AsType[*exitError](err)
	if ok && len(tags) > 0 && !f.resolve && !f.allowTags {
		e.hint = "--resolve asks the registry for digests, --allow-tags lets tags stand"
	}
	return err
}

var (
	kubernetesVersion = regexp.MustCompile(`^v?1\.(\d{1,3})(?:\.\d+)?$`)
	// dnsLabel is what Kubernetes takes for the name of a namespace (RFC 1123).
	dnsLabel = regexp.MustCompile(`^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$`)
)

// options checks everything that can be wrong before a file is read.
func (f *renderFlags) options(names []string) (manifest.Options, error) {
	opts := manifest.Options{FrontImage: f.frontImage, Namespace: f.namespace, AllowTags: f.allowTags}
	m := kubernetesVersion.FindStringSubmatch(f.kubernetes)
	switch {
	case len(names) == 0:
		return opts, usage("give a file with an MCPServer, or - for stdin", "nothing to render")
	case f.output == "json" && !f.explain:
		return opts, usage("objects are written as YAML; kubectl takes it", "-o json is for --explain")
	case f.namespace != "" && !dnsLabel.MatchString(f.namespace):
		return opts, usage("small letters, digits and dashes, at most 63", "--namespace %q is no name of a namespace", f.namespace)
	case m == nil:
		return opts, usage("for example --kubernetes 1.35", "--kubernetes %q is no version of Kubernetes", f.kubernetes)
	}
	if f.frontImage != "" {
		if _, err := name.ParseReference(f.frontImage, name.WeakValidation); err != nil {
			return opts, usage("for example --front-image ghcr.io/holdfast-mcp/holdfast:v1.0.0@sha256:…", "--front-image: %w", err)
		}
	}
	opts.Kubernetes, _ = strconv.Atoi(m[1]) // at most three digits
	if opts.Kubernetes < manifest.OldestKubernetes {
		return opts, usage("", "--kubernetes 1.%d is too old: native sidecars and the preStop sleep need 1.%d", opts.Kubernetes, manifest.OldestKubernetes)
	}
	return opts, twice(names)
}

var releaseTag = regexp.MustCompile(`^v\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?$`)

// releasedImage is our own image at a version, "" for one that no image has.
func releasedImage(version string) string {
	if !releaseTag.MatchString(version) {
		return ""
	}
	return "ghcr.io/holdfast-mcp/holdfast:" + version
}

// readDeclarations reads all files, and tells all that is wrong in any.
func readDeclarations(ctx context.Context, w World, names []string) ([]manifest.Declaration, error) {
	parser, err := manifest.NewParser()
	if err != nil {
		return nil, err
	}
	var all []manifest.Declaration
	var errs []error
	first := map[string]string{}
	for _, file := range names {
		decls, err := readDeclaration(ctx, w, parser, file)
		errs = append(errs, err)
		for _, d := range decls {
			id := namespaceOf(d) + "/" + d.Name()
			if before, there := first[id]; there {
				errs = append(errs, fmt.Errorf("%s: %s is declared in %s too", file, d.Name(), before))
			}
			first[id] = file
		}
		all = append(all, decls...)
	}
	return all, errors.Join(errs...)
}

func namespaceOf(d manifest.Declaration) string {
	if d.Gateway != nil {
		return d.Gateway.Namespace
	}
	return d.Server.Namespace
}

func readDeclaration(ctx context.Context, w World, parser *manifest.Parser, name string) ([]manifest.Declaration, error) {
	if name == stdinName {
		stdin := openStdin(ctx, w)
		defer stdin.Close()
		return parser.Parse("stdin", stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name the files in it", name)
	}
	return parser.Parse(name, file)
}

// broken tells what is wrong with the input, each error on a line of its own
// that editors can follow, and ends the run.
func broken(w World, err error) error {
	text := err.Error()
	if !strings.Contains(text, "\n") {
		return &exitError{code: exitUsage, err: err}
	}
	fmt.Fprintln(w.Stderr, text)
	return &exitError{code: exitUsage, err: fmt.Errorf("%d errors, nothing rendered", 1+strings.Count(text, "\n"))}
}

// digests asks the registries. What cannot be resolved is an error, or where
// tags are allowed a warning.
func (f *renderFlags) digests(ctx context.Context, w World, images []string) (map[string]string, error) {
	out := egress.New(egress.Options{Guard: nearby()})
	defer out.Close()
	resolver := image.Resolver{Transport: out.RoundTripper(), Keychain: authn.DefaultKeychain}
	type answer struct {
		digests map[string]string
		err     error
	}
	answered := make(chan answer, 1)
	go func() {
		digests, err := resolver.ResolveAll(ctx, images)
		answered <- answer{digests, err}
	}()
	a := waitShowing(w, "asking registries for digests", answered)
	switch {
	case a.err == nil:
	case ctx.Err() != nil:
		return nil, &exitError{code: exitUsage, err: context.Cause(ctx)}
	case f.allowTags:
		for line := range strings.Lines(a.err.Error() + "\n") {
			fmt.Fprintf(w.Stderr, "warning: %s", line)
		}
	case errors.Is(a.err, image.ErrOffline):
		return nil, &exitError{code: exitUnreachable, err: a.err}
	default:
		return nil, &exitError{code: exitUsage, err: a.err}
	}
	return a.digests, nil
}

func (f *renderFlags) writeReasons(w World, out io.Writer, objects []manifest.Object) error {
	reasons, err := manifest.Explain(objects)
	if err != nil {
		return err
	}
	if f.output == "text" {
		return report.Explanations(out, reasons, w.style())
	}
	for _, r := range reasons {
		if err := report.JSONLine(out, r); err != nil {
			return err
		}
	}
	return nil
}

// writeFolder writes the objects as files and names those that may be left
// over from an earlier run.
func (f *renderFlags) writeFolder(w World, objects []manifest.Object, inputs []string) error {
	if err := f.ownFolder(); err != nil {
		return err
	}
	stale, err := manifest.Split(f.split, objects)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	fmt.Fprintf(w.Stderr, "wrote %s and kustomization.yaml to %s\n", amount(len(objects), "object"), f.split)
	for _, name := range stale {
		path := filepath.Join(f.split, name)
		if !slices.ContainsFunc(inputs, func(in string) bool { return sameFile(in, path) }) {
			fmt.Fprintf(w.Stderr, "stale: %s is not among them; delete it if it was rendered earlier\n", path)
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// rendered is the kustomization.yaml that render writes, and nothing more.
var rendered = regexp.MustCompile(`^apiVersion: kustomize\.config\.k8s\.io/v1beta1\nkind: Kustomization\nresources:\n(?:- [a-z0-9.-]+\.yaml\n)*$`)

// ownFolder refuses to write over a kustomization that somebody else wrote.
func (f *renderFlags) ownFolder() error {
	path := filepath.Join(f.split, "kustomization.yaml")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usage("", "split manifests: %w", err)
	}
	defer file.Close()
	const most = 4 << 20
	data, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return usage("", "split manifests: %w", err)
	}
	if !rendered.Match(data) {
		return usage("give a folder of its own, and name that as a resource in yours", "%s is there and was not written by render", path)
	}
	return nil
}
