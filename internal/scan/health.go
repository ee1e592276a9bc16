package scan

// health judges whether our own network works.
type health struct{}
