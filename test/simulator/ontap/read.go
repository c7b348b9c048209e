// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator"
)

// These parameters select the next page.
const (
	startUUID = "start.svm.uuid"
	startName = "start.name"
)

func (s *Simulator) getUser(r *http.Request) (answer, *apiError) {
	found := s.find(r.PathValue("name"))
	if found == nil {
		return answer{}, s.notFound("name")
	}
	asked := r.URL.Query().Get("fields")
	if asked == "" {
		asked = "*" // a single resource includes all inexpensive fields
	}
	fields, refused := s.fields(asked)
	if refused != nil {
		return answer{}, refused
	}
	return answer{body: s.record(found, fields)}, nil
}

func (s *Simulator) listUsers(r *http.Request) (answer, *apiError) {
	query := r.URL.Query()
	fields, refused := s.fields(query.Get("fields"))
	if refused != nil {
		return answer{}, refused
	}
	limit, ok := simulator.Number(query, "max_records", s.options.PageSize, 1, math.MaxInt)
	if !ok {
		return answer{}, badValue("max_records", query.Get("max_records"))
	}
	matching := slices.DeleteFunc(slices.Clone(s.users), func(u *user) bool { return query.Has("name") && !s.named(u, query.Get("name")) })
	page, next := s.page(matching, r, min(limit, s.options.PageSize))
	records, self := []any{}, links(r.URL.RequestURI())
	for _, u := range page {
		records = append(records, s.record(u, fields))
	}
	if next != "" {
		self["next"] = map[string]any{"href": next}
	}
	return answer{body: map[string]any{"num_records": len(page), "records": records, "_links": self}}, nil
}

// fields parses ?fields=. Without it, a collection contains only the fields that identify its members.
func (s *Simulator) fields(asked string) ([]string, *apiError) {
	known := []string{"name", "svm", "comment", "access_key"}
	if s.since(V9141) {
		known = append(known, "key_expiry_time", "key_time_to_live")
	}
	if s.since(V9191) {
		known = append(known, "keys")
	}
	switch asked {
	case "":
		return nil, nil
	case "*", "**":
		return known, nil
	}
	fields := strings.Split(asked, ",")
	for _, field := range fields {
		if top, _, _ := strings.Cut(field, "."); !slices.Contains(known, top) {
			return nil, badValue("fields", field)
		}
	}
	return fields, nil
}

// record returns a user as in the response to a GET, which never contains a secret.
func (s *Simulator) record(u *user, fields []string) map[string]any {
	svm := map[string]any{"name": DefaultSVM, "uuid": DefaultSVMUUID, "_links": links("/api/svm/svms/" + DefaultSVMUUID)}
	record := map[string]any{"name": u.name, "svm": svm, "_links": links(s.pathOf(u))}
	all := map[string]any{}
	if u.comment != "" {
		all["comment"] = u.comment
	}
	if first := u.keys[0]; first != nil {
		all["access_key"] = first.accessKey
		if s.showExpiry(all, "key_expiry_time", first) {
			all["key_time_to_live"] = formatLife(first.life)
		}
	}
	if listed := s.listedKeys(u); len(listed) > 0 {
		all["keys"] = listed
	}
	maps.DeleteFunc(all, func(field string, _ any) bool {
		return !slices.ContainsFunc(fields, func(asked string) bool { return asked == field || strings.HasPrefix(asked, field+".") })
	})
	maps.Copy(record, all)
	return record
}

func (s *Simulator) listedKeys(u *user) []any {
	var listed []any
	for slot, k := range u.keys[:s.slots()] {
		if (k == nil && !s.options.EmptySlotsListed) || (slot == 0 && s.options.SecondKeyOnly) {
			continue
		}
		shown := map[string]any{"id": s.keyNumber(slot)}
		if k != nil {
			shown["access_key"] = k.accessKey
			if s.showExpiry(shown, "expiry_time", k) {
				shown["time_to_live"] = formatLife(k.life)
			}
		}
		listed = append(listed, shown)
	}
	return listed
}

// showExpiry adds the expiry of a key, and reports whether it has one.
func (s *Simulator) showExpiry(shown map[string]any, member string, k *key) bool {
	if !k.expires.IsZero() {
		shown[member] = k.expires.Format(s.options.ExpiryLayout)
	}
	return !k.expires.IsZero()
}

func (s *Simulator) keyNumber(slot int) any {
	if s.options.TextKeyIDs {
		return strconv.Itoa(slot + 1)
	}
	return slot + 1
}

// page returns one page of users and the value of _links.next.href, which is empty on the last page.
func (s *Simulator) page(users []*user, r *http.Request, limit int) (page []*user, next string) {
	query := r.URL.Query()
	from := query.Get(startName)
	users = slices.DeleteFunc(users, func(u *user) bool { return u.name < from })
	if len(users) <= limit {
		return users, ""
	}
	from = users[limit].name
	query.Set(startName, from)
	query.Set(startUUID, DefaultSVMUUID)
	path := r.URL.EscapedPath()
	switch s.options.Next {
	case NextAbsolute:
		path = "https://" + r.Host + path
	case NextForeign:
		path = "https://cluster.invalid" + path
	case NextAstray:
		path = "/api/security/accounts"
	case NextBare:
		query = url.Values{startName: {from}, startUUID: {DefaultSVMUUID}}
	default:
	}
	return users[:limit], path + "?" + query.Encode()
}

func (s *Simulator) pathOf(u *user) string {
	return strings.Replace(usersPath, "{svm}", DefaultSVMUUID, 1) + "/" + url.PathEscape(u.name)
}

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
