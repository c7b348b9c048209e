// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
)

func TestReadyOnceTheCachesAreFilled(t *testing.T) {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody)
	if err := cachesFilled(&informertest.FakeInformers{Synced: ptr.To(true)})(request); err != nil {
		t.Error(err)
	}
	if err := cachesFilled(&informertest.FakeInformers{Synced: ptr.To(false)})(request); err == nil || !strings.Contains(err.Error(), "caches are not filled yet") {
		t.Error(err)
	}
}
