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
	"accesskey.dev/operator/test/s3"
	"accesskey.dev/operator/test/simulator"
)

// tell shows the lifecycle of a key at every service.
func (d *demo) tell(ctx context.Context) error {
	fmt.Println()
	for _, s := range d.services {
		if err := d.apply(ctx, s); err != nil {
			return err
		}
		d.say("%s: kubectl apply -n %[1]s -f %[2]s (with ttl 1m and renewBefore 25s, so that the demo is short)", s.name, s.sample())
	}
	first, err := d.eachIssued(ctx, make([]published, len(d.services)))
	if err != nil {
		return err
	}
	if _, err := d.eachIssued(ctx, first); err != nil {
		return err
	}
	if err := d.show(ctx); err != nil {
		return err
	}
	for i, s := range d.services {
		if err := d.revoked(ctx, s, first[i]); err != nil {
			return err
		}
	}
	if err := d.deleted(ctx); err != nil {
		return err
	}
	return d.summary(ctx)
}

// published is a pair in a Secret and the AccessKey that it belongs to.
type published struct {
	id, secret string
	state      *v1alpha1.AccessKey
}

// eachIssued calls issued for every service.
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

// issued waits until the Secret contains a pair other than before.
func (d *demo) issued(ctx context.Context, s service, before published) (published, error) {
	p := published{state: &v1alpha1.AccessKey{}}
	err := d.until(ctx, func() (bool, error) {
		if err := d.client.Get(ctx, s.accessKey(), p.state); err != nil {
			return false, err
		}
		return meta.IsStatusConditionTrue(p.state.Status.Conditions, v1alpha1.ConditionReady) && p.state.Status.AccessKeyID != before.id, nil
	})
	if err != nil {
		return p, fmt.Errorf("waiting for a key at %s: %w (conditions: %v)", s.name, err, p.state.Status.Conditions)
	}
	secret, err := d.read(ctx, s, &p)
	if err != nil {
		return p, err
	}
	if err := d.tellIssued(ctx, s, before, p); err != nil {
		return p, err
	}
	d.say("%s: the Secret contains AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_ENDPOINT_URL_S3=%s AWS_REGION=%s", s.name,
		short(p.id), strings.Repeat("*", 8), secret.Data[v1alpha1.SecretKeyEndpoint], secret.Data[v1alpha1.SecretKeyRegion])
	return p, nil
}

// read reads the Secret, and sets the pair to the one in it.
func (d *demo) read(ctx context.Context, s service, p *published) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := d.client.Get(ctx, s.accessKey(), secret)
	p.id, p.secret = string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey])
	return secret, err
}

// tellIssued reports which of the pairs open the S3 server. The new pair must.
func (d *demo) tellIssued(ctx context.Context, s service, before, now published) error {
	refused, answer, err := s.open(ctx, now)
	if err != nil {
		return err
	}
	if refused {
		return fmt.Errorf("%s: at the S3 server, the pair in the Secret %s", s.name, answer)
	}
	if before.id == "" {
		d.say("%s: the operator created a key; at the S3 server, its pair %s", s.name, answer)
		return nil
	}
	_, oldAnswer, err := s.open(ctx, before)
	d.say("%s: the operator rotated the key; at the S3 server, the new pair %s, the old pair %s%s", s.name, answer, oldAnswer, overlap(now.state))
	return err
}

// open lists the bucket at the S3 server with a pair, and describes the result. It reports whether the server refuses the pair.
func (s service) open(ctx context.Context, p published) (refused bool, answer string, err error) {
	objects, err := s.client.List(ctx, s3.Pair{AccessKeyID: p.id, SecretAccessKey: p.secret})
	if code := s3.Refused(err); code != "" {
		return true, "is refused with " + code, nil
	}
	return false, fmt.Sprintf("lists %d object of s3://%s", len(objects), s.s3.Bucket), err
}

// overlap explains how long the old key works.
func overlap(ak *v1alpha1.AccessKey) string {
	if len(ak.Status.PreviousKeys) == 0 {
		return " (a user has one key at this service, so the operator regenerated it in place)"
	}
	return " (until " + clockTime(ak.Status.PreviousKeys[0].RevokeAt.Time) + ")"
}

