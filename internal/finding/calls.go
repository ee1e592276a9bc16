package finding

import "slices"

// calls: what the declared checks found, and what shows only over time.
func calls() []Entry { return slices.Concat(results(), upstreams(), overTime()) }

func results() []Entry {
	return []Entry{
		{
			Code: "HF077", Name: "call.unknown_tool", Grade: Degraded, Severity: Warning,
			Title: "A checked tool does not exist",
			Seen:  "A declared check names a tool that tools/list does not have.",
			Why:   "Agents, prompts and code that know the tool by this name fail as the check does.",
			Do:    "Run `holdfast contract diff` to see whether the tool was renamed or removed. Restore it, or correct the name in the check.",
		},
		{
			Code: "HF078", Name: "call.protocol_error", Grade: Degraded, Severity: Warning,
			Title: "A tool call fails at the protocol",
			Seen:  "A checked tools/call was answered with a JSON-RPC error instead of a result.",
			Why:   "Clients treat this as a fault of the connection, and the model does not learn what went wrong.",
			Do:    "Return failures of the tool as a result with isError and a message for the model; keep JSON-RPC errors for malformed requests. Check the arguments in the check against the tool's inputSchema.",
		},
		{
			Code: "HF079", Name: "call.is_error", Grade: Degraded, Severity: Warning,
			Title: "A tool reports an error",
			Seen:  "A checked tools/call returned a result with isError true.",
			Why:   "The server is up and lists the tool, but an agent that calls it gets no work done.",
			Do:    "Read the text in the result and repeat the call with the same arguments. Repair what the tool depends on, or the arguments if they are out of date.",
		},
		{
			Code: "HF080", Name: "call.timeout", Grade: Degraded, Severity: Warning,
			Title: "A tool call takes too long",
			Seen:  "A checked tools/call gave no result within the time that the check allows.",
			Why:   "Clients built on the TypeScript SDK stop at 60 s, whatever they are configured to wait (claude-code#16837).",
			Do:    "Give each upstream request of the tool a deadline, and time them. Send progress for work that must take long, then raise longestCall and the check's limit to match.",
		},
		{
			Code: "HF081", Name: "call.input_required", Grade: Degraded, Severity: Warning,
			Title: "A tool asks a question back",
			Seen:  "A checked tools/call was answered with resultType input_required.",
			Why:   "Nobody is there to answer a scheduled check, and clients without the asked capability cannot finish the call either.",
			Do:    "Choose arguments for the check that raise no question. Offer a path through the tool for callers that cannot be asked.",
		},
		{
			Code: "HF082", Name: "call.output_invalid", Grade: Degraded, Severity: Warning,
			Title: "A result violates its own schema",
			Seen:  "The structuredContent of a checked call does not satisfy the tool's outputSchema.",
			Why:   "Clients that validate throw the whole result away although the tool worked (obsidian-mcp#108, repomix#833).",
			Do:    "Correct whichever of schema and result is wrong, beginning with optional and nullable members. Test real results against the schema in CI.",
		},
		{
			Code: "HF083", Name: "call.output_missing", Grade: Degraded, Severity: Warning,
			Title: "A promised structured result is missing",
			Seen:  "The tool declares an outputSchema, but the result of a checked call has no structuredContent.",
			Why:   "Code that reads the structured result finds nothing, and validating clients report an error.",
			Do:    "Return structuredContent beside the text, or remove the outputSchema.",
		},
	}
}

func upstreams() []Entry {
	return []Entry{
		{
			Code: "HF084", Name: "call.upstream_auth", Grade: Unusable, Severity: Error,
			Title: "The server's own credential is refused upstream",
			Seen:  "The error of a checked call matches the check's rule for a rejected upstream credential.",
			Why:   "The server looks alive and lists every tool, but none can do its work (gemini-notebook-mcp-cli#160).",
			Do:    "Renew the credential that the server holds for its upstream, then reload or restart it. Set an alarm ahead of the next expiry.",
		},
		{
			Code: "HF085", Name: "call.upstream_down", Grade: Unusable, Severity: Error,
			Title: "The service behind the server is down",
			Seen:  "The error of a checked call matches the check's rule for an unavailable upstream.",
			Why:   "Agents spend dozens of calls that cannot succeed before they give up (Teradata#109).",
			Do:    "Check the upstream's status page, and reach it from where the server runs (`kubectl exec POD -- curl -sS URL`). Answer with isError at once while it is down, instead of letting calls time out.",
		},
		{
			Code: "HF086", Name: "call.quota", Grade: Degraded, Severity: Warning,
			Title: "An upstream quota is used up",
			Seen:  "The error of a checked call matches the check's rule for an exhausted quota or rate limit.",
			Why:   "Calls fail for everybody who shares the quota until it is refilled.",
			Do:    "Raise the quota or give callers limits of their own. Run this check less often if it is what drains the quota.",
		},
	}
}

func overTime() []Entry {
	return []Entry{
		{
			Code: "HF087", Name: "slow.cold_start", Grade: Degraded, Severity: Warning,
			Title: "The server wakes up too slowly",
			Seen:  "The first probe after a pause went over the budget, and the next one right after it stayed within.",
			Why:   "The first user after a quiet time gets a time-out: 12 s cold against 0.9 s warm, for a client that waits 5 s (AssetOpsBench#335).",
			Do:    "Keep one instance running (minReplicas or min-instances 1), or shorten its start. Put `holdfast serve` in front, which holds the call while the server wakes.",
		},
		{
			Code: "HF088", Name: "slow.p95", Grade: Degraded, Severity: Warning,
			Title: "The server is slow when warm",
			Seen:  "The 95th percentile of the warm probes' total time is over the budget.",
			Why:   "One request in twenty or more runs into the short limits of some clients, such as 5 s.",
			Do:    "Compare the phases of the probe (dns, connect, tls, first byte) and begin with the slowest. Add replicas if the CPU is saturated.",
		},
		{
			Code: "HF089", Name: "flap", Grade: Degraded, Severity: Warning,
			Title: "The server comes and goes",
			Seen:  "The outcome changed at least 3 times within the last 10 probes.",
			Why:   "Clients fail by turns, and whoever looks once sees only one of the states.",
			Do:    "Probe each replica by itself with `holdfast check http://POD_IP:PORT/mcp` to find the bad one. Look for restarts and memory kills in `kubectl describe pod NAME`.",
		},
		{
			Code: "HF090", Name: "probe.canceled", Grade: Unknown, Severity: Warning,
			Title: "The probe was stopped by our side",
			Seen:  "A signal, a shutdown or a deadline of our own ended the probe before it had a verdict.",
			Why:   "It says nothing about how clients fare.",
			Do:    "Run the probe again. Raise probe.budget if this happens repeatedly.",
		},
	}
}
