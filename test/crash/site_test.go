// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// keyServer is what the simulators have in common.
type keyServer interface {
	http.Handler
	History() []simulator.Pair
	Valid(accessKeyID, secret string) bool
	Working(valid func(accessKeyID, secret string) bool) map[string]string
	RemoveKey(id string) bool
}

// site is a key service with what a KeyService refers to.
type site struct {
	server keyServer
	// user of the AccessKeys, and another spelling of the same user. credentials are the operator's.
	user, alias string
	credentials map[string]string
	spec        func(*v1alpha1.KeyServiceSpec)
	// overlap: a user can have two keys. quota is the maximum.
	overlap bool
	quota   int
	// regenerates: a key can get a new pair in place. hidesLate: the list of keys does not show that this was carried out late.
	regenerates, hidesLate bool
	// dated: the service reports when a key was created. listsLate is its list lag.
	dated     bool
	listsLate time.Duration
	// makeKey creates a foreign key, and also returns its secret.
	makeKey func() (simulator.Pair, string, error)
}

const (
	credentials = "credentials"
	serviceURL  = "https://service.example"
)

// services by name, each with its defaults. lag is the list lag, where a service may have one.
var services = []struct {
	name string
	open func(lag time.Duration) *site
}{
	{"qumulo", func(time.Duration) *site { return qumuloSite(qumulo.Options{Clock: clock.RealClock{}}) }},
	{"ionos", func(time.Duration) *site {
		return ionosSite(ionos.Options{
			Clock: clock.RealClock{}, Provisioning: 3 * time.Second, Destroying: 3 * time.Second, Unseen: time.Second, MaxDescription: 128,
		})
	}},
	{"huawei", func(lag time.Duration) *site { return huaweiSite(huawei.Options{Clock: clock.RealClock{}, Lag: lag}) }},
	{"ontap-9.14.1", func(time.Duration) *site {
		return ontapSite(ontap.Options{Clock: clock.RealClock{}, Version: ontap.V9141})
	}},
	{"ontap-9.19.1", func(time.Duration) *site {
		return ontapSite(ontap.Options{Clock: clock.RealClock{}, Version: ontap.V9191})
	}},
}

func qumuloSite(options qumulo.Options) *site {
	server := qumulo.New(options)
	id := server.AddUser("alice")
	return &site{
		server: server, user: "local:alice", alias: "auth_id:" + id, overlap: true, quota: 2, dated: true,
		credentials: map[string]string{"username": qumulo.DefaultUsername, "password": qumulo.DefaultPassword},
		spec: func(spec *v1alpha1.KeyServiceSpec) {
			spec.Qumulo = &v1alpha1.QumuloService{URL: serviceURL, LoginSecretRef: &v1alpha1.SecretReference{Name: credentials}}
		},
		makeKey: func() (simulator.Pair, string, error) { return server.MakeKey("local:alice") },
	}
}

func ionosSite(options ionos.Options) *site {
	server := ionos.New(options)
	return &site{
		server: server, overlap: true, quota: 5, regenerates: true, hidesLate: true,
		credentials: map[string]string{"token": server.AddUser("operator")},
		spec: func(spec *v1alpha1.KeyServiceSpec) {
			spec.IONOS = &v1alpha1.IONOSService{URL: serviceURL, TokenSecretRef: v1alpha1.TokenReference{Name: credentials, Key: "token"}}
		},
		makeKey: func() (simulator.Pair, string, error) { return server.MakeKey("operator", "by hand") },
	}
}

func huaweiSite(options huawei.Options) *site {
	server := huawei.New(options)
	id := server.AddUser("alice")
	return &site{
		server: server, user: "alice", alias: id, overlap: true, quota: 2, dated: true, listsLate: options.Lag,
		credentials: map[string]string{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
		spec: func(spec *v1alpha1.KeyServiceSpec) {
			spec.Huawei = &v1alpha1.HuaweiService{URL: serviceURL, DomainID: huawei.DefaultDomainID, CredentialsSecretRef: v1alpha1.SecretReference{Name: credentials}}
		},
		makeKey: func() (simulator.Pair, string, error) { return server.MakeKey("alice") },
	}
}

func ontapSite(options ontap.Options) *site {
	server := ontap.New(options)
	quota := 1
	if options.Version == ontap.V9191 {
		quota = 2
	}
	return &site{
		server: server, user: "alice", alias: "alice", overlap: quota > 1, quota: quota, regenerates: true,
		credentials: map[string]string{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
		spec: func(spec *v1alpha1.KeyServiceSpec) {
			spec.ONTAP = &v1alpha1.ONTAPService{URL: serviceURL, SVM: ontap.DefaultSVM, CredentialsSecretRef: v1alpha1.SecretReference{Name: credentials}}
		},
		makeKey: func() (simulator.Pair, string, error) { return takeFreeSlot(server, quota) },
	}
}

// takeFreeSlot creates the user by hand, or gives an existing user its second key. Taking over a slot includes removing the
// operator's mark, as docs/services/ontap.md says.
func takeFreeSlot(server *ontap.Simulator, quota int) (pair simulator.Pair, secret string, err error) {
	if !slices.Contains(server.Users(), "alice") {
		return server.AddUser("alice", "by hand")
	}
	taken := server.Keys("alice")
	if len(taken) >= quota {
		return pair, "", errors.New("there is no free slot")
	}
	if len(taken) == 0 {
		server.SetComment("alice", "by hand")
	}
	slot := 1
	if len(taken) > 0 && taken[0].ID == "alice" {
		slot = 2
	}
	owner := regexp.MustCompile(fmt.Sprintf(" %d=[^ ]+", slot))
	server.SetComment("alice", owner.ReplaceAllString(server.Comment("alice"), ""))
	return server.MakeKey("alice", slot)
}
