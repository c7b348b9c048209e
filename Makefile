# make help lists the targets for people. A target without ## is for other targets, for CI or for a page of docs/.

SHELL := /usr/bin/env bash -o pipefail
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# The date of the commit, so that a later build of the same commit gives the same bytes.
DATE    ?= $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo unknown)
IMG     ?= accesskey-operator:$(VERSION)
OVERLAY ?= config/default
BIN     := $(CURDIR)/bin

export CGO_ENABLED ?= 0
export GOWORK := off
# The nested modules pin versions. A build must not change them.
TOOL_BUILD := GOFLAGS=-mod=readonly go build
# The manager contains no path, and of git only these three values, so the same commit always produces the same bytes.
STAMP := github.com/prometheus/common/version
BUILD := -trimpath -buildvcs=false -ldflags "-s -w -X $(STAMP).Version=$(VERSION) -X $(STAMP).Revision=$(COMMIT) -X $(STAMP).BuildDate=$(DATE)"
# The labels of the Dockerfile. config/manager names the tag.
MANAGER_IMAGE := --tag=accesskey-operator:dev $(if $(filter-out unknown,$(DATE)),--created=$(DATE)) \
	--label=org.opencontainers.image.version=$(VERSION) --label=org.opencontainers.image.revision=$(COMMIT)
# hack/controlplane finds etcd, kube-apiserver, kube-controller-manager and kubectl, or builds them into a cache that all checkouts share.
WITH_CONTROL_PLANE := KUBEBUILDER_ASSETS="$$(go run ./hack/controlplane)"; export KUBEBUILDER_ASSETS;
# Go keeps versitygw in its build cache. test/s3 finds it in the same way if the variable is not set.
S3_SERVER_PATH := CGO_ENABLED=0 GOFLAGS=-mod=readonly go -C hack/s3server tool -n versitygw
WITH_S3_SERVER := S3_SERVER="$$($(S3_SERVER_PATH))"; export S3_SERVER;
# The tests of the chart run Helm.
export HELM := $(BIN)/helm

##@ The two commands

.PHONY: demo
demo: build ## Show the operator's main job on a real API server. KEEP=1 keeps everything running.
	@go build -o $(BIN)/simulators ./hack/simulators
	@$(WITH_CONTROL_PLANE) $(WITH_S3_SERVER) go run ./hack/demo

.PHONY: test
test: $(BIN)/helm ## Run every test. Needs only Go, make and git.
	@$(WITH_CONTROL_PLANE) $(WITH_S3_SERVER) go test -p 4 -timeout 40m $(TEST_FLAGS) ./... # those on a control plane often wait
	@$(MAKE) --no-print-directory test-vendor
	@$(MAKE) --no-print-directory test-consumers
	@$(MAKE) --no-print-directory test-monitoring

##@ Development

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/manager.
	@go build $(BUILD) -o $(BIN)/manager ./cmd

.PHONY: cli
cli: ## Build bin/kubectl-accesskey, the kubectl plugin, and the link by which kubectl completes its command line.
	@go build $(BUILD) -o $(BIN)/kubectl-accesskey ./cmd/kubectl-accesskey
	@ln -sf kubectl-accesskey $(BIN)/kubectl_complete-accesskey

.PHONY: run
run: build ## Run the manager against the cluster of your kubeconfig.
	@$(BIN)/manager --health-probe-bind-address=0

.PHONY: simulators
simulators: ## Run the simulated key services and their admin endpoint (docs/simulators.md).
	@go build -o $(BIN)/simulators ./hack/simulators && exec $(BIN)/simulators $(SIMULATORS_FLAGS)

.PHONY: generate
generate: $(BIN)/controller-gen $(BIN)/kustomize $(BIN)/helm-docs $(BIN)/crd-ref-docs ## Generate CRDs, RBAC and DeepCopy, dist/ and docs/reference/ from the code and from config/.
	@$(BIN)/controller-gen object:headerFile=hack/boilerplate.go.txt crd rbac:roleName=accesskey-operator paths=./api/... paths=./internal/... \
		output:crd:artifacts:config=config/crd/bases output:rbac:artifacts:config=config/rbac/role
	@go run ./hack/chart -kustomize $(BIN)/kustomize
	@$(BIN)/helm-docs --chart-search-root dist/chart --sort-values-order file --log-level warning
	@$(BIN)/crd-ref-docs --source-path=api --config=hack/reference/config.yaml --templates-dir=hack/reference/templates --renderer=markdown \
		--output-path=docs/reference/api.md --log-level=ERROR
	@go test ./cmd ./internal/cli ./test/contract -run Documented -args -update

