package manifest

// annotation is one that a controller understands. In its value {idle} stands
// for the silence in seconds that the controller must tolerate, {idleMillis}
// for the same in milliseconds, {grace} for the pod's grace period in seconds.
type annotation struct {
	key, value, because string
}

// ingressFacts is what must be known of an Ingress controller to carry MCP
// through it. Checked 2026-11-22 against the sources named.
type ingressFacts struct {
	// namespace in which its own installation puts the pods. Empty: traffic
	// does not come from pods.
	namespace string
	// onIngress and onService are the annotations that an MCP route needs.
	onIngress, onService []annotation
	// note is what annotations cannot do.
	note string
	// ownTLS: the certificate is the load balancer's, not a Secret.
	ownTLS bool
	// healthChecksPods: a load balancer outside asks the pods' admin port,
	// from these ranges.
	healthChecksPods bool
	healthRanges     []string
	// source of these facts.
	source string
}

const (
	slowCall   = "a call without a stream sends nothing until it is done"
	bigBody    = "arguments and files of a call; the default of 1m answers 413"
	unbuffered = "a buffer would hold the stream's events back"
)

// ingressTable holds the facts by controller.
func ingressTable() map[string]ingressFacts {
	return map[string]ingressFacts{
		"ingress-nginx": {
			namespace: "ingress-nginx",
			onIngress: []annotation{
				{"nginx.ingress.kubernetes.io/proxy-read-timeout", "{idle}", slowCall + "; default 60s"},
				{"nginx.ingress.kubernetes.io/proxy-send-timeout", "{idle}", "default 60s"},
				{"nginx.ingress.kubernetes.io/proxy-buffering", "off", unbuffered + "; off is the default, unless the ConfigMap says otherwise"},
				{"nginx.ingress.kubernetes.io/proxy-body-size", "8m", bigBody},
			},
			note:   "ingress-nginx is retired since March 2026 and gets no fixes; it also ends every stream that is older than worker-shutdown-timeout (240s) when its configuration changes, which only its ConfigMap can raise. Move to the Gateway API",
			source: "ingress-nginx README and configmap.md, final v1.15.1",
		},
		"f5-nginx": {
			namespace: "nginx-ingress",
			onIngress: []annotation{
				{"nginx.org/proxy-read-timeout", "{idle}s", slowCall + "; default 60s"},
				{"nginx.org/proxy-send-timeout", "{idle}s", "default 60s"},
				{"nginx.org/proxy-buffering", "False", unbuffered + "; on by default"},
				{"nginx.org/client-max-body-size", "8m", bigBody},
			},
			source: "docs.nginx.com, NGINX Ingress Controller, annotations",
		},
		"traefik": {
			namespace: "traefik",
			onIngress: []annotation{
				{"traefik.ingress.kubernetes.io/router.entrypoints", "websecure", "TLS only"},
				{"traefik.ingress.kubernetes.io/router.tls", "true", "TLS only"},
			},
			source: "Traefik 3.6: no time-out on an answer by default, and none that an Ingress could set",
		},
		"haproxy": {
			namespace: "haproxy-controller",
			onIngress: []annotation{
				{"haproxy.org/timeout-server", "{idle}s", slowCall + "; default 50s"},
			},
			note:   "HAProxy's timeout-client (default 50s) is set in the controller's ConfigMap only; the heartbeat keeps streams below it",
			source: "haproxy.com, Kubernetes Ingress Controller, configuration reference",
		},
		"contour": {
			namespace: "projectcontour",
			onIngress: []annotation{
				{"projectcontour.io/response-timeout", "infinity", "Envoy's 15s would cover the whole answer, streams included"},
			},
			source: "projectcontour.io, annotations reference",
		},
		"kong": {
			namespace: "kong",
			onIngress: []annotation{
				{"konghq.com/response-buffering", "false", unbuffered + "; on by default"},
				{"konghq.com/request-buffering", "false", "a call starts before its body has arrived"},
				{"konghq.com/strip-path", "false", "the front must see the path"},
				{"konghq.com/protocols", "https", "TLS only"},
			},
			onService: []annotation{
				{"konghq.com/read-timeout", "{idleMillis}", slowCall + "; default 60s"},
				{"konghq.com/write-timeout", "{idleMillis}", "default 60s"},
				{"konghq.com/retries", "0", "5 by default: a call that may have run must not run again"},
			},
			source: "developer.konghq.com, annotation reference",
		},
		"alb": {
			onIngress: []annotation{
				{"alb.ingress.kubernetes.io/target-type", "ip", "straight to the pods, whose readiness then counts"},
				{"alb.ingress.kubernetes.io/listen-ports", `[{"HTTPS":443}]`, "TLS only; the certificate is found by the host name"},
				{"alb.ingress.kubernetes.io/load-balancer-attributes", "idle_timeout.timeout_seconds={albIdle}", slowCall + "; default 60s, at most 4000s"},
				{"alb.ingress.kubernetes.io/target-group-attributes", "deregistration_delay.timeout_seconds={albDrain}", "the drain; default 300s, at most 3600s"},
				{"alb.ingress.kubernetes.io/healthcheck-port", "9090", "the MCP endpoint answers GET with 405 or a stream"},
				{"alb.ingress.kubernetes.io/healthcheck-path", "/readyz", "whether the pod answers MCP"},
			},
			note:             "the load balancer reaches the pods from your subnets: list them under network.from as cidr, and label the namespace elbv2.k8s.aws/pod-readiness-gate-inject=enabled so that a rollout waits for it",
			ownTLS:           true,
			healthChecksPods: true,
			source:           "AWS Load Balancer Controller, Ingress annotations; limits of the ELB API",
		},
		"gce": {
			onIngress: []annotation{
				{"kubernetes.io/ingress.allow-http", "false", "TLS only"},
			},
			onService: []annotation{
				{"cloud.google.com/neg", `{"ingress": true}`, "straight to the pods"},
				{"cloud.google.com/backend-config", `{"default": "{name}"}`, "time-outs and health check stand in the BackendConfig"},
			},
			healthChecksPods: true,
			healthRanges:     []string{"130.211.0.0/22", "35.191.0.0/16"},
			source:           "GKE Ingress: BackendConfig; health check ranges of Google's load balancers",
		},
		"istio": {
			namespace: "istio-system",
			source:    "Istio: route time-outs are off by default",
		},
		"cilium": {
			onIngress: []annotation{
				{"ingress.cilium.io/request-timeout", "0s", "Envoy's time-out would cover the whole answer, streams included"},
			},
			note:   "Cilium's proxy is no pod: a CiliumNetworkPolicy with fromEntities [ingress] must let it in beside the NetworkPolicy",
			source: "Cilium 1.19, operator/pkg/ingress/annotations",
		},
		"other": {
			note:   "nothing is known of this Ingress controller: see that it tolerates a silence as long as longestCall, does not buffer answers, and put what it needs under expose.ingress.annotations",
			source: "none",
		},
	}
}
