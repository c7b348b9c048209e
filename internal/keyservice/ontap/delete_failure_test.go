// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"net/http"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

func TestAFailedReadDeletesNothing(t *testing.T) {
	for name, effect := range map[string]simulator.Effect{
		"a proxy's 404":  simulator.Answer(404, nil, "<html>"),
		"a proxy's page": simulator.Answer(200, nil, "<html>"),
		"another user":   simulator.Answer(200, nil, `{"name":""}`),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			key := b.create(t, "backup", month)
			b.cluster.Inject(anyRead, effect)
			expectKind(t, b.Delete(t.Context(), "backup", key.ID), keyservice.Unavailable, "read user: S3 user backup: ")
			b.works(t, key, true)
		})
	}
	b := newBed(t, netapp.Options{})
	key := b.create(t, "backup", month)
	b.cluster.Inject(simulator.Rule{Path: clusterPath}, simulator.Answer(500, nil, ""))
	expectKind(t, b.Delete(t.Context(), "backup", key.ID), keyservice.Unavailable, "read version")
	b.works(t, key, true)
}

func TestAKeyThatIsUsedForSnapMirrorIsKeptAndExplained(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	b.person(t, "backup")
	key := b.create(t, "backup", month)
	b.cluster.Inject(anyPatch, problemAnswer(400, "92406080"))
	expectKind(t, b.Delete(t.Context(), "backup", key.ID), keyservice.Invalid, "SnapMirror")
}

func TestTheUserIsNotDeletedWhileItsSecondKeyIsMade(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191})
	first := b.create(t, "backup", month)
	reached, release := make(chan struct{}), make(chan struct{})
	b.cluster.Inject(anyPatch.Once(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		close(reached)
		simulator.Hang(release)(w, r, next)
	})
	done := make(chan keyservice.Credential)
	go func() {
		second, _ := b.Create(t.Context(), "backup", keyservice.CreateRequest{ID: "backup/2", Owner: other})
		done <- second
	}()
	<-reached
	// The deletion reads nothing while the create is under way.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	looks := b.cluster.Calls()[getUser]
	expectKind(t, b.Delete(ctx, "backup", first.ID), keyservice.Unavailable, "did not answer in time")
	b.calls(t, getUser, looks)
	close(release)
	second := <-done
	if err := b.Delete(t.Context(), "backup", first.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, second, true)
	b.works(t, first, false)
}

func TestAnAccountThatMayNotDeleteUsersStillRevokesKeys(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			b := newBed(t, netapp.Options{Version: version})
			key := b.create(t, "backup", month)
			b.cluster.Deny(http.MethodDelete, users)
			for range 2 {
				if err := b.Delete(t.Context(), "backup", key.ID); err != nil {
					t.Fatal(err)
				}
			}
			b.works(t, key, false)
			if b.cluster.Comment("backup") != made {
				t.Errorf("comment %q", b.cluster.Comment("backup"))
			}
			b.works(t, b.create(t, "backup", month), true)
		})
	}
}

func TestAKeyThatIsDeletedMeanwhileIsNoError(t *testing.T) {
	for name, marked := range map[string]bool{"a user": true, "a key": false} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			key := b.create(t, "backup", month)
			if !marked {
				b.cluster.SetComment("backup", "mine now")
			}
			goes := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				b.cluster.RemoveUser("backup")
				next.ServeHTTP(w, r)
			}
			b.cluster.Inject(anyDelete, goes)
			b.cluster.Inject(anyPatch, goes)
			if err := b.Delete(t.Context(), "backup", key.ID); err != nil {
				t.Error(err)
			}
		})
	}
}
