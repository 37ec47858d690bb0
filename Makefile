# make check is the quick local subset of .ci/run: no network, about two
# minutes with a warm cache.
GOLANGCI_VERSION := v2.15.0
BIN := $(CURDIR)/.build
export CGO_ENABLED := 0

.PHONY: build check fmt vet lint test race demo tools ci

build:
	go build -o mimeo ./cmd/mimeo

check: fmt vet lint test race

fmt:
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }

vet:
	go vet ./...

lint: $(BIN)/golangci-lint
	$(BIN)/golangci-lint run --allow-parallel-runners

test:
	go test ./...

# The race detector needs cgo and a C compiler. These packages run goroutines
# and are quick; .ci/run has the others.
race:
	CGO_ENABLED=1 go test -race -short ./internal/sqlstore ./internal/blob/... ./internal/serving ./internal/copier ./internal/app

demo:
	go run ./cmd/mimeo demo

tools: $(BIN)/golangci-lint

$(BIN)/golangci-lint:
	@echo "golangci-lint $(GOLANGCI_VERSION) is not in .build: building it (needs the network, once)"
	GOFLAGS= GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

ci:
	.ci/run
