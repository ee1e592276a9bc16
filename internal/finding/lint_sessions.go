package finding

// lintSessions: state in a process, and what scaling does to it.
func lintSessions() []Entry {
	return []Entry{
		{
			Code: "HF401", Name: "session.in_memory", Severity: Warning,
			Title: "Several replicas, sessions in memory",
			Seen:  "The server runs in several replicas, and nothing says that it is stateless, shares sessions or is reached by session.",
			Why:   "The second request of a session lands on a replica that does not know it: 404 for the client, and many do not start over.",
			Do:    "Make the server stateless (FastMCP: stateless_http=True), share its sessions in Redis, or put Holdfast in front. Declare holdfast.dev/stateless \"true\" where it is.",
		},
		{
			Code: "HF402", Name: "affinity.client_ip", Severity: Warning,
			Title: "Affinity by client address behind a proxy",
			Seen:  "The Service keeps clients by address, and a proxy stands before it.",
			Why:   "All clients behind the proxy look like one and share one pod, while the others idle; after a rollout they all move at once.",
			Do:    "Drop sessionAffinity and make the server stateless, or route by session id with Holdfast.",
		},
		{
			Code: "HF403", Name: "affinity.cookie", Severity: Warning,
			Title: "Affinity by cookie",
			Seen:  "The route keeps clients by a cookie.",
			Why:   "MCP clients mostly keep no cookies, so each request goes anywhere and sessions are lost at random.",
			Do:    "Route by Mcp-Session-Id (Holdfast does), or make the server stateless.",
		},
		{
			Code: "HF404", Name: "scale.replicas_with_hpa", Severity: Warning,
			Title: "replicas fights the autoscaler",
			Seen:  "replicas is written down, and an autoscaler owns it.",
			Why:   "Each apply sets the scale back, which ends the sessions and calls of the removed pods in the middle of a peak.",
			Do:    "Remove replicas from the manifest.",
		},
		{
			Code: "HF405", Name: "scale.down_fast", Severity: Warning,
			Title: "Scale-down removes many pods at once",
			Seen:  "The scale-down policy allows more than one pod to go within the longest call; the default allows all of them within 15 s.",
			Why:   "The moment the window ends, every spare replica is stopped together with its sessions and streams.",
			Do:    "Set behavior.scaleDown.policies to one pod per period of at least the longest call.",
		},
		{
			Code: "HF406", Name: "scale.up_window", Severity: Warning,
			Title: "Scale-up waits",
			Seen:  "stabilizationWindowSeconds of scaleUp is above its default of 0.",
			Why:   "New replicas come later than without the setting, and cold starts add to it: clients hit their time-outs in a peak.",
			Do:    "Remove the scaleUp window.",
		},
		{
			Code: "HF407", Name: "scale.cpu_metric", Severity: Info,
			Title: "CPU does not show the load",
			Seen:  "The autoscaler of a server that waits for others scales by CPU.",
			Why:   "Hundreds of waiting calls use no CPU: latency grows, nothing scales. In an outage the idle pods are even scaled down.",
			Do:    "Scale by calls in flight (Holdfast exports them), or by ContainerResource of the server's container at least.",
		},
		{
			Code: "HF408", Name: "scale.stdio_replicas", Severity: Error,
			Title: "Several replicas of a stdio server",
			Seen:  "A server that speaks stdio runs in several replicas.",
			Why:   "One process serves one client: sessions land on processes that do not know them.",
			Do:    "Run one replica, or put Holdfast in front, which starts a process per session.",
		},
		{
			Code: "HF409", Name: "scale.to_zero", Severity: Warning,
			Title: "Scale to zero with a slow start",
			Seen:  "The server is scaled to zero, and its start takes longer than clients wait.",
			Why:   "The first call after a pause runs into the client's 30 s and the server looks dead, every time.",
			Do:    "Keep one replica (minScale 1), bake what npx or uvx would fetch into the image, or let Holdfast hold the call.",
		},
		{
			Code: "HF410", Name: "pdb.blocks_all", Severity: Warning,
			Title: "The disruption budget allows nothing",
			Seen:  "The PodDisruptionBudget lets no pod be evicted.",
			Why:   "Node drains hang until somebody forces them, and then the pods die without their grace.",
			Do:    "Use maxUnavailable 1.",
		},
		{
			Code: "HF411", Name: "pdb.missing", Severity: Info,
			Title: "No disruption budget",
			Seen:  "A server with several replicas has no PodDisruptionBudget.",
			Why:   "A drain may evict all replicas at the same moment: sessions and calls are lost, and the server is away until one is back.",
			Do:    "Add a PodDisruptionBudget with maxUnavailable 1.",
		},
		{
			Code: "HF412", Name: "scale.no_spread", Severity: Info,
			Title: "All replicas may share a node",
			Seen:  "A server with several replicas has neither spread constraints nor anti-affinity.",
			Why:   "One node's failure takes every replica; with default settings clients fail for about 53 s, as measured.",
			Do:    "Add topologySpreadConstraints over kubernetes.io/hostname.",
		},
		{
			Code: "HF413", Name: "pdb.sick_pods", Severity: Info,
			Title: "The budget protects sick pods",
			Seen:  "unhealthyPodEvictionPolicy is not AlwaysAllow.",
			Why:   "A server that never becomes ready blocks the drain of its node, although nobody can use it.",
			Do:    "Set unhealthyPodEvictionPolicy AlwaysAllow.",
		},
	}
}
