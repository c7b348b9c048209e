// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"accesskey.dev/operator/api/v1alpha1"
)

// interrupted watches through connections that end after these events, and returns the versions from which they began.
func interrupted(t *testing.T, s *session, show func(...entry) error, connections ...any) (versions []string, err error) {
	t.Helper()
	c := interceptor.NewClient(fake.NewClientBuilder().WithScheme(newScheme()).Build(), interceptor.Funcs{
		Watch: func(_ context.Context, _ client.WithWatch, _ client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
			begun := (&client.ListOptions{}).ApplyOptions(options)
			versions = append(versions, begun.Raw.ResourceVersion)
			next := connections[0]
			connections = connections[1:]
			if err, failed := next.(error); failed {
				return nil, err
			}
			events := next.([]watch.Event)
			connection := watch.NewFakeWithChanSize(len(events), false)
			for _, event := range events {
				connection.Action(event.Type, event.Object)
			}
			connection.Stop()
			return connection, nil
		},
	})
	err = s.watch(t.Context(), c, &v1alpha1.AccessKeyList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}, &listOptions{allNamespaces: true}, show)
	return versions, err
}

// TestAWatchGoesOnWhereItWasInterrupted: it reports each interruption once, and ends if the API server cannot go on.
func TestAWatchGoesOnWhereItWasInterrupted(t *testing.T) {
	changed := func(version string) watch.Event {
		return watch.Event{Type: watch.Modified, Object: issued(func(ak *v1alpha1.AccessKey) { ak.ResourceVersion = version })}
	}
	refused := errors.New("connection refused")
	tooOld := watch.Event{Type: watch.Error, Object: &metav1.Status{Code: http.StatusGone, Reason: metav1.StatusReasonExpired, Message: "too old resource version"}}
	synctest.Test(t, func(t *testing.T) {
		var errOut bytes.Buffer
		s := &session{IOStreams: genericiooptions.IOStreams{ErrOut: &errOut}, config: genericclioptions.NewConfigFlags(false), clock: clocktesting.NewFakeClock(noon)}
		shown := 0
		show := func(entries ...entry) error { shown += len(entries); return nil }
		versions, err := interrupted(t, s, show, []watch.Event{changed("2"), changed("3")}, refused, refused, []watch.Event{changed("4")}, []watch.Event{tooOld})
		if got := strings.Join(versions, " "); got != "1 3 3 3 4" || shown != 3 {
			t.Errorf("began at %s, and showed %d", got, shown)
		}
		if err == nil || !strings.Contains(err.Error(), "the watch ended: too old resource version") {
			t.Errorf("got %v", err)
		}
		if want := "the watch was interrupted, and is tried again: connection refused\n"; errOut.String() != want {
			t.Errorf("got %q", &errOut)
		}
	})
}
