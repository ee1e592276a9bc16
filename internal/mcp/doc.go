// Package mcp is the vocabulary of the Model Context Protocol: the JSON-RPC
// envelope, the one table of revisions and eras, header names and their
// encoding, error codes and the canonical hash of a tool. It does no I/O and
// starts no goroutine.
//
// Two properties matter more than convenience. Whatever is relayed stays the
// bytes that arrived: ids, params and results are raw. And whatever is read is
// read once, strictly and within bounds, so that no two parsers behind one
// another can understand the same message differently.
package mcp
