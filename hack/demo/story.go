// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"accesskey.dev/operator/api/v1alpha1"
)

var name = types.NamespacedName{Namespace: "default", Name: "backup"}

// tell goes through the life of a key.
func (d *demo) tell(ctx context.Context) error {
	fmt.Println()
	if err := d.apply(ctx); err != nil {
		return err
	}
	d.say("applied: kubectl apply -f config/samples/qumulo.yaml (with ttl 1m and renewBefore 25s, to see a whole life)")
	first, err := d.issued(ctx, "")
	if err != nil {
		return err
	}
	second, err := d.issued(ctx, first.pair.id)
	if err != nil {
		return err
	}
	d.overlap(first, second)
	if err := d.show(ctx); err != nil {
		return err
	}
	if err := d.revoked(ctx, first, second); err != nil {
		return err
	}
	if err := d.deleted(ctx); err != nil {
		return err
	}
	return d.summary()
}

// pair is a published pair; state is the AccessKey that goes with it.
type pair struct{ id, secret string }

type published struct {
	pair  pair
	state *v1alpha1.AccessKey
}

// issued waits until the Secret holds a pair other than the one named.
func (d *demo) issued(ctx context.Context, not string) (published, error) {
	p := published{state: &v1alpha1.AccessKey{}}
	err := d.until(ctx, func() (bool, error) {
		if err := d.client.Get(ctx, name, p.state); err != nil {
			return false, err
		}
		return meta.IsStatusConditionTrue(p.state.Status.Conditions, v1alpha1.ConditionReady) && p.state.Status.AccessKeyID != not, nil
	})
	if err != nil {
		return p, fmt.Errorf("waiting for a key: %w (conditions: %v)", err, p.state.Status.Conditions)
	}
	secret := &corev1.Secret{}
	if err := d.client.Get(ctx, name, secret); err != nil {
		return p, err
	}
	p.pair = pair{string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey])}
	verb := "key made"
	if not != "" {
		verb = "rotated"
	}
	d.say("%s: %s of user %s, works at the service: %t", verb, p.pair.id, user, d.service.Valid(p.pair.id, p.pair.secret))
	d.say("Secret %s written: AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_ENDPOINT_URL_S3=%s AWS_REGION=%s",
		secret.Name, p.pair.id, strings.Repeat("*", len(p.pair.secret)), secret.Data[v1alpha1.SecretKeyEndpoint], secret.Data[v1alpha1.SecretKeyRegion])
	d.say("status: expires %s, renews %s", clockTime(p.state.Status.ExpiresAt.Time), clockTime(p.state.Status.RenewalTime.Time))
	return p, nil
}

// overlap shows that old and new both work.
func (d *demo) overlap(first, second published) {
	for _, previous := range second.state.Status.PreviousKeys {
		d.say("overlap: %s still works: %t; it will be revoked at %s",
			previous.AccessKeyID, d.service.Valid(first.pair.id, first.pair.secret), clockTime(previous.RevokeAt.Time))
	}
}

// show is what a user sees.
func (d *demo) show(ctx context.Context) error {
	table, err := d.cluster.Kubectl(ctx, nil, "get", "accesskeys,keyservices")
	if err != nil {
		return err
	}
	d.say("kubectl get accesskeys,keyservices\n\n%s", indent(table))
	return nil
}

// revoked waits until the old key no longer works.
func (d *demo) revoked(ctx context.Context, first, second published) error {
	err := d.until(ctx, func() (bool, error) { return !d.service.Valid(first.pair.id, first.pair.secret), nil })
	if err != nil {
		return fmt.Errorf("waiting for %s to be revoked: %w", first.pair.id, err)
	}
	d.say("old key revoked: %s no longer works, at most its ttl of 1m after it was made", first.pair.id)
	current := &corev1.Secret{}
	if err := d.client.Get(ctx, name, current); err != nil {
		return err
	}
	id, secret := string(current.Data[v1alpha1.SecretKeyAccessKeyID]), string(current.Data[v1alpha1.SecretKeySecretAccessKey])
	d.say("Secret %s holds %s (the one before was %s), works: %t", current.Name, id, second.pair.id, d.service.Valid(id, secret))
	return nil
}

// deleted deletes the AccessKey and the service, in the order that would lose the credentials.
func (d *demo) deleted(ctx context.Context) error {
	events, err := d.cluster.Kubectl(ctx, nil, "get", "events.events.k8s.io", "--field-selector=regarding.kind=AccessKey",
		"-o=custom-columns=TYPE:.type,REASON:.reason,NOTE:.note", "--no-headers")
	if err != nil {
		return err
	}
	d.say("events of the AccessKey\n\n%s", indent(events))
	if _, err := d.cluster.Kubectl(ctx, nil, "delete", "-f", "config/samples/qumulo.yaml", "--wait=false"); err != nil {
		return err
	}
	d.say("deleted: kubectl delete -f config/samples/qumulo.yaml (the credentials first, as it happens)")
	for _, object := range []string{"accesskey/backup", "keyservice/qumulo", "secret/qumulo-admin", "secret/backup"} {
		err := d.until(ctx, func() (bool, error) {
			_, err := d.cluster.Kubectl(ctx, nil, "get", object, "-o=name")
			return err != nil && strings.Contains(err.Error(), "NotFound"), nil
		})
		if err != nil {
			return fmt.Errorf("waiting for %s to go: %w", object, err)
		}
	}
	d.say("gone: the AccessKey, its Secret, the KeyService and its credentials")
	return nil
}

func (d *demo) summary() error {
	left := d.service.Keys(user)
	fmt.Printf("\nSummary: %d keys were made at the service, %d are left.\n\n", len(d.service.History()), len(left))
	for _, p := range d.service.History() {
		fmt.Printf("  %s  made %s  revoked %s  (lived %s)\n", p.AccessKeyID, clockTime(p.CreatedAt), clockTime(p.DeletedAt), p.DeletedAt.Sub(p.CreatedAt).Round(time.Second))
	}
	fmt.Printf("\nThe demo took %.0f s.\n", time.Since(d.start).Seconds())
	if len(left) > 0 {
		return fmt.Errorf("%d keys are left at the service", len(left))
	}
	return nil
}

// until asks again and again. Not found is not yet.
func (d *demo) until(ctx context.Context, condition func() (bool, error)) error {
	return wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(context.Context) (bool, error) {
		done, err := condition()
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return done, err
	})
}

func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}
