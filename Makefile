# tipring: see README.md for the two commands that matter (make demo, make test).
SHELL   := /bin/sh
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TAGS    := nethttpomithttp2
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)'
# The race detector needs cgo, and cgo needs a C compiler.
RACE    := $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)
FUZZTIME ?= 10s
# L0 and L1: what must also pass on foreign CPUs and on one core.
BUBBLE  := ./board/... ./config ./fxs ./gateway ./internal/exchange ./internal/memnet ./media/... ./sipua
PURE    := ./config ./fxs ./internal/arch ./media/dsp
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build demo test cross size cross-test interop vm bench fuzz lint clean
all: build

build:
	$(BUILD) -o bin/ ./cmd/tipring ./cmd/tipring-lab

demo: build
	bin/tipring-lab demo

# L0 to L2, then the bubbles again on one processor: most routers have one. Packages without goroutines have no races
# to find, and their arithmetic is five times slower under the detector.
test:
	$(GO) test -tags $(TAGS) $(PURE)
	$(GO) test -tags $(TAGS) $(RACE) $$($(GO) list ./... | grep -vxF $(PURE:./%=-e tipring/%))
	GOMAXPROCS=1 $(GO) test -short $(BUBBLE)

cross:
	@GO='$(GO)' TAGS='$(TAGS)' LDFLAGS='$(LDFLAGS)' scripts/cross.sh

size: cross
	@scripts/size.sh

cross-test:
	@GO='$(GO)' scripts/cross-test.sh $(BUBBLE)

interop: build
	@$(GO) test -count=1 -tags interop -timeout 20m ./interop

vm:
	@echo "vm: nothing to run yet: the GPIO and serial drivers that it will test are a later issue"

bench:
	@GO='$(GO)' scripts/bench.sh

fuzz:
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' scripts/fuzz.sh

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt wants to change:"; gofmt -l .; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(GO) vet -tags interop ./interop
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -count=1 ./internal/arch

clean:
	rm -rf bin dist
