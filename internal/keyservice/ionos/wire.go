// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/json"
	"errors"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// keyBody is a key as it is sent. metadata has no members that a client could set.
type keyBody struct {
	ID         string     `json:"id"`
	Metadata   struct{}   `json:"metadata"`
	Properties properties `json:"properties"`
}

type properties struct {
	Description string `json:"description"`
}

// keyRead is a key as it is answered (AccessKeyRead). Nothing in an answer that shows a new secret makes it unreadable.
type keyRead struct {
	ID       rest.Text `json:"id"`
	Metadata rest.Lenient[struct {
		Created rest.Time `json:"createdDate"`
		Status  rest.Text `json:"status"`
		Message rest.Text `json:"statusMessage"`
	}] `json:"metadata"`
	Properties rest.Lenient[struct {
		Description rest.Text `json:"description"`
		AccessKey   rest.Text `json:"accessKey"`
		SecretKey   rest.Text `json:"secretKey"`
	}] `json:"properties"`
}

// id returns the ID in lower case, as ChooseID writes it.
func (k keyRead) id() string { return strings.ToLower(string(k.ID)) }

// paired reports that the answer shows a pair.
func (k keyRead) paired() bool {
	return k.Properties.Value.AccessKey != "" && k.Properties.Value.SecretKey != ""
}

func (k keyRead) key() keyservice.Key {
	return keyservice.Key{
		ID:          k.id(),
		AccessKeyID: string(k.Properties.Value.AccessKey),
		CreatedAt:   k.Metadata.Value.Created.Time,
		State:       states[k.Metadata.Value.Status],
		OwnerUID:    readMark(string(k.Properties.Value.Description), k.id()),
	}
}

func (k keyRead) credential() keyservice.Credential {
	return keyservice.Credential{Key: k.key(), SecretAccessKey: keyservice.Secret(k.Properties.Value.SecretKey)}
}

// states by metadata.status. An unknown one says nothing against the key.
var states = map[rest.Text]keyservice.State{
	"AVAILABLE": keyservice.Active, "PROVISIONING": keyservice.Pending, "DESTROYING": keyservice.Deleting, "FAILED": keyservice.Failed,
}

// decodeKey reads the answer about the key with this ID.
func decodeKey(body []byte, id string) (keyRead, error) {
	var read keyRead
	if json.Unmarshal(body, &read) != nil {
		return keyRead{}, errNotIONOS
	}
	if read.ID == "" {
		read.ID = rest.Text(id)
	}
	if read.id() != id {
		return keyRead{}, errors.New("the answer is about another key")
	}
	return read, nil
}

// keyPage is one page of the list.
type keyPage struct {
	keys []keyRead
	// step leads to the offset of the next page; 0: there is none.
	step int
}

// decodeKeyPage reads a page of at most limit keys. There is no total count, and _links.next is not followed: it may lead
// to plain HTTP or to another host.
func decodeKeyPage(body []byte, limit int) (keyPage, error) {
	var wire struct {
		Items json.RawMessage   `json:"items"`
		Limit rest.Lenient[int] `json:"limit"`
		Links rest.Lenient[struct {
			Next json.RawMessage `json:"next"`
		}] `json:"_links"`
	}
	var items []keyRead
	// A JSON object without items is not an empty list, which would make every key look lost.
	if json.Unmarshal(body, &wire) != nil || json.Unmarshal(wire.Items, &items) != nil || items == nil {
		return keyPage{}, errNotIONOS
	}
	if granted := wire.Limit.Value; granted > 0 && granted < limit {
		limit = granted
	}
	page := keyPage{}
	for _, item := range items {
		if item.ID == "" {
			return keyPage{}, errors.New("the service lists a key without its id")
		}
		page.keys = append(page.keys, item)
	}
	if len(items) > 0 && (len(items) >= limit || leads(wire.Links.Value.Next)) {
		page.step = limit
	}
	return page, nil
}

// leads reports whether there is a link, of whatever form.
func leads(link json.RawMessage) bool {
	return len(link) > 0 && string(link) != "null" && string(link) != `""`
}

// bareProblem stands for the body of a refusal that has the service's form and no words.
var bareProblem = rest.Problem{Text: "no explanation in the answer"}

// decodeProblem reads the body of an error, in which every member is optional.
func decodeProblem(body []byte) rest.Problem {
	var problem struct {
		Status   rest.Lenient[int] `json:"httpStatus"`
		Messages rest.Lenient[[]struct {
			Code    rest.Text `json:"errorCode"`
			Message rest.Text `json:"message"`
		}] `json:"messages"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return rest.Problem{}
	}
	var all []string
	for _, message := range problem.Messages.Value {
		one := rest.Problem{Code: string(message.Code), Text: string(message.Message)}
		if one != (rest.Problem{}) {
			all = append(all, one.String())
		}
	}
	if len(all) == 0 && problem.Status.Value != 0 {
		return bareProblem
	}
	return rest.Problem{Text: strings.Join(all, "; ")}
}
