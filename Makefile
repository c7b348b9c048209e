# accesskey-operator. `make help` explains every target.

SHELL := /usr/bin/env bash -o pipefail
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG     ?= accesskey-operator:$(VERSION)
OVERLAY ?= config/default
BIN     := $(CURDIR)/bin

export CGO_ENABLED ?= 0
export GOWORK := off
# Nested modules are pinned; a build must not change them.
TOOL_BUILD := GOFLAGS=-mod=readonly go build
# No path and no state of git goes into the manager: the same tree and version give the same bytes.
BUILD := -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION)"
# etcd, kube-apiserver, kube-controller-manager and kubectl: found, or built into a cache that all checkouts share.
WITH_CONTROL_PLANE := KUBEBUILDER_ASSETS="$$(go run ./hack/controlplane)"; export KUBEBUILDER_ASSETS;

##@ The two commands

.PHONY: demo
demo: build ## The main job on a real API server, told as it happens. KEEP=1 leaves it up to look around.
	@go build -o $(BIN)/simulators ./hack/simulators
	@$(WITH_CONTROL_PLANE) go run ./hack/demo

.PHONY: test
test: ## Every test. Needs nothing beforehand but Go, make and git.
	@$(WITH_CONTROL_PLANE) go test -timeout 40m $(TEST_FLAGS) ./...
	@$(MAKE) --no-print-directory test-vendor

##@ Development

.PHONY: help
help: ## This list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## The manager, as bin/manager.
	@go build $(BUILD) -o $(BIN)/manager ./cmd

.PHONY: run
run: build ## The manager against the cluster of your kubeconfig.
	@$(BIN)/manager --health-probe-bind-address=0

.PHONY: simulators
simulators: ## The four key services, simulated, with an admin endpoint: docs/simulators.md.
	@go build -o $(BIN)/simulators ./hack/simulators && exec $(BIN)/simulators $(SIMULATORS_FLAGS)

.PHONY: generate
generate: $(BIN)/controller-gen ## CRDs, RBAC and DeepCopy from the types and their markers.
	@$(BIN)/controller-gen object:headerFile=hack/boilerplate.go.txt crd rbac:roleName=accesskey-operator paths=./api/... paths=./internal/... \
		output:crd:artifacts:config=config/crd/bases output:rbac:artifacts:config=config/rbac/role

.PHONY: verify
verify: generate ## Fail if a generated file, go.mod or the format is not current.
	@go mod tidy -diff
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@git diff --exit-code -- api config || { echo "generated files are not current: run 'make generate' and commit"; exit 1; }

.PHONY: lint
lint: $(BIN)/golangci-lint $(BIN)/golangci-lint-kube-api-linter ## The linters: code and imports, API conventions.
	@$(BIN)/golangci-lint run ./...
	@$(BIN)/golangci-lint-kube-api-linter run -c .golangci-kal.yml ./api/...

.PHONY: unit
unit: ## The tests that need no control plane.
	@go test -timeout 40m $(TEST_FLAGS) $$(go list ./... | grep -v -e /test/integration -e /test/rights -e /test/kill -e /test/replicas)

.PHONY: contract
contract: ## The contract of key services, and the number of checks that passed for each of them.
	@go test $(TEST_FLAGS) -count=1 -v ./test/contract | grep -E '^(contract:|ok|FAIL|panic| *--- FAIL| +[a-z_]+_test.go)'

.PHONY: integration
integration: ## The tests on a real API server only.
	@$(WITH_CONTROL_PLANE) go test $(TEST_FLAGS) ./test/integration/... ./test/rights/... ./test/replicas/...

.PHONY: test-kill
test-kill: ## The kill test at length (20 minutes): 100 kills, restarts of the control plane, trades of the lead.
	@$(WITH_CONTROL_PLANE) go test $(TEST_FLAGS) ./test/kill -count=1 -timeout=90m -v -args -long

.PHONY: test-vendor
test-vendor: ## The vendors' own clients against the simulators, and their signatures against the backends'.
	@cd test/vendorclients && GOFLAGS=-mod=readonly go test $(TEST_FLAGS) ./...
	@$(MAKE) --no-print-directory test-ansible

.PHONY: test-ansible
test-ansible: ## NetApp's own Ansible module against the ONTAP simulator, where it is installed.
	@python=$$(sed -n '1s/^#! *//p' "$$(command -v ansible-playbook || echo /dev/null)"); \
	if [ -n "$$python" ] && $$python -c 'import requests, ansible_collections.netapp.ontap' 2>/dev/null; \
	then cd test/vendorclients && GOFLAGS=-mod=readonly go test $(TEST_FLAGS) -tags ansible -run Ansible ./...; \
	else echo "NOT RUN: NetApp's Ansible module. It takes ansible with the collection netapp.ontap, and Python's requests (Debian: apt-get install ansible python3-requests)."; fi

