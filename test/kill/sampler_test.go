// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
	"accesskey.dev/operator/test/simulator"
)

const (
	// samplePeriod is the time between two samples.
	samplePeriod = 150 * time.Millisecond
	// patience with an API server that is down.
	patience = 5 * time.Second
	// mostFaults are reported.
	mostFaults = 20
)

// sampler reads all Secrets and AccessKeys several times a second, and compares them with the truth at the services.
type sampler struct {
	w *world

	mu sync.Mutex
	// published is the last revision seen of each subject, and the access key ID that each revision was of.
	published map[string]int64
	revisions map[string]string
	faults    []string
	// samples; pairs compared; samples that the API server did not answer; pairs that a service without overlap had ended
	// while an operation was open; pairs that were rotated between the read and the comparison.
	samples, pairs, unanswered, inPlace, overtaken int
	// known keys were the current key of an AccessKey in some sample.
	known map[string]bool
}

func newSampler(w *world) *sampler {
	return &sampler{w: w, published: map[string]int64{}, revisions: map[string]string{}, known: map[string]bool{}}
}

// run samples until ctx ends.
func (s *sampler) run(ctx context.Context) {
	ticker := time.NewTicker(samplePeriod)
	defer ticker.Stop()
	for ctx.Err() == nil {
		s.sample(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

func (s *sampler) fault(format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := fmt.Sprintf(format, arguments...); len(s.faults) < mostFaults && !slices.Contains(s.faults, text) {
		s.faults = append(s.faults, text)
		s.w.t.Errorf("%s: %s", time.Now().UTC().Format(time.TimeOnly), text)
	}
}

func (s *sampler) counted(change func(*sampler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// sample takes one sample. It lists the keys before and after the AccessKeys: a key that exists both times and is in no status
// is not recorded.
func (s *sampler) sample(ctx context.Context) {
	asked, before := s.w.clock.Now(), s.w.operatorKeys()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var secrets corev1.SecretList
	var accessKeys v1alpha1.AccessKeyList
	managed := client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	err := s.w.kube.List(limited, &secrets, client.InNamespace(namespace), managed)
	if err == nil {
		s.comparePairs(ctx, asked, secrets.Items)
		err = s.w.kube.List(limited, &accessKeys, client.InNamespace(namespace))
	}
	if err != nil {
		s.counted(func(s *sampler) { s.unanswered++ })
		return
	}
	s.compareKeys(before, byName(accessKeys.Items))
	s.counted(func(s *sampler) { s.samples++ })
}

// comparePairs asks the data plane for each pair. A Secret that existed once must exist, and hold a pair that works.
func (s *sampler) comparePairs(ctx context.Context, asked time.Time, secrets []corev1.Secret) {
	there := map[string]*corev1.Secret{}
	for i := range secrets {
		there[secrets[i].Name] = &secrets[i]
	}
	for _, it := range s.w.subjects {
		secret := there[it.name]
		if secret == nil && s.published[it.name] == 0 {
			continue // no pair was published yet
		}
		s.counted(func(s *sampler) { s.pairs++ })
		if !it.works(secret) {
			s.confirm(ctx, asked, it, secret)
		}
		if secret != nil {
			s.compareRevision(it, secret)
		}
	}
}

// works asks the service whether the pair in the Secret is valid. A nil Secret holds none.
func (s *subject) works(secret *corev1.Secret) bool {
	id, value := pairOf(secret)
	return id != "" && s.service.Valid(id, value)
}

func pairOf(secret *corev1.Secret) (id, value string) {
	if secret == nil {
		return "", ""
	}
	return string(secret.Data[v1alpha1.SecretKeyAccessKeyID]), string(secret.Data[v1alpha1.SecretKeySecretAccessKey])
}

// confirm reports a pair that does not work if it had ended before the test read it, or if it is still published. Otherwise it
// was rotated between the read and the question.
func (s *sampler) confirm(ctx context.Context, asked time.Time, it *subject, secret *corev1.Secret) {
	id, value := pairOf(secret)
	now, operating, err := s.again(ctx, it)
	switch newID, newValue := pairOf(now); {
	case err != nil:
		s.counted(func(s *sampler) { s.unanswered++ })
	case it.service.Quota == 1 && (operating || newValue != value):
		s.counted(func(s *sampler) { s.inPlace++ })
	case newID == id && newValue == value:
		s.fault("Secret %s holds %q, which does not work%s", it.name, id, it.fate(id))
	case it.endedBefore(id, asked):
		s.fault("Secret %s held %q, which had ended before it was read%s", it.name, id, it.fate(id))
	default:
		s.counted(func(s *sampler) { s.overtaken++ })
	}
}

// again reads the AccessKey and then the Secret. An operation publishes first and records afterwards, so none ends unseen in
// this order. operating: an operation is open.
func (s *sampler) again(ctx context.Context, it *subject) (secret *corev1.Secret, operating bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	accessKey := &v1alpha1.AccessKey{}
	if err := s.w.get(ctx, it, accessKey); err != nil {
		return nil, false, err
	}
	secret = &corev1.Secret{}
	err = s.w.get(ctx, it, secret)
	if apierrors.IsNotFound(err) {
		return nil, accessKey.Status.Intent != nil, nil
	}
	return secret, accessKey.Status.Intent != nil, err
}

// get retries until the API server answers.
func (w *world) get(ctx context.Context, it *subject, into client.Object) error {
	for {
		limited, cancel := context.WithTimeout(ctx, patience)
		err := w.kube.Get(limited, it.key(), into)
		cancel()
		if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
			return err
		}
		time.Sleep(samplePeriod)
	}
}

func (s *subject) endedBefore(accessKeyID string, moment time.Time) bool {
	return !slices.ContainsFunc(s.service.History(), func(pair simulator.Pair) bool {
		return pair.AccessKeyID == accessKeyID && (pair.Live() || !pair.DeletedAt.Before(moment))
	})
}

// fate describes what became of a key.
func (s *subject) fate(accessKeyID string) string {
	for _, pair := range slices.Backward(s.service.History()) {
		if pair.AccessKeyID == accessKeyID {
			return fmt.Sprintf(" (created %s, deleted %s by %s)", clockTime(pair.CreatedAt), clockTime(pair.DeletedAt), pair.DeletedBy)
		}
	}
	return ""
}

func clockTime(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

// compareRevision expects one pair for each revision, and revisions that only increase. Where a key is regenerated in place, the
// operator regenerates it once more, in the same revision, if an earlier request is carried out late (docs/architecture.md).
func (s *sampler) compareRevision(it *subject, secret *corev1.Secret) {
	var record plan.Record
	if err := json.Unmarshal([]byte(secret.Annotations[v1alpha1.RecordAnnotation]), &record); err != nil {
		s.fault("Secret %s has no record: %v", it.name, err)
		return
	}
	revision := fmt.Sprintf("%s/%d", it.name, record.Revision)
	if known, ok := s.revisions[revision]; ok && known != record.Digest && it.service.Quota > 1 {
		s.fault("revision %d of Secret %s was published with two pairs", record.Revision, it.name)
	}
	if last := s.published[it.name]; record.Revision < last {
		s.fault("Secret %s went back from revision %d to %d", it.name, last, record.Revision)
	}
	s.revisions[revision], s.published[it.name] = record.Digest, record.Revision
}

// summary describes the run in numbers. It is called when nothing runs any more.
func (s *sampler) summary(took time.Duration) string {
	created, lost := s.keysCreated()
	rotations := int64(0)
	for _, revision := range s.published {
		rotations += revision - 1
	}
	count := s.w.count
	return fmt.Sprintf(`
  %d AccessKeys at %d services, %s
  %d kills of the manager (%d starts), %d of etcd, %d of kube-apiserver, %d pauses of the leader
  %d keys created, %d rotations (%d requested); %d keys whose secret was lost in a crash
  %d samples of %d pairs (%d samples that the API server did not answer, %d pairs rotated meanwhile)
  %d samples between the end of the old pair and the new one, where a key is regenerated
  %d faults`, len(s.w.subjects), len(s.w.services), took.Round(time.Second), count.kills, count.starts, count.etcd, count.apiServer, count.pauses,
		created, rotations, count.asked, lost, s.samples, s.pairs, s.unanswered, s.overtaken, s.inPlace, len(s.faults))
}
