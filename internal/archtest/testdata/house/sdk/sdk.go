// Package sdk stands for the SDK.
package sdk

// Kind is something.
const Kind = "x"
