// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"accesskey.dev/operator/internal/controller/accesskey"
)

// newFlags are flags of their own, because those of the process are registered once.
func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func TestFlags(t *testing.T) {
	for arguments, want := range map[string]options{
		"": {metrics: metricsOptions{address: "0", secure: true, certName: "tls.crt", certKey: "tls.key"}, healthProbe: ":8081", pprof: "0", concurrency: 64, resyncPeriod: 10 * time.Minute, kubeAPIQPS: -1},
		"--leader-elect --metrics-bind-address=:8080 --metrics-secure=false --metrics-cert-path=/certificates --metrics-cert-name=c --metrics-cert-key=k --health-probe-bind-address 0 --pprof-bind-address=:6060 --namespaces=a,b " +
			"--max-concurrent-reconciles=1 --resync-period=1s -kube-api-qps=0.5 --zap-log-level=7 --zap-devel": {
			leaderElect: true, metrics: metricsOptions{address: ":8080", certPath: "/certificates", certName: "c", certKey: "k"}, healthProbe: "0", pprof: ":6060", namespaces: "a,b", concurrency: 1, resyncPeriod: time.Second, kubeAPIQPS: 0.5},
	} {
		got, err := parse(newFlags(), strings.Fields(arguments))
		got.logging = zap.Options{}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
}

func TestAWrongFlagEndsTheManagerWithAMessage(t *testing.T) {
	const logsSecrets = "--zap-log-level must be below 8: from that level on, the Kubernetes client logs the Secrets that it reads and writes"
	for argument, want := range map[string]string{
		"--resync":                       "flag provided but not defined: -resync",
		"--resync-period=600":            `invalid value "600" for flag -resync-period: parse error`,
		"--resync-period=999ms":          "--resync-period must be at least 1s, not 999ms",
		"start":                          `unexpected argument "start": flags only`,
		"--max-concurrent-reconciles=0":  "--max-concurrent-reconciles must be at least 1, not 0",
		"--kube-api-qps=0":               "--kube-api-qps must be positive, or -1 for no limit",
		"--kube-api-qps=-5":              "--kube-api-qps must be positive, or -1 for no limit",
		"--kube-api-qps=NaN":             "--kube-api-qps must be positive, or -1 for no limit",
		"--zap-log-level=8":              logsSecrets,
		"--zap-log-level=127":            logsSecrets,
		"--v=10":                         "flag provided but not defined: -v",
		"--vmodule=request=10":           "flag provided but not defined: -vmodule",
		"--metrics-cert-path=/nowhere":   "--metrics-cert-path has no certificate for the metrics endpoint: stat /nowhere/tls.crt: no such file or directory",
		"--max-concurrent-reconciles=-4": "--max-concurrent-reconciles must be at least 1, not -4",
	} {
		if err := run(t.Context(), newFlags(), []string{argument}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", argument, err, want)
		}
	}
}

func TestNamespaces(t *testing.T) {
	for list, want := range map[string][]string{"": nil, " , ,": nil, "a": {"a"}, " a , b, ": {"a", "b"}, "b,a,b": {"b", "a"}} {
		if got := split(list); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
	for pod, want := range map[string]string{"keys": "keys", "": "accesskey-system"} {
		t.Setenv("POD_NAMESPACE", pod)
		if got := operatorNamespace(); got != want {
			t.Errorf("the operator's namespace is %q, want %q", got, want)
		}
	}
}

// TestTheManagerConnectsAsConfigured: before it starts, a manager asks only whether Secrets have a namespace.
func TestTheManagerConnectsAsConfigured(t *testing.T) {
	answers := map[string]any{
		"/api":    metav1.APIVersions{Versions: []string{"v1"}},
		"/apis":   metav1.APIGroupList{},
		"/api/v1": metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "secrets", Kind: "Secret", Namespaced: true}}},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "accesskey-operator/dev" {
			t.Errorf("the user agent is %s", r.UserAgent())
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answers[r.URL.Path])
	}))
	defer server.Close()
	o, _ := parse(newFlags(), []string{"--kube-api-qps=25", "--health-probe-bind-address=0"})
	config := &rest.Config{Host: server.URL}
	configure(config, o)
	if _, err := newManager(config, o, nil); err != nil || config.QPS != 25 || config.Burst != 50 {
		t.Errorf("%v; %g requests per second, %d at once", err, config.QPS, config.Burst)
	}
}

// TestAStoppedManagerFinishesItsReconciliations: a key that was just created must still be published. The Deployment must leave
// more time than that.
func TestAStoppedManagerFinishesItsReconciliations(t *testing.T) {
	stop := managerOptions(options{}, nil).GracefulShutdownTimeout
	if stop == nil || *stop <= accesskey.ScopeTimeout {
		t.Fatalf("a manager that is asked to stop waits %v, want more than the %s of a reconciliation", stop, accesskey.ScopeTimeout)
	}
	text, err := os.ReadFile("../config/manager/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ +terminationGracePeriodSeconds: (\d+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("the Deployment leaves the default of 30 s")
	}
	if grace, _ := strconv.Atoi(string(found[1])); time.Duration(grace)*time.Second <= *stop {
		t.Errorf("the Deployment leaves %d s, but the manager waits up to %s", grace, stop)
	}
}
