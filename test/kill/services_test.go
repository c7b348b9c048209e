// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"time"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// keyServer is what the simulators have in common. They run in the test's process, so they outlive every kill and know the
// truth.
type keyServer interface {
	http.Handler
	Valid(accessKeyID, secret string) bool
	LivePairs() []simulator.Pair
	History() []simulator.Pair
}

// keyService is a simulated service with the users that get keys there.
type keyService struct {
	name string
	keyServer
	// credentials is the Secret of a user's KeyService. Users with the same credentials share a KeyService.
	credentials func(u user) map[string]string
	spec        func(spec *v1alpha1.KeyServiceSpec, url, secret string)
	users       []user
	// inPlace: the service holds one key per user, so that a rotation ends the old pair before the new one is published.
	inPlace bool
	// expires: the service itself ends a pair when its ttl is over.
	expires bool
}

// user of a service.
type user struct {
	// name in spec.user; owner in the simulator's ledger.
	name, owner string
	// credentials of a service whose keys belong to the caller.
	credentials map[string]string
	// crowded: a foreign key fills the quota, so that no rotation is possible.
	crowded bool
}

func (w *world) qumulo(keys int) *keyService {
	server := qumulo.New(qumulo.Options{Clock: w.clock})
	token := server.AddToken(time.Time{})
	s := &keyService{
		name: "qumulo", keyServer: server,
		credentials: func(user) map[string]string { return map[string]string{"token": token} },
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.Qumulo = &v1alpha1.QumuloService{URL: url, TokenSecretRef: &v1alpha1.TokenReference{Name: secret, Key: "token"}}
		},
	}
	for i := range keys {
		s.users = append(s.users, user{name: "local:" + userName(i), owner: "auth_id:" + server.AddUser(userName(i)), crowded: i == 0})
	}
	server.AddUser("person")
	for _, name := range []string{"local:person", "local:person", s.users[0].name} {
		_, _, err := server.MakeKey(name)
		w.must(err)
	}
	return s
}

func (w *world) ionos(keys int) *keyService {
	server := ionos.New(ionos.Options{Clock: w.clock, Provisioning: time.Second, Destroying: time.Second})
	s := &keyService{
		name: "ionos", keyServer: server,
		credentials: func(u user) map[string]string { return u.credentials },
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.IONOS = &v1alpha1.IONOSService{URL: url, TokenSecretRef: v1alpha1.TokenReference{Name: secret, Key: "token"}}
		},
	}
	for i := range keys {
		s.users = append(s.users, user{owner: userName(i), credentials: map[string]string{"token": server.AddUser(userName(i))}})
		_, _, err := server.MakeKey(userName(i), "made by hand")
		w.must(err)
	}
	return s
}

func (w *world) huawei(keys int) *keyService {
	server := huawei.New(huawei.Options{Clock: w.clock})
	s := &keyService{
		name: "huawei", keyServer: server,
		credentials: func(user) map[string]string {
			return map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey}
		},
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.Huawei = &v1alpha1.HuaweiService{URL: url, DomainID: huawei.DefaultDomainID, CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}}
		},
	}
	for i := range keys {
		id := server.AddUser(userName(i))
		s.users = append(s.users, user{name: id, owner: id, crowded: i == 0})
	}
	server.AddUser("person")
	for _, name := range []string{"person", "person", s.users[0].name} {
		_, _, err := server.MakeKey(name)
		w.must(err)
	}
	return s
}

func (w *world) ontap(name, version string, keys int) *keyService {
	server := ontap.New(ontap.Options{Clock: w.clock, Version: version})
	s := &keyService{
		name: name, keyServer: server, inPlace: version != ontap.V9191, expires: true,
		credentials: func(user) map[string]string {
			return map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword}
		},
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.ONTAP = &v1alpha1.ONTAPService{URL: url, SVM: ontap.DefaultSVM, CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}}
		},
	}
	for i := range keys {
		s.users = append(s.users, user{name: userName(i), owner: userName(i)})
	}
	_, _, err := server.AddUser("person", "made by hand")
	w.must(err)
	return s
}

func userName(i int) string { return fmt.Sprintf("user-%02d", i) }

// slow delays each change before and after it is carried out, so that kills interrupt requests in every state. A change is
// carried out even if its sender is gone by then, as at a real service.
func slow(next http.Handler, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the request was cut off
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		time.Sleep(rand.N(most))
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r.WithContext(context.WithoutCancel(r.Context())))
		time.Sleep(rand.N(most))
		for key, values := range recorder.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes()) // the client may be gone
	})
}
