// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/simulator"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

// TestARefusalSaysWhatToDo is about the advice. test/contract checks the kind and the reason of every code.
func TestARefusalSaysWhatToDo(t *testing.T) {
	for text, test := range map[string]struct {
		effect simulator.Effect
		kind   keyservice.Kind
	}{
		"readonly access to /api/cluster":                   {simulator.Answer(403, nil, ""), keyservice.Unauthorized},
		"application http":                                  {problemAnswer(401, "6691623"), keyservice.Unauthorized},
		"management interface":                              {problemAnswer(404, "3"), keyservice.Invalid},
		"code 4: because; create an S3 server on the SVM":   {problemAnswer(404, "4"), keyservice.Invalid},
		"a user of this name was made meanwhile":            {problemAnswer(409, "92405795"), keyservice.Invalid},
		"SnapMirror":                                        {problemAnswer(400, "92406080"), keyservice.Invalid},
		"raise max_key_time_to_live of the SVM's S3 server": {problemAnswer(400, "92406196"), keyservice.Invalid},
		"set a ttl in the AccessKey":                        {problemAnswer(400, "92406197"), keyservice.Invalid},
	} {
		t.Run(text, func(t *testing.T) {
			b := newBed(t, netapp.Options{})
			b.cluster.Inject(anyPost, test.effect)
			_, err := b.Create(t.Context(), "backup", month)
			expectKind(t, err, test.kind, "create key: S3 user backup: ", text)
			b.calls(t, postUsers, 1)
		})
	}
}

func problemAnswer(status int, code string) simulator.Effect {
	return simulator.Answer(status, nil, fmt.Sprintf(`{"error":{"code":%q,"message":"because"}}`, code))
}