.PHONY: verify
verify: generate ## Check that generated files, go.mod and the format are current.
	@go mod tidy -diff
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@git diff --exit-code -- api config dist docs/reference docs/services/README.md || { echo "generated files are not current: run 'make generate' and commit"; exit 1; }

.PHONY: lint
lint: $(BIN)/golangci-lint $(BIN)/golangci-lint-kube-api-linter ## Run the linters for code, imports and API conventions.
	@$(BIN)/golangci-lint run ./...
	@$(BIN)/golangci-lint-kube-api-linter run -c .golangci-kal.yml ./api/...

.PHONY: unit
unit: ## Run the tests that need no control plane.
	@$(WITH_S3_SERVER) go test -timeout 40m $(TEST_FLAGS) $$(go list ./... | grep -v -e /test/integration -e /test/rights -e /test/kill -e /test/replicas -e /test/chart -e /test/upgrade -e /test/cli)

.PHONY: contract
contract: ## Run the contract of key services, and show the number of checks for each of them.
	@go test $(TEST_FLAGS) -count=1 -v ./test/contract | grep -E '^(contract:|ok|FAIL|panic| *--- FAIL| +[a-z_]+_test.go)'

.PHONY: integration
integration: $(BIN)/helm ## Run only the tests on a real API server.
	@$(WITH_CONTROL_PLANE) $(WITH_S3_SERVER) go test $(TEST_FLAGS) ./test/integration/... ./test/rights/... ./test/replicas/... ./test/chart/... ./test/upgrade/... ./test/cli/...

.PHONY: test-kill
test-kill: ## Run the long kill test (15 minutes): 100 kills, restarts of the control plane, pauses of the leader.
	@$(WITH_CONTROL_PLANE) go test $(TEST_FLAGS) ./test/kill -count=1 -timeout=90m -v -args -long

# Run the vendors' clients against the simulators, and compare their signatures with the backends'.
.PHONY: test-vendor test-ansible test-consumers test-monitoring
test-vendor:
	@cd test/vendorclients && GOFLAGS=-mod=readonly go test $(TEST_FLAGS) ./...
	@$(MAKE) --no-print-directory test-ansible

# Run NetApp's Ansible module against the ONTAP simulator, if it is installed.
test-ansible:
	@python=$$(sed -n '1s/^#! *//p' "$$(command -v ansible-playbook || echo /dev/null)"); \
	if [ -n "$$python" ] && $$python -c 'import requests, ansible_collections.netapp.ontap' 2>/dev/null; \
	then cd test/vendorclients && GOFLAGS=-mod=readonly go test $(TEST_FLAGS) -tags ansible -run Ansible ./...; \
	else echo "NOT RUN: NetApp's Ansible module. It needs Ansible with the collection netapp.ontap and Python's requests (Debian: apt-get install ansible python3-requests)."; fi

# Let real consumers of S3 credentials read the formats and list a bucket.
test-consumers:
	@$(WITH_S3_SERVER) cd test/consumers && GOFLAGS=-mod=readonly go test $(TEST_FLAGS) -count=1 ./...
	@for package in $$(test/consumers/missing); do echo "NOT RUN: $$package. It is not installed (Debian: apt-get install $$package)."; done
	@[ -w /dev/fuse ] || echo "NOT RUN: s3fs. It needs FUSE, and /dev/fuse is missing or not writable."

# Test the alerts of config/prometheus with promtool.
test-monitoring:
	@go test $(TEST_FLAGS) -count=1 ./test/monitoring
	@command -v promtool >/dev/null || echo "NOT RUN: promtool. It is not installed (Debian: apt-get install prometheus)."

