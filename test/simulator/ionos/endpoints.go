// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"accesskey.dev/operator/test/simulator"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// wall is the time zone of the responses. The service returns times with an offset, not in UTC.
var wall = time.FixedZone("", 3600)

func (s *Simulator) createKey(r *http.Request, caller *user) (answer, *apiError) {
	description, refused := s.readBody(r)
	if refused != nil {
		return answer{}, refused
	}
	k, refused := s.makeKey(caller, newUUID(), description, caller.name)
	if refused != nil {
		return answer{}, refused
	}
	return answer{http.StatusCreated, s.created(k)}, nil
}

func (s *Simulator) ensureKey(r *http.Request, caller *user) (answer, *apiError) {
	description, refused := s.readBody(r)
	if refused != nil {
		return answer{}, refused
	}
	if refused := s.full(caller); refused != nil && s.options.LimitFirst {
		return answer{}, refused
	}
	id := r.PathValue("id")
	k, exists := s.keys[id]
	switch {
	case exists && k.owner != caller, s.destroyed[id] && s.options.DestroyedTaken:
		return answer{}, &apiError{http.StatusConflict, "err-taken", "the UUID belongs to another user"}
	case exists:
		return s.updateKey(k, description)
	}
	k, refused = s.makeKey(caller, id, description, caller.name)
	switch {
	case refused != nil:
		return answer{}, refused
	case s.options.EnsureHides:
		return answer{http.StatusCreated, s.read(k)}, nil
	default:
		return answer{http.StatusCreated, s.created(k)}, nil
	}
}

func (s *Simulator) updateKey(k *key, description string) (answer, *apiError) {
	if refused := s.changeable(k); refused != nil {
		return answer{}, refused
	}
	k.description = description
	s.touch(k)
	return answer{http.StatusOK, s.read(k)}, nil
}

func (s *Simulator) renew(r *http.Request, caller *user) (answer, *apiError) {
	if n, _ := io.Copy(io.Discard, r.Body); n > 0 {
		return answer{}, &apiError{http.StatusBadRequest, "err-body", "a renew request takes no body"}
	}
	k, refused := s.find(caller, r.PathValue("id"))
	if refused == nil {
		refused = s.changeable(k)
	}
	if refused != nil {
		return answer{}, refused
	}
	if status := s.options.RenewEarlyStatus; status != 0 && k.status(s.Now()) == provisioning {
		return answer{}, &apiError{status, "err-state", "the access key is not available yet"}
	}
	s.renewKey(k, caller.name)
	return answer{s.options.RenewStatus, s.created(k)}, nil
}

// changeable refuses to change a key that is being destroyed, unless Options allow it.
func (s *Simulator) changeable(k *key) *apiError {
	if k.gone.IsZero() || s.options.DestroyingStatus == http.StatusOK {
		return nil
	}
	return &apiError{s.options.DestroyingStatus, "err-state", "the access key is being destroyed"}
}

func (s *Simulator) deleteKey(r *http.Request, caller *user) (answer, *apiError) {
	k, refused := s.find(caller, r.PathValue("id"))
	if refused != nil {
		return answer{}, refused
	}
	switch {
	case !k.gone.IsZero() && s.options.DestroyAgainStatus != http.StatusAccepted:
		return answer{}, &apiError{s.options.DestroyAgainStatus, "err-state", "the access key is being destroyed"}
	case s.options.LastKeyStatus != 0 && s.count(caller) == 1:
		return answer{}, &apiError{s.options.LastKeyStatus, "err-last", "the last access key cannot be deleted while there are buckets"}
	case k.gone.IsZero():
		k.gone = s.Now().Add(s.options.Destroying)
		s.End(k.pair.ID, caller.name)
	}
	return answer{http.StatusAccepted, nil}, nil
}

func (s *Simulator) readKey(r *http.Request, caller *user) (answer, *apiError) {
	k, refused := s.find(caller, r.PathValue("id"))
	if refused != nil {
		return answer{}, refused
	}
	return answer{http.StatusOK, s.read(k)}, nil
}

