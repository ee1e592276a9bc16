package scan

func isHeader([]byte) bool { return false }
