module github.com/holdfast-mcp/holdfast

go 1.26
