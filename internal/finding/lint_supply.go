package finding

import "slices"

// lintSupply: what runs, as whom, and with which secrets.
func lintSupply() []Entry {
	return slices.Concat(lintIdentity(), lintPins(), lintAuth(), lintServerJSON())
}

// lintIdentity: images, users, roles and secrets of a pod.
func lintIdentity() []Entry {
	return []Entry{
		{
			Code: "HF501", Name: "image.mutable", Severity: Warning,
			Title: "The image is not pinned by digest",
			Seen:  "An image is named by a tag, or by none.",
			Why:   "The tag can point at another build tomorrow: two replicas may offer different tools, and an attacker who owns the tag owns the server.",
			Do:    "Pin the digest, as in name:tag@sha256:…, and let a bot raise it.",
		},
		{
			Code: "HF502", Name: "image.run_time_install", Severity: Error,
			Title: "Code is fetched at every start",
			Seen:  "npx, uvx or pip fetches a package at start, without an exact version.",
			Why:   "Each restart may run other code with the server's credentials, needs the registry to be up, and takes longer than clients wait.",
			Do:    "Install an exact version while the image is built.",
		},
		{
			Code: "HF503", Name: "image.user", Severity: Warning,
			Title: "The image's user does not fit the pod",
			Seen:  "The image's USER is root, unset or a name, or differs from the pod's runAsUser.",
			Why:   "With runAsNonRoot the kubelet refuses a named user, so the pod never starts; a different uid finds a home and files it may not use.",
			Do:    "Write a numeric USER of at least 10000 in the Dockerfile, and the same number as runAsUser.",
		},
		{
			Code: "HF504", Name: "identity.token_mounted", Severity: Warning,
			Title: "An API token is mounted for nothing",
			Seen:  "The pod mounts a service account token, and no Role in the input needs it.",
			Why:   "A tool that can be talked into reading a file hands a Kubernetes credential to the client.",
			Do:    "Set automountServiceAccountToken false in the pod.",
		},
		{
			Code: "HF505", Name: "identity.role_unbound", Severity: Warning,
			Title: "The Role reaches nobody, or everybody",
			Seen:  "A Role has no binding, or is bound to the default service account.",
			Why:   "Unbound, the tools that need it fail with 403; bound to default, every pod of the namespace gets its rights.",
			Do:    "Bind the Role to a ServiceAccount of the server's own.",
		},
		{
			Code: "HF506", Name: "secret.no_rollout", Severity: Warning,
			Title: "A changed secret does not reach the server",
			Seen:  "A Secret reaches the server by environment, and nothing restarts the pods when it changes.",
			Why:   "After a rotation every call fails with 401 until somebody restarts the server.",
			Do:    "Add a hash of the Secret to the pod template's annotations (or Reloader), or mount it as a file that the server re-reads.",
		},
		{
			Code: "HF507", Name: "credential.expiring", Severity: Warning,
			Title: "A credential of the server ends soon",
			Seen:  "The expiry of a credential that the server uses is known and near.",
			Why:   "All tools that need it fail from that moment, with the pod still green.",
			Do:    "Rotate it now, and automate the rotation.",
		},
		{
			Code: "HF508", Name: "pod.not_restricted", Severity: Warning,
			Title: "The pod is not restricted",
			Seen:  "The pod would be refused by the Pod Security Standard restricted.",
			Why:   "In a namespace that enforces it the pod is not created at all; elsewhere a tool that runs what it is told to run has more of the node than it needs.",
			Do:    "Set runAsNonRoot, seccompProfile RuntimeDefault, allowPrivilegeEscalation false and drop ALL capabilities.",
		},
		{
			Code: "HF509", Name: "network.egress_open", Severity: Warning,
			Title: "The server may talk to everything",
			Seen:  "No NetworkPolicy limits what the server's pods may reach.",
			Why:   "A tool that fetches what a client names can reach cloud metadata and every Service of the cluster.",
			Do:    "Add a NetworkPolicy with policyTypes Egress that names DNS and the server's upstreams.",
		},
		{
			Code: "HF510", Name: "auth.lists_without", Severity: Warning,
			Title: "Tools are listed without a login",
			Seen:  "The server that should ask for a login listed its tools without one.",
			Why:   "Anybody who finds the URL can call what the server's credentials allow.",
			Do:    "Answer 401 with a challenge before anything else, initialize included.",
		},
		{
			Code: "HF511", Name: "secret.in_manifest", Severity: Error,
			Title: "A secret value stands in the manifest",
			Seen:  "A Secret that the server uses is written with its value.",
			Why:   "Whoever can read the repository holds the server's credential, and it stays in the history after a rotation.",
			Do:    "Keep the value in a secret store (External Secrets, Sealed Secrets, SOPS) and commit the reference.",
		},
		{
			Code: "HF512", Name: "secret.in_env", Severity: Error,
			Title: "A credential is written into the environment",
			Seen:  "An environment variable that is named like a credential has a literal value.",
			Why:   "It can be read in the manifest, in the object and in every crash report, and cannot be rotated without an edit.",
			Do:    "Use valueFrom.secretKeyRef, or a file.",
		},
		{
			Code: "HF513", Name: "image.no_resources", Severity: Info,
			Title: "No memory limit or request",
			Seen:  "A container of the server has no memory request or limit.",
			Why:   "One large tool result can take the node's memory; the kernel then kills whichever process it likes, with every session in it.",
			Do:    "Set resources.requests for cpu and memory and a memory limit.",
		},
	}
}

