// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
)

// ready returns an error unless an AccessKey is ready, was rotated at least so often, and needs nobody.
func (s *story) ready(name string, rotations int64) error {
	ak, err := s.accessKey(name)
	if err != nil {
		return err
	}
	status := ak.Status
	if stalled := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled); stalled != nil {
		return fmt.Errorf("it is stalled: %s: %s", stalled.Reason, stalled.Message)
	}
	if !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) || status.Revision-1 < rotations || status.Intent != nil {
		return fmt.Errorf("it was rotated %d times, and its conditions are %s", status.Revision-1, conditions(ak))
	}
	return nil
}

func conditions(ak *v1alpha1.AccessKey) string {
	var all []string
	for _, c := range ak.Status.Conditions {
		all = append(all, fmt.Sprintf("%s=%s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(all, ", ")
}

// consumed waits until the S3 server has answered the application with the current pair of its AccessKey.
func (s *story) consumed(name string) {
	s.t.Helper()
	s.until("the application to use the current pair of AccessKey "+name, 90*time.Second, func() error {
		ak, err := s.accessKey(name)
		if err == nil && !slices.Contains(s.reports.Counts(name).Keys, ak.Status.AccessKeyID) {
			err = fmt.Errorf("it has not used %s", short(ak.Status.AccessKeyID))
		}
		return err
	})
}

// noKeysLeft fails the test if a key that the operator created still works.
func (s *story) noKeysLeft() {
	s.t.Helper()
	s.until("all keys of the operator to be revoked", 30*time.Second, func() error {
		keys, err := s.admin.Keys(s.ctx)
		for _, key := range keys {
			if key.CreatedBy != simulator.Person && key.Live() {
				err = errors.Join(err, fmt.Errorf("%s still has key %s", key.Service, short(key.AccessKeyID)))
			}
		}
		return err
	})
}

// noFinalizersLeft fails the test if an object still has a finalizer of the operator.
func (s *story) noFinalizersLeft() {
	s.t.Helper()
	var objects struct {
		Items []struct {
			Kind     string
			Metadata struct {
				Namespace, Name string
				Finalizers      []string
			}
		}
	}
	kinds := "secrets,configmaps,rolebindings,namespaces"
	if s.gone("crd", "accesskeys.accesskey.dev") != nil {
		kinds += ",accesskeys,keyservices,clusterkeyservices"
	}
	s.must(json.Unmarshal([]byte(s.kubectl("get", kinds, "-A", "-o=json")), &objects))
	for _, object := range objects.Items {
		for _, finalizer := range object.Metadata.Finalizers {
			if strings.HasPrefix(finalizer, v1alpha1.GroupVersion.Group) {
				s.t.Errorf("%s %s/%s still has the finalizer %s", object.Kind, object.Metadata.Namespace, object.Metadata.Name, finalizer)
			}
		}
	}
}
