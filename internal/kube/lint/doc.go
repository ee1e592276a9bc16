// Package lint finds, in files that were never applied, the mistakes that make
// an MCP server on Kubernetes unusable for its clients: manifests, Dockerfiles,
// compose files, dependency pins, server.json and the entry points themselves.
//
// # Which workload is an MCP server
//
// Every rule about a workload asks [Workload.Server] first, so that an ordinary
// deployment is never judged by rules that hold for MCP only. The decision is
// made once, in detect.go, by the first line that applies:
//
//  1. label or annotation holdfast.dev/mcp, on the workload or its pod template:
//     "true" makes it one, "false" makes it none, whatever else it says;
//  2. any other holdfast.dev/ annotation (longest-call, heartbeat, stateless,
//     cold-start, auth): only servers declare those;
//  3. [Options.All];
//  4. an operator, controller, inspector or client by its words is none;
//  5. a container whose name, image, command, arguments, port names or MCP_ and
//     FASTMCP_ environment say mcp as a word of its own. Variables that point at
//     somebody else's server (MCP_SERVER_URL) mark a client, not a server;
//  6. a probe path, or the workload's own name or app label, that says mcp;
//  7. a Service that selects it and is named or typed mcp (appProtocol: mcp), or
//     that a route reaches by a path ending in /mcp.
//
// Jobs and CronJobs are never servers; a CronJob that asks an MCP endpoint is a
// monitor and is judged by the monitor rules.
//
// # What a workload may declare
//
//	holdfast.dev/longest-call: 5m   the longest tool call
//	holdfast.dev/heartbeat: 15s     how often an idle stream says something
//	holdfast.dev/stateless: "true"  no session lives in the process
//	holdfast.dev/cold-start: 20s    from start to the first answer
//	holdfast.dev/auth: none         nobody has to log in
//
// # How to add a rule
//
// Add an entry to internal/finding/lint_*.go, a line to [Rules] and a function
// that takes a [Pass] beside its group, then testdata/HFnnn with bad and good
// cases: a comment "want HFnnn" on the line where it must be found.
package lint
