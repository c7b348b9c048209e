// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// parsed puts arguments through flags of their own.
func parsed(arguments ...string) (options, error) {
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return parse(flags, arguments)
}

// settings are the options that can be compared.
type settings struct {
	leaderElect                      bool
	metrics, healthProbe, namespaces string
	pprof                            string
	concurrency                      int
	resyncPeriod                     time.Duration
	kubeAPIQPS                       float64
}

func settingsOf(o options) settings {
	return settings{o.leaderElect, o.metrics, o.healthProbe, o.namespaces, o.pprof, o.concurrency, o.resyncPeriod, o.kubeAPIQPS}
}

func TestFlags(t *testing.T) {
	defaults := settings{metrics: "0", healthProbe: ":8081", pprof: "0", concurrency: 16, resyncPeriod: 10 * time.Minute, kubeAPIQPS: -1}
	for name, test := range map[string]struct {
		arguments []string
		change    func(*settings)
	}{
		"the defaults":              {nil, func(*settings) {}},
		"a leader":                  {[]string{"--leader-elect"}, func(s *settings) { s.leaderElect = true }},
		"no leader":                 {[]string{"--leader-elect=false"}, func(*settings) {}},
		"metrics":                   {[]string{"--metrics-bind-address=:8080"}, func(s *settings) { s.metrics = ":8080" }},
		"no health probe":           {[]string{"--health-probe-bind-address", "0"}, func(s *settings) { s.healthProbe = "0" }},
		"the profiler":              {[]string{"--pprof-bind-address=127.0.0.1:6060"}, func(s *settings) { s.pprof = "127.0.0.1:6060" }},
		"namespaces":                {[]string{"--namespaces=team-a,team-b"}, func(s *settings) { s.namespaces = "team-a,team-b" }},
		"one at once":               {[]string{"--max-concurrent-reconciles=1"}, func(s *settings) { s.concurrency = 1 }},
		"the shortest resync":       {[]string{"--resync-period=1s"}, func(s *settings) { s.resyncPeriod = time.Second }},
		"requests that are limited": {[]string{"--kube-api-qps=0.5"}, func(s *settings) { s.kubeAPIQPS = 0.5 }},
		"a single dash":             {[]string{"-resync-period", "1h"}, func(s *settings) { s.resyncPeriod = time.Hour }},
	} {
		t.Run(name, func(t *testing.T) {
			want := defaults
			test.change(&want)
			o, err := parsed(test.arguments...)
			if got := settingsOf(o); err != nil || got != want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestBadFlagsSayWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct{ argument, want string }{
		"an unknown flag":                    {"--resync", "flag provided but not defined: -resync"},
		"a value that is no number":          {"--max-concurrent-reconciles=many", `invalid value "many" for flag -max-concurrent-reconciles: parse error`},
		"a duration without a unit":          {"--resync-period=600", `invalid value "600" for flag -resync-period: parse error`},
		"a word that is no flag":             {"start", `unexpected argument "start": flags only`},
		"none at once":                       {"--max-concurrent-reconciles=0", "--max-concurrent-reconciles must be at least 1, not 0"},
		"less than none at once":             {"--max-concurrent-reconciles=-4", "--max-concurrent-reconciles must be at least 1, not -4"},
		"a resync without a pause":           {"--resync-period=0", "--resync-period must be at least 1s, not 0s"},
		"a resync that is too often":         {"--resync-period=999ms", "--resync-period must be at least 1s, not 999ms"},
		"a resync into the past":             {"--resync-period=-10m", "--resync-period must be at least 1s, not -10m0s"},
		"no requests at all":                 {"--kube-api-qps=0", "--kube-api-qps must be positive, or -1 for no limit"},
		"fewer than none":                    {"--kube-api-qps=-5", "--kube-api-qps must be positive, or -1 for no limit"},
		"requests that are no number":        {"--kube-api-qps=NaN", "--kube-api-qps must be positive, or -1 for no limit"},
		"a log level that tells Secrets":     {"--zap-log-level=8", "--zap-log-level must be below 8: from there on the Kubernetes client logs the Secrets that it reads and writes"},
		"the highest log level":              {"--zap-log-level=127", "--zap-log-level must be below 8: from there on the Kubernetes client logs the Secrets that it reads and writes"},
		"the Kubernetes client's own logger": {"--v=10", "flag provided but not defined: -v"},
		"the files that it is to log":        {"--vmodule=request=10", "flag provided but not defined: -vmodule"},
		"a log level that is not one":        {"--zap-log-level=loud", `invalid value "loud" for flag -zap-log-level: invalid log level "loud"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parsed(test.argument); err == nil || err.Error() != test.want {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestALogLevelThatTellsNoSecretsIsTaken has the levels in words, and the highest number.
func TestALogLevelThatTellsNoSecretsIsTaken(t *testing.T) {
	for _, level := range []string{"debug", "info", "error", "panic", "1", "7"} {
		if _, err := parsed("--zap-log-level=" + level); err != nil {
			t.Errorf("%s: %v", level, err)
		}
	}
	if _, err := parsed("--zap-devel"); err != nil {
		t.Error(err)
	}
}

func TestEveryFlagSaysWhatItIsFor(t *testing.T) {
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	if _, err := parse(flags, nil); err != nil {
		t.Fatal(err)
	}
	flags.VisitAll(func(f *flag.Flag) {
		own := !strings.HasPrefix(f.Name, "zap-")
		if f.Usage == "" || own && !strings.HasSuffix(f.Usage, ".") {
			t.Errorf("--%s: %q", f.Name, f.Usage)
		}
	})
}

func TestABadFlagEndsTheManagerBeforeItStarts(t *testing.T) {
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	err := run(context.Background(), flags, []string{"--resync-period=0"})
	if err == nil || !strings.HasPrefix(err.Error(), "--resync-period") {
		t.Errorf("got %v", err)
	}
}

func TestNamespaces(t *testing.T) {
	for list, want := range map[string][]string{
		"": nil, " , ,": nil, "team-a": {"team-a"}, "team-a,team-b": {"team-a", "team-b"}, " team-a , team-b, ": {"team-a", "team-b"},
	} {
		if got := namespaces(list); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func TestTheOperatorsNamespaceIsThatOfItsPod(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "keys")
	if got := clusterNamespace(); got != "keys" {
		t.Errorf("got %q", got)
	}
	t.Setenv("POD_NAMESPACE", "")
	if got := clusterNamespace(); got != "accesskey-system" {
		t.Errorf("got %q without one", got)
	}
}

// TestTheManagerTalksToTheAPIServerAsItIsTold answers the one question that a manager asks before it starts: whether Secrets
// are namespaced.
func TestTheManagerTalksToTheAPIServerAsItIsTold(t *testing.T) {
	answers := map[string]any{
		"/api":    metav1.APIVersions{Versions: []string{"v1"}},
		"/apis":   metav1.APIGroupList{},
		"/api/v1": metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "secrets", Kind: "Secret", Namespaced: true}}},
	}
	var agents sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents.Store(r.UserAgent(), true)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answers[r.URL.Path])
	}))
	defer server.Close()
	o, err := parsed("--kube-api-qps=25", "--health-probe-bind-address=0")
	if err != nil {
		t.Fatal(err)
	}
	config := &rest.Config{Host: server.URL}
	if _, err := newManager(config, o); err != nil {
		t.Fatal(err)
	}
	if config.QPS != 25 || config.Burst != 50 {
		t.Errorf("%g requests a second, %d at once", config.QPS, config.Burst)
	}
	agents.Range(func(agent, _ any) bool {
		if agent != "accesskey-operator/dev" {
			t.Errorf("calls itself %s", agent)
		}
		return true
	})
}
