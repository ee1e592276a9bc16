// a version
module example.com/weather

go 1.26

require github.com/modelcontextprotocol/go-sdk v1.8.0

replace example.com/a => example.com/b v1.2.0
