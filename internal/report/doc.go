// Package report writes results for people and for programs: text, JSON lines,
// CSV, HTML, SARIF, JUnit, GitHub annotations. It decides nothing; what is
// worth saying has been decided where the finding was made.
package report
