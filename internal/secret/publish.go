// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"fmt"
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

// Publish writes a Secret over the one that was read, or creates it if current is nil. It never writes over a Secret of
// somebody else. It returns the resourceVersion of what it wrote.
func (s Store) Publish(ctx context.Context, ak *v1alpha1.AccessKey, name string, current *corev1.Secret, content Content) (version string, err error) {
	p := publishing{Store: s, ak: ak, name: name, content: content, current: current}
	ended := wait.ExponentialBackoffWithContext(ctx, publishAttempts, func(ctx context.Context) (bool, error) {
		version, err = p.attempt(ctx)
		return err == nil || Refused(err), nil
	})
	if err == nil && ended != nil { // the context had ended before the first attempt
		err = fmt.Errorf("writing Secret %s: %w", name, ended)
	}
	redact := keyservice.NewRedactor(keyservice.Secret(content.Data[v1alpha1.SecretKeySecretAccessKey]))
	return version, redact.Error(err)
}

// publishing is the attempts to write one Secret.
type publishing struct {
	Store
	ak      *v1alpha1.AccessKey
	name    string
	content Content
	// current is the Secret as it was last read; nil if there is none.
	current *corev1.Secret
	// lost reports that the answer to an attempt was lost, so that the write may have been carried out.
	lost bool
}

// attempt writes the Secret, or finds out that an earlier attempt has written it. A refusal that follows a lost answer is none.
func (p *publishing) attempt(ctx context.Context) (version string, err error) {
	if p.current != nil && !metav1.IsControlledBy(p.current, p.ak) {
		return "", fmt.Errorf("writing Secret %s: %w", p.name, ErrForeign)
	}
	version, err = p.apply(ctx, p.ak, p.name, p.current, p.content)
	if err == nil || Refused(err) && !p.lost {
		return version, err
	}
	p.lost = p.lost || !apierrors.IsConflict(err)
	found, readErr := p.Read(ctx, p.ak.Namespace, p.name)
	if readErr != nil {
		return "", fmt.Errorf("%v; %v", err, readErr) //nolint:errorlint // not a refusal
	}
	if p.current = found; found != nil && metav1.IsControlledBy(found, p.ak) && holdsRecord(found, p.content) {
		return found.ResourceVersion, nil
	}
	return "", fmt.Errorf("%v", err) //nolint:errorlint // not a refusal: the next attempt starts from what is there now
}

// holdsRecord reports whether a Secret carries the record of a content, so that the content was written.
func holdsRecord(secret *corev1.Secret, content Content) bool {
	record, ok := recordOf(secret)
	return ok && record.Describes(content.Record)
}

// apply makes one attempt. The resourceVersion of current is a precondition.
func (s Store) apply(ctx context.Context, ak *v1alpha1.AccessKey, name string, current *corev1.Secret, content Content) (version string, err error) {
	owner := metav1.NewControllerRef(ak, v1alpha1.GroupVersion.WithKind("AccessKey"))
	wanted := corev1ac.Secret(name, ak.Namespace).
		WithResourceVersion(noVersion).WithType(content.Type).WithLabels(content.Labels).WithAnnotations(content.Annotations).WithData(content.Data).
		WithOwnerReferences(metav1ac.OwnerReference().WithAPIVersion(owner.APIVersion).WithKind(owner.Kind).WithName(owner.Name).WithUID(owner.UID).
			WithController(true).WithBlockOwnerDeletion(true))
	if current != nil {
		wanted.WithResourceVersion(current.ResourceVersion)
	}
	if err := s.Client.Apply(ctx, wanted, client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return "", fmt.Errorf("writing Secret %s: %w", name, err)
	}
	return ptr.Deref(wanted.ResourceVersion, ""), nil
}
