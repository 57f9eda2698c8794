# knak: the commands of the README and of everyday work. `make help` lists them.
SHELL := /bin/bash
GO ?= go
FUZZTIME ?= 5s
BENCHTIME ?= 1s
GORELEASER := github.com/goreleaser/goreleaser/v2@v2.16.0
BUF := github.com/bufbuild/buf/cmd/buf@v1.75.0
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.7.2

.PHONY: help build test unit interop vm wine web fuzz bench corpus lint generate proto proto-release apn release-check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 16

build: ## build ./knak, and ./knak-pluginhost which runs plugins for it
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o . ./cmd/knak ./cmd/knak-pluginhost

test: ## everything that must pass: installs what it needs, says what it skips and why
	./test/run

unit: ## the Go tests alone, with the race detector
	$(GO) test -race $$($(GO) list ./... | grep -v /test/interop)

interop: ## the real peers alone: pppd in the guest kernel, slirp, tshark, Chromium
	$(GO) test -count=1 -v ./test/...

vm: ## virtual sticks on Debian's stock kernel, alone and beside ModemManager, by software emulation: four minutes, ten on a busy machine
	KNAK_VM=1 $(GO) test -count=1 -timeout 25m -v ./test/vm

wine: ## knak.exe under Wine (Debian's wine64, 0.7 GB): the analyser's scripts, and a dial through a COM port
	KNAK_WINE=1 $(GO) test -count=1 -timeout 15m -v ./test/wine

fuzz: ## every fuzz target for FUZZTIME each (FUZZTIME=1h for a night)
	./test/fuzz $(FUZZTIME)

web: ## the page for browsers: out/web/knak.html, one file that needs no server
	$(GO) run ./core/show/web/build -o out/web/knak.html -version "$$(git describe --always --dirty 2>/dev/null || echo devel)"

bench: ## every benchmark that docs/performance.md reports
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./core/... ./quirks/... ./cmd/... ./plugins/host ./plugins/internal/wire ./plugins/sdk/sdktest
	KNAK_MEASURE=1 $(GO) test -count=1 -v -run 'TestTimeToUp|TestThroughput|TestIdleLink|TestVersionIsQuick|TestPlugToDial' ./test/interop ./test/interop/program

corpus: ## how often diagnosis names the labelled cause of real logs: make corpus DIR=path/to/the/logs
	@test -n "$(DIR)" || { echo "make corpus DIR=path: a directory with labels.tsv and the logs that it names" >&2; exit 2; }
	$(GO) run ./test/corpus -cut $(ARGS) $(DIR)

lint: ## go vet and golangci-lint
	$(GO) vet ./...
	$(GO) run $(GOLANGCI) run ./...

generate: ## completions, reference pages, a page for each finding
	$(GO) test ./cmd/knak -run TestGenerated -update
	$(GO) test ./core/diagnose -run TestPages -update
	$(GO) test ./quirks ./core/sim -run 'Generated|TestDocs|TestBehaviours' -update

proto: ## Go code of the plugin protocol, after lint and a check that nothing released has changed
	cd plugins/proto && $(GO) run $(BUF) lint && $(GO) run $(BUF) format --exit-code >/dev/null && \
	$(GO) run $(BUF) breaking --against released.binpb && $(GO) run $(BUF) generate
	cd plugins/proto && sha256sum $$(find knak -name '*.proto' | LC_ALL=C sort) >generated.sum

proto-release: ## with a release of knak: what the plugin protocol holds now is never taken back
	cd plugins/proto && $(GO) run $(BUF) breaking --against released.binpb && $(GO) run $(BUF) build --exclude-source-info -o released.binpb

apn: ## the compiled-in table of APNs, from Debian's package mobile-broadband-provider-info
	cd core/apn && $(GO) generate

release-check: ## is goreleaser.yaml accepted?
	$(GO) run $(GORELEASER) check

clean: ## remove what the targets above made
	rm -rf knak knak-pluginhost dist out
