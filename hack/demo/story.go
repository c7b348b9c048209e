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
	"k8s.io/apimachinery/pkg/util/wait"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// tell goes through the life of a key at all services, side by side.
func (d *demo) tell(ctx context.Context) error {
	fmt.Println()
	for _, s := range d.services {
		if err := d.apply(ctx, s); err != nil {
			return err
		}
		d.say("applied: kubectl apply -n %s -f %s (with ttl 1m and renewBefore 25s, to see a whole life)", s.name, s.sample())
	}
	first, err := d.eachIssued(ctx, make([]published, len(d.services)))
	if err != nil {
		return err
	}
	second, err := d.eachIssued(ctx, first)
	if err != nil {
		return err
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	for i, s := range d.services {
		if err := d.revoked(ctx, s, first[i], second[i]); err != nil {
			return err
		}
	}
	if err := d.deleted(ctx); err != nil {
		return err
	}
	return d.summary(ctx)
}

// published is a pair in a Secret, and the AccessKey that goes with it.
type published struct {
	id, secret string
	state      *v1alpha1.AccessKey
}

func (d *demo) eachIssued(ctx context.Context, before []published) ([]published, error) {
	now := make([]published, 0, len(d.services))
	for i, s := range d.services {
		p, err := d.issued(ctx, s, before[i])
		if err != nil {
			return nil, err
		}
		now = append(now, p)
	}
	return now, nil
}

// issued waits until the Secret holds another pair than before.
func (d *demo) issued(ctx context.Context, s service, before published) (published, error) {
	p := published{state: &v1alpha1.AccessKey{}}
	err := d.until(ctx, func() (bool, error) {
		if err := d.client.Get(ctx, s.accessKey(), p.state); err != nil {
			return false, err
		}
		return meta.IsStatusConditionTrue(p.state.Status.Conditions, v1alpha1.ConditionReady) && p.state.Status.AccessKeyID != before.id, nil
	})
	if err != nil {
		return p, fmt.Errorf("waiting for a key of %s: %w (conditions: %v)", s.name, err, p.state.Status.Conditions)
	}
	secret := &corev1.Secret{}
	if err := d.client.Get(ctx, s.accessKey(), secret); err != nil {
		return p, err
	}
	p.id, p.secret = string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey])
	if err := d.tellIssued(ctx, s, before, p); err != nil {
		return p, err
	}
	d.say("%s: Secret written: AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_ENDPOINT_URL_S3=%s AWS_REGION=%s", s.name,
		short(p.id), strings.Repeat("*", 8), secret.Data[v1alpha1.SecretKeyEndpoint], secret.Data[v1alpha1.SecretKeyRegion])
	return p, nil
}

// tellIssued asks the service which of the pairs works.
func (d *demo) tellIssued(ctx context.Context, s service, before, now published) error {
	works, err := d.simulators.Valid(ctx, now.id, now.secret)
	if err != nil {
		return err
	}
	if before.id == "" {
		d.say("%s: key made, and works at the service: %t", s.name, works)
		return nil
	}
	oldWorks, err := d.simulators.Valid(ctx, before.id, before.secret)
	d.say("%s: rotated; the new key works: %t, the old one: %t%s", s.name, works, oldWorks, overlap(now.state))
	return err
}

// overlap says until when the old key works.
func overlap(ak *v1alpha1.AccessKey) string {
	if len(ak.Status.PreviousKeys) == 0 {
		return " (this service holds one key per user, so it was renewed in place)"
	}
	return " (until " + clockTime(ak.Status.PreviousKeys[0].RevokeAt.Time) + ")"
}

// show is what a user sees.
func (d *demo) show(ctx context.Context) error {
	table, err := d.cluster.Kubectl(ctx, nil, "get", "accesskeys,keyservices", "--all-namespaces")
	if err != nil {
		return err
	}
	d.say("kubectl get accesskeys,keyservices --all-namespaces\n\n%s", indent(table))
	return nil
}

// revoked waits until the old key no longer works.
func (d *demo) revoked(ctx context.Context, s service, first, second published) error {
	err := d.until(ctx, func() (bool, error) {
		works, err := d.simulators.Valid(ctx, first.id, first.secret)
		return !works, err
	})
	if err != nil {
		return fmt.Errorf("waiting for %s to be revoked: %w", first.id, err)
	}
	works, err := d.simulators.Valid(ctx, second.id, second.secret)
	d.say("%s: the old key %s works no more; %s works: %t", s.name, short(first.id), short(second.id), works)
	return err
}

// deleted deletes each set, in the order that would lose the credentials.
func (d *demo) deleted(ctx context.Context) error {
	events, err := d.cluster.Kubectl(ctx, nil, "get", "events.events.k8s.io", "--namespace=qumulo", "--field-selector=regarding.kind=AccessKey",
		"-o=custom-columns=TYPE:.type,REASON:.reason,NOTE:.note", "--no-headers")
	if err != nil {
		return err
	}
	d.say("events of the AccessKey in namespace qumulo\n\n%s", indent(events))
	for _, s := range d.services {
		if _, err := d.cluster.Kubectl(ctx, nil, "delete", "--namespace="+s.name, "-f", s.sample(), "--wait=false"); err != nil {
			return err
		}
		d.say("deleted: kubectl delete -n %s -f %s (the credentials first, as it happens)", s.name, s.sample())
	}
	for _, s := range d.services {
		err := d.until(ctx, func() (bool, error) {
			left, err := d.cluster.Kubectl(ctx, nil, "get", "accesskeys,keyservices,secrets", "--namespace="+s.name, "-o=name")
			return strings.TrimPrefix(strings.TrimSpace(left), "secret/"+s.authority()) == "", err
		})
		if err != nil {
			return fmt.Errorf("waiting for everything in %s to go: %w", s.name, err)
		}
		d.say("%s: gone are the AccessKey, its Secret, the KeyService and its credentials", s.name)
	}
	return nil
}

// summary is what the admin endpoint of the simulators knows.
func (d *demo) summary(ctx context.Context) error {
	keys, err := d.simulators.Keys(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nSummary: what became of every key that was made (%s/keys)\n\n", d.simulators.URL)
	left := 0
	for _, key := range keys {
		if key.CreatedBy == simulator.Person {
			continue
		}
		end := fmt.Sprintf("revoked %s  (lived %s)", clockTime(key.DeletedAt), key.DeletedAt.Sub(key.CreatedAt).Round(time.Second))
		if key.Live() {
			left, end = left+1, "is left"
		}
		fmt.Printf("  %-7s %s  made %s  %s\n", key.Service, short(key.AccessKeyID), clockTime(key.CreatedAt), end)
	}
	fmt.Printf("\n%d keys are left at the services. The demo took %.0f s.\n", left, time.Since(d.start).Seconds())
	if left > 0 {
		return fmt.Errorf("%d keys are left", left)
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

// short cuts the 92 characters of an IONOS key.
func short(id string) string {
	const most = 40
	if len(id) <= most {
		return id
	}
	return id[:16] + "…"
}

func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}
