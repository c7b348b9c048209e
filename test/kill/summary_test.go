// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kill

import (
	"fmt"
	"strings"
	"time"
)

// summary is what happened, in numbers. Called when nothing runs any more.
func (s *sampler) summary(took time.Duration) string {
	made, orphans := s.keysMade()
	rotations := int64(0)
	for _, revision := range s.published {
		rotations += revision - 1
	}
	count := s.w.count
	var text strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&text, "\n  "+format, arguments...) }
	line("%d AccessKeys at %d services, %s", len(s.w.subjects), len(s.w.services), took.Round(time.Second))
	line("%d kills of the manager (%d starts), %d of etcd, %d of kube-apiserver, %d trades of the lead", count.kills, count.starts, count.etcd, count.apiServer, count.trades)
	line("%d keys made, %d rotations (%d asked for); %d keys whose secret was lost in a crash", made, rotations, count.asked, orphans)
	line("%d samples of %d pairs (%d samples that the API server did not answer, %d pairs replaced meanwhile)", s.samples, s.pairs, s.unanswered, s.overtaken)
	line("%d samples met a renewal in place between its end of the old pair and the new one", s.inPlace)
	line("%d faults", len(s.faults))
	return text.String()
}
