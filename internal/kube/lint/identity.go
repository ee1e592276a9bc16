package lint

import (
	"slices"
	"strings"
)

func identityRules() []Rule {
	return []Rule{
		{Name: "identity.token_mounted", Reads: "server and monitor pods, ServiceAccounts, role bindings", Check: tokenMounted},
		{Name: "identity.role_unbound", Reads: "Roles, role bindings", Check: roleUnbound},
		{Name: "secret.no_rollout", Reads: "server pods", Check: secretNoRollout},
		{Name: "pod.not_restricted", Reads: "server and monitor pods", Check: notRestricted},
		{Name: "network.egress_open", Reads: "server pods, NetworkPolicies", Check: egressOpen},
		{Name: "secret.in_manifest", Reads: "Secrets, server and monitor pods", Check: secretInManifest},
		{Name: "secret.in_env", Reads: "server and monitor pods, compose", Check: secretInEnv},
		{Name: "role.no_names", Reads: "Roles, role bindings", Check: roleNoNames},
		{Name: "object.namespace_mixed", Reads: "all objects of a server", Check: namespaceMixed},
	}
}

// account is the service account a workload runs as.
func (w *Workload) account() string {
	if name := w.Pod.Get("serviceAccountName").Str(); name != "" {
		return name
	}
	return "default"
}

// bindings gives the RoleBindings and ClusterRoleBindings.
func (x *Index) bindings() []*Object {
	return append(slices.Clone(x.byKind["RoleBinding"]), x.byKind["ClusterRoleBinding"]...)
}

// binds tells whether a binding names a service account.
func binds(b *Object, account, namespace string) bool {
	return slices.ContainsFunc(b.root.Get("subjects").List(), func(s Value) bool {
		return s.Get("kind").Str() == "ServiceAccount" && s.Get("name").Str() == account && sameNamespace(s.Get("namespace").Str(), namespace)
	})
}

func tokenMounted(p *Pass) {
	for _, w := range p.Judged() {
		mount := w.Pod.Get("automountServiceAccountToken")
		if mount.False() || len(w.Containers) == 0 {
			continue
		}
		account := w.account()
		if slices.ContainsFunc(p.bindings(), func(b *Object) bool { return binds(b, account, w.Namespace) }) || p.accountRefuses(account, w.Namespace, mount) {
			continue
		}
		p.ReportFix(mount.or(w.Pod), setKey("mount no token", w.Pod, false, "automountServiceAccountToken"), "the token of service account %s is mounted, and nothing in the input gives it rights", account)
	}
}

// accountRefuses tells whether the ServiceAccount itself mounts no token, and
// the pod does not overrule it.
func (p *Pass) accountRefuses(account, namespace string, mount Value) bool {
	return !mount.True() && slices.ContainsFunc(p.byKind["ServiceAccount"], func(o *Object) bool {
		return o.Name == account && sameNamespace(o.Namespace, namespace) && o.root.Get("automountServiceAccountToken").False()
	})
}

// serverRoles gives the Roles that concern an MCP server: bound to its account,
// or named so.
func (p *Pass) serverRoles() []*Object {
	var out []*Object
	for _, role := range append(slices.Clone(p.byKind["Role"]), p.byKind["ClusterRole"]...) {
		if mcpWord(role.Name) && !notServer(role.Name) || slices.ContainsFunc(p.servers, func(w *Workload) bool { return p.boundTo(role, w) }) {
			out = append(out, role)
		}
	}
	return out
}

func (p *Pass) boundTo(role *Object, w *Workload) bool {
	return slices.ContainsFunc(p.bindings(), func(b *Object) bool {
		r := b.root.Get("roleRef")
		return r.Get("kind").Str() == role.Kind && r.Get("name").Str() == role.Name && binds(b, w.account(), w.Namespace)
	})
}

