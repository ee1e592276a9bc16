package lint

import (
	"strings"
	"testing"
)

// mistake is one of the 48 mistakes that a published guide to MCP on Kubernetes
// was found to hold, rebuilt in testdata/guide in files of our own. Each is
// either found, by a code in a file on a line that holds a text, or cannot be.
type mistake struct {
	number   int
	what     string
	code     string
	file     string
	line     string // a part of the line it must be found on
	cannotBe string
}

func guideMistakes() []mistake {
	return []mistake{
		{1, "application mounted at / before the health routes", "HF114", "app/main.py", `app.mount("/"`, ""},
		{2, "claims that readiness restarts a container", "", "", "", "a sentence of the text; what causes the restarts is found as 1"},
		{3, "old transport behind a route for /mcp", "HF315", "k8s/ingress.yaml", "path: /mcp", ""},
		{4, "the image starts an object that a later step removed", "HF523", "app/Dockerfile", "ENTRYPOINT", ""},
		{5, "mounted without its lifespan", "HF214", "app/mounted.py", "app.mount", ""},
		{6, "a version that never was, an import nobody requires", "HF518", "app/requirements.txt", "fastmcp==0.9.2", ""},
		{6, "an import nobody requires", "HF520", "app/main.py", "from fastapi", ""},
		{7, "floating base", "HF501", "app/Dockerfile", "FROM", ""},
		{7, "nothing locks what is pulled in", "HF515", "app/requirements.txt", "fastmcp", ""},
		{7, "COPY . . without .dockerignore", "HF521", "app/Dockerfile", "COPY . .", ""},
		{8, "a named user", "HF503", "app/Dockerfile", "USER", ""},
		{9, "no graceful time-out", "HF210", "app/Dockerfile", "ENTRYPOINT", ""},
		{9, "keep-alive of 5 s", "HF211", "app/Dockerfile", "ENTRYPOINT", ""},
		{9, "no forwarded headers", "HF212", "app/Dockerfile", "ENTRYPOINT", ""},
		{10, "the token check is attached to nothing", "HF525", "app/main.py", "def verify_token", ""},
		{10, "a secret in the code", "HF526", "app/main.py", "CLIENT_SECRET =", ""},
		{10, "no audience check", "HF528", "app/main.py", `"active"`, ""},
		{10, "401 without a challenge", "HF527", "app/main.py", "status_code=401", ""},
		{11, "probe of 1 s, handler of 5 s", "HF105", "k8s/deployment.yaml", "readinessProbe", ""},
		{12, "no startup probe", "HF104", "k8s/deployment.yaml", "livenessProbe", ""},
		{13, "readiness asks a shared upstream", "HF108", "k8s/deployment.yaml", "path: /health/ready", ""},
		{14, "claims that only 200 is success", "", "", "", "a sentence of the text; a redirecting probe path shows live, as HF107"},
		{15, "no probe speaks MCP", "HF113", "k8s/deployment.yaml", "readinessProbe", ""},
		{16, "not restricted", "HF508", "k8s/deployment.yaml", "securityContext", ""},
		{16, "a token mounted", "HF504", "k8s/deployment.yaml", "spec:", ""},
		{16, "no NetworkPolicy", "HF509", "k8s/deployment.yaml", "name: notes-mcp", ""},
		{16, "no budget", "HF411", "k8s/deployment.yaml", "name: notes-mcp", ""},
		{16, "no spread", "HF412", "k8s/deployment.yaml", "spec:", ""},
		{17, "no grace period for long calls", "HF201", "k8s/deployment.yaml", "spec:", ""},
		{17, "no preStop", "HF202", "k8s/deployment.yaml", "name: server", ""},
		{17, "no minReadySeconds", "HF205", "k8s/deployment.yaml", "spec:", ""},
		{17, "maxUnavailable that matters from four replicas on", "HF204", "k8s/deployment.yaml", "spec:", ""},
		{18, "replicas with an autoscaler", "HF404", "k8s/deployment.yaml", "replicas: 2", ""},
		{19, "a tag, no digest", "HF501", "k8s/deployment.yaml", "notes-mcp:2026", ""},
		{20, "a generic label", "HF318", "k8s/service.yaml", "selector", ""},
		{20, "which catches a second server", "HF309", "k8s/service.yaml", "selector", ""},
		{21, "a Secret by environment, nothing restarts", "HF506", "k8s/deployment.yaml", "valueFrom", ""},
		{22, "a Secret with its value in a file", "HF511", "k8s/secret.yaml", "api-key", ""},
		{23, "a CPU limit that throttles what liveness measures", "HF112", "k8s/deployment.yaml", "cpu: 500m", ""},
		{24, "443 to plain HTTP", "HF307", "k8s/service.yaml", "port: 443", ""},
		{24, "an unnamed port", "HF312", "k8s/service.yaml", "port: 443", ""},
		{25, "no TLS", "HF306", "k8s/ingress.yaml", "host:", ""},
		{26, "no class", "HF313", "k8s/ingress.yaml", "spec:", ""},
		{27, "a retired controller", "HF304", "k8s/ingress.yaml", "nginx.ingress", ""},
		{28, "OAuth metadata is not routed", "HF305", "k8s/ingress.yaml", "path: /mcp", ""},
		{29, "a reload cuts before the time-out does", "HF317", "k8s/ingress.yaml", "proxy-read-timeout", ""},
		{30, "affinity by cookie", "HF403", "k8s/ingress.yaml", "affinity", ""},
		{31, "a scale-up window", "HF406", "k8s/hpa.yaml", "stabilizationWindowSeconds: 30", ""},
		{31, "no scale-down policy", "HF405", "k8s/hpa.yaml", "scaleDown", ""},
		{32, "the window does not protect running calls", "HF405", "k8s/hpa.yaml", "scaleDown", ""},
		{33, "CPU as the metric", "HF407", "k8s/hpa.yaml", "metrics", ""},
		{34, "a Role without binding", "HF505", "k8s/rbac.yaml", "name:", ""},
		{34, "which reads every ConfigMap", "HF529", "k8s/rbac.yaml", "resources", ""},
		{34, "in a namespace of its own", "HF530", "k8s/rbac.yaml", "namespace", ""},
		{35, "kubectl set image", "HF531", ".github/workflows/deploy.yml", "kubectl set image", ""},
		{36, "a tag called immutable", "HF532", ".github/workflows/deploy.yml", "docker push", ""},
		{37, "IfNotPresent with a tag", "HF524", "k8s/deployment.yaml", "imagePullPolicy", ""},
		{38, "curl:latest", "HF501", "k8s/monitor.yaml", "curlimages/curl:latest", ""},
		{39, "no Accept, no initialize, no version", "HF602", "k8s/monitor.yaml", "command", ""},
		{39, "no token", "HF606", "k8s/monitor.yaml", "command", ""},
		{40, "only the HTTP status", "HF602", "k8s/monitor.yaml", "command", ""},
		{41, "no tool is called", "HF605", "k8s/monitor.yaml", "command", ""},
		{42, "outside means inside", "HF603", "k8s/monitor.yaml", "command", ""},
		{43, "nobody is told", "HF604", "k8s/monitor.yaml", "name: notes-mcp-check", ""},
		{44, "overlap, retries, no deadline, no history", "HF601", "k8s/monitor.yaml", "schedule", ""},
		{45, "the monitor's own pod", "HF508", "k8s/monitor.yaml", "name: check", ""},
		{45, "no resources", "HF513", "k8s/monitor.yaml", "name: check", ""},
		{45, "a token", "HF504", "k8s/monitor.yaml", "spec:", ""},
		{46, "|| exit 1 adds nothing", "", "", "", "harmless by itself; the missing jitter is HF607 once there are two monitors"},
		{47, "logs of one pod of many", "", "", "", "a sentence of the text"},
		{48, "namespaces here and there", "HF530", "k8s/rbac.yaml", "namespace", ""},
	}
}

