// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"net/http"
	"testing"

	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// service is a simulated key service with one user.
type service struct {
	name string
	keyServer
	// spec of the KeyService, without the address; credentials is the Secret that it names.
	spec, credentials map[string]any
	user              string
	// keeps is how many keys of the user work after the third rotation: the quota, except that IONOS has room for all of them.
	keeps int
}

// keyServer is what the simulators have in common.
type keyServer interface {
	http.Handler
	Valid(accessKeyID, secret string) bool
	LivePairs() []simulator.Pair
	History() []simulator.Pair
	Working(valid func(accessKeyID, secret string) bool) map[string]string
}

func newServices() []*service {
	q, i, h, o := qumulo.New(qumulo.Options{}), ionos.New(ionos.Options{}), huawei.New(huawei.Options{}), ontap.New(ontap.Options{Version: ontap.V9161})
	q.AddUser("backup")
	token := i.AddUser("operator")
	return []*service{
		{
			name: "qumulo", keyServer: q, user: "local:backup", keeps: 2,
			spec:        map[string]any{"loginSecretRef": map[string]any{"name": "qumulo-credentials"}},
			credentials: map[string]any{"username": qumulo.DefaultUsername, "password": qumulo.DefaultPassword},
		},
		{
			name: "ionos", keyServer: i, keeps: 4,
			spec:        map[string]any{"tokenSecretRef": map[string]any{"name": "ionos-credentials", "key": "token"}},
			credentials: map[string]any{"token": token},
		},
		{
			name: "huawei", keyServer: h, user: h.AddUser("backup"), keeps: 2,
			spec:        map[string]any{"domainID": huawei.DefaultDomainID, "credentialsSecretRef": map[string]any{"name": "huawei-credentials"}},
			credentials: map[string]any{"access-key-id": huawei.DefaultAccessKeyID, "secret-access-key": huawei.DefaultSecretAccessKey},
		},
		{
			name: "ontap", keyServer: o, user: "backup", keeps: 1, // a rotation regenerates the key in place
			spec:        map[string]any{"svm": ontap.DefaultSVM, "credentialsSecretRef": map[string]any{"name": "ontap-credentials"}},
			credentials: map[string]any{"username": ontap.DefaultUsername, "password": ontap.DefaultPassword},
		},
	}
}

// manifests returns the objects of a service: the credentials, the KeyService and the AccessKey, which all have its name.
func (s *service) manifests(t *testing.T, dataPlane *s3.Server) []map[string]any {
	t.Helper()
	server, err := simulator.Serve(s)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	s.spec["url"] = server.URL
	metadata := func(name string) map[string]any { return map[string]any{"name": name, "namespace": namespace} }
	accessKey := map[string]any{"serviceRef": map[string]any{"name": s.name}, "ttl": "720h", "renewBefore": "240h"}
	if s.user != "" {
		accessKey["user"] = s.user
	}
	return []map[string]any{
		{"apiVersion": "v1", "kind": "Secret", "metadata": metadata(s.name + "-credentials"), "stringData": s.credentials},
		{"apiVersion": "accesskey.dev/v1alpha1", "kind": "KeyService", "metadata": metadata(s.name), "spec": map[string]any{
			s.name: s.spec, "tls": map[string]any{"caBundle": string(server.CA) + string(dataPlane.CA)},
			"s3": map[string]any{"endpoint": dataPlane.Endpoint, "region": s3.Region},
		}},
		{"apiVersion": "accesskey.dev/v1alpha1", "kind": "AccessKey", "metadata": metadata(s.name), "spec": accessKey},
	}
}