// lintPins: dependencies and what is baked into an image.
func lintPins() []Entry {
	return []Entry{
		{
			Code: "HF514", Name: "deps.python_unpinned", Severity: Warning,
			Title: "A Python dependency is not pinned",
			Seen:  "A requirement names no exact version, and there is no lock file beside it.",
			Why:   "A rebuild of the same commit can bring another major version: SDK releases rename transports and drop arguments, and the server fails for clients after a harmless redeploy.",
			Do:    "Pin every requirement with ==, or commit uv.lock.",
		},
		{
			Code: "HF515", Name: "deps.python_unhashed", Severity: Info,
			Title: "Transitive Python dependencies float",
			Seen:  "Requirements are pinned, but without hashes or a lock file for what they pull in.",
			Why:   "What is installed can change without a commit, and an altered package would not be noticed.",
			Do:    "Generate requirements with hashes (`uv pip compile --generate-hashes`), or commit uv.lock.",
		},
		{
			Code: "HF516", Name: "deps.npm_unlocked", Severity: Warning,
			Title: "npm dependencies are not locked",
			Seen:  "package.json asks for ranges and there is no lock file, or the image is built with npm install.",
			Why:   "A rebuild can bring another SDK than the one that was tested, and tools change under the clients.",
			Do:    "Commit package-lock.json and build with npm ci.",
		},
		{
			Code: "HF517", Name: "deps.go_replaced", Severity: Warning,
			Title: "go.mod points at a local folder",
			Seen:  "A replace directive names a path outside the module.",
			Why:   "The image builds on one machine only, from code that no version names.",
			Do:    "Tag the dependency and require the version, or keep it inside the module.",
		},
		{
			Code: "HF518", Name: "deps.no_such_version", Severity: Error,
			Title: "The pinned version was never released",
			Seen:  "The version that is asked for does not exist on the package index.",
			Why:   "The image cannot be built, or was built from somewhere else than its manifest says.",
			Do:    "Pin a version that exists.",
		},
		{
			Code: "HF519", Name: "deps.vulnerable", Severity: Error,
			Title: "A dependency has a known hole",
			Seen:  "The pinned version of an MCP library has a published vulnerability.",
			Why:   "Clients, or web pages that their users visit, can use the hole to call tools or read other clients' answers.",
			Do:    "Raise the version to at least the one that is named.",
		},
		{
			Code: "HF520", Name: "deps.missing", Severity: Error,
			Title: "An imported package is not required",
			Seen:  "The entry point imports a package that the dependency file does not name.",
			Why:   "The image builds and the server fails at start with an import error, so no client ever connects.",
			Do:    "Add the package with its version to the dependency file.",
		},
		{
			Code: "HF521", Name: "image.context_leaks", Severity: Warning,
			Title: "COPY . . without .dockerignore",
			Seen:  "The Dockerfile copies the whole folder, and no .dockerignore stands beside it.",
			Why:   ".env files, .git and local credentials end up in the image, where whoever may pull it reads them.",
			Do:    "Write a .dockerignore, or copy only what the server needs.",
		},
		{
			Code: "HF522", Name: "image.secret_baked", Severity: Error,
			Title: "A credential is baked into the image",
			Seen:  "ENV or ARG of the Dockerfile sets a value that is named like a credential.",
			Why:   "It stays in the layers and in the history of the image, for whoever may pull it.",
			Do:    "Pass it at run time, or as a build secret (RUN --mount=type=secret).",
		},
		{
			Code: "HF523", Name: "image.entry_missing", Severity: Error,
			Title: "The started object does not exist",
			Seen:  "The command starts module:name, and the module defines no such name.",
			Why:   "The process ends at once with an attribute error; the pod crash-loops and no client connects.",
			Do:    "Start the object that exists, or run the file.",
		},
		{
			Code: "HF524", Name: "image.pull_policy", Severity: Warning,
			Title: "Nodes may run different builds",
			Seen:  "A mutable tag is used with imagePullPolicy IfNotPresent.",
			Why:   "A node that has the tag keeps its old build while another pulls the new one: replicas offer different tools under one URL.",
			Do:    "Pin the digest; the pull policy then does not matter.",
		},
	}
}

