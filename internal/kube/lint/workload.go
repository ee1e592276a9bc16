package lint

import (
	"slices"
	"strings"
	"time"
)

// Workload is anything that makes pods, and everything else in the input that
// touches those pods.
type Workload struct {
	*Object
	Template   Value // the pod template, or the Pod itself
	Pod        Value // its spec
	Labels     map[string]string
	Containers []Container // init containers first, as in the pod
	Services   []*Service
	Routes     []*Route
	HPA, KEDA  *Object
	PDBs       []*Object
	Policies   []*Object

	evidence string // why it counts as an MCP server, "" where it does not
	server   int    // index of the container that is the server
}

// Container is one container of a pod.
type Container struct {
	Value
	Name  string
	Init  bool // in initContainers
	Stays bool // a native sidecar: an init container with restartPolicy Always
	words []string
}

// templatePath is where each kind keeps its pod template.
func templatePath(o *Object) ([]string, bool) {
	switch o.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		return []string{"spec", "template"}, o.group() == "apps" || o.group() == "extensions"
	case "ReplicationController", "DeploymentConfig":
		return []string{"spec", "template"}, true
	case "Rollout":
		return []string{"spec", "template"}, o.group() == "argoproj.io"
	case "Service", "Configuration":
		return []string{"spec", "template"}, o.group() == "serving.knative.dev"
	case "Job":
		return []string{"spec", "template"}, true
	case "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	case "Pod":
		return nil, o.APIVersion == "v1"
	default:
		return nil, false
	}
}

func newWorkload(o *Object) *Workload {
	where, ok := templatePath(o)
	if !ok {
		return nil
	}
	w := &Workload{Object: o, Template: o.root.Get(where...)}
	w.Pod = w.Template.Get("spec")
	w.Labels = w.Template.Get("metadata", "labels").Labels()
	for _, v := range w.Pod.Get("initContainers").List() {
		w.Containers = append(w.Containers, newContainer(v, true))
	}
	for _, v := range w.Pod.Get("containers").List() {
		w.Containers = append(w.Containers, newContainer(v, false))
	}
	return w
}

func newContainer(v Value, init bool) Container {
	c := Container{Value: v, Name: v.Get("name").Str(), Init: init}
	c.Stays = init && v.Get("restartPolicy").Str() == "Always"
	c.words = append(v.Get("command").Strings(), v.Get("args").Strings()...)
	return c
}

// Image is the image reference.
func (c Container) Image() string { return c.Get("image").Str() }

// Words is the command line as far as the manifest tells it.
func (c Container) Words() []string { return c.words }

// Line is the command line as one text, for searching.
func (c Container) Line() string { return strings.Join(c.words, " ") }

// Env finds an environment variable by name.
func (c Container) Env(name string) (Value, bool) {
	for _, e := range c.Get("env").List() {
		if e.Get("name").Str() == name {
			return e, true
		}
	}
	return Value{obj: c.obj}, false
}

// Flag finds the value of a command-line flag, as "--x v" or "--x=v".
func (c Container) Flag(names ...string) (string, bool) { return flagOf(c.words, names...) }

func flagOf(words []string, names ...string) (string, bool) {
	for i, word := range words {
		for _, name := range names {
			if rest, ok := strings.CutPrefix(word, name+"="); ok {
				return rest, true
			}
			if word == name {
				if i+1 < len(words) {
					return words[i+1], true
				}
				return "", true
			}
		}
	}
	return "", false
}

// MCP tells whether the workload is an MCP server.
func (w *Workload) MCP() bool { return w.evidence != "" }

// Evidence says in a few words why.
func (w *Workload) Evidence() string { return w.evidence }

// LongLived tells whether the workload keeps pods running and replaces them in
// rollouts, so that rules about serving apply to it.
func (w *Workload) LongLived() bool { return w.Kind != "Job" && w.Kind != "CronJob" }

// Server is the container that speaks MCP.
func (w *Workload) Server() Container {
	if w.server < len(w.Containers) {
		return w.Containers[w.server]
	}
	return Container{Value: Value{obj: w.Object}}
}

// Front finds Holdfast's own container in the pod: it answers the probes and
// drains the calls, whatever the server beside it does.
func (w *Workload) Front() (Container, bool) {
	for _, c := range w.Containers {
		if (!c.Init || c.Stays) && isHoldfast(c) {
			return c, true
		}
	}
	return Container{Value: Value{obj: w.Object}}, false
}

func isHoldfast(c Container) bool {
	repo := imageName(c.Image())
	return repo == "holdfast" || (len(c.words) > 0 && strings.HasSuffix("/"+c.words[0], "/holdfast"))
}

// Serving gives the containers that run while the pod serves.
func (w *Workload) Serving() []Container {
	return slices.DeleteFunc(slices.Clone(w.Containers), func(c Container) bool { return c.Init && !c.Stays })
}

// Probed gives the container whose probes decide about this server: the front
// where it has any, else the server.
func (w *Workload) Probed() Container {
	if front, ok := w.Front(); ok && front.Get("readinessProbe").OK() {
		return front
	}
	return w.Server()
}

// Scale is the least and most replicas that the manifests ask for.
func (w *Workload) Scale() (least, most int64) {
	least = w.root.Get("spec", "replicas").IntOr(1)
	switch {
	case w.Kind == "Pod":
		return 1, 1
	case w.HPA != nil:
		least = w.HPA.root.Get("spec", "minReplicas").IntOr(1)
		return least, max(least, w.HPA.root.Get("spec", "maxReplicas").IntOr(least))
	case w.KEDA != nil:
		least = w.KEDA.root.Get("spec", "minReplicaCount").IntOr(0)
		return least, w.KEDA.root.Get("spec", "maxReplicaCount").IntOr(100)
	default:
		return least, least
	}
}

// LongestCall is the declared longest tool call; the place is where it says so.
func (w *Workload) LongestCall() (time.Duration, Value, bool) {
	return w.declared("longest-call")
}

// Heartbeat is the declared interval at which idle streams say something.
func (w *Workload) Heartbeat() (time.Duration, Value, bool) { return w.declared("heartbeat") }

func (w *Workload) declared(name string) (time.Duration, Value, bool) {
	v := w.annotation(name)
	d, ok := parseDuration(v.Str())
	return d, v, ok
}

// Grace is terminationGracePeriodSeconds and whether it is written down.
func (w *Workload) Grace() (time.Duration, bool) {
	n, ok := w.Pod.Get("terminationGracePeriodSeconds").Int()
	if !ok {
		return 30 * time.Second, false
	}
	return time.Duration(n) * time.Second, true
}

// PreStop is the longest wait that a container of the pod declares before
// SIGTERM, and whether any container has a preStop hook at all.
func (w *Workload) PreStop() (time.Duration, bool) {
	var longest time.Duration
	any := false
	for _, c := range w.Serving() {
		hook := c.Get("lifecycle", "preStop")
		if !hook.OK() {
			continue
		}
		any = true
		if n, ok := hook.Get("sleep", "seconds").Int(); ok {
			longest = max(longest, time.Duration(n)*time.Second)
		}
		longest = max(longest, sleepIn(hook.Get("exec", "command").Strings()))
	}
	return longest, any
}
