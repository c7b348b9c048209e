// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// output is where Prometheus takes the metrics from.
type output chan<- prometheus.Metric

// series is one gauge of one object. It takes the place of prometheus.NewConstMetric, which would make labels of its own for each of the
// many series of an object and so need almost twice the memory.
type series struct {
	description *prometheus.Desc
	labels      []*dto.LabelPair
	value       float64
}

// Desc implements prometheus.Metric.
func (s *series) Desc() *prometheus.Desc { return s.description }

// Write implements prometheus.Metric.
func (s *series) Write(to *dto.Metric) error {
	to.Label, to.Gauge = s.labels, &dto.Gauge{Value: &s.value}
	return nil
}

func label(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: ptr.To(name), Value: ptr.To(value)}
}

// object has the labels of an object, which all its series share.
type object []*dto.LabelPair

// gauge exports a series of an object, with more labels than its own.
func (out output) gauge(description *prometheus.Desc, of object, value float64, more ...*dto.LabelPair) {
	labels := of
	if len(more) > 0 {
		labels = slices.Concat(of, more)
	}
	out <- &series{description, labels, value}
}

// time exports a time, unless it is zero.
func (out output) time(description *prometheus.Desc, of object, at metav1.Time, more ...*dto.LabelPair) {
	if !at.IsZero() {
		out.gauge(description, of, float64(at.Unix()), more...)
	}
}

// count exports a number, unless it is zero.
func (out output) count(description *prometheus.Desc, of object, n int, more ...*dto.LabelPair) {
	if n > 0 {
		out.gauge(description, of, float64(n), more...)
	}
}

// statuses are those of a condition, each with its label.
var statuses = map[metav1.ConditionStatus]*dto.LabelPair{
	metav1.ConditionTrue:    label("condition", string(metav1.ConditionTrue)),
	metav1.ConditionFalse:   label("condition", string(metav1.ConditionFalse)),
	metav1.ConditionUnknown: label("condition", string(metav1.ConditionUnknown)),
}

// condition exports one series for each status that a condition can have, as cert-manager does. A condition that is not set yet is
// Unknown.
func (out output) condition(description *prometheus.Desc, of object, condition *metav1.Condition) {
	status := metav1.ConditionUnknown
	if condition != nil {
		status = condition.Status
	}
	for each, label := range statuses {
		value := 0.0
		if each == status {
			value = 1
		}
		out.gauge(description, of, value, label)
	}
}
