// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/config"

	"accesskey.dev/operator/test/golden"
)

const (
	flagsHead = `<!-- Generated from cmd by make generate. Don't edit it: change the flags. -->

# Which flags does the manager have?

The Deployment of the [Helm chart](../../dist/chart/README.md) and of the manifests sets the flags that an installation needs.

| Flag | Default | Meaning |
|---|---|---|
`
	metricsHead = `<!-- Generated from the collectors by make generate. Don't edit it: change their help. -->

# Which metrics does the operator have?

[Monitoring](../monitoring.md#read-the-metrics) describes how to read them, and what the values of their labels are.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
`
)

// TestTheFlagsAreDocumented writes or compares docs/reference/flags.md.
func TestTheFlagsAreDocumented(t *testing.T) {
	flags := newFlags()
	config.RegisterFlags(flags)
	if _, err := parse(flags, nil); err != nil {
		t.Fatal(err)
	}
	page := flagsHead
	flags.VisitAll(func(f *flag.Flag) {
		value := ""
		if f.DefValue != "" {
			value = "`" + f.DefValue + "`"
		}
		usage := strings.TrimSuffix(strings.Join(strings.Fields(f.Usage), " "), ".") + "."
		page += fmt.Sprintf("| `--%s` | %s | %s |\n", f.Name, value, strings.ReplaceAll(usage, "|", `\|`))
	})
	golden.Page(t, "../docs/reference/flags.md", page)
}

// TestTheMetricsAreDocumented writes or compares docs/reference/metrics.md.
func TestTheMetricsAreDocumented(t *testing.T) {
	page := metricsHead
	for _, m := range registered(t) {
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "`, `") + "`"
		}
		page += fmt.Sprintf("| `%s` | %s | %s | %s |\n", m.name, m.kind, labels, m.help)
	}
	golden.Page(t, "../docs/reference/metrics.md", page)
}