// TestGuide finds every mistake of the rebuilt guide that files can show; -v
// prints the table.
func TestGuide(t *testing.T) {
	r := lintPath(t, Options{}, "testdata/guide")
	numbers, hopeless := map[int]bool{}, 0
	for _, m := range guideMistakes() {
		numbers[m.number] = true
		if m.cannotBe != "" {
			hopeless++
			t.Logf("%2d  -      %s: %s", m.number, m.what, m.cannotBe)
			continue
		}
		if !r.at(m) {
			t.Errorf("%2d  %s  not found in %s on %q: %s", m.number, m.code, m.file, m.line, m.what)
			continue
		}
		t.Logf("%2d  %s  %s: %s", m.number, m.code, m.file, m.what)
	}
	if len(numbers) != 48 || hopeless != 4 {
		t.Errorf("the table holds %d of 48 mistakes, %d of them out of reach", len(numbers), hopeless)
	}
	t.Logf("%d of 48 found, %d findings in all", len(numbers)-hopeless, len(r.Findings))
}

// at tells whether a mistake is among the findings, on its line.
func (r Report) at(m mistake) bool {
	for _, f := range r.Findings {
		if f.Code == m.code && strings.HasSuffix(f.File, "guide/"+m.file) && strings.Contains(f.object.file.line(f.Line), m.line) {
			return true
		}
	}
	return false
}
