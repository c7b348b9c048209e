// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
)

// services returns a KeyService and a ClusterKeyService with one name.
func services(status v1alpha1.KeyServiceStatus) *cache {
	return &cache{
		services: []v1alpha1.KeyService{{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "qumulo"}, Status: status}},
		cluster:  []v1alpha1.ClusterKeyService{{ObjectMeta: metav1.ObjectMeta{Name: "qumulo"}}},
	}
}

func TestAKeyServiceThatIsNotReady(t *testing.T) {
	c := leading(services(v1alpha1.KeyServiceStatus{Conditions: []metav1.Condition{condition("Ready", metav1.ConditionFalse, "Unavailable")}}))
	expectSeries(t, c, "", `
		keyservice_ready_status{condition="True",kind="KeyService",name="qumulo",namespace="team-a"} 0
		keyservice_ready_status{condition="False",kind="KeyService",name="qumulo",namespace="team-a"} 1
		keyservice_ready_status{condition="Unknown",kind="KeyService",name="qumulo",namespace="team-a"} 0
		keyservice_not_ready{kind="KeyService",name="qumulo",namespace="team-a",reason="Unavailable"} 1
		keyservice_users{kind="KeyService",name="qumulo",namespace="team-a"} 0
		keyservice_ready_status{condition="True",kind="ClusterKeyService",name="qumulo",namespace=""} 0
		keyservice_ready_status{condition="False",kind="ClusterKeyService",name="qumulo",namespace=""} 0
		keyservice_ready_status{condition="Unknown",kind="ClusterKeyService",name="qumulo",namespace=""} 1
		keyservice_users{kind="ClusterKeyService",name="qumulo",namespace=""} 0`)
}

// TestTheQuotaOfAKeyService: two AccessKeys share a user, who is full, another user is not, and two are at another service.
func TestTheQuotaOfAKeyService(t *testing.T) {
	objects := services(v1alpha1.KeyServiceStatus{
		Limits:     &v1alpha1.ServiceLimits{KeysPerUser: 2},
		Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "ServiceReachable")},
	})
	for name, userID := range map[string]string{"first": "500", "second": "500", "third": "501", "shared": "500", "gone": "502"} {
		ak := accessKey(name, v1alpha1.AccessKeyStatus{UserID: userID})
		switch name {
		case "shared":
			ak.Spec.ServiceRef.Kind = "ClusterKeyService"
		case "gone":
			ak.Spec.ServiceRef.Name = "gone"
		}
		objects.accessKeys = append(objects.accessKeys, ak)
	}
	c := leading(objects)
	c.CountKeys = func(service v1alpha1.GenericKeyService, users map[string]int) bool {
		if service.GetNamespace() == "" {
			return false // it has listed nothing yet
		}
		for _, owner := range []string{"500", "500", "501", "502", "502"} {
			if _, counted := users[owner]; counted {
				users[owner]++
			}
		}
		return true
	}
	expectSeries(t, c, "keyservice_", `
		keyservice_ready_status{condition="True",kind="KeyService",name="qumulo",namespace="team-a"} 1
		keyservice_ready_status{condition="False",kind="KeyService",name="qumulo",namespace="team-a"} 0
		keyservice_ready_status{condition="Unknown",kind="KeyService",name="qumulo",namespace="team-a"} 0
		keyservice_key_quota{kind="KeyService",name="qumulo",namespace="team-a"} 2
		keyservice_users{kind="KeyService",name="qumulo",namespace="team-a"} 2
		keyservice_full_users{kind="KeyService",name="qumulo",namespace="team-a"} 1
		keyservice_keys{kind="KeyService",name="qumulo",namespace="team-a"} 3
		keyservice_ready_status{condition="True",kind="ClusterKeyService",name="qumulo",namespace=""} 0
		keyservice_ready_status{condition="False",kind="ClusterKeyService",name="qumulo",namespace=""} 0
		keyservice_ready_status{condition="Unknown",kind="ClusterKeyService",name="qumulo",namespace=""} 1
		keyservice_users{kind="ClusterKeyService",name="qumulo",namespace=""} 1`)
}
