// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
)

// cache is a cache with these objects.
type cache struct {
	client.Reader
	accessKeys []v1alpha1.AccessKey
	services   []v1alpha1.KeyService
	cluster    []v1alpha1.ClusterKeyService
	err        error
}

func (c *cache) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch list := list.(type) {
	case *v1alpha1.AccessKeyList:
		list.Items = slices.Clone(c.accessKeys)
	case *v1alpha1.KeyServiceList:
		list.Items = slices.Clone(c.services)
	case *v1alpha1.ClusterKeyServiceList:
		list.Items = slices.Clone(c.cluster)
	default:
		return fmt.Errorf("%T is not in the cache", list)
	}
	return c.err
}

// leading returns the collector of a leader.
func leading(objects *cache) *Collector {
	c := &Collector{Reader: objects, Cluster: true, CountKeys: func(v1alpha1.GenericKeyService, map[string]int) bool { return false }}
	c.leading.Store(true)
	return c
}

// scrape returns the series that a collector exports.
func scrape(t testing.TB, c *Collector) []string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatal(answer.Body.String())
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(answer.Body.String()), "\n"), func(line string) bool { return line == "" || line[0] == '#' })
}

// expectSeries expects these series, and no others with this prefix.
func expectSeries(t *testing.T, c *Collector, prefix, want string) {
	t.Helper()
	wanted := strings.FieldsFunc(want, func(r rune) bool { return r == '\n' })
	for i := range wanted {
		wanted[i] = strings.TrimSpace(wanted[i])
	}
	got := scrape(t, c)
	for _, series := range got {
		if strings.HasPrefix(series, prefix) && !slices.Contains(wanted, series) {
			t.Errorf("exported but not expected: %s", series)
		}
	}
	for _, series := range wanted {
		if series != "" && !slices.Contains(got, series) {
			t.Errorf("expected but not exported: %s", series)
		}
	}
}

func at(seconds int64) metav1.Time { return metav1.NewTime(time.Unix(seconds, 0)) }

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason}
}

func accessKey(name string, status v1alpha1.AccessKeyStatus) v1alpha1.AccessKey {
	return v1alpha1.AccessKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name},
		Spec:       v1alpha1.AccessKeySpec{ServiceRef: v1alpha1.ServiceReference{Kind: "KeyService", Name: "qumulo"}, User: "local:" + name},
		Status:     status,
	}
}

func TestAnAccessKeyInOverlap(t *testing.T) {
	const day = 86400
	ak := accessKey("backup", v1alpha1.AccessKeyStatus{
		IssuedAt: at(100 * day), ExpiresAt: at(130 * day), RenewalTime: at(119 * day),
		PreviousKeys: []v1alpha1.PreviousKey{
			{KeyID: "K1", IssuedAt: at(70 * day), ReplacedAt: at(89 * day), RevokeAt: at(100 * day), State: v1alpha1.KeyDisabled, DeleteAt: at(103 * day), LastUsedAt: at(99.5 * day)},
			{KeyID: "K2", IssuedAt: at(80 * day), ReplacedAt: at(100 * day), RevokeAt: at(110 * day), State: v1alpha1.KeyActive, LastUsedAt: at(101 * day)},
			{KeyID: "K3", IssuedAt: at(80 * day), ReplacedAt: at(100 * day), RevokeAt: at(110 * day), State: v1alpha1.KeyActive, LastUsedAt: at(102 * day)},
		},
		Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Issued"), condition("Synced", metav1.ConditionFalse, "Unavailable")},
	})
	expectSeries(t, leading(&cache{accessKeys: []v1alpha1.AccessKey{ak}}), "", `
		accesskey_info{name="backup",namespace="team-a",service_kind="KeyService",service_name="qumulo"} 1
		accesskey_issued_timestamp_seconds{name="backup",namespace="team-a"} 8.64e+06
		accesskey_expiration_timestamp_seconds{name="backup",namespace="team-a"} 1.1232e+07
		accesskey_renewal_timestamp_seconds{name="backup",namespace="team-a"} 1.02816e+07
		accesskey_ready_status{condition="True",name="backup",namespace="team-a"} 1
		accesskey_ready_status{condition="False",name="backup",namespace="team-a"} 0
		accesskey_ready_status{condition="Unknown",name="backup",namespace="team-a"} 0
		accesskey_previous_keys{name="backup",namespace="team-a",state="Active"} 2
		accesskey_previous_keys{name="backup",namespace="team-a",state="Disabled"} 1
		accesskey_previous_key_last_used_timestamp_seconds{name="backup",namespace="team-a"} 8.8128e+06`)
}

