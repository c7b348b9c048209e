// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// TestALazyLoggerWritesTheSame: as the one whose values are encoded at once.
func TestALazyLoggerWritesTheSame(t *testing.T) {
	var direct, lazy bytes.Buffer
	write := func(logger logr.Logger) {
		logger = logger.WithValues("controller", "accesskey")
		one, other := logger.WithValues("AccessKey", klog.KRef("team-a", "backup"), "name", "backup"), logger.WithValues("name", "other")
		one.WithName("pass").WithValues("reconcileID", 1).Info("Carried out", "verb", "Create")
		other.V(1).Info("Looked")
		other.Error(errors.New("no"), "Failed", "keyID", "K1")
		logger.Info("Ended")
	}
	write(zap.New(zap.WriteTo(&direct)))
	write(lazily(zap.New(zap.WriteTo(&lazy))))
	moments := regexp.MustCompile(`"ts":"[^"]*"|_test.go:\d+`)
	got, want := moments.ReplaceAllString(lazy.String(), ""), moments.ReplaceAllString(direct.String(), "")
	if want == "" || got != want {
		t.Errorf("wrote\n%s\nin place of\n%s", got, want)
	}
}
