// Package unit converts.
package unit
