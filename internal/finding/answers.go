package finding

import "slices"

// answers: something answers over HTTP, but not as an MCP server should.
func answers() []Entry {
	return slices.Concat(redirects(), statuses(), bodies(), streams(), versions(), handshakes(), sessions())
}

func redirects() []Entry {
	return []Entry{
		{
			Code: "HF020", Name: "http.redirect_method", Grade: Unusable, Severity: Error,
			Title: "A redirect turns the POST into GET",
			Seen:  "The POST was answered with 301, 302 or 303, after which HTTP clients send a GET without the body.",
			Why:   "The message is lost on the way; one client looped more than 140 times between the two (modelcontextprotocol#2755).",
			Do:    "Publish the final URL, trailing slash included. Use 308 where a redirect must stay (nginx: `return 308 https://$host/mcp;`).",
		},
		{
			Code: "HF021", Name: "http.redirect_scheme", Grade: Unusable, Severity: Error,
			Title: "A redirect leads from https to http",
			Seen:  "The answer to an https request redirects to an http:// URL.",
			Why:   "A client that obeyed would send its token in the clear, so it stops, or drops the Authorization header and gets 401 (litellm#34845).",
			Do:    "Forward X-Forwarded-Proto from the proxy and make the application trust it (uvicorn: `--proxy-headers --forwarded-allow-ips=PROXY`). Publish the https URL that needs no redirect.",
		},
		{
			Code: "HF022", Name: "http.redirect_host", Grade: Unusable, Severity: Error,
			Title: "A redirect leads to another host",
			Seen:  "The POST was answered with a redirect to a different host or port.",
			Why:   "Credentials must not cross origins, so the client arrives without them, often at a web login that it cannot use (draft-detective#774).",
			Do:    "Publish the URL behind the redirect, or proxy to it under the first name. Answer 401 with a Bearer challenge where the redirect leads to a login page.",
		},
		{
			Code: "HF023", Name: "http.redirect_same", Grade: Degraded, Severity: Warning,
			Title: "A harmless redirect stands before the endpoint",
			Seen:  "The POST was answered with 307 or 308 to the same origin, and worked when repeated there.",
			Why:   "Clients that do not follow redirects on POST call the server unreachable, and the others pay a round trip on each call (python-sdk#732, curie#1999).",
			Do:    "Publish the target of the redirect, usually the same path with or without its last slash. Serve both spellings directly if the old one is already in use.",
		},
	}
}

