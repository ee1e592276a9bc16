module example.com/house

go 1.26.0

require (
	example.org/sdk v0.0.0
	k8s.io/api v0.0.0
)

replace (
	example.org/sdk => ./sdk
	k8s.io/api => ./k8s.io/api
)
