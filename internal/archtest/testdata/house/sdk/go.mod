module example.org/sdk

go 1.26.0
