package finding

func versions() []Entry {
	return []Entry{
		{
			Code: "HF043", Name: "version.unsupported", Grade: Unusable, Severity: Error,
			Title: "No protocol version in common",
			Seen:  "The server refused every version offered (error -32022, HTTP 400), or chose one that the probe does not speak.",
			Why:   "Clients of those versions cannot connect; a server that checks the header against a fixed list breaks with each client upgrade (xiaohongshu-mcp#697).",
			Do:    "Upgrade the server's SDK. Answer initialize with your newest version when the client's is unknown, and list all of yours in data.supported of -32022.",
		},
		{
			Code: "HF044", Name: "version.echo", Grade: Degraded, Severity: Warning,
			Title: "The server agrees to any version",
			Seen:  "An initialize that asked for 1999-01-01 was answered with 1999-01-01.",
			Why:   "Newer clients believe the answer and use features that then fail; 6 of 78 servers in one scan did this.",
			Do:    "Return the requested version only if the server implements it, else the newest that it does. Leave the negotiation to the SDK instead of copying protocolVersion.",
		},
		{
			Code: "HF045", Name: "version.prerelease", Grade: Degraded, Severity: Warning,
			Title: "The server uses error numbers of drafts",
			Seen:  "A request of the modern era was refused with -32001, -32003 or -32004, the numbers of release candidates.",
			Why:   "Clients of the final revision read no meaning into these, take the server for a legacy one and fall back to initialize.",
			Do:    "Upgrade to an SDK released after 2026-07-28. Emit -32020, -32021 and -32022 in their place.",
		},
		{
			Code: "HF046", Name: "discover.missing", Grade: Degraded, Severity: Warning,
			Title: "A modern server without server/discover",
			Seen:  "server/discover was answered with 404 and -32601, while a modern tools/list worked.",
			Why:   "The method is mandatory from 2026-07-28 on, and clients that begin with it decide for the wrong era.",
			Do:    "Implement server/discover with supportedVersions, capabilities, ttlMs and cacheScope; current SDKs bring it.",
		},
		{
			Code: "HF047", Name: "headers.stripped", Grade: Unusable, Severity: Error,
			Title: "A proxy removes the MCP headers",
			Seen:  "The server answered -32020 although MCP-Protocol-Version, Mcp-Method and Mcp-Name agreed with the body when they were sent.",
			Why:   "Each modern request is refused, and nothing that a client could change would help.",
			Do:    "Pass MCP-Protocol-Version and all Mcp-* headers through unchanged in CDN, firewall and API gateway. Repeat the request past the proxy to find which hop is at fault.",
		},
	}
}

func handshakes() []Entry {
	return []Entry{
		{
			Code: "HF048", Name: "init.error", Grade: Unusable, Severity: Error,
			Title: "The handshake fails",
			Seen:  "initialize was answered with a JSON-RPC error.",
			Why:   "No client of the legacy era gets past its first message.",
			Do:    "Read the error and the server's log: a database, upstream or variable needed at start is often missing. Ignore unknown fields in capabilities and clientInfo rather than failing on them.",
		},
		{
			Code: "HF049", Name: "init.initialized_rejected", Grade: Unusable, Severity: Error,
			Title: "The end of the handshake is refused",
			Seen:  "initialize succeeded, but the POST of notifications/initialized was not answered with 202.",
			Why:   "The handshake never completes, and strict clients hang up (8 servers in registry#1643).",
			Do:    "Answer notifications with 202 and an empty body, and do not look for an id in them. Check that the session id of initialize is known to whichever replica gets the notification.",
		},
		{
			Code: "HF054", Name: "era.partial", Grade: Degraded, Severity: Warning,
			Title: "One of two eras does not work",
			Seen:  "The server offers stateless requests and the initialize handshake, but only one of them leads to a tool list.",
			Why:   "Clients of the other era fail, and a check that speaks only one era does not notice.",
			Do:    "Try both by hand: POST server/discover with 2026-07-28, and initialize with 2025-11-25. Repair the failing path, or stop listing its versions.",
		},
	}
}

func sessions() []Entry {
	return []Entry{
		{
			Code: "HF050", Name: "session.unusable", Grade: Unusable, Severity: Error,
			Title: "A new session is refused at once",
			Seen:  "The first request with the Mcp-Session-Id that initialize had just issued was refused.",
			Why:   "No call ever succeeds, typically because the replica that gets it has the id but not the session's state (mcp-use#1133).",
			Do:    "Run a single replica to confirm, then route by Mcp-Session-Id or share the whole session. Switch the SDK to its stateless mode if no tool keeps state.",
		},
		{
			Code: "HF051", Name: "session.lost_400", Grade: Degraded, Severity: Warning,
			Title: "A session was lost, answered 400",
			Seen:  "A session that had worked was refused with 400 on a later request.",
			Why:   "Only 404 tells a client to start over; after 400 each call fails until a person reconnects (python-sdk#1004, affine#301).",
			Do:    "Answer an unknown session with 404; the Python SDK does since python-sdk#1808. Keep sessions over restarts, or do without them.",
		},
		{
			Code: "HF052", Name: "session.lost_404", Grade: Degraded, Severity: Warning,
			Title: "A session was lost between two requests",
			Seen:  "A session that had worked was answered with 404 on a later request.",
			Why:   "The status is right, yet widespread clients do not start over and stay broken (python-sdk#1676, typescript-sdk#1476).",
			Do:    "Raise the session time-out, and share sessions between replicas so that a rollout does not end them. Put `holdfast serve` in front, which reopens lost sessions for its clients.",
		},
		{
			Code: "HF053", Name: "session.weak_id", Grade: Degraded, Severity: Warning,
			Title: "The session id is weak",
			Seen:  "The Mcp-Session-Id is too short to hold 128 random bits, or has bytes outside visible ASCII (0x21 to 0x7E).",
			Why:   "A guessable id lets a stranger speak in the client's session, and proxies may drop a header with odd bytes.",
			Do:    "Generate 32 hex digits from a cryptographic random source, or go back to the SDK's own generator.",
		},
	}
}
