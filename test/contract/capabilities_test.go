// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	servicesPage = "../../docs/services/README.md"
	tableBegins  = "<!-- what the backends report; written by go test ./test/contract -run Documented -args -update -->\n"
	tableEnds    = "<!-- end of what the backends report -->\n"
)

var update = flag.Bool("update", false, "write the table of capabilities into "+servicesPage)

// TestTheDocumentedCapabilitiesAreTheBackends compares the table in the documents with what the backends say of themselves.
func TestTheDocumentedCapabilitiesAreTheBackends(t *testing.T) {
	page, err := os.ReadFile(servicesPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), tableBegins)
	documented, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", servicesPage)
	}
	table := capabilityTable(t)
	if *update {
		if err := os.WriteFile(servicesPage, []byte(before+tableBegins+table+tableEnds+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if documented != table {
		t.Errorf("%s has\n%s\nand the backends report\n%s", servicesPage, documented, table)
	}
}

func capabilityTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| Service | Keys per user | Overlap | Regenerates in place | Disables | Enables again | Deletes later | Lists all | Longest native expiry " +
		"| Caller chooses the ID | Tells the last use | List lag | Deletes users |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range subjects() {
		if s.documented == nil {
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
			yes(can.Disables), yes(can.Enables), yes(can.DeletesLater), yes(can.ListsAll), expiry, yes(is[keyservice.HandleChooser](service)),
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
