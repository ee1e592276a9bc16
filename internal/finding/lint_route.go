package finding

import "slices"

// lintRoutes: the way from a client to the pod.
func lintRoutes() []Entry {
	return slices.Concat(lintEdges(), lintServices(), lintTransports())
}

// lintEdges: time-outs, buffering and names at the edge.
func lintEdges() []Entry {
	return []Entry{
		{
			Code: "HF301", Name: "route.timeout", Severity: Error,
			Title: "The route ends calls too early",
			Seen:  "An HTTPRoute sets no request time-out, or one below the longest call.",
			Why:   "Unset means the implementation's default, 15 s in Envoy, for the whole call with its streamed answer; clients get 504 in the middle of a tool call.",
			Do:    "Set timeouts.request to \"0s\" (off), or above the longest call.",
		},
		{
			Code: "HF302", Name: "route.idle_timeout", Severity: Warning,
			Title: "The proxy ends silent calls",
			Seen:  "The idle time-out of the Ingress is its default, or shorter than the heartbeat or the longest silent call.",
			Why:   "A call that says nothing for that long is cut with 504; ingress-nginx, for one, waits 60 s between two reads.",
			Do:    "Raise the read and send time-outs above the longest call, and send a heartbeat at half the idle time-out.",
		},
		{
			Code: "HF303", Name: "route.buffering", Severity: Error,
			Title: "The proxy holds events back",
			Seen:  "Response buffering is on for the route of an event stream.",
			Why:   "Events reach the client in one piece at the end, or after its time-out: progress, heartbeats and questions to the user never arrive.",
			Do:    "Turn buffering off for the route with the controller's own annotation.",
		},
		{
			Code: "HF304", Name: "route.retired_controller", Severity: Warning,
			Title: "The Ingress controller is retired",
			Seen:  "The Ingress is written for ingress-nginx, whose maintenance ended in March 2026.",
			Why:   "The way in gets no security fixes; its reload also cuts streams that are older than 240 s.",
			Do:    "Move to the Gateway API (`ingress2gateway` converts annotations), or to a maintained controller.",
		},
		{
			Code: "HF305", Name: "route.well_known_missing", Severity: Warning,
			Title: "OAuth metadata is not routed",
			Seen:  "A host routes the MCP path, and nothing routes /.well-known/oauth-protected-resource.",
			Why:   "A client that gets 401 looks there for the login; with 404 it cannot begin, and the server counts as broken.",
			Do:    "Route /.well-known/oauth-protected-resource (as prefix) to the same Service. Declare holdfast.dev/auth none where nobody logs in.",
		},
		{
			Code: "HF306", Name: "route.no_tls", Severity: Error,
			Title: "A public host without TLS",
			Seen:  "The route serves a public host name over plain HTTP.",
			Why:   "Clients refuse http endpoints that are not on this machine, and a bearer token would travel in the clear.",
			Do:    "Add tls with a certificate for the host (HTTPRoute: attach to an HTTPS listener).",
		},
	}
}

// lintServices: Services, and what routes say of them.
func lintServices() []Entry {
	return []Entry{
		{
			Code: "HF307", Name: "service.plain_443", Severity: Warning,
			Title: "Port 443 leads to plain HTTP",
			Seen:  "A Service port that says https forwards to a port that speaks plain HTTP.",
			Why:   "Clients inside the cluster that use https:// fail in the handshake, and meshes and load balancers assume TLS.",
			Do:    "Offer plain HTTP on 80 or 8080 with the name http, or terminate TLS in the pod.",
		},
		{
			Code: "HF308", Name: "service.target_port", Severity: Error,
			Title: "The Service sends to a missing port",
			Seen:  "The Service's targetPort is no port of the pods it selects.",
			Why:   "Every connection is refused; the pods are Ready and no client gets through.",
			Do:    "Make targetPort the name or number of the container's port.",
		},
		{
			Code: "HF309", Name: "service.selects_many", Severity: Error,
			Title: "The Service selects two workloads",
			Seen:  "The selector of the Service matches the pods of more than one workload.",
			Why:   "Calls are spread over different servers: tools appear and vanish from one list to the next, and sessions land on a process that does not know them.",
			Do:    "Give each workload labels of its own (app.kubernetes.io/name and instance) and select by both.",
		},
		{
			Code: "HF310", Name: "route.lb_idle_timeout", Severity: Warning,
			Title: "The load balancer's idle time-out is short",
			Seen:  "A load balancer's idle time-out is unset (60 s) or below 300 s.",
			Why:   "It closes silent streams and long calls without a word; the client waits for an answer that cannot come.",
			Do:    "Set the idle time-out to at least 300 s (ALB: load-balancer-attributes idle_timeout.timeout_seconds), and send heartbeats.",
		},
		{
			Code: "HF311", Name: "route.url_mismatch", Severity: Error,
			Title: "The published URL is not routed",
			Seen:  "The URL in server.json or in the resource's spec has a host that is routed, and a path that is not.",
			Why:   "Clients use the published URL: they get 404, or a redirect that turns their POST into a GET.",
			Do:    "Publish exactly the path that is routed, without a trailing slash more or less.",
		},
		{
			Code: "HF312", Name: "service.port_unnamed", Severity: Info,
			Title: "The port does not say its protocol",
			Seen:  "The Service port has neither a name nor an appProtocol.",
			Why:   "Meshes and gateways then treat it as raw TCP: no per-request routing, retries or time-outs for calls.",
			Do:    "Name the port http, or set appProtocol kubernetes.io/h2c or http.",
		},
		{
			Code: "HF313", Name: "route.no_class", Severity: Warning,
			Title: "No Ingress class is named",
			Seen:  "The Ingress names no class.",
			Why:   "Which controller serves it depends on the cluster's default: it may be none, and then the URL answers nothing.",
			Do:    "Set spec.ingressClassName.",
		},
		{
			Code: "HF314", Name: "route.port_missing", Severity: Error,
			Title: "The route asks for a missing Service port",
			Seen:  "The route sends to a port that the Service does not have.",
			Why:   "The controller drops the backend and clients get 503 or 500.",
			Do:    "Use a port number or name of the Service.",
		},
	}
}

