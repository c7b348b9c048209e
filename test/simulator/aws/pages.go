// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The numbers of items per page that AWS documents.
const (
	defaultItems = 100
	maxItems     = 1000
)

// item is an item of a list.
type item struct {
	id     string
	fields []node
}

// page returns one page of a list. Lists are sorted by ID, not by creation time.
func (s *Simulator) page(c *call, name string, items []item) ([]node, *apiError) {
	size, refused := itemsPerPage(c)
	if refused != nil {
		return nil, refused
	}
	number, after, refused := readMarker(c)
	if refused != nil {
		return nil, refused
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.id, b.id) })
	size = min(size, s.options.PageSize)
	switch s.options.Pages {
	case PagesIgnored:
		size, after = len(items), ""
	case PagesLoop:
		after = ""
	case PagesShort: // pages have zero and one items in turn
		size = min(size, number%2)
	default:
	}
	items = slices.DeleteFunc(items, func(i item) bool { return after != "" && i.id <= after })
	shown := items[:min(size, len(items))]
	if len(shown) > 0 {
		after = shown[len(shown)-1].id
	}
	return append([]node{members(name, shown)}, s.position(len(shown) < len(items), writeMarker(number+1, after))...), nil
}

func members(name string, items []item) node {
	list := node{name: name}
	for _, i := range items {
		list.children = append(list.children, branch("member", i.fields...))
	}
	return list
}

// position returns what a page says about the pages after it.
func (s *Simulator) position(truncated bool, marker string) []node {
	switch s.options.Pages {
	case PagesLoop:
		truncated, marker = true, writeMarker(1, "loop")
	case PagesLost:
		return []node{leaf("IsTruncated", "true")}
	default:
	}
	if !truncated {
		return []node{leaf("IsTruncated", "false")}
	}
	return []node{leaf("IsTruncated", "true"), leaf("Marker", marker)}
}

func itemsPerPage(c *call) (int, *apiError) {
	if !c.form.Has("MaxItems") {
		return defaultItems, nil
	}
	size, err := strconv.Atoi(c.form.Get("MaxItems"))
	constraint := "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value "
	switch {
	case err != nil:
		return 0, invalid("MalformedInput", "")
	case size < 1:
		return 0, invalid(validationError, "%sgreater than or equal to 1", constraint)
	case size > maxItems:
		return 0, invalid(validationError, "%sless than or equal to %d", constraint, maxItems)
	}
	return size, nil
}

// writeMarker encodes the number of a page and the last item before it. The number makes the marker of an empty page unique.
func writeMarker(number int, after string) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", number, after))
}

func readMarker(c *call) (number int, after string, refused *apiError) {
	if !c.form.Has("Marker") {
		return 0, "", nil
	}
	decoded, err := base64.StdEncoding.DecodeString(c.form.Get("Marker"))
	text, after, _ := strings.Cut(string(decoded), " ")
	number, malformed := strconv.Atoi(text)
	if err != nil || malformed != nil {
		return 0, "", invalid(validationError, "Invalid Marker.")
	}
	return number, after, nil
}