func roleUnbound(p *Pass) {
	for _, role := range p.serverRoles() {
		bound := false
		for _, b := range p.bindings() {
			r := b.root.Get("roleRef")
			if r.Get("kind").Str() != role.Kind || r.Get("name").Str() != role.Name {
				continue
			}
			bound = true
			for _, s := range b.root.Get("subjects").List() {
				if s.Get("kind").Str() == "ServiceAccount" && s.Get("name").Str() == "default" {
					p.Report(s.Get("name"), "%s is bound to the default service account", role)
				}
			}
		}
		if !bound {
			p.Report(role.root.Get("metadata", "name"), "no binding in the input names %s", role)
		}
	}
}

func roleNoNames(p *Pass) {
	for _, role := range p.serverRoles() {
		for _, rule := range role.root.Get("rules").List() {
			resources := rule.Get("resources").Strings()
			reads := slices.ContainsFunc(rule.Get("verbs").Strings(), func(v string) bool { return v == "get" || v == "list" || v == "watch" || v == "*" })
			if reads && !rule.Get("resourceNames").OK() && slices.ContainsFunc(resources, func(r string) bool { return r == "secrets" || r == "configmaps" || r == "*" }) {
				p.Report(rule.Get("resources"), "%s lets every one of %s be read", role, strings.Join(resources, ", "))
			}
		}
	}
}

// secretRefs visits the places where a container takes a Secret into its
// environment.
func (c Container) secretRefs(visit func(secret string, at Value)) {
	for _, e := range c.Get("env").List() {
		if ref := e.Get("valueFrom", "secretKeyRef"); ref.OK() {
			visit(ref.Get("name").Str(), e.Get("valueFrom").or(e))
		}
	}
	for _, e := range c.Get("envFrom").List() {
		if ref := e.Get("secretRef"); ref.OK() {
			visit(ref.Get("name").Str(), ref)
		}
	}
}

// restartsOnChange tells whether something rolls the pods when a Secret
// changes: a hash in the template, or one of the controllers that do it.
func (w *Workload) restartsOnChange() bool {
	for _, place := range []Value{w.Template.Get("metadata", "annotations"), w.root.Get("metadata", "annotations")} {
		for name := range place.Fields() {
			lower := strings.ToLower(name)
			for _, sign := range []string{"checksum", "hash", "reloader.stakater.com", "wave.pusher.com", "secret-version", "vault.hashicorp.com/agent-inject"} {
				if strings.Contains(lower, sign) {
					return true
				}
			}
		}
	}
	return false
}

func secretNoRollout(p *Pass) {
	for _, w := range p.Servers() {
		if w.restartsOnChange() {
			continue
		}
		for _, c := range w.Serving() {
			seen := map[string]bool{}
			c.secretRefs(func(secret string, at Value) {
				if !seen[secret] && !hashedName(secret) {
					seen[secret] = true
					p.Report(at, "Secret %s reaches container %s by environment, and nothing restarts it when the Secret changes", secret, c.Name)
				}
			})
		}
	}
}

// hashedName tells whether kustomize appended a hash of the content, so that a
// change is a new name and with it a rollout.
func hashedName(secret string) bool {
	i := strings.LastIndexByte(secret, '-')
	hash := secret[i+1:]
	return i > 0 && len(hash) == 10 && strings.Trim(hash, "bcdfghkmt2456789") == ""
}

func secretInManifest(p *Pass) {
	used := map[ref]bool{}
	for _, w := range p.Judged() {
		for _, c := range w.Containers {
			c.secretRefs(func(secret string, _ Value) { used[ref{"Secret", w.Namespace, secret}] = true })
		}
		for _, v := range w.Pod.Get("volumes").List() {
			used[ref{"Secret", w.Namespace, v.Get("secret", "secretName").Str()}] = true
		}
	}
	for _, o := range p.byKind["Secret"] {
		if !used[o.ref()] && !used[ref{"Secret", "", o.Name}] && !mcpWord(o.Name) || o.root.Get("sops").OK() {
			continue
		}
		for _, field := range []string{"stringData", "data"} {
			for key, v := range o.root.Get(field).Fields() {
				if len(v.Str()) >= 6 && !placeholder.MatchString(v.Str()) && !strings.HasPrefix(v.Str(), "ENC[") && !strings.HasPrefix(v.Str(), "ref+") {
					p.Report(v, "%s of Secret %s is written here", key, o.Name)
				}
			}
		}
	}
}

