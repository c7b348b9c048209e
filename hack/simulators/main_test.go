// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/test/simulator/admin"
)

// start runs the program until the test ends, and returns what it printed.
func start(t *testing.T, arguments ...string) admin.Welcome {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, arguments, out) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var welcome admin.Welcome
	if err := json.NewDecoder(in).Decode(&welcome); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, in) }() // the rest of the line
	return welcome
}

// connected connects the operator's own backend with an account, as a KeyService does.
func connected(t *testing.T, name string, account admin.Account) *connect.Connection {
	t.Helper()
	refs := map[string]map[string]any{
		"qumulo": {"tokenSecretRef": map[string]string{"name": name, "key": "token"}},
		"ionos":  {"tokenSecretRef": map[string]string{"name": name, "key": "token"}},
		"huawei": {"credentialsSecretRef": map[string]string{"name": name}},
		"ontap":  {"credentialsSecretRef": map[string]string{"name": name}},
	}
	fields := refs[name]
	for field, value := range account.Spec {
		fields[field] = value
	}
	text, err := json.Marshal(map[string]any{name: fields, "tls": map[string]string{"caBundle": account.CA}, "rateLimit": map[string]int{"qps": 100, "burst": 100}})
	if err != nil {
		t.Fatal(err)
	}
	service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, UID: "1", Generation: 1}}
	if err := json.Unmarshal(text, &service.Spec); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name}, Data: map[string][]byte{}}
	for key, value := range account.Secret {
		secret.Data[key] = []byte(value)
	}
	kube := fake.NewClientBuilder().WithObjects(secret).Build()
	pool := &connect.Pool{Live: kube, SecretVersions: kube, ResyncPeriod: time.Minute, Clock: clock.RealClock{}}
	connection, err := pool.Get(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	return connection
}

func post(t *testing.T, url, body string) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // a test's request
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("POST %s: %s %s", url, response.Status, text)
	}
}

// lastKey of a service, in the order in which the simulators tell of them.
func lastKey(t *testing.T, back admin.Client, service string) admin.Key {
	t.Helper()
	keys, err := back.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	last := admin.Key{}
	for _, key := range keys {
		if key.Service == service {
			last = key
		}
	}
	return last
}

func TestTheAccountsAreReadyForTheOperator(t *testing.T) {
	welcome := start(t)
	back := admin.Client{URL: welcome.Admin}
	if len(welcome.Services) != 4 {
		t.Fatalf("got %+v", welcome)
	}
	for name, account := range welcome.Services {
		t.Run(name, func(t *testing.T) {
			service := connected(t, name, account)
			request := keyservice.CreateRequest{Owner: keyservice.Owner{UID: "6b0f9e0a-52c3-4f0e-9a53-0f3a2f1f5f10", Namespace: "demo", Name: "backup"}}
			if chooser, ok := service.Service.(keyservice.HandleChooser); ok {
				request.ID = chooser.ChooseID(account.User, request.Owner, 1, nil)
			}
			made, err := service.Create(t.Context(), account.User, request)
			if err != nil {
				t.Fatal(err)
			}
			post(t, welcome.Admin+"/clock", `{"advance":"2s"}`) // IONOS takes that long
			valid := func(want bool) {
				t.Helper()
				if got, err := back.Valid(t.Context(), made.AccessKeyID, made.SecretAccessKey.Reveal()); err != nil || got != want {
					t.Errorf("works: %t, %v", got, err)
				}
			}
			valid(true)
			if err := service.Delete(t.Context(), account.User, made.ID); err != nil {
				t.Fatal(err)
			}
			valid(false)
			if last := lastKey(t, back, name); last.AccessKeyID != made.AccessKeyID || last.Live() || last.DeletedBy != last.CreatedBy {
				t.Errorf("got %+v", last)
			}
		})
	}
}

func TestAPersonMakesKeysAtEachService(t *testing.T) {
	welcome := start(t)
	for name, account := range welcome.Services {
		body, _ := json.Marshal(map[string]string{"service": name, "user": account.User})
		post(t, welcome.Admin+"/keys", string(body))
		service := connected(t, name, account)
		if keys, err := service.List(t.Context(), account.User); err != nil || len(keys) != 1 || keys[0].OwnerUID != "" {
			t.Errorf("%s lists %+v, %v", name, keys, err)
		}
	}
}

func TestTheCommandLineIsFollowed(t *testing.T) {
	port := func() string { // a free one
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close() //nolint:errcheck // a test's listener
		return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	back, qumulo := port(), port()
	welcome := start(t, "--admin-port="+back, "--qumulo-port="+qumulo, "--ontap-version=9.19.1")
	if welcome.Admin != "http://127.0.0.1:"+back || welcome.Services["qumulo"].Spec["url"] != "https://127.0.0.1:"+qumulo {
		t.Errorf("got %+v", welcome)
	}
	if limits := connected(t, "ontap", welcome.Services["ontap"]).Limits(); limits.KeysPerUser != 2 {
		t.Errorf("got %+v", limits)
	}
	for _, arguments := range [][]string{{"--other"}, {"--ionos-port=" + qumulo}, {"--admin-port=" + back}} {
		if err := run(t.Context(), arguments, &bytes.Buffer{}); err == nil {
			t.Errorf("%v was taken", arguments)
		}
	}
}
