package lint

import (
	"slices"
	"strings"
)

// The checks of Pod Security "restricted", on nodes, so that each has its line;
// a test holds them against k8s.io/pod-security-admission.

// notRestricted reports each container with all that it lacks, at one place.
func notRestricted(p *Pass) {
	for _, w := range p.Judged() {
		for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
			if v := w.Pod.Get(field); v.True() {
				p.Report(v, "%s is true", field)
			}
		}
		for _, v := range w.Pod.Get("volumes").List() {
			if kind := volumeKind(v); !slices.Contains(restrictedVolumes, kind) {
				p.Report(v, "a volume of type %s is not allowed", kind)
			}
		}
		for _, c := range w.Containers {
			if lacks := w.lacks(c); len(lacks) > 0 {
				p.ReportFix(c.Get("securityContext").or(c.Get("name").or(c.Value)), w.restrictFix(c), "container %s: %s", c.Name, strings.Join(lacks, ", "))
			}
		}
	}
}

var restrictedVolumes = []string{"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image"}

func volumeKind(v Value) string {
	for name := range v.Fields() {
		if name != "name" {
			return name
		}
	}
	return "emptyDir" // the API's default
}

// lacks lists what keeps a container from being restricted.
func (w *Workload) lacks(c Container) []string {
	own, pod := c.Get("securityContext"), w.Pod.Get("securityContext")
	var out []string
	if v := own.Get("runAsNonRoot"); v.False() || !v.True() && !pod.Get("runAsNonRoot").True() {
		out = append(out, "runAsNonRoot is not true")
	}
	uid := own.Get("runAsUser")
	if !uid.OK() {
		uid = pod.Get("runAsUser")
	}
	if n, ok := uid.Int(); ok && n == 0 {
		out = append(out, "runAsUser is 0")
	}
	if !own.Get("allowPrivilegeEscalation").False() {
		out = append(out, "allowPrivilegeEscalation is not false")
	}
	if own.Get("privileged").True() {
		out = append(out, "privileged is true")
	}
	if !slices.Contains(own.Get("capabilities", "drop").Strings(), "ALL") {
		out = append(out, "capabilities do not drop ALL")
	}
	if slices.ContainsFunc(own.Get("capabilities", "add").Strings(), func(s string) bool { return s != "NET_BIND_SERVICE" }) {
		out = append(out, "capabilities add more than NET_BIND_SERVICE")
	}
	seccomp := own.Get("seccompProfile", "type")
	if !seccomp.OK() {
		seccomp = pod.Get("seccompProfile", "type")
	}
	if s := seccomp.Str(); s != "RuntimeDefault" && s != "Localhost" {
		out = append(out, "seccompProfile is not RuntimeDefault")
	}
	if own.Get("procMount").OK() && own.Get("procMount").Str() != "Default" {
		out = append(out, "procMount is not Default")
	}
	for _, port := range c.Get("ports").List() {
		if n := port.Get("hostPort").IntOr(0); n > 0 {
			out = append(out, "hostPort is used")
		}
	}
	return out
}

// restrictFix sets what can be set without knowing the image: not the user id.
func (w *Workload) restrictFix(c Container) *Fix {
	own, pod := c.Get("securityContext"), w.Pod.Get("securityContext")
	fix := &Fix{Summary: "run the container restricted"}
	if !own.Get("allowPrivilegeEscalation").False() {
		fix.and(setKey("", c.Value, false, "securityContext", "allowPrivilegeEscalation"))
	}
	if !own.Get("capabilities", "drop").OK() {
		fix.and(setKey("", c.Value, []string{"ALL"}, "securityContext", "capabilities", "drop"))
	}
	if !own.Get("runAsNonRoot").OK() && !pod.Get("runAsNonRoot").OK() {
		fix.and(setKey("", w.Pod, true, "securityContext", "runAsNonRoot"))
	}
	if !own.Get("seccompProfile").OK() && !pod.Get("seccompProfile").OK() {
		fix.and(setKey("", w.Pod, "RuntimeDefault", "securityContext", "seccompProfile", "type"))
	}
	return fix
}
