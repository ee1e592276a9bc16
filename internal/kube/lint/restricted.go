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
		for _, lack := range lacksInContext(w.Pod.Get("securityContext")) {
			p.Report(w.Pod.Get("securityContext"), "pod: %s", lack)
		}
		for _, v := range w.Pod.Get("securityContext", "sysctls").List() {
			if name := v.Get("name").Str(); !slices.Contains(safeSysctls, name) {
				p.Report(v, "sysctl %s is not allowed", name)
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

var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
	"net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}

// lacksInContext judges what the pod's and the containers' security contexts
// have in common.
func lacksInContext(v Value) []string {
	var out []string
	selinux := v.Get("seLinuxOptions")
	if !slices.Contains([]string{"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}, selinux.Get("type").Str()) ||
		selinux.Get("user").Str() != "" || selinux.Get("role").Str() != "" {
		out = append(out, "seLinuxOptions leave the container types")
	}
	if v.Get("appArmorProfile", "type").Str() == "Unconfined" {
		out = append(out, "appArmorProfile is Unconfined")
	}
	if v.Get("windowsOptions", "hostProcess").True() {
		out = append(out, "hostProcess is true")
	}
	return out
}

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
	out = append(out, lacksInContext(own)...)
	for _, path := range [][]string{{liveness}, {readiness}, {startup}, {"lifecycle", "preStop"}, {"lifecycle", "postStart"}} {
		for _, handler := range []string{"httpGet", "tcpSocket"} {
			if host := c.Get(append(slices.Clone(path), handler, "host")...); host.Str() != "" {
				out = append(out, path[len(path)-1]+" asks the host "+host.Str())
			}
		}
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
