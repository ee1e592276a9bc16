// Package interop runs MCP servers that nobody here wrote, and the official
// conformance suite, so that the rest of the module is tested against the world
// and not against its own idea of the protocol.
//
// The peers and the suite are pinned by the lock files in npm, python and gosdk
// and installed into .cache by the install script (make interop-install). The
// package itself always compiles; the tests that need the installation carry
// the build tag interop and fail, rather than skip, when it is missing.
// README.md says what each peer is and how it answers.
package interop
