// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ionos

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
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

// keyRead is a key as it is answered (AccessKeyRead). Of an answer that shows a new secret, nothing else may make it
// unreadable.
type keyRead struct {
	ID       text `json:"id"`
	Metadata lenient[struct {
		Created timestamp `json:"createdDate"`
		Status  text      `json:"status"`
		Message text      `json:"statusMessage"`
	}] `json:"metadata"`
	Properties lenient[struct {
		Description text `json:"description"`
		AccessKey   text `json:"accessKey"`
		SecretKey   text `json:"secretKey"`
	}] `json:"properties"`
}

// id in the form of ChooseID's, whatever the case it is written in.
func (k keyRead) id() string { return strings.ToLower(string(k.ID)) }

// paired: the answer shows a pair.
func (k keyRead) paired() bool {
	return k.Properties.value.AccessKey != "" && k.Properties.value.SecretKey != ""
}

func (k keyRead) key() keyservice.Key {
	return keyservice.Key{
		ID:          k.id(),
		AccessKeyID: string(k.Properties.value.AccessKey),
		CreatedAt:   k.Metadata.value.Created.Time,
		State:       stateOf(string(k.Metadata.value.Status)),
		OwnerUID:    readMark(string(k.Properties.value.Description), k.id()),
	}
}

func (k keyRead) credential() keyservice.Credential {
	return keyservice.Credential{Key: k.key(), SecretAccessKey: keyservice.Secret(k.Properties.value.SecretKey)}
}

// stateOf reads metadata.status. One unheard of says nothing against the key.
func stateOf(status string) keyservice.State {
	switch status {
	case "AVAILABLE":
		return keyservice.Active
	case "PROVISIONING":
		return keyservice.Pending
	case "DESTROYING":
		return keyservice.Deleting
	case "FAILED":
		return keyservice.Failed
	default:
		return ""
	}
}

// decodeKey reads the answer about the key with this ID.
func decodeKey(body []byte, id string) (keyRead, error) {
	var read keyRead
	if json.Unmarshal(body, &read) != nil {
		return keyRead{}, errNotIONOS
	}
	if read.ID == "" {
		read.ID = text(id)
	}
	if read.id() != id {
		return keyRead{}, errors.New("the answer is about another key")
	}
	return read, nil
}

// keyPage is one page of the list.
type keyPage struct {
	keys []keyservice.Key
	// step leads to the next page's offset; more: there may be one.
	step int
	more bool
}

// decodeKeyPage reads a page of at most limit keys. There is no total count, and _links.next is not followed: it may lead
// to plain HTTP or to another host.
func decodeKeyPage(body []byte, limit int) (keyPage, error) {
	var wire struct {
		Items json.RawMessage `json:"items"`
		Limit lenient[int]    `json:"limit"`
		Links lenient[struct {
			Next text `json:"next"`
		}] `json:"_links"`
	}
	var items []keyRead
	// A JSON object without items is not an empty list: taken for one, it would make every key look lost.
	if json.Unmarshal(body, &wire) != nil || json.Unmarshal(wire.Items, &items) != nil || items == nil {
		return keyPage{}, errNotIONOS
	}
	page := keyPage{step: limit}
	if granted := wire.Limit.value; granted > 0 && granted < limit {
		page.step = granted
	}
	for _, item := range items {
		if item.ID == "" {
			return keyPage{}, errors.New("the service lists a key without its id")
		}
		page.keys = append(page.keys, item.key())
	}
	page.more = len(items) > 0 && (len(items) >= page.step || wire.Links.value.Next != "")
	return page, nil
}

// decodeProblem reads the body of an error, of which every member is optional. known: it has the form of the service's.
func decodeProblem(body []byte) (words string, known bool) {
	var problem struct {
		Status   lenient[int] `json:"httpStatus"`
		Messages lenient[[]struct {
			Code    text `json:"errorCode"`
			Message text `json:"message"`
		}] `json:"messages"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return "", false
	}
	var all []string
	for _, message := range problem.Messages.value {
		parts := []string{string(message.Code), string(message.Message)}
		if one := strings.Trim(strings.Join(parts, ": "), ": "); one != "" {
			all = append(all, one)
		}
	}
	return strings.Join(all, "; "), problem.Status.value != 0 || len(all) > 0
}

// dateOf is the service's time of an answer, in seconds; zero if it does not say.
func dateOf(response *keyservice.Response) time.Time {
	date, _ := http.ParseTime(response.Header.Get("Date")) // the zero time with an error
	return date
}

// lenient is a value that counts as absent if it is of another type.
type lenient[T any] struct{ value T }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (l *lenient[T]) UnmarshalJSON(data []byte) error {
	var value T
	if json.Unmarshal(data, &value) == nil {
		l.value = value
	}
	return nil
}

// text is a string that may be written as a number; anything else counts as absent.
type text string

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	var (
		quoted string
		number json.Number
	)
	switch {
	case json.Unmarshal(data, &quoted) == nil:
		*t = text(quoted)
	case json.Unmarshal(data, &number) == nil:
		*t = text(number)
	}
	return nil
}

// timestamp is RFC 3339 with an offset; what can't be read is the zero time.
type timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *timestamp) UnmarshalJSON(data []byte) error {
	var quoted text
	_ = quoted.UnmarshalJSON(data)
	if parsed, err := time.Parse(time.RFC3339, string(quoted)); err == nil {
		t.Time = parsed.UTC()
	}
	return nil
}
