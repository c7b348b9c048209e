// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
)

// faults are what no answer of the planner may be, in the order: reading, reporting, keys, operations, Secrets.
var faults = []struct {
	name string
	in   func(Input, Action) bool
}{
	{"an irreversible action for an input that was not read live", func(in Input, action Action) bool { return !in.Live && irreversible(action.Verb) }},
	{"a live read of a live input", func(in Input, action Action) bool { return in.Live && action.Verb == ReadLive }},
	{"a suspended AccessKey starts something", func(in Input, action Action) bool {
		return in.AccessKey.Suspended() && in.AccessKey.DeletionTimestamp == nil && in.AccessKey.Status.Intent == nil &&
			!slices.Contains([]Verb{Wait, Stall, ReadLive, Revoke, Disable, Enable, Forget, AddFinalizer, Verify}, action.Verb)
	}},
	{"anything is done for an AccessKey with a key before it has the finalizer", func(in Input, action Action) bool {
		return in.AccessKey.Status.KeyID != "" && !in.hasFinalizer() && !in.deleting() && action.Verb != AddFinalizer
	}},

	{"the next step is in the past", func(in Input, action Action) bool {
		return !action.Until.IsZero() && !action.Until.After(in.Now)
	}},
	{"a stalled AccessKey without a reason or advice", func(_ Input, action Action) bool {
		return action.Verb == Stall && (action.Reason == "" || action.Detail == "")
	}},
	{"Ready is true although the Secret does not hold the recorded pair", func(in Input, _ Action) bool {
		return isReady(in) && in.Secret.State != SecretUnverified && !holdsCurrentPair(in)
	}},
	{"Ready is true although the service does not list the recorded pair as one that works", func(in Input, _ Action) bool {
		return isReady(in) && !slices.ContainsFunc(in.Keys, func(key Key) bool {
			pair := keyservice.Key{ID: in.AccessKey.Status.KeyID, AccessKeyID: in.AccessKey.Status.AccessKeyID}
			return key.SamePair(pair) && slices.Contains([]keyservice.State{"", keyservice.Active, keyservice.Pending}, key.State)
		})
	}},
	{"an AccessKey waits for its schedule although it is not ready", func(in Input, action Action) bool {
		return in.Live && action.Verb == Wait && action.Reason == "" && !isReady(in)
	}},
	{"a pair is restored although Ready is true", func(in Input, action Action) bool {
		return in.Live && action.Reason == v1alpha1.ReasonRestoring && isReady(in)
	}},

	{"a key that the service does not list is touched", func(in Input, action Action) bool {
		return touches(action) && keyOf(in, action) == nil
	}},
	{"a foreign key is touched", func(in Input, action Action) bool {
		if !touches(action) || recorded(in, action.KeyID) || waits(in, action.KeyID) {
			return false
		}
		key, intent := keyOf(in, action), in.AccessKey.Status.Intent
		if key.OwnerUID != "" {
			return key.OwnerUID != string(uid)
		}
		return key.Claimed || intent == nil || slices.Contains(intent.KnownKeyIDs, key.ID)
	}},
	{"a key that is being deleted is touched", func(in Input, action Action) bool {
		return slices.Contains([]Verb{Regenerate, Revoke, Disable, Enable, Promote}, action.Verb) && keyOf(in, action).State == keyservice.Deleting
	}},
	{"a working published pair is revoked, and not to replace it", func(in Input, action Action) bool {
		if !touches(action) || !in.published(action.KeyID) || !in.listsRecorded(action.KeyID) || !in.works(action.KeyID) || in.AccessKey.DeletionTimestamp != nil {
			return false
		}
		settling := in.AccessKey.Status.Intent != nil && in.AccessKey.Status.Intent.KeyID == action.KeyID
		replacing := in.Replaces() && action.KeyID == in.AccessKey.Status.KeyID
		return action.Verb == DeleteOrphan && !waits(in, action.KeyID) || action.Verb == Revoke && !replacing || action.Verb == Regenerate && !replacing && !settling
	}},
	{"a key is disabled or enabled that is no previous key", func(in Input, action Action) bool {
		return (action.Verb == Disable || action.Verb == Enable) && findPrevious(&in.AccessKey.Status, action.KeyID) == nil
	}},
	{"a key is disabled that is published, or at a service that could not enable it again", func(in Input, action Action) bool {
		begins := action.Verb == Disable && QuarantineEnd(&in.AccessKey.Status, action.KeyID).IsZero()
		return action.Verb == Disable && in.published(action.KeyID) || begins && !in.Service.Quarantines
	}},
	{"a key is enabled that is not in quarantine, or that nobody asked for", func(in Input, action Action) bool {
		asked := in.AccessKey.Annotations[v1alpha1.EnableAnnotation]
		return action.Verb == Enable && (QuarantineEnd(&in.AccessKey.Status, action.KeyID).IsZero() || !strings.Contains(asked, action.KeyID))
	}},
	{"the service is asked for the last use of nothing", func(in Input, action Action) bool {
		return action.Verb == AskLastUse && len(in.AskFor()) == 0
	}},
	{"a key is revoked before its time that is not known to be idle", func(in Input, action Action) bool {
		previous := findPrevious(&in.AccessKey.Status, action.KeyID)
		if previous == nil || action.Verb != Revoke && action.Verb != Disable || action.Reason != v1alpha1.ReasonRevoking || quarantined(previous) {
			return false
		}
		use := in.Uses[action.KeyID]
		known := in.Service.TellsLastUse && use.Known && in.Now.Sub(use.LastUsedAt) >= time.Hour && in.Now.Sub(overlapBegin(previous)) >= time.Hour
		return in.Now.Before(in.revokeAt(previous)) && !known
	}},
	{"a request to enable a key is refused and granted", func(in Input, action Action) bool {
		value, _ := in.EnableRefusal()
		return action.Verb == Enable && value != ""
	}},
	{"an unrecorded key is revoked, or a recorded one deleted as an orphan", func(in Input, action Action) bool {
		return action.Verb == Revoke && !recorded(in, action.KeyID) || action.Verb == DeleteOrphan && recorded(in, action.KeyID) && !waits(in, action.KeyID)
	}},
	{"a key is regenerated that the service cannot regenerate", func(in Input, action Action) bool {
		return action.Verb == Regenerate && (!in.Service.Regenerates || keyOf(in, action).State == keyservice.Failed)
	}},
	{"a key is regenerated that is neither the current one nor that of the intent", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		return action.Verb == Regenerate && (intent != nil && action.KeyID != intent.KeyID || intent == nil && action.KeyID != in.AccessKey.Status.KeyID)
	}},
	{"the finalizer is removed while a recorded key still exists", func(in Input, action Action) bool {
		return action.Verb == RemoveFinalizer && slices.ContainsFunc(in.AccessKey.RecordedKeyIDs(), in.listsRecorded)
	}},
	{"a key is adopted from a ClusterKeyService without the mark of this AccessKey, and without a proof", func(in Input, action Action) bool {
		return action.Verb == Adopt && !in.Service.Namespaced && slices.ContainsFunc(adoptedIDs(in), func(id string) bool { return !in.marked(id) && !in.proven(id) })
	}},
	{"a key is adopted that another AccessKey records, or that the service does not list", func(in Input, action Action) bool {
		return action.Verb == Adopt && slices.ContainsFunc(adoptedIDs(in), func(id string) bool {
			key, listed := in.find(id)
			return !listed || key.Claimed
		})
	}},
	{"a key is imported that the service does not list, that another AccessKey records, or that is of a ClusterKeyService and not proven", func(in Input, action Action) bool {
		opens := in.Service.DataPlane != "" && in.Probe.Result == yes && in.Probe.AccessKeyID == in.Import.AccessKeyID
		return action.Verb == ImportPair && (!in.Service.Namespaced && !opens || keyOf(in, action) == nil || keyOf(in, action).Claimed || !in.works(action.KeyID))
	}},
	{"a key is imported beside the keys of the AccessKey", func(in Input, action Action) bool {
		return action.Verb == ImportPair && (in.hasKeys() || in.AccessKey.Status.Revision > 0)
	}},

	{"a deleted AccessKey gets another pair", func(in Input, action Action) bool {
		return in.AccessKey.DeletionTimestamp != nil && slices.Contains([]Verb{Create, Regenerate, Promote, ImportPair}, action.Verb)
	}},
	{"a request is sent while another one can be under way", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		if intent == nil || action.Verb != Create && action.Verb != Regenerate {
			return false
		}
		mayWork := intent.KeyID != in.AccessKey.Status.KeyID && in.publishedWorks(in.Secret.Record.KeyID)
		return action.Verb == Create || mayWork && (in.Now.Sub(intent.StartedAt.Time) < 2*time.Minute || in.Now.Sub(in.Started) < 2*time.Minute)
	}},
	{"an operation is settled for good although an earlier request of it can be under way", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		failed := action.Verb == DeleteOrphan && keyOf(in, action).State == keyservice.Failed // the service could not make the key
		return !failed && in.Service.Regenerates && intent != nil && intent.Operation == v1alpha1.OperationRegenerate && len(intent.CandidateKeyIDs) == 0 && in.Now.Before(intent.LateUntil.Time) &&
			slices.Contains([]Verb{ClearIntent, DeleteOrphan, Revoke}, action.Verb) && action.Reason != v1alpha1.ReasonRevoking && !waits(in, action.KeyID)
	}},
	{"a reused ID is changed while a request of another AccessKey can be under way", func(in Input, action Action) bool {
		return in.Service.ReusesIDs && in.Now.Before(in.UserBusyUntil) && touches(action)
	}},
	{"a reused ID is used, or forgotten, while a deletion of it can be carried out", func(in Input, action Action) bool {
		intent := in.AccessKey.Status.Intent
		return intent != nil && intent.Operation == v1alpha1.OperationRevoke &&
			slices.Contains([]Verb{Create, Regenerate, Promote, RecordPublished, RemoveFinalizer, Adopt}, action.Verb)
	}},
	{"a pair is promoted that does not wait or does not work", func(in Input, action Action) bool {
		return action.Verb == Promote && (in.AccessKey.Status.Intent == nil || in.Next.State != SecretIntact || in.Next.Record.KeyID != action.KeyID ||
			!slices.Contains([]keyservice.State{"", keyservice.Active}, keyOf(in, action).State))
	}},

	{"a foreign Secret is written", func(in Input, action Action) bool {
		return in.Secret.State == SecretForeign && (action.Verb == ImportPair && !in.Import.TakesOver ||
			slices.Contains([]Verb{Create, Regenerate, Promote, RecordPublished, Adopt, UpdateSecret, Move}, action.Verb))
	}},
	{"an abandoned Secret is written that carries the record of another AccessKey, service or user", func(in Input, action Action) bool {
		record := in.Secret.Record
		ours := record.Namespace == "team-a" && record.Name == "backup" && record.Service == identity && record.User == userID
		return in.Secret.Adoptable && !ours && slices.Contains([]Verb{Create, Regenerate, Promote, RecordPublished, Adopt, UpdateSecret, Move}, action.Verb)
	}},
	{"a pair moves that does not work, or from a Secret that does not hold it", func(in Input, action Action) bool {
		return action.Verb == Move && (!in.currentWorks() || in.Former.State != SecretIntact && !in.Secret.Copy)
	}},
	{"a compromised key is not replaced although nothing keeps it from that", func(in Input, action Action) bool {
		return in.Live && action.Verb == Wait && action.Reason == "" && in.compromised(in.AccessKey.Status.KeyID)
	}},
	{"a pair is published, or given up for another one, although the Secret cannot be rendered", func(in Input, action Action) bool {
		gives := action.Verb == Revoke && action.Reason != v1alpha1.ReasonRevoking && in.AccessKey.DeletionTimestamp == nil && action.KeyID == in.AccessKey.Status.KeyID
		return in.TemplateProblem != "" && (gives || slices.Contains([]Verb{Create, Regenerate, Promote, PublishHeld, UpdateSecret, ImportPair}, action.Verb))
	}},
	{"a next Secret is deleted that the AccessKey does not control", func(in Input, action Action) bool {
		return action.Verb == DropNext && (in.Next.State == SecretForeign || in.Next.Adoptable && !in.MayTakeOver(in.Next))
	}},
}