// show prints the objects as a user sees them.
func (d *demo) show(ctx context.Context) error {
	table, err := d.cluster.Kubectl(ctx, nil, "get", "accesskeys,keyservices", "--all-namespaces")
	if err != nil {
		return err
	}
	d.say("kubectl get accesskeys,keyservices --all-namespaces\n\n%s", indent(table))
	return nil
}

// revoked waits until the S3 server refuses the old pair. The pair in the Secret must work, which can be a third one by now.
func (d *demo) revoked(ctx context.Context, s service, first published) error {
	var answer string
	err := d.until(ctx, func() (refused bool, err error) {
		refused, answer, err = s.open(ctx, first)
		return refused, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the revocation of %s: %w", first.id, err)
	}
	var now published
	if _, err := d.read(ctx, s, &now); err != nil {
		return err
	}
	refused, newAnswer, err := s.open(ctx, now)
	if refused {
		err = fmt.Errorf("%s: at the S3 server, the pair in the Secret %s", s.name, newAnswer)
	}
	d.say("%s: at the S3 server, the pair of the old key %s %s, the pair in the Secret %s", s.name, short(first.id), answer, newAnswer)
	return err
}

// deleted deletes the objects of each sample. The credentials come first, and the operator must still be able to revoke the keys.
func (d *demo) deleted(ctx context.Context) error {
	events, err := d.cluster.Kubectl(ctx, nil, "get", "events.events.k8s.io", "--namespace=qumulo", "--field-selector=regarding.kind=AccessKey",
		"-o=custom-columns=TYPE:.type,REASON:.reason,NOTE:.note", "--no-headers")
	if err != nil {
		return err
	}
	d.say("events of the AccessKey in the namespace qumulo\n\n%s", indent(events))
	for _, s := range d.services {
		if _, err := d.cluster.Kubectl(ctx, nil, "delete", "--namespace="+s.name, "-f", s.sample(), "--wait=false"); err != nil {
			return err
		}
		d.say("%s: kubectl delete -n %[1]s -f %[2]s (the credentials come first in this file)", s.name, s.sample())
	}
	for _, s := range d.services {
		err := d.until(ctx, func() (bool, error) {
			left, err := d.cluster.Kubectl(ctx, nil, "get", "accesskeys,keyservices,secrets", "--namespace="+s.name, "-o=name")
			return strings.TrimPrefix(strings.TrimSpace(left), "secret/"+s.authority()) == "", err
		})
		if err != nil {
			return fmt.Errorf("waiting for the deletion of all objects in %s: %w", s.name, err)
		}
		d.say("%s: the AccessKey, its Secret, the KeyService and its credentials are deleted", s.name)
	}
	return nil
}

// summary prints every key that the operator created, as the admin endpoint of the simulators reports them.
func (d *demo) summary(ctx context.Context) error {
	keys, err := d.simulators.Keys(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nSummary of the keys that the operator created (from %s/keys)\n\n", d.simulators.URL)
	left := 0
	for _, key := range keys {
		if key.CreatedBy == simulator.Person {
			continue
		}
		end := fmt.Sprintf("revoked %s  (after %s)", clockTime(key.DeletedAt), key.DeletedAt.Sub(key.CreatedAt).Round(time.Second))
		if key.Live() {
			left, end = left+1, "not revoked"
		}
		fmt.Printf("  %-7s %s  created %s  %s\n", key.Service, short(key.AccessKeyID), clockTime(key.CreatedAt), end)
	}
	fmt.Printf("\n%d keys remain at the services. The demo took %.0f s.\n", left, time.Since(d.start).Seconds())
	if left > 0 {
		return fmt.Errorf("%d keys were not revoked", left)
	}
	return nil
}

// until polls a condition. It ignores NotFound errors, because an object may not exist yet.
func (d *demo) until(ctx context.Context, condition func() (bool, error)) error {
	return wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(context.Context) (bool, error) {
		done, err := condition()
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return done, err
	})
}

// short shortens an access key of IONOS, which has 92 characters.
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
