// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/go-logr/logr"
)

// lazySink hands the values of a logger on with each line, in the place of encoding them at once: controller-runtime makes
// three loggers for each pass, and most passes log nothing.
type lazySink struct {
	logr.LogSink

	values []any
}

func lazily(logger logr.Logger) logr.Logger { return logr.New(lazySink{LogSink: logger.GetSink()}) }

// WithValues implements logr.LogSink.
func (s lazySink) WithValues(values ...any) logr.LogSink { return lazySink{s.LogSink, s.with(values)} }

// WithName implements logr.LogSink.
func (s lazySink) WithName(name string) logr.LogSink {
	return lazySink{s.LogSink.WithName(name), s.values}
}

// Info implements logr.LogSink.
func (s lazySink) Info(level int, text string, values ...any) {
	s.LogSink.Info(level, text, s.with(values)...)
}

// Error implements logr.LogSink.
func (s lazySink) Error(err error, text string, values ...any) {
	s.LogSink.Error(err, text, s.with(values)...)
}

func (s lazySink) with(values []any) []any { return slices.Concat(s.values, values) }
