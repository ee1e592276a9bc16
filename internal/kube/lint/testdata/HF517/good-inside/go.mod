// inside the module
module example.com/weather

go 1.26

require github.com/modelcontextprotocol/go-sdk v1.8.0

replace example.com/a => ./third_party/a
