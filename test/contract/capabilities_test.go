// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/test/golden"
)

// TestTheDocumentedCapabilitiesAreTheBackends compares the table in the documents with what the backends say of themselves.
func TestTheDocumentedCapabilitiesAreTheBackends(t *testing.T) {
	golden.Section(t, "../../docs/services/README.md", "capabilities", capabilityTable(t))
}

func capabilityTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| Service | Keys per user | Overlap | Regenerates in place | Disables | Enables again | Deletes later | Lists all | Longest native expiry " +
		"| Caller chooses the ID | Reports the last use | List lag | Deletes users |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range subjects() {
		if s.title == "" {
			continue
		}
		service := s.connected(t)
		can := keyservice.CapabilitiesOf(service)
		expiry := "none"
		if can.MaxTTL > 0 {
			expiry = strconv.Itoa(int(can.MaxTTL.Hours()/24)) + " days"
		}
		lag := "none"
		if can.ListLag > 0 {
			lag = strconv.Itoa(int(can.ListLag.Seconds())) + " s"
		}
		fmt.Fprintf(&table, "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", s.title, can.KeysPerUser, yes(can.Overlap), yes(can.Regenerates),
			yes(can.Disables), yes(can.Enables), yes(can.DeletesLater), yes(can.ListsAll), expiry, yes(chooses(s, service)),
			yes(can.TellsLastUse), lag, yes(can.DeletesUsers))
	}
	return table.String()
}

func yes(can bool) string {
	if can {
		return "yes"
	}
	return "no"
}
