// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e installs the operator on a real Kubernetes node, as its users do, and lets applications use its keys while Pods are
// killed, the kubelet is restarted and the operator is upgraded. make test-e2e runs it.
package e2e
