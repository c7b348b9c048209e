// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// service is an account at a service with one user.
type service struct {
	*services.Account

	user services.User
}

// newServices returns every service that a release knows.
func newServices(t *testing.T, known release) []*service {
	t.Helper()
	crd, err := os.ReadFile(filepath.Join(known.config, "crd", "bases", "accesskey.dev_keyservices.yaml"))
	must(t, err)
	var all []*service
	for _, row := range services.Kinds() {
		if strings.Contains(string(crd), "has(self."+row.Kind+")") {
			account := row.Open(services.Options{})
			all = append(all, &service{account, account.AddUser("backup")})
		}
	}
	return all
}

// manifests returns the objects of a service: the credentials, the KeyService and the AccessKey, which all have its name.
func (s *service) manifests(t *testing.T, dataPlane *s3.Server) []map[string]any {
	t.Helper()
	server, err := simulator.Serve(s)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() }) // the test is over
	spec := v1alpha1.KeyServiceSpec{TLS: &v1alpha1.TLS{CABundle: string(server.CA) + string(dataPlane.CA)}, S3: &v1alpha1.S3{Endpoint: dataPlane.Endpoint, Region: s3.Region}}
	s.Spec(&spec, server.URL, s.Kind+"-credentials")
	metadata := func(name string) map[string]any { return map[string]any{"name": name, "namespace": namespace} }
	accessKey := map[string]any{"serviceRef": map[string]any{"name": s.Kind}, "ttl": "720h", "renewBefore": "240h"}
	if s.user.Name != "" {
		accessKey["user"] = s.user.Name
	}
	return []map[string]any{
		{"apiVersion": "v1", "kind": "Secret", "metadata": metadata(s.Kind + "-credentials"), "stringData": s.user.Secret},
		{"apiVersion": "accesskey.dev/v1alpha1", "kind": "KeyService", "metadata": metadata(s.Kind), "spec": spec},
		{"apiVersion": "accesskey.dev/v1alpha1", "kind": "AccessKey", "metadata": metadata(s.Kind), "spec": accessKey},
	}
}
