// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build pins

// Package crds imports a small package of each module, so that the modules stay in go.mod. It is never built.
package crds

import (
	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
)
