# accesskey-operator. `make help` explains every target.

SHELL := /usr/bin/env bash -o pipefail
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG     ?= accesskey-operator:$(VERSION)
BIN     := $(CURDIR)/bin

export CGO_ENABLED ?= 0
export GOWORK := off
# Nested modules are pinned; a build must not change them.
TOOL_BUILD := GOFLAGS=-mod=readonly go build
# etcd, kube-apiserver, kube-controller-manager and kubectl: found, or built into a cache that all checkouts share.
WITH_CONTROL_PLANE := KUBEBUILDER_ASSETS="$$(go run ./hack/controlplane)"; export KUBEBUILDER_ASSETS;

##@ The two commands

.PHONY: demo
demo: build ## The main job on a real API server, told as it happens. KEEP=1 leaves it up to look around.
	@go build -o $(BIN)/simulators ./hack/simulators
	@$(WITH_CONTROL_PLANE) go run ./hack/demo

.PHONY: test
test: ## Every test. Needs nothing beforehand but Go, make and git.
	@$(WITH_CONTROL_PLANE) go test $(TEST_FLAGS) ./...
	@$(MAKE) --no-print-directory test-vendor

##@ Development

.PHONY: help
help: ## This list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## The manager, as bin/manager.
	@go build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN)/manager ./cmd

.PHONY: run
run: build ## The manager against the cluster of your kubeconfig.
	@$(BIN)/manager --health-probe-bind-address=0

.PHONY: simulators
simulators: ## The four key services, simulated, with an admin endpoint: docs/simulators.md.
	@go build -o $(BIN)/simulators ./hack/simulators && exec $(BIN)/simulators $(SIMULATORS_FLAGS)

.PHONY: generate
generate: $(BIN)/controller-gen ## CRDs, RBAC and DeepCopy from the types and their markers.
	@$(BIN)/controller-gen object:headerFile=hack/boilerplate.go.txt crd rbac:roleName=accesskey-operator paths=./api/... paths=./internal/... \
		output:crd:artifacts:config=config/crd/bases output:rbac:artifacts:config=config/rbac

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
	@go test $(TEST_FLAGS) $$(go list ./... | grep -v -e /test/integration -e /test/kill)

.PHONY: integration
integration: ## The tests on a real API server only.
	@$(WITH_CONTROL_PLANE) go test $(TEST_FLAGS) ./test/integration/...

.PHONY: test-kill
test-kill: ## The kill test at length (25 minutes): 100 kills, restarts of the control plane, trades of the lead.
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

.PHONY: clean
clean: ## Remove what was built here. The shared cache of the control plane stays.
	@rm -rf $(BIN) cover.out

##@ Deployment

.PHONY: image
image: ## The container image (needs a Docker engine): make image IMG=registry/accesskey-operator:v1
	@docker build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: manifests
manifests: $(BIN)/kustomize ## Everything to install, on standard output: make -s manifests IMG=… | kubectl apply -f -
	@$(BIN)/kustomize build config/default | sed 's|image: accesskey-operator:dev|image: $(IMG)|'

.PHONY: control-plane
control-plane: ## Print the folder of the control plane's binaries; build them if need be.
	@go run ./hack/controlplane

##@ Tools, built from the modules under hack/tools

$(BIN)/controller-gen: hack/tools/go.mod
	@$(TOOL_BUILD) -C hack/tools -trimpath -buildvcs=false -ldflags "-s -w" -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen
$(BIN)/kustomize: hack/tools/go.mod
	@$(TOOL_BUILD) -C hack/tools -trimpath -buildvcs=false -ldflags "-s -w" -o $@ sigs.k8s.io/kustomize/kustomize/v5
$(BIN)/golangci-lint: hack/tools/go.mod
	@$(TOOL_BUILD) -C hack/tools -trimpath -buildvcs=false -ldflags "-s -w" -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/golangci-lint-kube-api-linter: hack/tools/kube-api-linter/go.mod
	@$(TOOL_BUILD) -C hack/tools/kube-api-linter -trimpath -buildvcs=false -ldflags "-s -w" -o $@ sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