// lintTransports: the chain of time-outs, and how the server is spoken to.
func lintTransports() []Entry {
	return []Entry{
		{
			Code: "HF315", Name: "route.transport_mismatch", Severity: Error,
			Title: "Route and server speak different transports",
			Seen:  "The server offers the old transport's /sse and /messages, and the route carries /mcp only, or the other way round.",
			Why:   "The only path that is routed answers 404; no client can connect.",
			Do:    "Serve streamable HTTP at the routed path (FastMCP: transport http), or route both paths of the old transport.",
		},
		{
			Code: "HF316", Name: "route.timeout_order", Severity: Error,
			Title: "The backend time-out exceeds the request's",
			Seen:  "timeouts.backendRequest is longer than timeouts.request.",
			Why:   "The API server refuses the route, or the shorter one cuts calls that the longer one was meant to allow.",
			Do:    "Set backendRequest to at most request, or request to \"0s\".",
		},
		{
			Code: "HF317", Name: "route.reload_cuts", Severity: Warning,
			Title: "A proxy reload cuts long calls",
			Seen:  "The longest call is beyond 240 s behind ingress-nginx, whose old workers stop then.",
			Why:   "Any change of any Ingress in the cluster cuts calls and streams that are older than 240 s.",
			Do:    "Set worker-shutdown-timeout in the controller's ConfigMap above the longest call, or use a proxy that keeps streams over reloads.",
		},
		{
			Code: "HF318", Name: "service.selector_generic", Severity: Warning,
			Title: "The selector would catch other servers",
			Seen:  "The Service selects by one generic label, such as app mcp-server.",
			Why:   "The next server made from the same template is captured by this Service, and its tools mix into this one's list.",
			Do:    "Select by app.kubernetes.io/name and app.kubernetes.io/instance.",
		},
		{
			Code: "HF319", Name: "entry.old_transport_only", Severity: Warning,
			Title: "Only the old transport is served",
			Seen:  "The server offers HTTP with SSE of 2024-11-05, and no streamable HTTP.",
			Why:   "Current clients try streamable HTTP first and some have dropped the fallback; each stream also ties a session to one process.",
			Do:    "Serve streamable HTTP (FastMCP: transport http; TypeScript: StreamableHTTPServerTransport).",
		},
		{
			Code: "HF320", Name: "listen.loopback", Severity: Error,
			Title: "The server listens to itself only",
			Seen:  "In a container the server binds 127.0.0.1, by flag or by the library's default.",
			Why:   "Nothing outside the container can connect: probes fail and clients get a refused connection.",
			Do:    "Bind 0.0.0.0 (FastMCP: host=\"0.0.0.0\"; uvicorn: --host 0.0.0.0).",
		},
		{
			Code: "HF321", Name: "stdio.stray_output", Severity: Warning,
			Title: "Prints go into the protocol",
			Seen:  "A stdio server writes to standard output by print or console.log.",
			Why:   "The client reads each such line as a broken message; many drop the connection at the first one.",
			Do:    "Write to standard error instead: a logger, print(..., file=sys.stderr) or console.error.",
		},
	}
}