func isReady(in Input) bool { return Ready(in, "").Status == metav1.ConditionTrue }

// holdsCurrentPair reports whether the Secret holds the pair that the status records as the current one.
func holdsCurrentPair(in Input) bool {
	status, record := &in.AccessKey.Status, in.Secret.Record
	return in.Secret.State == SecretIntact && status.KeyID != "" && record.KeyID == status.KeyID && record.AccessKeyID == status.AccessKeyID &&
		record.IssuedAt.Equal(&status.IssuedAt)
}

func adoptedIDs(in Input) (ids []string) {
	adopted := in.Adopted()
	if adopted.KeyID != "" {
		ids = append(ids, adopted.KeyID)
	}
	for _, previous := range adopted.PreviousKeys {
		ids = append(ids, previous.KeyID)
	}
	return ids
}

// touches reports whether the action changes a key or its pair.
func touches(action Action) bool {
	return slices.Contains([]Verb{Revoke, Disable, Enable, DeleteOrphan, Regenerate}, action.Verb)
}

func recorded(in Input, id string) bool { return slices.Contains(in.AccessKey.RecordedKeyIDs(), id) }

// waits reports whether the result of the open intent, a pair of this key, waits in the next Secret.
func waits(in Input, id string) bool {
	intent := in.AccessKey.Status.Intent
	return intent != nil && in.Next.State == SecretIntact && in.Next.Record.KeyID == id && in.Next.Record.Revision == intent.Revision
}

func keyOf(in Input, action Action) *Key {
	i := slices.IndexFunc(in.Keys, func(key Key) bool { return key.ID == action.KeyID })
	if i < 0 {
		return nil
	}
	return &in.Keys[i]
}
