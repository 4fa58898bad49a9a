# The commands behind CONTRIBUTING.md; each is one line that can be typed as well.
CACHE := $(or $(HUDI_GO_CACHE),$(HOME)/.cache/hudi-go)
GOLANGCI := $(CACHE)/golangci-lint-v2.15.0/golangci-lint

.PHONY: build test lint interop bench

build:
	go build -o bin/hudictl ./cmd/hudictl

test:
	go test ./...

lint:
	interop/lab/setup.sh lint
	$(GOLANGCI) run ./...

interop:
	HUDI_GO_INTEROP=1 go test ./interop/... -v -count=1 -timeout 30m

bench: build
	bench/tables.sh bin/hudictl
	bench/ingest.sh bin/hudictl