// lintAuth: who may call, and what the pipeline may do.
func lintAuth() []Entry {
	return []Entry{
		{
			Code: "HF525", Name: "auth.unattached", Severity: Error,
			Title: "The token check is never used",
			Seen:  "The code defines a function that verifies tokens, and no route or server uses it.",
			Why:   "The MCP endpoint is open to everybody, although it looks protected.",
			Do:    "Pass it to the server (FastMCP: auth=, else a middleware or dependency on the mounted application).",
		},
		{
			Code: "HF526", Name: "auth.secret_in_code", Severity: Error,
			Title: "A credential stands in the code",
			Seen:  "A client secret or key is assigned as a literal.",
			Why:   "Whoever reads the repository or the image holds it, and a rotation needs a release.",
			Do:    "Read it from the environment or a file, and rotate this one.",
		},
		{
			Code: "HF527", Name: "auth.challenge_missing", Severity: Warning,
			Title: "401 without a challenge",
			Seen:  "The code answers 401 without a WWW-Authenticate header.",
			Why:   "A client cannot find out where to log in, so it shows an error instead of a login page.",
			Do:    "Send WWW-Authenticate: Bearer resource_metadata=\"…\" with each 401.",
		},
		{
			Code: "HF528", Name: "auth.no_audience", Severity: Error,
			Title: "Tokens are accepted for any audience",
			Seen:  "A token is decoded without checking its audience.",
			Why:   "A token that was issued for another service opens this one, so a malicious server can use its clients' tokens here.",
			Do:    "Check the audience against this server's own URL.",
		},
		{
			Code: "HF529", Name: "role.no_names", Severity: Warning,
			Title: "The Role may read every Secret",
			Seen:  "A Role lets the server read Secrets or ConfigMaps without resourceNames.",
			Why:   "A tool that can be talked into an API call reads the credentials of everything in the namespace.",
			Do:    "Name the objects in resourceNames.",
		},
		{
			Code: "HF530", Name: "object.namespace_mixed", Severity: Info,
			Title: "Objects of one server in different places",
			Seen:  "Some objects of the server name a namespace and others none.",
			Why:   "Applied with another default namespace, bindings and Services point past each other and the server is there but unreachable.",
			Do:    "Name the namespace in all of them, or in none and let kustomize or `-n` set it.",
		},
		{
			Code: "HF531", Name: "ci.imperative_rollout", Severity: Warning,
			Title: "The pipeline changes the cluster by hand",
			Seen:  "A pipeline step changes the running object by kubectl set, patch, scale or edit.",
			Why:   "The next apply puts the old version back, and clients see tools change back and forth.",
			Do:    "Write the new digest into the manifest and apply that.",
		},
		{
			Code: "HF532", Name: "ci.mutable_release", Severity: Info,
			Title: "The pipeline deploys a tag",
			Seen:  "A pipeline builds and pushes an image and never uses its digest, a signature or an attestation.",
			Why:   "What runs cannot be tied to what was tested; a tag that is moved afterwards is not noticed.",
			Do:    "Deploy by the digest that the push printed, and sign or attest it.",
		},
	}
}

// lintServerJSON: the entry in a registry.
func lintServerJSON() []Entry {
	return []Entry{
		{
			Code: "HF540", Name: "serverjson.invalid", Severity: Error,
			Title: "server.json misses what clients need",
			Seen:  "A required field of server.json is absent or malformed.",
			Why:   "The registry refuses the entry, or clients that read it cannot install or connect.",
			Do:    "Write the field as the 2025-12-11 schema says.",
		},
		{
			Code: "HF541", Name: "serverjson.remote_unsafe", Severity: Error,
			Title: "The published remote cannot be used",
			Seen:  "A remote in server.json is plain http, on a private host, or holds a placeholder that no variable declares.",
			Why:   "Clients refuse it or dial the placeholder literally; users see a server that is dead on arrival.",
			Do:    "Publish the https URL, and declare every {name} under variables.",
		},
		{
			Code: "HF542", Name: "serverjson.version", Severity: Warning,
			Title: "The published version is not exact",
			Seen:  "The version of server.json or of a package is a range or latest, or differs from the package file beside it.",
			Why:   "Clients install something else than what was published, and cannot tell that their copy is old.",
			Do:    "Write the exact version of the package.",
		},
		{
			Code: "HF543", Name: "serverjson.sse_remote", Severity: Warning,
			Title: "Only the old transport is published",
			Seen:  "The only remote in server.json is of type sse.",
			Why:   "Clients that no longer speak the old transport cannot connect.",
			Do:    "Publish a streamable-http remote as well.",
		},
	}
}