func secretInEnv(p *Pass) {
	for _, w := range p.Judged() {
		for _, c := range w.Containers {
			for _, e := range c.Get("env").List() {
				p.literalSecret(e.Get("name").Str(), e.Get("value").Str(), e.Get("value"))
			}
		}
	}
	for _, s := range p.composeServers() {
		s.environment(func(name, value string, at Value) { p.literalSecret(name, value, at) })
	}
}

func (p *Pass) literalSecret(name, value string, at Value) {
	if secretName.MatchString(name) && len(value) >= 6 && !placeholder.MatchString(value) && !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "$") {
		p.Report(at, "%s has a literal value", name)
	}
}

// egressOpen wants a policy that limits what the pods may reach.
func egressOpen(p *Pass) {
	for _, w := range p.Servers() {
		if w.limitsEgress() || slices.ContainsFunc(p.ciliumPolicies(), func(o *Object) bool { return sameNamespace(o.Namespace, w.Namespace) }) {
			continue
		}
		seen := "no NetworkPolicy selects the pods"
		if len(w.Policies) > 0 {
			seen = "no NetworkPolicy that selects the pods limits what they reach"
		}
		p.Report(w.root.Get("metadata", "name"), "%s", seen)
	}
}

// ciliumPolicies are policies of another kind, whose selectors are not judged:
// where one limits egress in the namespace, the rule is silent.
func (x *Index) ciliumPolicies() []*Object {
	all := append(slices.Clone(x.byKind["CiliumNetworkPolicy"]), x.byKind["CiliumClusterwideNetworkPolicy"]...)
	return slices.DeleteFunc(all, func(o *Object) bool {
		return !o.root.Get("spec", "egress").OK() && !o.root.Get("spec", "egressDeny").OK()
	})
}

func (w *Workload) limitsEgress() bool {
	for _, o := range w.Policies {
		spec := o.root.Get("spec")
		if !slices.Contains(spec.Get("policyTypes").Strings(), "Egress") && !spec.Get("egress").OK() {
			continue
		}
		open := slices.ContainsFunc(spec.Get("egress").List(), func(rule Value) bool { return !rule.Get("to").OK() && !rule.Get("ports").OK() })
		if !open {
			return true
		}
	}
	return false
}

// familyKinds are what a server's manifests hold beside its workload.
var familyKinds = []string{"Role", "RoleBinding", "ServiceAccount", "Service", "Ingress", "HTTPRoute", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Secret", "ConfigMap", "NetworkPolicy", "CronJob"}

// namespaceMixed compares a server to the objects of its name, and to those of
// its folder that say mcp as it does.
func namespaceMixed(p *Pass) {
	byName, byDir := map[string]*Workload{}, map[string]*Workload{}
	for _, w := range p.Servers() {
		place := namedPlace(w.Object)
		byName[place+w.Name] = w
		if mcpWord(w.Name) {
			byDir[place+w.file.Dir()] = w
		}
	}
	for _, kind := range familyKinds {
		for _, o := range p.byKind[kind] {
			other := "set\x00"
			if o.Namespace != "" {
				other = "unset\x00"
			}
			w := byName[other+o.Name]
			if w == nil && byDir[other+o.file.Dir()] != nil && mcpWord(o.Name) {
				w = byDir[other+o.file.Dir()]
			}
			if same := byName[namedPlace(o)+o.Name]; w == nil || same != nil {
				continue // a twin of the same kind of place is its own
			}
			at := o.root.Get("metadata", "namespace").or(o.root.Get("metadata", "name"))
			p.Report(at, "%s and %s: one names a namespace, the other none", o, w.Object)
		}
	}
}

// namedPlace tells objects with a namespace from those without.
func namedPlace(o *Object) string {
	if o.Namespace == "" {
		return "unset\x00"
	}
	return "set\x00"
}
