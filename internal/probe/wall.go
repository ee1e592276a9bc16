package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/holdfast-mcp/holdfast/internal/client"
	"github.com/holdfast-mcp/holdfast/internal/egress"
	"github.com/holdfast-mcp/holdfast/internal/mcp"
)

// wall is a login wall that is being walked around, as a client would walk: the
// challenge, the resource's metadata (RFC 9728), the authorization server's
// metadata (RFC 8414 or OpenID Connect). Nothing is ever posted.
type wall struct {
	j    *journey
	http *egress.Client
	url  *url.URL
}

// maxDocument bounds a metadata document, in bytes.
const maxDocument = 256 << 10

// judgeWall judges a 401 or 403.
func (j *journey) judgeWall(ctx context.Context, x *client.Exchange) {
	seen := fmt.Sprintf("%s is answered %s", methodOf(x), j.answerOf(x))
	bearer, challenged := bearerChallenge(x.AuthChallenge())
	switch {
	case credentialed(j.target.Endpoint.Header):
		j.res.Auth = AuthBroken
		if e := bearer["error"]; e != "" {
			seen += ", error " + j.clip(e)
		}
		j.report("auth.rejected", "our credential is refused: "+seen)
		return
	case x.Status == http.StatusForbidden && !challenged:
		j.res.Auth = AuthBroken
		j.report("auth.forbidden", seen)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, j.prober.opts.Patience)
	defer cancel()
	w := &wall{j: j, http: j.metadataClient(x), url: j.client.URL()}
	defer w.http.Close()
	w.walk(ctx, x, bearer, challenged)
}

func methodOf(x *client.Exchange) string {
	if x.Method != "" {
		return x.Method
	}
	return x.HTTPMethod
}

// metadataClient gives the way out for documents that a stranger points us at.
// Only a target that is itself on a private network may point into one.
func (j *journey) metadataClient(x *client.Exchange) *egress.Client {
	o := j.prober.opts.Egress
	if x.Remote.IsValid() && (egress.Guard{}).Check(x.Remote.Addr()) == nil {
		o.Guard = egress.Guard{}
	}
	o.MaxBodyBytes = maxDocument
	o.HTTPSOnly = j.client.URL().Scheme == "https"
	return egress.New(o)
}

// protectedResource is the document of RFC 9728.
type protectedResource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
}

func (w *wall) walk(ctx context.Context, x *client.Exchange, bearer map[string]string, challenged bool) {
	j := w.j
	doc, at, status := w.protectedResource(ctx, bearer["resource_metadata"])
	switch {
	case doc == nil && !challenged && looksLikeStaticKey(x):
		j.res.Auth = AuthGated
		j.report("auth.static_key", fmt.Sprintf("%s without a Bearer challenge or metadata; the answer speaks of an API key", j.answerOf(x)))
		return
	case doc == nil && !challenged:
		j.res.Auth = AuthBroken
		j.report("auth.no_challenge", fmt.Sprintf("%s without WWW-Authenticate, and no resource metadata at the well-known places", j.answerOf(x)))
		return
	case doc == nil:
		// Up to 2025-03-26 the server's own origin was the authorization server.
		origin := w.url.Scheme + "://" + w.url.Host
		if meta, _ := w.serverMetadata(ctx, origin); meta != nil {
			w.judgeServer(origin, meta)
			return
		}
		j.res.Auth = AuthBroken
		j.report("auth.prm_404", fmt.Sprintf("the challenge leads to no resource metadata: %s gives %s", at, status))
		return
	case !sameResource(doc.Resource, w.url):
		j.res.Auth = AuthBroken
		j.report("auth.prm_mismatch", fmt.Sprintf("resource metadata is for %q, not for %s", j.clip(doc.Resource), withoutQuery(w.url.String())))
		return
	case len(doc.AuthorizationServers) == 0:
		j.res.Auth = AuthBroken
		j.report("auth.prm_mismatch", "resource metadata names no authorization server")
		return
	}
	issuer := doc.AuthorizationServers[0]
	meta, status := w.serverMetadata(ctx, issuer)
	if meta == nil {
		j.res.Auth = AuthBroken
		j.report("auth.as_unreachable", fmt.Sprintf("authorization server %s has no metadata: %s", j.clip(withoutQuery(issuer)), status))
		return
	}
	w.judgeServer(issuer, meta)
}

// serverMetadata is what we read of an authorization server's metadata.
type serverMetadata struct {
	Issuer    string   `json:"issuer"`
	Challenge []string `json:"code_challenge_methods_supported"`
	Token     string   `json:"token_endpoint"`
}

func (w *wall) judgeServer(issuer string, meta *serverMetadata) {
	j := w.j
	j.res.Auth = AuthBroken
	switch {
	case meta.Issuer != issuer: // identical to the character (RFC 8414 section 3.3)
		j.report("auth.issuer_mismatch", fmt.Sprintf("metadata of %s says its issuer is %q", withoutQuery(issuer), j.clip(meta.Issuer)))
	case !slices.Contains(meta.Challenge, "S256"):
		j.report("auth.no_pkce", fmt.Sprintf("metadata of %s does not list S256 in code_challenge_methods_supported", withoutQuery(issuer)))
	default:
		j.res.Auth = AuthGated
		j.report("auth.required_ok", "asks for a token of "+withoutQuery(issuer)+"; challenge and metadata can be followed")
	}
}

