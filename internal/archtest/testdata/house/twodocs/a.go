// Package twodocs has two.
package twodocs
