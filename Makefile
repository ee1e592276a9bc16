.DEFAULT_GOAL := help
SHELL := /bin/bash -euo pipefail
TOOL := go tool -modfile=tools/go.mod
# The race detector costs about three times the time; make test RACE= leaves it out.
RACE ?= -race
GOTEST ?= go test
FUZZTIME ?= 10s

.PHONY: help run test unit interop interop-install check format lint tidy fresh archtest generate bench fuzz chaos ci

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' Makefile

run: ## the demo: a front before built-in servers of every era
	go run ./cmd/holdfast serve --demo

test: unit interop ## everything: hermetic tests, then real servers

unit: ## hermetic tests only: loopback, no installation
	$(GOTEST) $(RACE) ./...
	cd deploy/test && go test ./... # the charts, by Helm's own engine; a module of its own

interop: interop-install ## real servers and the official conformance suite, direct and through serve
	$(GOTEST) -tags interop ./interop/...

interop-install: ## install the pinned peers into interop/.cache
	interop/install

check: archtest format lint tidy fresh ## everything that needs no test run

format:
	@unformatted=$$(git ls-files -z -co --exclude-standard '*.go' | xargs -0 ls 2>/dev/null | xargs gofmt -l); \
		if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi

lint: ## golangci-lint, with go vet and staticcheck in it
	$(TOOL) golangci-lint run

tidy:
	go mod tidy -diff

fresh: ## generated files are what would be generated now
	go test -count=1 -run 'Current$$' ./internal/finding ./api/v1alpha1

archtest: ## layers, imports, package state, sizes
	go test -count=1 ./internal/archtest

generate: ## write what is generated: CRDs, deep copies, docs/findings.md
	go generate ./...
	go test ./internal/finding -update

bench: ## figures, printed with what they are compared to
	go run ./bench/probe
	go run ./bench/scan
	go run ./bench/front
	go test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz target for FUZZTIME (10s)
	@grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' internal api | sed -E 's/:func / /' | while read -r file name; do \
		echo "$$file $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")"; done

chaos: ## faults under load (not written yet: fails)
	@echo "chaos: there are no chaos tests yet; bench/chaos is to become them" >&2; exit 1

ci: ## what CI runs
	.ci/run