func statuses() []Entry {
	return []Entry{
		{
			Code: "HF024", Name: "http.404", Grade: Dead, Severity: Error,
			Title: "There is nothing at this path",
			Seen:  "The POST was answered with 404 and a body that is not JSON-RPC.",
			Why:   "The client finds no server, although one may live a path away: /sse was retired while /mcp went on (linear#1223).",
			Do:    "Try the neighbours /mcp, /mcp/ and /sse with `curl -si -X POST URL`, and check the ingress or route rule. Correct the published URL or bring the deployment back.",
		},
		{
			Code: "HF025", Name: "http.410", Grade: Dead, Severity: Error,
			Title: "The endpoint was withdrawn",
			Seen:  "The POST was answered with 410 Gone.",
			Why:   "Whoever runs the host says that it is gone on purpose; no retry will help a client.",
			Do:    "Remove the endpoint from configurations and catalogues, or replace it by the successor that the answer names.",
		},
		{
			Code: "HF026", Name: "http.402", Grade: Gated, Severity: Info,
			Title: "The server asks for payment",
			Seen:  "The POST was answered with 402 Payment Required.",
			Why:   "Clients without a plan or a payment method such as x402 get no further. The server itself is alive.",
			Do:    "Configure the paid credential for this target, or accept this state. Leave the handshake and tools/list free if clients should see what they would pay for.",
		},
		{
			Code: "HF027", Name: "http.405", Grade: Unusable, Severity: Error,
			Title: "The URL does not take POST",
			Seen:  "The POST was answered with 405, and a GET of the same URL opened no event stream either.",
			Why:   "No transport of MCP works here; 62 listed URLs of one provider were static pages that answered so (registry#1488).",
			Do:    "Point the URL at the MCP endpoint, not at its landing page. Allow POST for that path in the CDN, proxy and firewall.",
		},
		{
			Code: "HF028", Name: "http.406", Grade: Unusable, Severity: Error,
			Title: "The server rejects a correct Accept header",
			Seen:  "The POST was answered with 406 although it accepted both application/json and text/event-stream.",
			Why:   "Clients have no other header to offer, so every request of theirs is turned away.",
			Do:    "Compare the Accept header at the server with the one sent: a proxy may rewrite it. Accept both media types in either order.",
		},
		{
			Code: "HF029", Name: "http.415", Grade: Unusable, Severity: Error,
			Title: "The server rejects JSON",
			Seen:  "A POST with Content-Type: application/json was answered with 415.",
			Why:   "MCP knows no other request type, so no client can send anything.",
			Do:    "Accept application/json, also with a charset parameter. Check that no proxy removes or replaces Content-Type.",
		},
		{
			Code: "HF030", Name: "http.429", Grade: Unknown, Severity: Warning,
			Title: "The server throttles the probe",
			Seen:  "The request was answered with 429 Too Many Requests.",
			Why:   "Clients under the same limit must wait. The probe learned nothing about the server and does not count this against it.",
			Do:    "Lower the rate with a longer `probe.every`, or exempt the probe's User-Agent or address from the limit. Spread a scan of many endpoints on one host over more time.",
		},
		{
			Code: "HF031", Name: "http.5xx", Grade: Dead, Severity: Error,
			Title: "The server answers with errors",
			Seen:  "Repeated requests were answered with a status from 500 to 599 and no MCP message.",
			Why:   "Every call fails, and a client's retries only add load (96 endpoints answered so or timed out, twice, in registry#1643).",
			Do:    "Read the server's log for the time of the probe. Check that the proxy still has a backend on 502, 503 and 504 (`kubectl get pods,endpointslices`), and the CDN's origin settings on 520 to 527.",
		},
		{
			Code: "HF032", Name: "http.status", Grade: Unusable, Severity: Error,
			Title: "The request is refused without a reason",
			Seen:  "The POST was answered with another 4xx status, and its body is no MCP answer.",
			Why:   "A client cannot tell what it should change, and gives up.",
			Do:    "Repeat the request with `curl -si` and read the body: firewalls, API gateways and frameworks usually name themselves there. Let POSTs with a JSON body through to the MCP path.",
		},
		{
			Code: "HF033", Name: "http.timeout", Grade: Dead, Severity: Error,
			Title: "The server accepts requests but stays silent",
			Seen:  "The connection was made and the request sent, but no status line came within the budget.",
			Why:   "Clients stop waiting after 5 to 60 seconds, depending on their make; a server that holds its first byte back looks dead to them (go-sdk#1155).",
			Do:    "Look for a deadlock, an exhausted worker pool or a hanging upstream in the server. Send the response head early on slow calls, then a comment line every 15 s.",
		},
	}
}

