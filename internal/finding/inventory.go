package finding

import "slices"

// inventory: what the server says it offers.
func inventory() []Entry { return slices.Concat(lists(), tools(), listens()) }

func lists() []Entry {
	return []Entry{
		{
			Code: "HF066", Name: "list.error", Grade: Unusable, Severity: Error,
			Title: "The tools cannot be listed",
			Seen:  "tools/list was answered with an error although the start had succeeded.",
			Why:   "Clients show the server as connected, with no tools.",
			Do:    "Read the code: -32601 means that no tools are implemented, -32603 that the handler failed. Reproduce it with `holdfast check URL` while you follow the server's log.",
		},
		{
			Code: "HF067", Name: "list.timeout", Grade: Unusable, Severity: Error,
			Title: "The tool list takes too long",
			Seen:  "tools/list gave no answer within the budget although the start had succeeded.",
			Why:   "Clients drop the server at limits of 5, 10, 30 or 60 s; a cold server with 60 tools took 25 to 31 s, and one try in five passed at 10 s (open-webui#25011).",
			Do:    "Build the list once at start instead of on each request, and ask no upstream while listing. Keep one instance warm.",
		},
		{
			Code: "HF068", Name: "list.empty", Grade: Degraded, Severity: Warning,
			Title: "The server lists no tools",
			Seen:  "tools/list succeeded, but no page held a tool.",
			Why:   "There is nothing to call. The specification allows it, but a refused upstream credential looks the same (mcp-context-forge#5247).",
			Do:    "Search the server's start log for tools that failed to register or settings that are missing. Compare the list with and without a credential, since it may be filtered by scope.",
		},
		{
			Code: "HF069", Name: "list.pages_loop", Grade: Unusable, Severity: Error,
			Title: "The tool list never ends",
			Seen:  "tools/list returned a nextCursor that it had returned before, or more pages than the probe follows.",
			Why:   "Clients that follow cursors loop, or pile up copies of the same tools: 8 became 160 (codebase-memory-mcp#1247).",
			Do:    "Omit nextCursor on the last page; an empty string counts as a cursor. Let each cursor point past the tools already sent.",
		},
		{
			Code: "HF074", Name: "list.unstable", Grade: Degraded, Severity: Warning,
			Title: "The tool list changes between connections",
			Seen:  "Fresh connections to the same endpoint, moments apart, got different tool lists.",
			Why:   "Tools appear and vanish under an agent, mostly because replicas of two versions share one address.",
			Do:    "Finish or undo the rollout until all replicas run one image (`kubectl rollout status deploy/NAME`). Let the list depend on the caller's authorization at most.",
		},
	}
}

func tools() []Entry {
	return []Entry{
		{
			Code: "HF070", Name: "list.schema_invalid", Grade: Degraded, Severity: Warning,
			Title: "A tool has an invalid schema",
			Seen:  "A tool's inputSchema or outputSchema is not of type object, invalid in its dialect, too costly, has a remote or dangling $ref, or an illegal x-mcp-header.",
			Why:   "Some clients drop that tool, others silently lose the whole list because of it (claude-code#88049).",
			Do:    "Validate all schemas in CI against the 2020-12 metaschema. Set type to object at the top, and inline what a $ref fetched from the network.",
		},
		{
			Code: "HF071", Name: "list.duplicate", Grade: Degraded, Severity: Warning,
			Title: "Two tools share a name",
			Seen:  "A tool name occurs more than once in tools/list.",
			Why:   "Model providers reject the whole request because tool names must be unique (threads-mcp#2); other clients keep one of the two.",
			Do:    "Rename one of them. Prefix names with their origin where lists of several servers are joined.",
		},
		{
			Code: "HF072", Name: "list.name", Grade: Degraded, Severity: Warning,
			Title: "A tool name breaks the rules",
			Seen:  "A tool name is empty, longer than 128 characters, or has characters other than A-Z, a-z, 0-9, _, - and the dot.",
			Why:   "Model providers restrict names further, so clients have to rename or hide the tool.",
			Do:    "Rename the tool with letters, digits, underscore and hyphen. Keep it short, as clients put a prefix before it.",
		},
		{
			Code: "HF073", Name: "list.tokens", Grade: Degraded, Severity: Warning,
			Title: "The tool list is heavy",
			Seen:  "The tool list weighs more tokens than the budget set for it.",
			Why:   "Each conversation pays for it before its first question; lists of more than 40,000 tokens are in public use.",
			Do:    "Shorten descriptions and remove tools that nobody calls. Move long instructions into a prompt or resource, or divide the server by topic.",
		},
	}
}

func listens() []Entry {
	return []Entry{
		{
			Code: "HF075", Name: "listen.no_ack", Grade: Degraded, Severity: Warning,
			Title: "A subscription is not acknowledged",
			Seen:  "The first message of subscriptions/listen was not notifications/subscriptions/acknowledged, or did not come in time.",
			Why:   "The client cannot tell which changes it will hear of, and may work with a stale list.",
			Do:    "Send the acknowledgement before anything else, with the honoured subset and the subscriptionId. Turn off buffering for event streams on the way.",
		},
		{
			Code: "HF076", Name: "listen.broken", Grade: Degraded, Severity: Warning,
			Title: "A subscription breaks off",
			Seen:  "The stream of subscriptions/listen ended without a result after its acknowledgement, or carried a foreign subscriptionId.",
			Why:   "Nothing is replayed, so clients reconnect and fetch every list again, each time.",
			Do:    "Raise the idle time-out of proxies above 60 s and write a comment line every 15 s. Copy the request's id, with its JSON type, into subscriptionId, and send the result when the server shuts down.",
		},
	}
}
