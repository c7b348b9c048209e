// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// noVersion is a resourceVersion that no object has, because the first revision of etcd is 1 and holds none. An apply with it
// creates the Secret, and fails with a conflict if there is one.
const noVersion = "1"

// publishAttempts are the attempts to write the Secret of a key that was just created, for almost a minute: the pair is nowhere else.
var publishAttempts = wait.Backoff{Steps: 11, Duration: 50 * time.Millisecond, Factor: 2}

// Published is what the API server made of a write.
type Published struct {
	// Version is the resourceVersion of the Secret.
	Version string
	// Changed reports whether the write changed the Secret.
	Changed bool
	// RecordRemoved reports whether an admission policy removed the record, so that a restore will not find the pair.
	RecordRemoved bool
}

// Write is one Secret to be written.
type Write struct {
	AccessKey *v1alpha1.AccessKey
	Name      string
	// Current is the Secret as it was last read; nil if there is none.
	Current *corev1.Secret
	Content Content
}

// errChanged says that an admission policy changed the pair or what was made of it, so that the Secret holds none that works.
var errChanged = errors.New("an admission policy changes the pair")

// Publish writes a Secret over the one that was read, or creates it if there was none. It never writes over a Secret of somebody
// else.
func (s Store) Publish(ctx context.Context, write Write) (published Published, err error) {
	p := publishing{Store: s, Write: write}
	ended := wait.ExponentialBackoffWithContext(ctx, publishAttempts, func(ctx context.Context) (bool, error) {
		published, err = p.attempt(ctx)
		return err == nil || Refused(err), nil
	})
	if err == nil && ended != nil { // the context had ended before the first attempt
		err = fmt.Errorf("writing Secret %s: %w", write.Name, ended)
	}
	return published, write.redact(err)
}

// Update writes a Secret around the pair that it holds, once. The error is a conflict if the Secret was changed since it was read.
func (s Store) Update(ctx context.Context, write Write) (Published, error) {
	published, err := s.apply(ctx, write)
	return published, write.redact(err)
}

// DryRun asks the API server whether it would accept a Secret. It asks once and changes nothing.
func (s Store) DryRun(ctx context.Context, write Write) error {
	_, err := s.apply(ctx, write, client.DryRunAll)
	if apierrors.IsBadRequest(err) && strings.Contains(err.Error(), "does not support dry run") {
		return nil // nobody can tell but the write itself
	}
	return write.redact(err)
}

func (w Write) redact(err error) error {
	return keyservice.NewRedactor(w.Content.pair.SecretAccessKey).Error(err)
}

// publishing is the attempts to write one Secret.
type publishing struct {
	Store
	Write
	// lost reports that the answer to an attempt was lost, so that the write may have been carried out.
	lost bool
}

// attempt writes the Secret, or finds out that an earlier attempt has written it. A refusal that follows a lost answer is none.
func (p *publishing) attempt(ctx context.Context) (Published, error) {
	published, err := p.apply(ctx, p.Write)
	if err == nil || Refused(err) && !p.lost || errors.Is(err, ErrForeign) {
		return published, err
	}
	p.lost = p.lost || !apierrors.IsConflict(err)
	found, readErr := p.Read(ctx, p.AccessKey.Namespace, p.Name)
	if readErr != nil {
		return Published{}, fmt.Errorf("%v; %v", err, readErr) //nolint:errorlint // not a refusal
	}
	if p.Current = found; found != nil && metav1.IsControlledBy(found, p.AccessKey) && holdsRecord(found, p.Content) {
		return Published{Version: found.ResourceVersion, Changed: true}, nil
	}
	return Published{}, fmt.Errorf("%v", err) //nolint:errorlint // not a refusal: the next attempt starts from what is there now
}

// holdsRecord reports whether a Secret carries the record of a content, so that the content was written.
func holdsRecord(secret *corev1.Secret, content Content) bool {
	record, ok := RecordOf(secret)
	return ok && record.Describes(content.Record)
}

// apply makes one attempt, and compares the answer with what was sent. The resourceVersion of the current Secret is a
// precondition.
func (s Store) apply(ctx context.Context, w Write, options ...client.ApplyOption) (Published, error) {
	if w.Current != nil && !metav1.IsControlledBy(w.Current, w.AccessKey) {
		return Published{}, fmt.Errorf("writing Secret %s: %w", w.Name, ErrForeign)
	}
	owner, before := controllerRef(w.AccessKey), noVersion
	if w.Current != nil {
		before = w.Current.ResourceVersion
	}
	answer := &replaced{corev1ac.Secret(w.Name, w.AccessKey.Namespace).
		WithResourceVersion(before).WithType(w.Content.Type).WithLabels(w.Content.Labels).WithAnnotations(w.Content.Annotations).WithData(w.Content.Data).
		WithOwnerReferences(metav1ac.OwnerReference().WithAPIVersion(owner.APIVersion).WithKind(owner.Kind).WithName(owner.Name).WithUID(owner.UID).
			WithController(true))}
	err := s.Client.Apply(ctx, answer, append(options, client.FieldOwner(FieldManager), client.ForceOwnership)...)
	if err != nil {
		return Published{}, fmt.Errorf("writing Secret %s: %w", w.Name, err)
	}
	if changed := w.Content.changed(answer.Data); changed != "" {
		return Published{}, fmt.Errorf("writing Secret %s: %w: the API server answers with another value of %s, so the Secret would hold no pair that works; exempt the Secret from the policy", w.Name, errChanged, changed)
	}
	version := ptr.Deref(answer.ResourceVersion, "")
	return Published{Version: version, Changed: version != before, RecordRemoved: answer.Annotations[v1alpha1.RecordAnnotation] == ""}, nil
}

// replaced is a configuration that the answer replaces. Otherwise its maps would keep what the answer does not have.
type replaced struct {
	*corev1ac.SecretApplyConfiguration
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *replaced) UnmarshalJSON(answer []byte) error {
	r.SecretApplyConfiguration = &corev1ac.SecretApplyConfiguration{}
	return json.Unmarshal(answer, r.SecretApplyConfiguration)
}

// changed returns the first data key that the API server has another value of; empty if there is none. The endpoint and the
// region may be different: a policy can know them better.
func (c Content) changed(answered map[string][]byte) string {
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		_, around := c.around[key]
		if !around && !bytes.Equal(c.Data[key], answered[key]) {
			return key
		}
	}
	return ""
}
