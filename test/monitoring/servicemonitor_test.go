// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"path/filepath"
	"testing"
)

// TestTheServiceMonitorSelectsTheMetricsService compares two objects that refer to each other by a label and by the name of a port.
func TestTheServiceMonitorSelectsTheMetricsService(t *testing.T) {
	var service struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
		Spec struct {
			Ports []struct {
				Name string `json:"name"`
			} `json:"ports"`
		} `json:"spec"`
	}
	read(t, "../../config/manager/metrics_service.yaml", &service)
	var monitor struct {
		Spec struct {
			Selector struct {
				MatchLabels map[string]string `json:"matchLabels"`
			} `json:"selector"`
			Endpoints []struct {
				Port        string `json:"port"`
				Scheme      string `json:"scheme"`
				HonorLabels bool   `json:"honorLabels"`
			} `json:"endpoints"`
		} `json:"spec"`
	}
	read(t, filepath.Join(configuration, "servicemonitor.yaml"), &monitor)
	for label, want := range monitor.Spec.Selector.MatchLabels {
		if got := service.Metadata.Labels[label]; got != want {
			t.Errorf("the Service has the label %s=%q, want %q", label, got, want)
		}
	}
	if len(service.Spec.Ports) != 1 || len(monitor.Spec.Endpoints) != 1 || service.Spec.Ports[0].Name != monitor.Spec.Endpoints[0].Port {
		t.Errorf("the ports %v are not those of the endpoints %v", service.Spec.Ports, monitor.Spec.Endpoints)
	}
	for _, endpoint := range monitor.Spec.Endpoints {
		if endpoint.Scheme != "https" || !endpoint.HonorLabels {
			t.Errorf("got %+v; the metrics are served by HTTPS, and their own label namespace counts", endpoint)
		}
	}
}