.PHONY: test-e2e
test-e2e: ## Test on a real node while Pods are killed (needs root on Linux, and Debian packages), and at SeaweedFS.
	@if [ "$$(uname)" != Linux ] || [ "$$(id -u)" != 0 ]; then \
		echo "NOT RUN: the test on a real node. It needs root on Linux."; \
	elif missing=$$(test/e2e/missing); [ -n "$$missing" ]; then \
		echo "NOT RUN: the test on a real node. Programs are not installed (Debian: apt-get install $$(echo $$missing))."; \
	else \
		$(MAKE) --no-print-directory images $(BIN)/helm; \
		$(TOOL_BUILD) -C test/e2e/coredns -trimpath -buildvcs=false -ldflags "-s -w" -o $(BIN)/coredns .; \
		$(TOOL_BUILD) -C test/e2e -trimpath -buildvcs=false -ldflags "-s -w" -o $(BIN)/images/lister ./lister; \
		$(BIN)/image --tag=accesskey-lister:dev --output=$(BIN)/images/lister.tar $(BIN)/images/lister; \
		KUBEBUILDER_ASSETS="$$(go run ./hack/controlplane --node)"; export KUBEBUILDER_ASSETS GOFLAGS=-mod=readonly; cd test/e2e && go test $(TEST_FLAGS) ./report && go test $(TEST_FLAGS) -count=1; \
	fi
	@$(WITH_CONTROL_PLANE) SEAWEEDFS="$$(CGO_ENABLED=0 GOFLAGS=-mod=readonly go -C hack/seaweedfs tool -n weed)"; export SEAWEEDFS; \
	go test $(TEST_FLAGS) -count=1 ./test/integration -ginkgo.focus=SeaweedFS -ginkgo.fail-on-empty

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 30s): make fuzz FUZZTIME=5m
	@for file in $$(grep -rl '^func Fuzz' --include='*_test.go' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "== $$(dirname "$$file") $$target"; \
			go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZTIME),30s); \
		done; \
	done

.PHONY: soak
soak: ## Run the crash simulation with more seeds, every story and every pair of failures: make soak SEEDS=100000
	@go test ./test/crash -timeout 0 -count=1 -v -args -soak -seeds=$(or $(SEEDS),20000) | grep -v '^=== ' | tail -40

.PHONY: mutants
mutants: ## Break the operator on purpose, one place at a time, and check that the crash simulation fails.
	@go run ./test/crash/mutants

.PHONY: bench
bench: build ## Measure the cost of 1,000 and 5,000 keys (docs/performance.md). BENCH=full adds 250 and 10,000.
	@go build -o $(BIN)/ ./hack/simulators ./hack/bench/generator
	@sizes=1000,5000; [ "$(BENCH)" != full ] || sizes=250,1000,5000,10000; \
	$(WITH_CONTROL_PLANE) $(WITH_S3_SERVER) go run ./hack/bench --sizes=$$sizes $(BENCH_FLAGS)

.PHONY: dashboard
dashboard: build ## Run the queries of the Grafana dashboard against a real Prometheus, and draw docs/images/dashboard.svg (5 minutes).
	@go build -o $(BIN)/simulators ./hack/simulators
	@$(WITH_CONTROL_PLANE) go run ./hack/dashboard

.PHONY: clean
clean: ## Remove build results. The shared cache of the control plane stays.
	@rm -rf $(BIN) cover.out

##@ Supply chain

.PHONY: sbom
sbom: build $(BIN)/cyclonedx-gomod ## Write the SBOM of bin/manager (CycloneDX) to bin/sbom.cdx.json.
	@$(BIN)/cyclonedx-gomod bin -json -std -noserial -notimestamp -version $(VERSION) -output $(BIN)/sbom.cdx.json $(BIN)/manager
	@go run ./hack/supplychain $(BIN)/manager $(BIN)/sbom.cdx.json

.PHONY: reproducible
reproducible: $(BIN)/image ## Check that builds in two folders, from the files that the Dockerfile copies, produce the same bytes.
	@work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	for copy in a longer/b; do \
		mkdir -p "$$work/$$copy"; tar -cf - $$(sed -n 's/^!//p' .dockerignore) | tar -xf - -C "$$work/$$copy"; \
		$(MAKE) --no-print-directory -C "$$work/$$copy" build VERSION=$(VERSION) COMMIT=$(COMMIT) DATE=$(DATE); \
		$(BIN)/image $(MANAGER_IMAGE) --output="$$work/$$copy/manager.tar" "$$work/$$copy/bin/manager"; \
	done; \
	cmp "$$work/a/bin/manager" "$$work/longer/b/bin/manager"; cmp "$$work/a/manager.tar" "$$work/longer/b/manager.tar"; \
	cd "$$work/a" && sha256sum bin/manager manager.tar