func bodies() []Entry {
	return []Entry{
		{
			Code: "HF034", Name: "body.html", Grade: Unusable, Severity: Error,
			Title: "A web page answers instead of MCP",
			Seen:  "The body of the answer to the POST is an HTML document.",
			Why:   "Clients fail with \"unexpected content type: text/html\", some without raising an error at all (python-sdk#1382).",
			Do:    "Route the path to the MCP server before the fallback of a single-page app. Exempt it from the proxy's login wall, which should answer 401 instead of a page.",
		},
		{
			Code: "HF035", Name: "body.not_jsonrpc", Grade: Unusable, Severity: Error,
			Title: "The answer is not JSON-RPC",
			Seen:  "The POST succeeded, but its body is not one JSON-RPC 2.0 message with a result or an error.",
			Why:   "The client cannot match it to its request and fails or waits; 8.6% of 16,305 remotes spoke HTTP but not MCP (registry#1626).",
			Do:    "Check that the URL is the MCP endpoint and not a health or REST route. Return one JSON-RPC object per POST, or an event stream that ends with it.",
		},
		{
			Code: "HF036", Name: "body.content_type", Grade: Unusable, Severity: Error,
			Title: "The answer has the wrong content type",
			Seen:  "The Content-Type of the answer is neither application/json nor text/event-stream.",
			Why:   "Clients choose their reader by this header and refuse any other, whatever the body holds (java-sdk#748).",
			Do:    "Set application/json on single answers and text/event-stream on streams. Look for a framework default or proxy rule that replaces it with text/plain.",
		},
		{
			Code: "HF037", Name: "body.too_large", Grade: Unusable, Severity: Error,
			Title: "The answer is too large",
			Seen:  "The answer went past the probe's limit for one body or one event, and reading stopped.",
			Why:   "Clients with a limit abort as well; those without one hand the model more than its context holds.",
			Do:    "Page long lists with nextCursor, and shorten descriptions and schemas. Return big results as resource links instead of inline.",
		},
		{
			Code: "HF038", Name: "body.id_mismatch", Grade: Unusable, Severity: Error,
			Title: "The answer carries a foreign id",
			Seen:  "The response has an id that differs from the request's in value or in JSON type.",
			Why:   "The client discards it as an answer to nobody and waits until its time-out.",
			Do:    "Echo the id as it came: 7 stays a number, \"7\" stays a string, and integers above 2^53 keep every digit. Look for a proxy or cache that renumbers or replays answers.",
		},
		{
			Code: "HF039", Name: "body.encoded", Grade: Unusable, Severity: Error,
			Title: "The answer is compressed unasked",
			Seen:  "The answer has a Content-Encoding although the request did not offer one.",
			Why:   "A client without that decoder reads gibberish, and compressed event streams arrive in late blocks.",
			Do:    "Turn compression off for the MCP path (nginx: `gzip off;`). Make middleware obey Accept-Encoding and leave text/event-stream alone.",
		},
	}
}

func streams() []Entry {
	return []Entry{
		{
			Code: "HF040", Name: "sse.stalled", Grade: Unusable, Severity: Error,
			Title: "The event stream opens but stays empty",
			Seen:  "The head of a text/event-stream came in time, but no event followed before the deadline.",
			Why:   "The call hangs to the client's time-out. Mostly a proxy buffers the stream, because the server neither forbids it nor sends keep-alives (go-sdk#1229).",
			Do:    "Send `X-Accel-Buffering: no` and flush after each event, or set `proxy_buffering off;` in nginx. Write a comment line every 15 s while a call runs.",
		},
		{
			Code: "HF041", Name: "sse.truncated", Grade: Unusable, Severity: Error,
			Title: "The event stream ends before the answer",
			Seen:  "The stream was closed before it had carried the response to our request.",
			Why:   "The client loses the result and cannot know whether the call ran.",
			Do:    "Raise the read and idle time-outs of each proxy above the longest call (nginx: proxy_read_timeout). Search for a crash or rollout at that time, and finish open streams before the process stops.",
		},
		{
			Code: "HF042", Name: "transport.sse_only", Grade: Degraded, Severity: Warning,
			Title: "Only the old SSE transport works",
			Seen:  "A GET brought the endpoint event of HTTP+SSE, while POST to the same URL is refused.",
			Why:   "This transport is deprecated since 2025-03-26: new clients drop it, and every stream is tied to one process.",
			Do:    "Serve Streamable HTTP beside it, usually at /mcp, and publish that URL. Put `holdfast serve --upstream URL` in front until then.",
		},
	}
}
