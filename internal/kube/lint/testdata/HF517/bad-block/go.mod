// an absolute path
module example.com/weather

go 1.26

require github.com/modelcontextprotocol/go-sdk v1.8.0

replace (
	example.com/a v1.0.0 => example.com/b v1.2.0
	example.com/shared => /src/shared // want HF517
)
