// Command notes keeps notes.
package main

import "github.com/mark3labs/mcp-go/server"

func main() {
	s := server.NewMCPServer("notes", "1.0.0")
	if err := server.ServeStdio(s); err != nil {
		panic(err)
	}
}
