// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"cmp"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

var (
	serviceReady = describe("keyservice_ready_status",
		"1 for the status that the condition Ready of the key service has (True, False or Unknown), and 0 for the two others.", "kind", "namespace", "name", "condition")
	serviceNotReady = describe("keyservice_not_ready",
		"1 while the key service is not Ready, with the reason. Otherwise no series.", "kind", "namespace", "name", "reason")
	serviceQuota = describe("keyservice_key_quota",
		"Keys that a user of the key service may have. No series if that is not limited or not known.", "kind", "namespace", "name")
	serviceUsers = describe("keyservice_users",
		"Users of the key service to whom the keys of its AccessKeys belong.", "kind", "namespace", "name")
	serviceFullUsers = describe("keyservice_full_users",
		"Those of keyservice_users who had as many keys as keyservice_key_quota allows when the keys were last listed, such as during the overlap of a rotation.",
		"kind", "namespace", "name")
	serviceKeys = describe("keyservice_keys",
		"Keys that keyservice_users had when the keys were last listed, with foreign keys. No series until then.", "kind", "namespace", "name")
)

// serviceID identifies a key service.
type serviceID struct{ kind, namespace, name string }

func idOf(service v1alpha1.GenericKeyService) serviceID {
	if service.GetNamespace() == "" {
		return serviceID{v1alpha1.KindClusterKeyService, "", service.GetName()}
	}
	return serviceID{v1alpha1.KindKeyService, service.GetNamespace(), service.GetName()}
}

// usersOf has the users of the AccessKeys of each key service, and room to count their keys.
type usersOf map[serviceID]map[string]int

func (u usersOf) add(ak *v1alpha1.AccessKey) {
	of := serviceID{v1alpha1.KindKeyService, ak.Namespace, ak.Spec.ServiceRef.Name}
	if ak.Spec.ServiceRef.Kind == v1alpha1.KindClusterKeyService {
		of.kind, of.namespace = v1alpha1.KindClusterKeyService, ""
	}
	if u[of] == nil {
		u[of] = map[string]int{}
	}
	u[of][cmp.Or(ak.Status.UserID, ak.Spec.User)] = 0
}

// keyService exports the state of a service, and how many keys its users have and may have according to the last shared listing.
func (c *Collector) keyService(out output, found v1alpha1.GenericKeyService, users map[string]int) {
	id, quota := idOf(found), 0
	of := object{label("kind", id.kind), label("name", id.name), label("namespace", id.namespace)}
	condition := meta.FindStatusCondition(found.GetStatus().Conditions, v1alpha1.ConditionReady)
	out.condition(serviceReady, of, condition)
	if condition != nil && condition.Status != metav1.ConditionTrue {
		out.gauge(serviceNotReady, of, 1, label("reason", condition.Reason))
	}
	if limits := found.GetStatus().Limits; limits != nil {
		quota = int(limits.KeysPerUser)
	}
	out.count(serviceQuota, of, quota)
	out.gauge(serviceUsers, of, float64(len(users)))
	if !c.CountKeys(found, users) {
		return
	}
	keys, full := 0, 0
	for _, n := range users {
		keys += n
		if n >= quota {
			full++
		}
	}
	out.gauge(serviceKeys, of, float64(keys))
	if quota > 0 {
		out.gauge(serviceFullUsers, of, float64(full))
	}
}
