// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import "github.com/prometheus/client_golang/prometheus"

var waitingForService = prometheus.NewGauge(prometheus.GaugeOpts{
	Name: "accesskey_waiting_for_service",
	Help: "AccessKeys in line for a place at their key service, which has its share of the workers.",
})

// Collectors are the metrics of the controllers, for the manager's registry.
func Collectors() []prometheus.Collector { return []prometheus.Collector{waitingForService} }
