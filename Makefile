# The commands behind CONTRIBUTING.md; each is one line that can be typed as well.
CACHE := $(or $(HUDI_GO_CACHE),$(HOME)/.cache/hudi-go)
GOLANGCI := $(CACHE)/golangci-lint-v2.15.0/golangci-lint

.PHONY: build test lint interop bench fuzz

# How many CPU seconds each fuzz target runs, and where the record of the runs is kept.
FUZZTIME := 600
FUZZLOG := $(CACHE)/fuzz.log

build:
	go build -o bin/hudictl ./cmd/hudictl

test:
	go test ./...

lint:
	interop/lab/setup.sh lint
	$(GOLANGCI) run ./...

interop:
	HUDI_GO_INTEROP=1 go test ./interop/... -v -count=1 -timeout 31m

fuzz:
	.ci/fuzz $(FUZZTIME) $(FUZZLOG)

bench: build
	bench/tables.sh bin/hudictl
	bench/ingest.sh bin/hudictl