// protectedResource fetches RFC 9728 metadata: where the challenge says, else
// at the well-known places.
func (w *wall) protectedResource(ctx context.Context, hinted string) (doc *protectedResource, at, status string) {
	places := wellKnown(w.url, "oauth-protected-resource")
	if hinted != "" {
		ref, err := w.url.Parse(hinted)
		if err != nil {
			return nil, "resource_metadata", "a URL that does not parse"
		}
		places = []string{ref.String()}
	}
	for _, at = range places {
		doc = new(protectedResource)
		if status = w.fetch(ctx, at, doc); status == "" && (doc.Resource != "" || doc.AuthorizationServers != nil) {
			return doc, withoutQuery(at), ""
		}
		if status == "" {
			status = "a document that is none"
		}
	}
	return nil, withoutQuery(at), status
}

func (w *wall) serverMetadata(ctx context.Context, issuer string) (*serverMetadata, string) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return nil, "its name is no URL"
	}
	places := wellKnown(u, "oauth-authorization-server")[:1]
	places = append(places, wellKnown(u, "openid-configuration")[:1]...)
	if path := strings.Trim(u.Path, "/"); path != "" {
		places = append(places, u.Scheme+"://"+u.Host+"/"+path+"/.well-known/openid-configuration")
	}
	status := ""
	for _, at := range places {
		meta := new(serverMetadata)
		if status = w.fetch(ctx, at, meta); status == "" && meta.Issuer != "" {
			return meta, ""
		}
		if status == "" {
			status = "a document without issuer"
		}
	}
	return nil, status
}

// wellKnown inserts the well-known part before the path (RFC 8615, RFC 9728
// section 3.1), then gives the form without path.
func wellKnown(u *url.URL, name string) []string {
	base := u.Scheme + "://" + u.Host + "/.well-known/" + name
	if path := strings.Trim(u.EscapedPath(), "/"); path != "" {
		return []string{base + "/" + path, base}
	}
	return []string{base}
}

// fetch reads one JSON document; "" or what went wrong, without its content.
func (w *wall) fetch(ctx context.Context, at string, into any) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "an invalid URL"
	}
	req.Header.Set("Accept", mcp.TypeJSON)
	if ua := w.j.prober.opts.UserAgent; ua != "" {
		req.Header.Set("User-Agent", ua)
	}
	x := &client.Exchange{HTTPMethod: http.MethodGet, URL: at, RequestHeader: req.Header}
	defer func() { w.j.exchanges = append(w.j.exchanges, x) }()
	res, err := w.http.Do(req)
	if err != nil {
		x.Err = err
		return w.j.errorText(err)
	}
	defer res.Body.Close()
	x.Status, x.Header, x.Timing = res.StatusCode, res.Header, res.Timing
	if res.StatusCode != http.StatusOK {
		return fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	body, err := io.ReadAll(res.Body)
	x.Received = int64(len(body))
	if err != nil {
		return w.j.errorText(err)
	}
	if json.Unmarshal(body, into) != nil {
		return "200 with a body that is no JSON object"
	}
	return ""
}

// sameResource tells whether metadata for resource covers our URL. The same
// origin with a path above ours counts: clients accept it.
func sameResource(resource string, u *url.URL) bool {
	r, err := url.Parse(resource)
	if err != nil || !strings.EqualFold(r.Scheme, u.Scheme) || !strings.EqualFold(canonicalHost(r), canonicalHost(u)) {
		return false
	}
	want, have := strings.TrimSuffix(r.Path, "/"), strings.TrimSuffix(u.Path, "/")
	return have == want || strings.HasPrefix(have, want+"/")
}

func canonicalHost(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return host
	}
	return host + ":" + port
}

var challengeParam = regexp.MustCompile(`([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))`)

// bearerChallenge reads the parameters of the Bearer challenge (RFC 6750
// section 3) among the WWW-Authenticate lines.
func bearerChallenge(lines []string) (params map[string]string, ok bool) {
	for _, line := range lines {
		i := strings.Index(strings.ToLower(line), "bearer")
		if i < 0 || len(line) > 8<<10 {
			continue
		}
		params = map[string]string{}
		for _, m := range challengeParam.FindAllStringSubmatch(line[i+len("bearer"):], 32) {
			params[strings.ToLower(m[1])] = m[2] + m[3]
		}
		return params, true
	}
	return nil, false
}

// looksLikeStaticKey: another scheme than Bearer, or a body that asks for a key.
func looksLikeStaticKey(x *client.Exchange) bool {
	if len(x.AuthChallenge()) > 0 {
		return true
	}
	text := strings.ToLower(string(x.Body[:min(len(x.Body), 4<<10)]))
	for _, mark := range []string{"api key", "api_key", "apikey", "api-key", "access key", "x-api-key", "subscription key"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}
