// Package scaffold makes an MCP server's folder ready for production: it finds
// out what the server is (language, entry point, transport, port, lock file)
// and writes a Dockerfile, .dockerignore, an MCPServer declaration, a CI
// workflow and a page on running it.
//
// [Detect] reads the folder and never runs anything in it. [Files] is pure.
// [Compare] and [Write] are careful guests: everything goes through an
// [os.Root], symbolic links are neither followed nor replaced, and nothing is
// written that the caller has not seen as a [Change] before.
//
// # Pins
//
// A base image is pinned by digest as soon as somebody gives the digest: the
// caller (Options.Digests), or a Dockerfile that is there already and pins the
// same reference, so that a second run does not undo what a bot raised.
// Without one the tag is written as it is, with the way to pin it beside it;
// lint then says HF501, because it is true. The server's own image has no
// digest before its first build: the declaration carries a digest of zeros,
// which no registry can answer, until the pipeline writes the real one.
//
// # What is recognised
//
//	Python      FastMCP( or MCPServer( of fastmcp or the SDK, in a file that is
//	            no test; run(), uvicorn.run(), an ASGI app, or a project script
//	TypeScript  package.json that depends on an MCP SDK; start script, bin, main
//	Go          go.mod that requires an MCP SDK; the package main
//
// Program text is matched, not understood: where it leaves something open,
// Detect says which file and line, and which option decides.
package scaffold