func (s *Simulator) listKeys(r *http.Request, caller *user) (answer, *apiError) {
	query := r.URL.Query()
	offset, refused := number(query, "offset", 0, 0, 1<<31-1)
	if refused != nil {
		return answer{}, refused
	}
	limit, refused := number(query, "limit", defaultLimit, 1, maxLimit)
	if refused != nil {
		return answer{}, refused
	}
	limit = min(limit, s.options.PageSize)
	keys := s.listed(caller)
	items := []any{}
	for _, k := range keys[min(offset, len(keys)):min(offset+limit, len(keys))] {
		items = append(items, s.read(k))
	}
	return answer{http.StatusOK, map[string]any{
		"id": newUUID(), "type": "collection", "href": keysPath, "items": items, "offset": offset, "limit": limit,
		"_links": s.links(r, offset, limit, len(keys)),
	}}, nil
}

// listed returns the keys that the user can see, sorted by ID.
func (s *Simulator) listed(caller *user) []*key {
	var keys []*key
	for _, k := range s.keys {
		if k.owner == caller && !s.Now().Before(k.seen) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b *key) int { return strings.Compare(a.pair.ID, b.pair.ID) })
	return keys
}

func (s *Simulator) links(r *http.Request, offset, limit, total int) map[string]any {
	page := func(host string, offset int) string {
		return fmt.Sprintf("http://%s%s?offset=%d&limit=%d", host, keysPath, offset, limit)
	}
	links := map[string]any{"self": page(r.Host, offset)}
	if offset > 0 {
		links["prev"] = page(r.Host, max(0, offset-limit))
	}
	more := offset+limit < total
	switch next := s.options.Next; {
	case next == NextForeign && more:
		links["next"] = page("s3.invalid", offset+limit)
	case next == NextAlways, next == NextHTTP && more:
		links["next"] = page(r.Host, offset+limit)
	}
	return links
}

// created returns a key as in the response to a create or renew: with the secret and without canonicalUserId.
func (s *Simulator) created(k *key) map[string]any {
	body := s.read(k)
	properties, _ := body["properties"].(map[string]any)
	properties["secretKey"] = k.secret
	delete(properties, "canonicalUserId")
	return body
}

// read returns a key as in every other response.
func (s *Simulator) read(k *key) map[string]any {
	properties := map[string]any{
		"description": k.description, "accessKey": k.pair.AccessKeyID, "canonicalUserId": nil, "contractUserId": "11111111:" + k.owner.id,
	}
	switch s.options.Secrets {
	case HiddenAbsent:
	case HiddenNull:
		properties["secretKey"] = nil
	case HiddenNot:
		properties["secretKey"] = k.secret
	default:
		properties["secretKey"] = ""
	}
	var message any
	if k.failure != "" {
		message = k.failure
	}
	urn := "ionos:identity:::users/" + k.owner.id
	return map[string]any{
		"id": k.pair.ID, "type": "accesskey", "href": keysPath + "/" + k.pair.ID, "properties": properties,
		"metadata": map[string]any{
			"createdDate": k.made.In(wall).Format(time.RFC3339), "createdBy": urn, "createdByUserId": k.owner.id,
			"lastModifiedDate": k.changed.In(wall).Format(time.RFC3339), "lastModifiedBy": urn, "lastModifiedByUserId": k.owner.id,
			"resourceURN": "ionos:s3:::11111111:accesskeys/" + k.pair.ID, "status": k.status(s.Now()), "statusMessage": message,
			"administrative": false, "supportedRegions": []string{"de", "eu-central-2", "eu-south-2"},
		},
	}
}

func number(query url.Values, name string, absent, least, most int) (int, *apiError) {
	n, ok := simulator.Number(query, name, absent, least, most)
	if !ok {
		return 0, &apiError{http.StatusBadRequest, "err-query", fmt.Sprintf("%s must be a number from %d to %d", name, least, most)}
	}
	return n, nil
}
