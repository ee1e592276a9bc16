package finding

// lintProbes: what the kubelet asks, and whether it means that a client can work.
func lintProbes() []Entry {
	return []Entry{
		{
			Code: "HF101", Name: "probe.path_is_mcp", Severity: Error,
			Title: "The probe asks the MCP endpoint by GET",
			Seen:  "A probe sends GET to the path that speaks MCP.",
			Why:   "A GET there opens an event stream, or answers 400 or 405: the pod is restarted or taken out while it is fine, or the probe hangs and leaves a session behind each time. Clients see a server that flaps.",
			Do:    "Point the probe at a path of its own, such as /healthz, or put Holdfast in front and ask its /readyz.",
		},
		{
			Code: "HF102", Name: "probe.liveness_is_readiness", Severity: Warning,
			Title: "Liveness and readiness ask the same",
			Seen:  "Both probes of a container send the same request with the same patience.",
			Why:   "A reason to step aside for a moment becomes a restart, which ends every session and running call of the pod.",
			Do:    "Let liveness ask only whether the process answers, such as /livez. Keep what the server needs for its calls in readiness.",
		},
		{
			Code: "HF103", Name: "probe.liveness_needs_upstream", Severity: Warning,
			Title: "Liveness depends on something else",
			Seen:  "Liveness asks a path that is named after readiness or a dependency.",
			Why:   "When the dependency is down, every replica restarts in a loop and drops all sessions, although a restart cannot mend it.",
			Do:    "Ask a path that touches nothing outside the process. Leave dependencies to readiness and to Holdfast's checks.",
		},
		{
			Code: "HF104", Name: "probe.no_startup", Severity: Warning,
			Title: "No startup probe",
			Seen:  "A server with a liveness probe has no startup probe, or waits by initialDelaySeconds.",
			Why:   "A start that takes longer than usual (cold image, model load, npx) is killed by liveness and begins again, so the server never comes up.",
			Do:    "Add a startupProbe with the liveness question, periodSeconds 2 and failureThreshold 60. Drop initialDelaySeconds.",
		},
		{
			Code: "HF105", Name: "probe.timeout_short", Severity: Error,
			Title: "The probe gives up before its handler",
			Seen:  "The probe's timeoutSeconds is shorter than what its handler may take; unset it is 1 s.",
			Why:   "One slow answer of the thing behind the handler makes all replicas unready at once, and clients get 503 from a server that works.",
			Do:    "Set timeoutSeconds above the handler's own limit, or make the handler answer from a cached result.",
		},
		{
			Code: "HF106", Name: "probe.tcp_readiness", Severity: Warning,
			Title: "Readiness only opens a connection",
			Seen:  "Readiness is a TCP check.",
			Why:   "A process that accepts connections and answers nothing stays in the Service; clients wait until their own time-out.",
			Do:    "Use httpGet on a path that the server's own event loop answers, or ask Holdfast's /readyz, which speaks MCP.",
		},
		{
			Code: "HF107", Name: "probe.endpoint_wrong", Severity: Error,
			Title: "The probed path does not answer 200",
			Seen:  "Asked now, the probe's port and path answer 404, 405 or a redirect.",
			Why:   "The kubelet takes a redirect for success and 404 for a reason to restart, so the pod's state says nothing about what clients get.",
			Do:    "Ask the pod with `kubectl exec` or port-forward, then correct path or port in the probe.",
		},
		{
			Code: "HF108", Name: "probe.shared_upstream", Severity: Warning,
			Title: "Readiness hangs on a shared dependency",
			Seen:  "Readiness of a pod asks something that all replicas share, so they fall together.",
			Why:   "When the dependency fails the Service is empty, and clients cannot even list tools that need no upstream.",
			Do:    "Keep readiness to what one pod can know about itself. Report the shared dependency as `ToolsWorking`, and let the gateway answer for it.",
		},
		{
			Code: "HF109", Name: "probe.none", Severity: Warning,
			Title: "No readiness probe",
			Seen:  "A server that listens has no readiness probe.",
			Why:   "Clients are sent to a pod from the moment its process starts, and stay there when it stops to answer.",
			Do:    "Add a readinessProbe, best on Holdfast's /readyz.",
		},
		{
			Code: "HF110", Name: "probe.port_unknown", Severity: Error,
			Title: "The probe names a missing port",
			Seen:  "A probe asks a port by a name that the container does not declare.",
			Why:   "The kubelet cannot resolve the name, the probe fails for ever, and no client is ever sent to the pod.",
			Do:    "Give the container port that name, or write the number in the probe.",
		},
		{
			Code: "HF111", Name: "probe.liveness_impatient", Severity: Warning,
			Title: "Liveness restarts after a few seconds",
			Seen:  "periodSeconds times failureThreshold of liveness is below 15 s.",
			Why:   "A pause of the event loop, such as one large tool result, costs a restart and with it every session in the process.",
			Do:    "Raise failureThreshold until liveness tolerates 30 s.",
		},
		{
			Code: "HF112", Name: "probe.cpu_throttled", Severity: Info,
			Title: "A CPU limit slows what liveness measures",
			Seen:  "A server with a liveness probe is limited to less than one core.",
			Why:   "When the quota is used up the event loop stands still for the rest of the period, calls stall and liveness can fail under load.",
			Do:    "Keep the CPU request and drop the limit, or raise it to one core.",
		},
		{
			Code: "HF113", Name: "probe.never_speaks_mcp", Severity: Info,
			Title: "No probe speaks MCP",
			Seen:  "Readiness asks a health page; nothing asks for MCP.",
			Why:   "The pod is green while initialize or tools/list fails for every client.",
			Do:    "Put Holdfast beside the server (`holdfast serve`), whose /readyz is an MCP journey, or use an exec probe that runs `holdfast check`.",
		},
		{
			Code: "HF114", Name: "probe.route_shadowed", Severity: Error,
			Title: "A mounted app hides the health route",
			Seen:  "The code mounts an application at / before it registers the health routes.",
			Why:   "Starlette takes the first match, so the probes get 404 from the MCP application and the kubelet restarts a healthy server for ever.",
			Do:    "Register health routes first, or mount the MCP application last or below its own path.",
		},
	}
}
