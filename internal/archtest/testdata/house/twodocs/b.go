// Package twodocs has two.
package twodocs // want doc