.PHONY: vulncheck
vulncheck: ## Check the linked modules for known vulnerabilities (needs govulncheck and its database).
	@command -v govulncheck >/dev/null || { echo "govulncheck is not on PATH: go install golang.org/x/vuln/cmd/govulncheck@latest"; exit 1; }
	@$(MAKE) --no-print-directory build
	@govulncheck -mode=binary $(BIN)/manager

##@ Deployment

.PHONY: image
image: ## Build the container image (needs Docker): make image IMG=registry/accesskey-operator:v1 [IMAGE_FLAGS=…]
	@docker build $(IMAGE_FLAGS) --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) -t $(IMG) .

.PHONY: images
images: $(BIN)/image ## Write images for a cluster of one's own to bin/images, without Docker. GOARCH selects the architecture.
	@export GOOS=linux; \
	go build $(BUILD) -o $(BIN)/images/manager ./cmd; \
	go build -trimpath -buildvcs=false -ldflags "-s -w" -o $(BIN)/images/ ./hack/simulators ./hack/consumer; \
	$(TOOL_BUILD) -C hack/s3server -ldflags "-s -w" -o $(BIN)/images/versitygw github.com/versity/versitygw/cmd/versitygw; \
	$(TOOL_BUILD) -C hack/image -trimpath -ldflags "-s -w" -o $(BIN)/images/pause ./pause
	@cd $(BIN)/images; \
	$(BIN)/image $(MANAGER_IMAGE) --output=manager.tar manager; \
	$(BIN)/image --tag=accesskey-simulators:dev --output=simulators.tar simulators versitygw; \
	$(BIN)/image --tag=accesskey-consumer:dev --output=consumer.tar consumer; \
	$(BIN)/image --tag=accesskey-pause:dev --output=pause.tar pause

.PHONY: manifests
manifests: $(BIN)/kustomize ## Print the install manifests: make -s manifests IMG=… [OVERLAY=config/namespaced] | kubectl apply -f -
	@$(BIN)/kustomize build $(OVERLAY) | sed -E 's|^( +image:) .*|\1 $(IMG)|'

# Print where the tests find the binaries of the control plane, Helm, and the S3 server. Build missing ones.
.PHONY: control-plane helm s3-server
control-plane:
	@go run ./hack/controlplane
helm: $(BIN)/helm
	@echo $(BIN)/helm
s3-server:
	@$(S3_SERVER_PATH)

# Tools, each from a module that pins its version: $(call tool,NAME,FOLDER OF THE MODULE,PACKAGE)
define tool
$(BIN)/$(1): $(2)/go.mod
	@$(TOOL_BUILD) -C $(2) -trimpath -buildvcs=false -ldflags "-s -w" -o $$@ $(3)
endef
$(eval $(call tool,controller-gen,hack/tools,sigs.k8s.io/controller-tools/cmd/controller-gen))
$(eval $(call tool,kustomize,hack/tools,sigs.k8s.io/kustomize/kustomize/v5))
$(eval $(call tool,golangci-lint,hack/tools,github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
$(eval $(call tool,golangci-lint-kube-api-linter,hack/tools/kube-api-linter,sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter))
$(eval $(call tool,helm,hack/tools/helm,helm.sh/helm/v4/cmd/helm))
$(eval $(call tool,helm-docs,hack/tools/helm-docs,github.com/norwoodj/helm-docs/cmd/helm-docs))
$(eval $(call tool,crd-ref-docs,hack/tools/crd-ref-docs,github.com/elastic/crd-ref-docs))
$(eval $(call tool,cyclonedx-gomod,hack/tools/sbom,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod))
$(BIN)/image: hack/image/main.go hack/image/go.mod
	@GOOS= GOARCH= $(TOOL_BUILD) -C hack/image -trimpath -buildvcs=false -ldflags "-s -w" -o $@ .