func TestAPreviousKeyThatIsUsedAtItsEnd(t *testing.T) {
	const used = `accesskey_previous_key_in_use{name="backup",namespace="team-a"} 1`
	for lastUse, want := range map[int64]bool{0: false, 6999: false, 7000: true, 7900: true} {
		ak := accessKey("backup", v1alpha1.AccessKeyStatus{PreviousKeys: []v1alpha1.PreviousKey{
			{KeyID: "K1", IssuedAt: at(-2000), ReplacedAt: at(5000), RevokeAt: at(8000), State: v1alpha1.KeyActive, LastUsedAt: at(lastUse)},
		}})
		if got := slices.Contains(scrape(t, leading(&cache{accessKeys: []v1alpha1.AccessKey{ak}})), used); got != want {
			t.Errorf("last used at %d: %t", lastUse, got)
		}
	}
}

func TestAnAccessKeyInTrouble(t *testing.T) {
	ak := accessKey("backup", v1alpha1.AccessKeyStatus{
		Intent:     &v1alpha1.Intent{Operation: v1alpha1.OperationCreate, StartedAt: at(1000)},
		Failures:   &v1alpha1.Failures{Count: 7},
		Conditions: []metav1.Condition{condition("Ready", metav1.ConditionFalse, "Issuing"), condition("Stalled", metav1.ConditionTrue, "QuotaExceeded")},
	})
	ak.Spec.ServiceRef.Kind = "ClusterKeyService"
	expectSeries(t, leading(&cache{accessKeys: []v1alpha1.AccessKey{ak}}), "", `
		accesskey_info{name="backup",namespace="team-a",service_kind="ClusterKeyService",service_name="qumulo"} 1
		accesskey_ready_status{condition="True",name="backup",namespace="team-a"} 0
		accesskey_ready_status{condition="False",name="backup",namespace="team-a"} 1
		accesskey_ready_status{condition="Unknown",name="backup",namespace="team-a"} 0
		accesskey_stalled{name="backup",namespace="team-a",reason="QuotaExceeded"} 1
		accesskey_intent_started_timestamp_seconds{name="backup",namespace="team-a",operation="Create"} 1000
		accesskey_consecutive_failures{name="backup",namespace="team-a"} 7`)
}

func TestAStandbyExportsNothing(t *testing.T) {
	c := leading(&cache{accessKeys: []v1alpha1.AccessKey{accessKey("backup", v1alpha1.AccessKeyStatus{})}})
	c.leading.Store(false)
	expectSeries(t, c, "", "")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Start(ctx) }() // the manager became the leader
	for len(scrape(t, c)) == 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil || !c.NeedLeaderElection() {
		t.Error(err)
	}
	expectSeries(t, c, "", "")
}

func TestOtherMetricsAreExportedIfTheCacheCannotBeRead(t *testing.T) {
	expectSeries(t, leading(&cache{err: errors.New("not started")}), "", "")
}

// BenchmarkScrape computes and encodes the metrics of 10,000 AccessKeys in the overlap of a rotation.
func BenchmarkScrape(b *testing.B) {
	objects := services(v1alpha1.KeyServiceStatus{Limits: &v1alpha1.ServiceLimits{KeysPerUser: 2}})
	for i := range 10_000 {
		objects.accessKeys = append(objects.accessKeys, accessKey(fmt.Sprintf("backup-%d", i), v1alpha1.AccessKeyStatus{
			UserID: fmt.Sprint(i), IssuedAt: at(1), ExpiresAt: at(3), RenewalTime: at(2),
			PreviousKeys: []v1alpha1.PreviousKey{{KeyID: "K1", RevokeAt: at(2), State: v1alpha1.KeyActive}},
			Conditions:   []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Issued")},
		}))
	}
	c := leading(objects)
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	handler, request := promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(discarding{}, request)
	}
	b.ReportMetric(float64(len(scrape(b, c))), "series")
}

// discarding is a response that nobody reads.
type discarding struct{}

func (discarding) Header() http.Header            { return http.Header{} }
func (discarding) Write(text []byte) (int, error) { return len(text), nil }
func (discarding) WriteHeader(int)                {}
