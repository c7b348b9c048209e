// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/test/cluster"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// process is the manager's binary, with its endpoints and its log.
type process struct {
	*cluster.Manager
	t               *testing.T
	probes, metrics string
	log             string
}

// buildManager returns the path of the manager's binary.
func buildManager(t *testing.T) string {
	t.Helper()
	path, err := cluster.BuildManager(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// startManager starts the manager with the permissions of its ServiceAccount.
func startManager(t *testing.T, binary string, namespaces []string, more ...string) *process {
	t.Helper()
	p := &process{t: t, probes: freeAddress(t), metrics: freeAddress(t), log: filepath.Join(t.TempDir(), "log")}
	var err error
	p.Manager, err = plane.StartManager(t.Context(), binary, p.log, append(more, "--namespaces="+strings.Join(namespaces, ","), "--resync-period=1s",
		"--health-probe-bind-address="+p.probes, "--metrics-bind-address="+p.metrics, "--metrics-secure=false")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := simulator.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// expect waits until the answer of an endpoint contains each of these texts.
func (p *process) expect(url string, texts ...string) {
	p.t.Helper()
	answer := ""
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get("http://" + url)
		if err != nil {
			continue // not started yet
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		answer = fmt.Sprintf("%d\n%s", response.StatusCode, body)
		missing := 0
		for _, text := range texts {
			if !strings.Contains(answer, text) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
	}
	p.t.Errorf("%s does not contain all of %q: %.2000s", url, texts, answer)
}

func (p *process) expectLog(texts ...string) {
	p.t.Helper()
	log, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(string(log), text) {
			p.t.Errorf("the log does not contain %q:\n%s", text, log)
		}
	}
}

// TestANamespaceThatCannotBeReadStopsNoOther starts the manager with a namespace that has no RoleBinding, and with one that does
// not exist. Later another one loses its RoleBinding.
func TestANamespaceThatCannotBeReadStopsNoOther(t *testing.T) {
	names := append(installNamespaced(t), newNamespace(t, "unbound"), "missing")
	s := newStory(t, "team-a", operatorNamespace)
	s.serve(qumulo.Options{}) // with the clock of the process
	tenants := s.tenants(names)
	a, b, unbound := tenants[0], tenants[1], tenants[2]
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	binary := buildManager(t)
	p := startManager(t, binary, names)
	must(a.apply(t.Context()))
	must(a.issued(t.Context()))
	p.expect(p.probes+"/readyz", "500\n", "[+]namespace-team-a ok", "[+]namespace-team-b ok", "[-]namespace-unbound failed", "[-]namespace-missing failed")
	p.expect(p.probes+"/readyz/ping", "200\n")
	p.expect(p.probes+"/readyz/namespace-unbound", "500\n", "reading namespace unbound: accesskeys.accesskey.dev is forbidden")
	p.expect(p.metrics+"/metrics", `accesskey_namespace_unreadable{namespace="unbound"} 1`, `accesskey_namespace_unreadable{namespace="missing"} 1`, `accesskey_namespace_unreadable{namespace="team-a"} 0`)
	p.expectLog("Could not read a namespace", `"namespace":"unbound"`, `"namespace":"missing"`, "is forbidden", "bind the ClusterRole accesskey-operator")

	must(kube.Delete(t.Context(), binding("team-b")))
	p.expect(p.probes+"/readyz", "[-]namespace-team-b failed", "[+]namespace-team-a ok")
	must(a.merge(t.Context(), a.named(a.users[0]), `{"metadata":{"annotations":{"accesskey.dev/renew":"1"}}}`))
	must(a.story.issued(t.Context(), a.users[0], 2))
	grant(t, "team-b")
	p.expect(p.probes+"/readyz", "[+]namespace-team-b ok")
	must(b.apply(t.Context()))
	must(b.issued(t.Context()))

	must(unbound.apply(t.Context()))
	grant(t, "unbound")
	select {
	case <-p.Ended():
		p.expectLog("manager: namespace unbound can be read now")
	case <-time.After(time.Minute):
		t.Fatal("the manager does not end to serve a namespace that it can read now")
	}
	p = startManager(t, binary, names)
	must(unbound.issued(t.Context()))
	p.expect(p.probes+"/readyz", "[+]namespace-unbound ok", "[-]namespace-missing failed")
	for _, each := range []tenant{a, b, unbound} {
		must(each.leave(t.Context()))
	}
	must(p.Stop())
}

// TestAManagerWithoutAnyNamespaceWaitsForOne has nothing to serve, and must not serve the whole cluster instead.
func TestAManagerWithoutAnyNamespaceWaitsForOne(t *testing.T) {
	installNamespaced(t)
	p := startManager(t, buildManager(t), []string{newNamespace(t, "first")})
	p.expect(p.probes+"/readyz", "500\n", "[-]namespace-first failed")
	p.expect(p.metrics+"/metrics", `accesskey_namespace_unreadable{namespace="first"} 1`)
	grant(t, "first")
	select {
	case <-p.Ended():
		p.expectLog("manager: namespace first can be read now")
	case <-time.After(time.Minute):
		t.Fatal("the manager does not end to serve a namespace that it can read now")
	}
}

// TestAStandbyTakesOverWithoutANamespaceThatItHasLost deletes the RoleBinding of a namespace while the manager waits for the lease.
func TestAStandbyTakesOverWithoutANamespaceThatItHasLost(t *testing.T) {
	names := []string{installNamespaced(t)[0], newNamespace(t, "lost")}
	grant(t, "lost")
	s := newStory(t, "team-a", operatorNamespace)
	s.serve(qumulo.Options{})
	a := s.tenants(names)[0]
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	binary := buildManager(t)
	leader := startManager(t, binary, names, "--leader-elect")
	must(a.apply(t.Context()))
	must(a.issued(t.Context()))
	standby := startManager(t, binary, names, "--leader-elect")
	standby.expect(standby.probes+"/readyz", "200\n")
	standby.expect(standby.metrics+"/metrics", `leader_election_master_status{name="accesskey-operator"} 0`)
	must(kube.Delete(t.Context(), binding("lost")))
	standby.expect(standby.probes+"/readyz", "[-]namespace-lost failed")
	must(leader.Stop())
	must(a.merge(t.Context(), a.named(a.users[0]), `{"metadata":{"annotations":{"accesskey.dev/renew":"1"}}}`))
	must(a.story.issued(t.Context(), a.users[0], 2))
	must(a.leave(t.Context()))
	must(standby.Stop())
}
