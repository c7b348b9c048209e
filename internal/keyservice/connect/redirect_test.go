// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"context"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/bed"
	"accesskey.dev/operator/test/services"
	"accesskey.dev/operator/test/simulator"
)

// everyService names one server as each of the services, with credentials in the Secret credentials.
func everyService(url string) map[string]v1alpha1.KeyServiceSpec {
	all := map[string]v1alpha1.KeyServiceSpec{
		"qumulo by token": {Qumulo: &v1alpha1.QumuloService{URL: url, TokenSecretRef: &v1alpha1.TokenReference{Name: "credentials", Key: "token"}}},
	}
	for _, row := range services.Kinds() {
		var spec v1alpha1.KeyServiceSpec
		row.Spec(&spec, url, "credentials")
		all[row.Kind] = spec
	}
	return all
}

// TestNoCredentialFollowsARedirect checks that no header, signature or password in a body goes to another server or port, or
// from TLS to plain HTTP.
func TestNoCredentialFollowsARedirect(t *testing.T) {
	material := secrets{namespace: "team-a", byName: map[string]*corev1.Secret{"credentials": secret("team-a", "credentials",
		"token", "t", "username", "u", "password", "p", "access-key-id", "A", "secret-access-key", "s")}}
	for _, status := range []int{301, 302, 303, 307, 308} {
		here, elsewhere := simulator.NewCore(nil), simulator.NewCore(nil)
		server, other := bed.Serve(t, here), bed.Serve(t, elsewhere)
		here.Inject(simulator.Rule{}, simulator.Answer(status, http.Header{"Location": {other.URL + "/v1/session/login"}}, ""))
		for name, spec := range everyService(server.URL) {
			// One CA for both, so that nothing but the client's own will keeps it from going on.
			spec.TLS = &v1alpha1.TLS{CABundle: string(server.CA) + string(other.CA)}
			spec.RateLimit = v1alpha1.RateLimit{QPS: 1000, Burst: 1000}
			service, _, err := connect(&spec, material, endpoint{clock: clock.RealClock{}})
			if err != nil {
				t.Fatal(err)
			}
			for operation, err := range everyOperation(t.Context(), service, spec.IONOS == nil) {
				if !stopsAtRedirect(err) {
					t.Errorf("%d, %s, %s: %v", status, name, operation, err)
				}
			}
		}
		if calls := elsewhere.Calls(); len(calls) != 0 {
			t.Errorf("%d: went elsewhere: %v", status, calls)
		}
		if calls := here.Calls()[simulator.Unmatched]; calls < len(everyService("")) {
			t.Errorf("%d: %d requests only, so this shows little", status, calls)
		}
	}
}

// stopsAtRedirect reports whether an operation ended as one may that was redirected and did not go on.
func stopsAtRedirect(err error) bool {
	switch keyservice.KindOf(err) {
	case keyservice.Unavailable, keyservice.Invalid, keyservice.Unauthorized:
		return err != nil
	default:
		return false
	}
}

// everyOperation of a service, and the error that each ended with.
func everyOperation(ctx context.Context, service keyservice.Service, namesUsers bool) map[string]error {
	user := ""
	if namesUsers {
		user = "alice"
	}
	errs := map[string]error{}
	_, errs["list"] = service.List(ctx, user)
	owner := keyservice.Owner{UID: "11111111-aaaa-4aaa-8aaa-111111111111", Namespace: "team-a", Name: "backup"}
	request := keyservice.CreateRequest{Owner: owner}
	if chooser, ok := service.(keyservice.HandleChooser); ok {
		request.ID = chooser.ChooseID(user, owner, 1, nil)
	}
	_, errs["create"] = service.Create(ctx, user, request)
	errs["delete"] = service.Delete(ctx, user, "alice")
	if prober, ok := service.(keyservice.Prober); ok {
		_, errs["probe"] = prober.Probe(ctx)
	}
	if lister, ok := service.(keyservice.AllLister); ok {
		_, errs["list everything"] = lister.ListAll(ctx)
	}
	if regenerator, ok := service.(keyservice.Regenerator); ok {
		_, errs["regenerate"] = regenerator.Regenerate(ctx, user, "alice", time.Hour)
	}
	if disabler, ok := service.(keyservice.Disabler); ok {
		errs["disable"] = disabler.Disable(ctx, user, "alice")
	}
	return errs
}
