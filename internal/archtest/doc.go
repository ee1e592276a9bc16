// Package archtest holds the house together: its test fails when a package
// stands in no layer, when an import points up or sideways, and when code does
// what only another place may do (leave the process, dial out, know a protocol
// revision, keep state in a package).
//
// [Holdfast] is the one table of who lives where and which exceptions exist,
// each with its reason. An exception or an edge that nothing needs any more
// fails too, so the table cannot go stale.
//
// # What counts as mutable package state
//
// A package-level variable passes when it is blank, when it is an error, a
// compiled regular expression or another value that has no way to be changed,
// when //go:embed fills it, or when it is a read-only table. A read-only table
// is unexported, has its value in the declaration, and its type holds no
// channel, pointer, lock, atomic or interface. None of these may be written
// anywhere in the package, tests included: not assigned, not through an index
// or a field, not by taking its address, not by delete, clear, copy or an
// in-place sort. What is not seen: a write through a second slice or map
// header that was copied from the table first.
package archtest
