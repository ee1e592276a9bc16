module example.com/x

require (
	github.com/mark3labs/mcp-go
)
