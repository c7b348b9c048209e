// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// keyCharacters are the characters of an access key.
const keyCharacters = simulator.Digits + simulator.Upper

// release is a version of ONTAP: generation, major and minor.
type release [3]int

func parseRelease(text string) release {
	var parsed release
	for i, part := range strings.SplitN(text, ".", len(parsed)) {
		parsed[i], _ = strconv.Atoi(part)
	}
	return parsed
}

func (r release) atLeast(version string) bool {
	other := parseRelease(version)
	return slices.Compare(r[:], other[:]) >= 0
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }

// lifePattern matches PnDTnHnMnS or PnW, as in the reference of the CLI.
var lifePattern = regexp.MustCompile(`^P(?:(\d{1,9})W|(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?)$`)

// parseLife parses key_time_to_live. Both "0" and "PT0S" mean that the key does not expire.
func parseLife(text string) (time.Duration, bool) {
	if text == "0" {
		return 0, true
	}
	parts := lifePattern.FindStringSubmatch(text)
	if parts == nil || text == "P" || strings.HasSuffix(text, "T") {
		return 0, false
	}
	var life time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		count, _ := strconv.Atoi(parts[i+1])
		if count > int(maxLife/unit)+1 {
			return maxLife + time.Second, true
		}
		life += time.Duration(count) * unit
	}
	return life, true
}

// formatLife formats key_time_to_live without units that are zero, as in the examples of the documents.
func formatLife(life time.Duration) string {
	part := func(count time.Duration, unit string) string {
		if count == 0 {
			return ""
		}
		return strconv.Itoa(int(count)) + unit
	}
	const day = 24 * time.Hour
	date := part(life/day, "D")
	clock := part(life%day/time.Hour, "H") + part(life%time.Hour/time.Minute, "M") + part(life%time.Minute/time.Second, "S")
	switch {
	case life == 0:
		return "PT0S"
	case clock == "":
		return "P" + date
	default:
		return "P" + date + "T" + clock
	}
}
