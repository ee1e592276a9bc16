// a folder outside
module example.com/weather

go 1.26

require github.com/modelcontextprotocol/go-sdk v1.8.0

replace example.com/shared => ../shared // want HF517
