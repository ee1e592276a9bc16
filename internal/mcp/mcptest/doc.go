// Package mcptest is the world that Holdfast is proven against: a small
// internet ([World]) with names, addresses, certificates and the faults of
// each, MCP servers of every era ([Server]) whose every byte can be bent
// ([Fault]), and a labelled corpus ([Corpus]) that says which finding each
// broken or healthy peer must yield.
//
// Nothing here is written with an MCP library, so that what the peers get
// wrong is what we wrote, and what they get right is checked by a client that
// nobody here wrote (the Go SDK's, in the tests).
//
// A World made by [NewWorld] lives in memory and works inside a
// testing/synctest bubble: a cold start of twelve seconds takes no time there.
// One made by [NewLoopbackWorld] serves the same hosts on TCP sockets of this
// machine. Both are for tests only; nothing but tests may import this package.
package mcptest
