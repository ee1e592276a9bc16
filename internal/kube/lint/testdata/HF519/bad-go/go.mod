// the Go SDK
module example.com/w

require github.com/modelcontextprotocol/go-sdk v1.4.0 // want HF519
