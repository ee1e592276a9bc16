package finding

import "slices"

// authorization: the login wall, and whether a client can find its way through.
func authorization() []Entry {
	return slices.Concat(challenges(), metadata(), credentials())
}

func challenges() []Entry {
	return []Entry{
		{
			Code: "HF055", Name: "auth.required_ok", Grade: Gated, Severity: Info,
			Title: "The server asks for a login correctly",
			Seen:  "The request was answered with 401 and a Bearer challenge, and the metadata of resource and authorization server were found and agree.",
			Why:   "Clients can log in. What lies behind was not judged, because no credential is configured.",
			Do:    "Add a credential for this target, such as `credential: {bearer: {file: PATH}}`, to have its tools checked too.",
		},
		{
			Code: "HF056", Name: "auth.no_challenge", Grade: Unusable, Severity: Error,
			Title: "A login is required but not explained",
			Seen:  "The request was answered with 401 without a Bearer challenge, and no metadata was found at the well-known paths.",
			Why:   "A client knows that it must log in but not where; users read only that the server cannot be reached (n8n-mcp#604; 9 of 49 login walls in modelcontextprotocol#540).",
			Do:    "Send `WWW-Authenticate: Bearer resource_metadata=\"https://HOST/.well-known/oauth-protected-resource/mcp\"` with each 401, and serve that document. Check that no proxy drops the header.",
		},
		{
			Code: "HF063", Name: "auth.forbidden", Grade: Unusable, Severity: Error,
			Title: "Access is forbidden without a way in",
			Seen:  "The request was answered with 403 and no challenge.",
			Why:   "A firewall, an Origin check or an address list turns the client away, and no login would change that.",
			Do:    "Find the request in the logs of firewall and proxy by its User-Agent. Admit clients that send no Origin header, and answer 401 with a challenge if a login is what is missing.",
		},
		{
			Code: "HF064", Name: "auth.call_time", Grade: Gated, Severity: Info,
			Title: "Listing is open, calling needs a login",
			Seen:  "tools/list worked without a credential, while tools/call was answered with 401.",
			Why:   "Anonymous clients can look but not work. Several servers do this on purpose (tolgee#3768, ms-365#513).",
			Do:    "Configure a credential for this target to have its calls checked. Send the full Bearer challenge with the 401 of the call, so that clients can log in at that point.",
		},
		{
			Code: "HF065", Name: "auth.static_key", Grade: Gated, Severity: Info,
			Title: "The server wants an API key",
			Seen:  "The request was answered with 401 and no Bearer challenge or metadata, but with another scheme or a text that asks for an API key.",
			Why:   "No client can obtain the key by itself; a person has to fetch and enter it. About 29% of 7,973 remotes worked with static tokens (arXiv 2605.22333).",
			Do:    "Configure the key for this target as a header credential read from a file. Declare the header under remotes[].headers of the server.json, so that clients ask their user for it.",
		},
	}
}

func metadata() []Entry {
	return []Entry{
		{
			Code: "HF057", Name: "auth.prm_404", Grade: Unusable, Severity: Error,
			Title: "The protected-resource metadata is missing",
			Seen:  "Neither the URL in the challenge nor the well-known paths gave protected-resource metadata (RFC 9728) as JSON with status 200.",
			Why:   "Clients from 2025-06-18 on cannot find the authorization server. A catch-all route of a web app is enough to hide the document (n8n#34571).",
			Do:    "Serve /.well-known/oauth-protected-resource followed by the endpoint's path, without a login and with CORS *. Route /.well-known/ to the MCP server in the ingress.",
		},
		{
			Code: "HF058", Name: "auth.prm_mismatch", Grade: Unusable, Severity: Error,
			Title: "The metadata is for another resource",
			Seen:  "The resource member of the protected-resource metadata is not the URL that was called, or its authorization_servers is empty.",
			Why:   "Clients must refuse the document, lest a token for one server be sent to another (insforge#69).",
			Do:    "Set resource to the public endpoint URL, the same in scheme, host, path and final slash. Take it from configuration rather than from a Host header that proxies rewrite.",
		},
		{
			Code: "HF059", Name: "auth.as_unreachable", Grade: Unusable, Severity: Error,
			Title: "The authorization server cannot be reached",
			Seen:  "None of the well-known URLs of the authorization server named in the metadata gave a JSON document with status 200.",
			Why:   "The login cannot begin, however healthy the MCP server is.",
			Do:    "Request /.well-known/oauth-authorization-server and /.well-known/openid-configuration of the issuer with `curl -si`. Restore the identity provider or correct authorization_servers.",
		},
		{
			Code: "HF060", Name: "auth.issuer_mismatch", Grade: Unusable, Severity: Error,
			Title: "The issuer does not match its address",
			Seen:  "The issuer in the authorization server's metadata is not, byte for byte, the one under which it was looked up.",
			Why:   "Strict clients stop before a browser opens, as protection against a planted issuer (context7#2723, pagerduty-mcp-server#169).",
			Do:    "Write the metadata's issuer value into authorization_servers exactly, with its path and final slash. Serve the document under that issuer's well-known path.",
		},
		{
			Code: "HF061", Name: "auth.no_pkce", Grade: Unusable, Severity: Error,
			Title: "The authorization server does not announce PKCE",
			Seen:  "code_challenge_methods_supported in the authorization server's metadata is absent or lacks S256.",
			Why:   "Clients must refuse such a server since 2025-11-25, even if it could do PKCE (typescript-sdk#2831).",
			Do:    "Publish `\"code_challenge_methods_supported\": [\"S256\"]` in the metadata. Serve a corrected copy of the document if the identity provider supports PKCE but omits the member.",
		},
	}
}

func credentials() []Entry {
	return []Entry{
		{
			Code: "HF062", Name: "auth.rejected", Grade: Unusable, Severity: Error,
			Title: "Our credential is refused",
			Seen:  "The request carried the credential configured for this target and was answered with 401 or 403.",
			Why:   "All who use this credential fail: it has expired, was revoked, or is meant for another audience or scope (executor#1112).",
			Do:    "Renew the credential, then compare its expiry, audience and scopes with the error and scope in the challenge. Read it from a file that rotation keeps fresh.",
		},
	}
}
