// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/test/simulator"
)

const (
	defaultLimit = 100
	maxLimit     = 200
)

var markerPattern = regexp.MustCompile(`^[A-Za-z0-9+/=_-]{4,400}$`)

// item is an item of a list.
type item struct {
	id   string
	body any
}

// page returns one page of a list. Lists are sorted by ID, not by creation time.
func (s *Simulator) page(query url.Values, name string, items []item) (answer, *apiError) {
	limit, ok := simulator.Number(query, "limit", defaultLimit, 1, maxLimit)
	if !ok {
		return answer{}, &apiError{http.StatusBadRequest, invalidParameter, "Request parameter limit is invalid."}
	}
	number, after, refused := readMarker(query)
	if refused != nil {
		return answer{}, refused
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.id, b.id) })
	items = slices.DeleteFunc(items, func(i item) bool { return i.id <= after })

	size := min(limit, s.options.PageSize)
	if s.options.Pages == PagesShort { // pages have zero and one items in turn
		size = min(size, number%2)
	}
	shown := items[:min(size, len(items))]
	info := map[string]any{"current_count": len(shown)}
	if len(shown) < len(items) {
		if len(shown) > 0 {
			after = shown[len(shown)-1].id
		}
		info["next_marker"] = writeMarker(number+1, after)
	}
	body := map[string]any{"page_info": info}
	switch {
	case len(shown) > 0:
		bodies := []any{}
		for _, i := range shown {
			bodies = append(bodies, i.body)
		}
		body[name] = bodies
	case s.options.Empty != "absent":
		body[name] = json.RawMessage(s.options.Empty)
	}
	return answer{http.StatusOK, body}, nil
}

// writeMarker encodes the number of a page and the last item before it. The number makes the marker of an empty page unique.
func writeMarker(number int, after string) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", number, after))
}

func readMarker(query url.Values) (number int, after string, refused *apiError) {
	if !query.Has("marker") {
		return 0, "", nil
	}
	marker := query.Get("marker")
	decoded, err := base64.StdEncoding.DecodeString(marker)
	text, after, _ := strings.Cut(string(decoded), " ")
	number, invalid := strconv.Atoi(text)
	if !markerPattern.MatchString(marker) || err != nil || invalid != nil {
		return 0, "", &apiError{http.StatusBadRequest, invalidMarker, "invalid marker"}
	}
	return number, after, nil
}
