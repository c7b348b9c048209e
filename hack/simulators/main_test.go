// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/admin"
)

// start runs the command until the test ends and returns its output.
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
	go func() { _, _ = io.Copy(io.Discard, in) }() // the final newline
	return welcome
}

// connected connects to a service with the operator's backend, through a KeyService with this account.
func connected(t *testing.T, name string, account admin.Account) *connect.Connection {
	t.Helper()
	service := &v1alpha1.KeyService{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, UID: "1", Generation: 1}, Spec: v1alpha1.KeyServiceSpec{
		TLS: &v1alpha1.TLS{CABundle: account.CA}, RateLimit: v1alpha1.RateLimit{QPS: 100, Burst: 100},
	}}
	for _, row := range services.Kinds() {
		if row.Kind == name {
			row.Spec(&service.Spec, account.Spec["url"], name)
		}
	}
	fields, err := json.Marshal(map[string]any{name: account.Spec})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(fields, &service.Spec); err != nil {
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

// send sends a request that must succeed and returns the response.
func send(t *testing.T, method, url, body string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil || response.Body.Close() != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %v", method, url, response.Status, err)
	}
	return text
}

func TestOperatorCanUseTheAccounts(t *testing.T) {
	binary, err := s3.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for software, arguments := range map[string][]string{"simulators": nil, "versitygw": {"--s3-server=" + binary}} {
		welcome := start(t, arguments...)
		if len(welcome.Services) != len(services.Kinds()) {
			t.Fatalf("got %+v", welcome)
		}
		for name, account := range welcome.Services {
			t.Run(software+"/"+name, func(t *testing.T) { expectUsable(t, admin.Client{URL: welcome.Admin}, name, account) })
		}
	}
}

// expectUsable creates and deletes a key with the operator's backend, and compares what the admin endpoint says about it.
func expectUsable(t *testing.T, client admin.Client, name string, account admin.Account) {
	t.Helper()
	service := connected(t, name, account)
	request := keyservice.CreateRequest{Owner: keyservice.Owner{UID: "6b0f9e0a-52c3-4f0e-9a53-0f3a2f1f5f10", Namespace: "demo", Name: "backup"}}
	if chooser, ok := service.Service.(keyservice.HandleChooser); ok {
		request.ID = chooser.ChooseID(account.User, request.Owner, 1, nil)
	}
	made, err := service.Create(t.Context(), account.User, request)
	if err != nil {
		t.Fatal(err)
	}
	expectValid := func(want bool) { // IONOS needs some seconds to provision the key, and AWS to activate it
		t.Helper()
		err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			got, err := client.Valid(ctx, made.AccessKeyID, made.SecretAccessKey.Reveal())
			return got == want, err
		})
		if err != nil {
			t.Errorf("waiting for valid = %t: %v", want, err)
		}
	}
	expectValid(true)
	if err := service.Delete(t.Context(), account.User, made.ID); err != nil {
		t.Fatal(err)
	}
	expectValid(false)
	keys, err := client.Keys(t.Context())
	i := slices.IndexFunc(keys, func(key admin.Key) bool { return key.Service == name && key.AccessKeyID == made.AccessKeyID })
	if err != nil || i < 0 || keys[i].Live() || keys[i].DeletedBy != keys[i].CreatedBy {
		t.Errorf("got %+v, %v", keys, err)
	}
}

func TestKeysAreCreatedByHand(t *testing.T) {
	welcome := start(t)
	for name, account := range welcome.Services {
		body, _ := json.Marshal(map[string]string{"service": name, "user": account.User})
		send(t, http.MethodPost, welcome.Admin+"/keys", string(body))
		service := connected(t, name, account)
		var keys []keyservice.Key
		err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			var err error
			keys, err = service.List(ctx, account.User) // IONOS lists a key after a second
			return len(keys) == 1, err
		})
		if err != nil || keys[0].OwnerUID != "" {
			t.Errorf("%s lists %+v, %v", name, keys, err)
		}
	}
}

func TestKeysOpenTheS3Server(t *testing.T) {
	binary, err := s3.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	welcome := start(t, "--s3-server="+binary)
	for name, account := range welcome.Services {
		t.Run(name, func(t *testing.T) {
			server := cmp.Or(account.S3, welcome.S3)
			client, err := s3.NewClient(server.Endpoint, []byte(server.CA))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := json.Marshal(map[string]string{"service": name, "user": account.User})
			var made admin.MadeKey
			if err := json.Unmarshal(send(t, http.MethodPost, welcome.Admin+"/keys", string(body)), &made); err != nil {
				t.Fatal(err)
			}
			expect := func(want string) { // IONOS needs two seconds to provision the key
				t.Helper()
				err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
					_, err := client.List(ctx, s3.Pair{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey})
					return s3.Refused(err) == want, nil
				})
				if err != nil {
					t.Errorf("waiting for %q: %v", want, err)
				}
			}
			expect("")
			body, _ = json.Marshal(map[string]string{"service": name, "id": made.ID})
			send(t, http.MethodDelete, welcome.Admin+"/keys", string(body))
			expect("InvalidAccessKeyId")
		})
	}
}

func TestClientsReachTheServicesByAName(t *testing.T) {
	binary, err := s3.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	welcome := start(t, "--host=localhost", "--s3-server="+binary)
	for name, account := range welcome.Services {
		if !strings.HasPrefix(account.Spec["url"], "https://localhost:") {
			t.Errorf("%s is at %s", name, account.Spec["url"])
		}
		connected(t, name, account)
	}
	if _, err := (admin.Client{URL: welcome.Admin}).Keys(t.Context()); err != nil || !strings.HasPrefix(welcome.Admin, "http://localhost:") {
		t.Errorf("the admin endpoint is at %s: %v", welcome.Admin, err)
	}
	client, err := s3.NewClient(welcome.S3.Endpoint, []byte(welcome.S3.CA))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.List(t.Context(), s3.Pair{AccessKeyID: "A", SecretAccessKey: "s"}); s3.Refused(err) == "" || !strings.HasPrefix(welcome.S3.Endpoint, "https://localhost:") {
		t.Errorf("the S3 server is at %s: %v", welcome.S3.Endpoint, err)
	}
}

func TestFlags(t *testing.T) {
	freePort := func() string {
		port, err := simulator.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		return strconv.Itoa(port)
	}
	adminPort, qumulo := freePort(), freePort()
	welcome := start(t, "--admin-port="+adminPort, "--qumulo-port="+qumulo, "--ontap-version=9.19.1")
	if welcome.Admin != "http://127.0.0.1:"+adminPort || welcome.Services["qumulo"].Spec["url"] != "https://127.0.0.1:"+qumulo {
		t.Errorf("got %+v", welcome)
	}
	if limits := connected(t, "ontap", welcome.Services["ontap"]).Limits(); limits.KeysPerUser != 2 {
		t.Errorf("got %+v", limits)
	}
	for _, arguments := range [][]string{{"--other"}, {"--ontap-version=new"}, {"--ionos-port=" + qumulo}, {"--admin-port=" + adminPort}, {"--s3-server=/no/such/file"}} {
		if err := run(t.Context(), arguments, &bytes.Buffer{}); err == nil {
			t.Errorf("%v was accepted", arguments)
		}
	}
}
