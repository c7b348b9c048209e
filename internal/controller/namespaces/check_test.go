// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package namespaces

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testclock "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/test/crash/kube"
)

// cluster has namespaces of which some cannot be read.
type cluster struct {
	*Check
	clock *testclock.FakeClock
	logs  []string

	mu sync.Mutex
	// refused has the error of a list by namespace and kind.
	refused map[string]error
}

var forbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no RoleBinding"))

func newCluster(t *testing.T, names ...string) (*cluster, context.Context) {
	t.Helper()
	c := &cluster{clock: testclock.NewFakeClock(time.Now()), refused: map[string]error{}}
	gate := func(call kube.Call, carryOut func() error) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := c.refused[call.Ref.Namespace+" "+call.Ref.Kind]; err != nil {
			return err
		}
		return carryOut()
	}
	live := (&kube.Client{Server: kube.NewServer(), Gate: gate}).Live()
	c.Check = &Check{Live: live, Names: names, Period: time.Minute, Clock: c.clock}
	logger := funcr.New(func(_, line string) { c.logs = append(c.logs, line) }, funcr.Options{})
	return c, logr.NewContext(t.Context(), logger)
}

// refuse sets the error of a list, as in "a Secret"; nil for none.
func (c *cluster) refuse(list string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[list] = err
}

func (c *cluster) expect(t *testing.T, name string, refused bool) {
	t.Helper()
	if err := c.Ready(name)(nil); (err != nil) != refused {
		t.Errorf("namespace %s: the readiness check says %v, want a refusal: %t", name, err, refused)
	}
	want := map[bool]float64{true: 1, false: 0}[refused]
	if got, ok := metrics(t)[name]; !ok || got != want {
		t.Errorf("namespace %s: the metric is %g, want %g", name, got, want)
	}
}

// metrics returns the metric of each namespace.
func metrics(t *testing.T) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		values[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
	}
	return values
}

func TestANamespaceThatCannotBeReadIsLeftOut(t *testing.T) {
	for _, list := range []string{"b AccessKey", "b KeyService", "b Secret"} {
		c, ctx := newCluster(t, "a", "b", "c")
		c.refuse(list, forbidden)
		if got := c.Readable(ctx); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("without %s: reads %q", list, got)
		}
		c.expect(t, "a", false)
		c.expect(t, "b", true)
		if len(c.logs) != 1 || !strings.Contains(c.logs[0], "Could not read a namespace") || !strings.Contains(c.logs[0], "no RoleBinding") {
			t.Errorf("logs %q", c.logs)
		}
	}
}

// TestOnlyARefusalIsAboutTheNamespace: the caches wait for an API server that does not answer.
func TestOnlyARefusalIsAboutTheNamespace(t *testing.T) {
	c, ctx := newCluster(t, "a", "b")
	c.refuse("b Secret", errors.New("the API server does not answer"))
	if got := c.Readable(ctx); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("reads %q", got)
	}
	c.expect(t, "b", false)
}

func TestTheManagerEndsWhenAnOmittedNamespaceCanBeRead(t *testing.T) {
	c, ctx := newCluster(t, "a", "b")
	c.refuse("b AccessKey", forbidden)
	c.Readable(ctx)
	ended := make(chan error)
	go func() { ended <- c.Start(ctx) }()
	c.tick(t)
	c.refuse("b AccessKey", nil)
	c.clock.Step(time.Minute)
	const want = "namespace b can be read now"
	if err := <-ended; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("ended with %v, want %s…", err, want)
	}
	c.expect(t, "b", false)
}

// tick lets a running check look once.
func (c *cluster) tick(t *testing.T) {
	t.Helper()
	for !c.clock.HasWaiters() {
		if t.Context().Err() != nil {
			t.Fatal("the check does not wait for its clock")
		}
	}
	c.clock.Step(time.Minute)
}

// TestALostNamespaceIsReportedOnce: the caches go on with the others, and with it when it can be read again.
func TestALostNamespaceIsReportedOnce(t *testing.T) {
	c, ctx := newCluster(t, "a", "b")
	c.Readable(ctx)
	c.refuse("b Secret", forbidden)
	for range 3 {
		c.check(ctx)
	}
	c.expect(t, "b", true)
	c.refuse("b Secret", errors.New("the API server does not answer"))
	c.check(ctx)
	c.expect(t, "b", true)
	c.refuse("b Secret", nil)
	c.check(ctx)
	c.expect(t, "b", false)
	if len(c.logs) != 2 || !strings.Contains(c.logs[1], "Could read a namespace again") {
		t.Errorf("logs %q", c.logs)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := c.Start(ctx); err != nil {
		t.Errorf("a stopped check ended with %v", err)
	}
}
