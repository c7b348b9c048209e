// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// newCompromisedCommand returns the command compromised.
func newCompromisedCommand(s *session) *cobra.Command {
	force := false
	command := &cobra.Command{
		Use:   "compromised NAME KEYID…",
		Short: "Replace leaked keys at once, and revoke them without an overlap",
		Long: `Replace leaked keys at once, and revoke them without an overlap. The operator revokes a published key as soon as its replacement is in
the Secret, so consumers must load the new pair at once.

KEYID is a key ID or an access key ID of the AccessKey, as kubectl accesskey status shows it. The command adds it to spec.compromisedKeyIDs.`,
		Example: `  kubectl accesskey compromised backup AKIAIOSFODNN7EXAMPLE
  kubectl accesskey compromised backup AKIAIOSFODNN7EXAMPLE --wait`,
		Args:              arguments("NAME", "KEYID…"),
		ValidArgsFunction: s.completeKeyIDs,
	}
	command.Flags().BoolVar(&force, "force", false, "Also add IDs of which the AccessKey has no key.")
	waiting := addWaiting(command, "the keys are revoked and a new pair is published")
	command.RunE = func(command *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		ak, err := s.accessKey(command.Context(), c, args[0])
		if err != nil {
			return err
		}
		if err := s.compromised(command.Context(), c, ak, args[1:], force); err != nil || !waiting.wait {
			return err
		}
		return s.wait(command.Context(), c, []v1alpha1.AccessKey{*ak}, waiting, replaced)
	}
	return command
}

// compromised adds IDs to spec.compromisedKeyIDs, and says what happens to each key.
func (s *session) compromised(ctx context.Context, c client.Client, ak *v1alpha1.AccessKey, ids []string, force bool) error {
	patch := client.MergeFromWithOptions(ak.DeepCopy(), client.MergeFromWithOptimisticLock{})
	for _, id := range ids {
		if !slices.Contains(ak.Spec.CompromisedKeyIDs, id) {
			ak.Spec.CompromisedKeyIDs = append(ak.Spec.CompromisedKeyIDs, id)
		}
	}
	unknown := slices.DeleteFunc(ak.UnknownCompromisedKeyIDs(), func(id string) bool { return !slices.Contains(ids, id) })
	if len(unknown) > 0 && !force {
		return fmt.Errorf("%s has no key %s, and had none lately; its keys are %s. Nothing was changed. To name the ID nevertheless, add --force",
			ref(ak), strings.Join(unknown, ", "), orElse(strings.Join(accessKeyIDs(ak), ", "), "not issued yet"))
	}
	if err := c.Patch(ctx, ak, patch, fieldOwner); err != nil {
		return fmt.Errorf("%s: %w", ref(ak), err)
	}
	for _, id := range ids {
		s.printf("%s: %s\n", ref(ak), consequence(ak, id))
	}
	s.warnManaged(ak, "spec.compromisedKeyIDs")
	return nil
}

// consequence says what happens to a key because spec.compromisedKeyIDs names it.
func consequence(ak *v1alpha1.AccessKey, id string) string {
	short := plan.ShortID(id)
	is := func(keyID, accessKeyID string) bool { return id == keyID || id == accessKeyID }
	switch status := &ak.Status; {
	case is(status.KeyID, status.AccessKeyID) && !ak.Compromised(status.KeyID, status.AccessKeyID):
		return short + " was named before and its pair of that time is revoked, so nothing happens; to rotate, use kubectl accesskey renew"
	case is(status.KeyID, status.AccessKeyID) && ak.Suspended():
		return short + " is the current key, and works until the AccessKey is resumed and a new pair is published"
	case is(status.KeyID, status.AccessKeyID):
		return short + " is the current key: it is replaced at once, and revoked as soon as the new pair is published"
	case slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool { return is(p.KeyID, p.AccessKeyID) }):
		return short + " is a previous key: it is revoked at once, and the current pair stays"
	case slices.ContainsFunc(status.History, func(gone v1alpha1.RevokedKey) bool { return gone.Is(id) }):
		return short + " is revoked already"
	default:
		return short + " is no key of this AccessKey, so nothing is revoked"
	}
}

// replaced tells whether no key that the status records is compromised any more.
func replaced(ak *v1alpha1.AccessKey) verdict {
	status := &ak.Status
	left := ak.Compromised(status.KeyID, status.AccessKeyID) || slices.ContainsFunc(status.PreviousKeys, func(p v1alpha1.PreviousKey) bool {
		return ak.Compromised(p.KeyID, p.AccessKeyID)
	})
	if left || status.ObservedGeneration != ak.Generation || !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) {
		return progress(ak)
	}
	return verdict{done: true, text: "no compromised key works any more; the Secret holds access key " + plan.ShortID(status.AccessKeyID)}
}

// accessKeyIDs returns the access key IDs of the current key and the previous ones.
func accessKeyIDs(ak *v1alpha1.AccessKey) (ids []string) {
	if ak.Status.AccessKeyID != "" {
		ids = append(ids, ak.Status.AccessKeyID)
	}
	for i := range ak.Status.PreviousKeys {
		ids = append(ids, ak.Status.PreviousKeys[i].AccessKeyID)
	}
	return ids
}

// completeKeyIDs completes the name of an AccessKey, and then the IDs of its keys.
func (s *session) completeKeyIDs(command *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return s.completeAccessKeys(1)(command, args, word)
	}
	c, err := s.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	ak, err := s.accessKey(command.Context(), c, args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.DeleteFunc(accessKeyIDs(ak), func(id string) bool { return slices.Contains(args, id) }), cobra.ShellCompDirectiveNoFileComp
}
