package finding

// lintMonitors: those who watch, and what they cannot see.
func lintMonitors() []Entry {
	return []Entry{
		{
			Code: "HF601", Name: "monitor.cron_settings", Severity: Warning,
			Title: "The monitor's schedule hides or piles up failures",
			Seen:  "A monitor's CronJob leaves concurrencyPolicy, backoffLimit or the deadline at its default.",
			Why:   "One failure is tried up to seven times, overlaps the next run, and reaches nobody in time.",
			Do:    "Set concurrencyPolicy Forbid, backoffLimit 0, activeDeadlineSeconds, startingDeadlineSeconds, ttlSecondsAfterFinished and failedJobsHistoryLimit 3 or more.",
		},
		{
			Code: "HF602", Name: "monitor.curl_blind", Severity: Error,
			Title: "The monitor does not speak MCP",
			Seen:  "A monitor asks by curl without the headers MCP needs, or judges by the HTTP status only.",
			Why:   "Servers answer 406 to the missing Accept header, while errors in JSON-RPC and empty lists arrive as 200: the monitor is red on good servers and green on bad ones.",
			Do:    "Run `holdfast check URL`, which makes a client's whole journey and judges the answer.",
		},
		{
			Code: "HF603", Name: "monitor.inside_only", Severity: Warning,
			Title: "Nobody watches from outside",
			Seen:  "The monitor asks a name that exists inside the cluster only, or runs in the same cluster as what it watches.",
			Why:   "DNS, certificate, route and load balancer, where most outages are, are not looked at; when the cluster is down nobody tells.",
			Do:    "Ask the public URL, and from another place (`holdfast monitor` elsewhere).",
		},
		{
			Code: "HF604", Name: "monitor.no_alert", Severity: Warning,
			Title: "Nobody is told",
			Seen:  "There is a monitor or a server, and no alert rule on its outcome.",
			Why:   "A failed Job is a line in a list; clients are the first to notice.",
			Do:    "Add a PrometheusRule on kube_job_status_failed or on Holdfast's own metrics, or let the monitor call a webhook.",
		},
		{
			Code: "HF605", Name: "monitor.no_tool_call", Severity: Warning,
			Title: "The monitor never calls a tool",
			Seen:  "The monitor asks for initialize or tools/list, and calls no tool.",
			Why:   "A server that lists its tools and fails every call, as with an expired credential, looks healthy.",
			Do:    "Declare a check: a read-only tool with arguments and what its result must hold.",
		},
		{
			Code: "HF606", Name: "monitor.no_credential", Severity: Warning,
			Title: "The monitor does not log in",
			Seen:  "The server wants a login, and the monitor sends no credential.",
			Why:   "It sees 401 and either reports a healthy server as dead, or takes 401 for fine and misses everything behind it.",
			Do:    "Give the monitor a credential of its own (`--token-file`).",
		},
		{
			Code: "HF607", Name: "monitor.same_minute", Severity: Info,
			Title: "All monitors fire in the same second",
			Seen:  "Several monitors have the same schedule.",
			Why:   "Upstreams with rate limits see all probes at once and answer 429, so monitors fail together for no fault of the servers.",
			Do:    "Spread the minutes, or use `holdfast monitor`, which spreads by itself.",
		},
	}
}
