// Package web is the page that people open when they are told that something is
// wrong: every server, how usable it is, why, since when and what to do.
//
// It is made on this side, as one answer that loads nothing from anywhere and
// works without scripts; a small one only spares the reader the reload button.
// What servers say is hostile: it is bounded, stripped of what changes the
// direction or the look of text, and escaped by html/template.
package web
