package finding

// lintLifecycle: how a pod comes and goes without a client noticing.
func lintLifecycle() []Entry {
	return []Entry{
		{
			Code: "HF201", Name: "lifecycle.grace_short", Severity: Error,
			Title: "The grace period is shorter than a call",
			Seen:  "The time between SIGTERM and SIGKILL, less the preStop wait, is shorter than the longest call that is declared or that the route allows.",
			Why:   "Every rollout, drain and scale-down kills running tool calls; the client gets a broken stream and cannot know whether the call took effect.",
			Do:    "Set terminationGracePeriodSeconds (compose: stop_grace_period) to preStop plus the longest call plus a margin.",
		},
		{
			Code: "HF202", Name: "lifecycle.no_prestop", Severity: Error,
			Title: "No wait before shutdown",
			Seen:  "A server with several replicas has no preStop hook.",
			Why:   "New requests reach the pod after SIGTERM, while the endpoint change spreads: measured, 9 to 31 of 5,300 requests were refused per restart, even with maxUnavailable 0.",
			Do:    "Add lifecycle.preStop.sleep.seconds 5 to the server's container (Kubernetes 1.34; before that, exec sleep where the image has a shell).",
		},
		{
			Code: "HF203", Name: "lifecycle.exec_without_shell", Severity: Error,
			Title: "The preStop command is not in the image",
			Seen:  "A preStop or probe command needs a shell or sleep, and the image has none.",
			Why:   "The hook fails at once, so the wait it was meant to give does not happen and requests are refused in every rollout.",
			Do:    "Use the built-in preStop.sleep action, which needs nothing in the image.",
		},
		{
			Code: "HF204", Name: "rollout.max_unavailable", Severity: Warning,
			Title: "Rollouts take capacity away",
			Seen:  "maxUnavailable allows at least one replica to be missing during a rollout.",
			Why:   "Clients of the missing replica lose their sessions before a new one is ready, and the rest carry all load.",
			Do:    "Set strategy.rollingUpdate.maxUnavailable 0 and maxSurge 1.",
		},
		{
			Code: "HF205", Name: "rollout.no_min_ready", Severity: Info,
			Title: "A new pod counts at once",
			Seen:  "minReadySeconds is not set.",
			Why:   "A build that answers once and then dies replaces every good replica before anybody notices.",
			Do:    "Set minReadySeconds to at least 10.",
		},
		{
			Code: "HF206", Name: "lifecycle.streams_survive_sigterm", Severity: Warning,
			Title: "SIGTERM does not end event streams",
			Seen:  "After SIGTERM the server kept its open event streams until it was killed.",
			Why:   "Clients on the stream are cut without a hint to resume and the pod uses up its whole grace period.",
			Do:    "End listen and GET streams on SIGTERM, with a retry hint, before you wait for calls.",
		},
		{
			Code: "HF207", Name: "rollout.recreate", Severity: Error,
			Title: "Rollouts stop every replica first",
			Seen:  "The Deployment's strategy is Recreate.",
			Why:   "Each rollout is an outage: all sessions end, and clients get 503 until the new pod has started.",
			Do:    "Use RollingUpdate with maxUnavailable 0. Keep Recreate only where a volume cannot be shared, and say so with an ignore.",
		},
		{
			Code: "HF208", Name: "lifecycle.prestop_too_long", Severity: Error,
			Title: "preStop uses up the grace period",
			Seen:  "The preStop wait is as long as terminationGracePeriodSeconds or longer.",
			Why:   "The server gets SIGKILL without ever having seen SIGTERM, so every running call and stream is cut.",
			Do:    "Raise terminationGracePeriodSeconds above preStop plus the longest call.",
		},
		{
			Code: "HF209", Name: "lifecycle.shell_form", Severity: Warning,
			Title: "A shell keeps SIGTERM from the server",
			Seen:  "The server is started through a shell that does not replace itself.",
			Why:   "The shell gets SIGTERM and does not pass it on: the server runs until SIGKILL, and calls in flight are lost in every rollout.",
			Do:    "Use the JSON form (or a list in the manifest), or begin the shell's command with exec.",
		},
		{
			Code: "HF210", Name: "lifecycle.no_graceful_timeout", Severity: Warning,
			Title: "uvicorn waits for streams without end",
			Seen:  "uvicorn runs without timeout_graceful_shutdown.",
			Why:   "On SIGTERM it waits for open event streams, which never end, until the kubelet kills it together with the calls that could have finished.",
			Do:    "Add --timeout-graceful-shutdown with a value below the grace period.",
		},
		{
			Code: "HF211", Name: "lifecycle.keepalive_race", Severity: Warning,
			Title: "The server closes connections before the proxy",
			Seen:  "uvicorn's keep-alive of 5 s is shorter than the proxy's in front of it.",
			Why:   "The proxy sends a call on a connection that the server is just closing, and the client sees an occasional 502.",
			Do:    "Start uvicorn with --timeout-keep-alive 75, or more than the proxy keeps idle connections.",
		},
		{
			Code: "HF212", Name: "lifecycle.proxy_headers", Severity: Info,
			Title: "The server does not trust its proxy",
			Seen:  "uvicorn runs behind a route and accepts forwarded headers from 127.0.0.1 only.",
			Why:   "The server takes requests for plain http: its redirects and its OAuth metadata name http URLs, which clients refuse.",
			Do:    "Set --forwarded-allow-ips (or `FORWARDED_ALLOW_IPS`) to the proxy's addresses.",
		},
		{
			Code: "HF213", Name: "lifecycle.dev_server", Severity: Warning,
			Title: "A development server in production",
			Seen:  "The server is started by a development command (--reload, `fastmcp dev`, nodemon, watch).",
			Why:   "A changed file restarts the process and ends every session; the inspector that some of them start gives anybody a shell.",
			Do:    "Start the server itself, without reload or inspector.",
		},
		{
			Code: "HF214", Name: "lifecycle.lifespan_missing", Severity: Error,
			Title: "The mounted MCP app is never started",
			Seen:  "A streamable HTTP application is mounted in another one without passing its lifespan.",
			Why:   "The session manager's task group does not run, so every call fails with an internal error although health is green.",
			Do:    "Pass lifespan=mcp_app.lifespan to the outer application, or run session_manager.run() in its lifespan.",
		},
		{
			Code: "HF215", Name: "lifecycle.sigterm_ignored", Severity: Warning,
			Title: "The process ignores SIGTERM",
			Seen:  "A Node server that is process 1 of its container installs no SIGTERM handler.",
			Why:   "The kernel does not apply the default action to process 1, so each stop takes the whole grace period and ends in SIGKILL, with calls in flight lost.",
			Do:    "Handle SIGTERM: stop listening, end streams, finish calls, exit.",
		},
	}
}
