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

// keyServer is what the simulators have in common. They are in the test's process, so that they outlive every kill, and
// what they say is the truth.
type keyServer interface {
	http.Handler
	Valid(accessKeyID, secret string) bool
	LivePairs() []simulator.Pair
	History() []simulator.Pair
}

// keyService is a simulated service, and the users that are to have keys there.
type keyService struct {
	name string
	keyServer
	// credentials is the Secret of a user's KeyService. Users with the same one share a KeyService.
	credentials func(u user) map[string]string
	spec        func(spec *v1alpha1.KeyServiceSpec, url, secret string)
	users       []user
	// inPlace: the service holds one key per user, so that a rotation ends the old pair before the new one is published.
	inPlace bool
	// expires: the service ends a pair by itself when its ttl is over.
	expires bool
}

// user of a service.
type user struct {
	// name in spec.user; owner in the simulator's ledger.
	name, owner string
	// credentials are of a service whose keys belong to who asks for them.
	credentials map[string]string
	// crowded: somebody else's key takes the room that a rotation needs.
	crowded bool
}

// count of AccessKeys at each service.
const (
	qumuloKeys  = 14
	ionosKeys   = 12
	huaweiKeys  = 13
	ontapKeys   = 9
	inPlaceKeys = 2
)

func keyServices(c *clock) ([]*keyService, error) {
	var all []*keyService
	for _, start := range []func(*clock) (*keyService, error){qumuloService, ionosService, huaweiService, ontapService, inPlaceService} {
		service, err := start(c)
		if err != nil {
			return nil, err
		}
		all = append(all, service)
	}
	return all, nil
}

func qumuloService(c *clock) (*keyService, error) {
	server := qumulo.New(qumulo.Options{Clock: c})
	token := server.AddToken(time.Time{})
	s := &keyService{
		name: "qumulo", keyServer: server,
		credentials: func(user) map[string]string { return map[string]string{"token": token} },
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.Qumulo = &v1alpha1.QumuloService{URL: url, TokenSecretRef: &v1alpha1.TokenReference{Name: secret, Key: "token"}}
		},
	}
	for i := range qumuloKeys {
		name := fmt.Sprintf("user-%02d", i)
		s.users = append(s.users, user{name: "local:" + name, owner: "auth_id:" + server.AddUser(name), crowded: i == 0})
	}
	server.AddUser("person")
	for _, name := range []string{"local:person", "local:person", s.users[0].name} {
		if _, _, err := server.MakeKey(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func ionosService(c *clock) (*keyService, error) {
	server := ionos.New(ionos.Options{Clock: c, Provisioning: time.Second, Destroying: time.Second})
	s := &keyService{
		name: "ionos", keyServer: server,
		credentials: func(u user) map[string]string { return u.credentials },
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.IONOS = &v1alpha1.IONOSService{URL: url, TokenSecretRef: v1alpha1.TokenReference{Name: secret, Key: "token"}}
		},
	}
	for i := range ionosKeys {
		name := fmt.Sprintf("user-%02d", i)
		s.users = append(s.users, user{owner: name, credentials: map[string]string{"token": server.AddUser(name)}})
		if _, _, err := server.MakeKey(name, "made by hand"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func huaweiService(c *clock) (*keyService, error) {
	server := huawei.New(huawei.Options{Clock: c})
	s := &keyService{
		name: "huawei", keyServer: server,
		credentials: func(user) map[string]string {
			return map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey}
		},
		spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.Huawei = &v1alpha1.HuaweiService{URL: url, DomainID: huawei.DefaultDomainID, CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}}
		},
	}
	for i := range huaweiKeys {
		id := server.AddUser(fmt.Sprintf("user-%02d", i))
		s.users = append(s.users, user{name: id, owner: id, crowded: i == 0})
	}
	server.AddUser("person")
	for _, name := range []string{"person", "person", s.users[0].name} {
		if _, _, err := server.MakeKey(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func ontapService(c *clock) (*keyService, error) { return ontapOf(c, "ontap", ontap.V9191, ontapKeys) }

func inPlaceService(c *clock) (*keyService, error) {
	return ontapOf(c, "ontap-in-place", ontap.V9161, inPlaceKeys)
}

func ontapOf(c *clock, name, version string, keys int) (*keyService, error) {
	server := ontap.New(ontap.Options{Clock: c, Version: version})
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
		s.users = append(s.users, user{name: fmt.Sprintf("user-%02d", i), owner: fmt.Sprintf("user-%02d", i)})
	}
	_, _, err := server.AddUser("person", "made by hand")
	return s, err
}

// slow carries a change out some time after it came, and answers some time after that, so that kills find requests under
// way in every state. Whoever sent it may be gone by then: it is carried out all the same, as by a real service.
func slow(next http.Handler, most time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // cut off before the service had all of it
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
