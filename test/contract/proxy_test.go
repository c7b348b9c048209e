// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

const (
	// behindProxy is set in the environment of a test that runs itself again behind a proxy: to what the proxy does.
	behindProxy   = "CONTRACT_BEHIND_PROXY"
	proxyPassword = "geheim"
)

// TestTheProxyOfTheEnvironmentIsUsed runs itself again, since net/http reads HTTPS_PROXY once in a process. It never goes
// through a proxy to a loopback address, so the services are asked for by a name that only this proxy can resolve.
func TestTheProxyOfTheEnvironmentIsUsed(t *testing.T) {
	if answer := os.Getenv(behindProxy); answer != "" {
		for _, s := range subjects() {
			if s.documented != nil {
				t.Run(s.name, func(t *testing.T) { throughProxy(t, s, answer == open) })
			}
		}
		return
	}
	for answer, handle := range proxies {
		proxy := &recorder{handle: handle}
		server := httptest.NewServer(proxy)
		t.Cleanup(server.Close)
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheProxyOfTheEnvironmentIsUsed$", "-test.count=1")
		command.Env = append(os.Environ(), behindProxy+"="+answer, "NO_PROXY=", "no_proxy=", "https_proxy=",
			"HTTPS_PROXY=http://operator:"+proxyPassword+"@"+strings.TrimPrefix(server.URL, "http://"))
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("behind a proxy that is %s: %v\n%s", answer, err, output)
		}
		for _, s := range subjects() {
			if s.documented == nil {
				continue
			}
			t.Run(fmt.Sprint(s.name, " behind a proxy that is ", answer), func(t *testing.T) {
				checkAlone(t, s, func(t *testing.T) {
					_, after, _ := strings.Cut(string(output), "\n"+s.name+" at ")
					host, _, _ := strings.Cut(after, "\n")
					if _, port, _ := strings.Cut(host, ":"); port == "" || !proxy.asked(host) {
						t.Errorf("the proxy was not asked for %q, only for %q", host, proxy.hosts)
					}
				})
			})
		}
	}
}

const open = "open"

// proxies are what a proxy can do when it is asked for a service.
var proxies = map[string]http.HandlerFunc{
	open: tunnel,
	"refusing": func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no "+proxyPassword, http.StatusProxyAuthRequired)
	},
	"hanging up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

// recorder remembers what a proxy is asked for.
type recorder struct {
	handle http.HandlerFunc

	mu    sync.Mutex
	hosts []string
}

// ServeHTTP implements http.Handler.
func (p *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if r.Method == http.MethodConnect && strings.HasPrefix(r.Header.Get("Proxy-Authorization"), "Basic ") {
		p.hosts = append(p.hosts, r.Host)
	}
	p.mu.Unlock()
	p.handle(w, r)
}

func (p *recorder) asked(host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(strings.Join(p.hosts, " ")+" ", host+" ")
}

// tunnel leads to the port that is asked for, on loopback.
func tunnel(w http.ResponseWriter, r *http.Request) {
	_, port, _ := net.SplitHostPort(r.Host)
	service, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer service.Close() //nolint:errcheck // a test's connection
	w.WriteHeader(http.StatusOK)
	client, sent, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()                          //nolint:errcheck // a test's connection
	go func() { _, _ = io.Copy(service, sent) }() // what the server has read of the tunnel already, and the rest
	_, _ = io.Copy(client, service)
}

// throughProxy is the part that runs behind the proxy.
func throughProxy(t *testing.T, s subject, opened bool) {
	b := s.start(t, 0)
	req := b.wanted(t, b.bob)
	host := simulator.Host + b.server.URL[strings.LastIndex(b.server.URL, ":"):]
	fmt.Printf("\n%s at %s\n", s.name, host)
	service, _ := b.dialAs(t, rest.TransportConfig{Backend: s.name, CABundle: b.server.CA, QPS: 1e6, Burst: 1e6}, "https://"+host)
	before := b.state()
	made, err := service.Create(t.Context(), b.bob, req)
	if !opened {
		expect(t, err, unavailable)
		for how, text := range visible(err) {
			noSecrets(t, how, text, []string{proxyPassword})
		}
		if b.state() != before {
			t.Error("a key was made")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	b.settle(t, b.bob)
	b.works(t, made, true)
	if keys, err := service.List(t.Context(), b.bob); err != nil || find(keys, made.ID) == nil {
		t.Errorf("got %+v, %v", keys, err)
	}
	expect(t, service.Delete(t.Context(), b.bob, made.ID), fine)
	b.works(t, made, false)
}