.PHONY: cover
cover: ## Coverage of the planner, by its own tests.
	@go test -coverprofile=cover.out ./internal/plan && go tool cover -func=cover.out | tail -1

.PHONY: simulate
simulate: ## The planner's simulation on more worlds: make simulate SEEDS=100000
	@go test ./internal/plan -run 'TestSimulation$$' -count=1 -v -args -seeds=$(or $(SEEDS),100000) | tail -5

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME each: make fuzz FUZZTIME=5m (30s)
	@for file in $$(grep -rl '^func Fuzz' --include='*_test.go' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "== $$(dirname "$$file") $$target"; \
			go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZTIME),30s); \
		done; \
	done

.PHONY: soak
soak: ## The crash simulation on more worlds, with every story and every pair of failures: make soak SEEDS=100000
	@go test ./test/crash -timeout 0 -count=1 -v -args -soak -seeds=$(or $(SEEDS),20000) | grep -v '^=== ' | tail -40

.PHONY: mutants
mutants: ## Break the operator on purpose, one place at a time, and expect the crash simulation to notice.
	@go run ./test/crash/mutants

.PHONY: bench
bench: build ## What it takes to issue and keep 1,000 and 5,000 keys, beside the floor: docs/performance.md. BENCH=full adds 250 and 10,000.
	@go build -o $(BIN)/simulators ./hack/simulators
	@sizes=1000,5000; [ "$(BENCH)" != full ] || sizes=250,1000,5000,10000; \
	$(WITH_CONTROL_PLANE) go run ./hack/bench --sizes=$$sizes $(BENCH_FLAGS)

.PHONY: clean
clean: ## Remove what was built here. The shared cache of the control plane stays.
	@rm -rf $(BIN) cover.out

##@ Supply chain

.PHONY: sbom
sbom: build $(BIN)/cyclonedx-gomod ## The SBOM of bin/manager (CycloneDX), from what is linked: bin/sbom.cdx.json
	@$(BIN)/cyclonedx-gomod bin -json -std -noserial -notimestamp -version $(VERSION) -output $(BIN)/sbom.cdx.json $(BIN)/manager
	@go run ./hack/supplychain $(BIN)/manager $(BIN)/sbom.cdx.json

.PHONY: reproducible
reproducible: ## Build the manager in two folders, and fail unless the bytes are the same.
	@work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	for copy in a longer/b; do \
		mkdir -p "$$work/$$copy"; tar -cf - go.mod go.sum api cmd internal | tar -xf - -C "$$work/$$copy"; \
		go build -C "$$work/$$copy" $(BUILD) -o manager ./cmd; \
	done; \
	cmp "$$work/a/manager" "$$work/longer/b/manager"; sha256sum < "$$work/a/manager"

.PHONY: vulncheck
vulncheck: ## Known vulnerabilities of what is linked (needs govulncheck and its database).
	@command -v govulncheck >/dev/null || { echo "govulncheck is not on PATH: go install golang.org/x/vuln/cmd/govulncheck@latest"; exit 1; }
	@$(MAKE) --no-print-directory build
	@govulncheck -mode=binary $(BIN)/manager

##@ Deployment

.PHONY: image
image: ## The container image (needs a Docker engine): make image IMG=registry/accesskey-operator:v1
	@docker build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: manifests
manifests: $(BIN)/kustomize ## Everything to install, on standard output: make -s manifests IMG=… [OVERLAY=config/namespaced] | kubectl apply -f -
	@$(BIN)/kustomize build $(OVERLAY) | sed 's|image: accesskey-operator:dev|image: $(IMG)|'

.PHONY: control-plane
control-plane: ## Print the folder of the control plane's binaries; build them if need be.
	@go run ./hack/controlplane

##@ Tools, built from the modules under hack/tools

$(BIN)/controller-gen: hack/tools/go.mod
	@$(TOOL_BUILD) -C hack/tools -trimpath -buildvcs=false -ldflags "-s -w" -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen
$(BIN)/kustomize: hack/tools/go.mod
	@$(TOOL_BUILD) -C hack/tools -trimpath -buildvcs=false -ldflags "-s -w" -o $@ sigs.k8s.io/kustomize/kustomize/v5
$(BIN)/cyclonedx-gomod: hack/tools/sbom/go.mod
	@$(TOOL_BUILD) -C hack/tools/sbom -trimpath -buildvcs=false -ldflags "-s -w" -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
$(BIN)/golangci-lint: hack/tools/go.mod
	@$(TOOL_BUILD) -C hack/tools -trimpath -buildvcs=false -ldflags "-s -w" -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/golangci-lint-kube-api-linter: hack/tools/kube-api-linter/go.mod
	@$(TOOL_BUILD) -C hack/tools/kube-api-linter -trimpath -buildvcs=false -ldflags "-s -w" -o $@ sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
