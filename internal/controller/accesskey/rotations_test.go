// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskey

import (
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/fake"
)

// counted returns how often each cause and result was counted, without those that never were.
func counted(t *testing.T) map[string]int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(rotations)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, metric := range families[0].GetMetric() {
		if n := int(metric.GetCounter().GetValue()); n > 0 {
			counts[metric.GetLabel()[0].GetValue()+" "+metric.GetLabel()[1].GetValue()] = n
		}
	}
	return counts
}

func TestRotationsAreCountedByCauseAndResult(t *testing.T) {
	unavailable := fake.Fault{Kind: keyservice.Unavailable}
	for name, test := range map[string]struct {
		do   func(*bed)
		want map[string]int
	}{
		"the first pair":            {func(*bed) {}, nil},
		"a requested one":           {(*bed).renew, map[string]int{"Requested succeeded": 1}},
		"the end of a pair":         {func(b *bed) { b.clock.SetTime(b.accessKey().Status.RenewalTime.Time) }, map[string]int{"Scheduled succeeded": 1}},
		"a Secret that was deleted": {func(b *bed) { b.delete("Secret") }, map[string]int{"Restored succeeded": 1}},
		"an attempt that failed": {func(b *bed) {
			b.service.FailNext(fake.Create, unavailable)
			b.renew()
		}, map[string]int{"Requested failed": 1, "Requested succeeded": 1}},
		"an attempt that failed before anything was sent": {func(b *bed) {
			b.service.FailNext(fake.List, unavailable)
			b.renew()
		}, map[string]int{"Requested failed": 1, "Requested succeeded": 1}},
		"a lost response": {func(b *bed) {
			b.service.FailNext(fake.Create, fake.Fault{CarriedOut: true})
			b.renew()
		}, map[string]int{"Requested failed": 1, "Requested succeeded": 1}},
		"a revocation that failed": {func(b *bed) {
			b.renew()
			b.settle()
			b.service.FailNext(fake.Delete, unavailable)
			b.endOverlap()
		}, map[string]int{"Requested succeeded": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b, before := newBed(t, fake.Options{}), counted(t)
			b.settle()
			test.do(b)
			b.settle()
			want := maps.Clone(before)
			want["New succeeded"]++
			for series, n := range test.want {
				want[series] += n
			}
			if got := counted(t); !maps.Equal(got, want) {
				t.Errorf("counted %v, want %v", got, want)
			}
		})
	}
}
