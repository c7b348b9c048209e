// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

var errNotIAM = errors.New("the answer is not that of the IAM API; " + adviseURL)

// keyEntry is a key as listed, and as created.
type keyEntry struct {
	User    string `xml:"UserName"`
	ID      string `xml:"AccessKeyId"`
	Status  string
	Created string `xml:"CreateDate"`
	// Secret is in the answer to a create only.
	Secret string `xml:"SecretAccessKey"`
}

// listResult is a page of keys. A server can leave out an empty list.
type listResult struct {
	Keys      []keyEntry `xml:"AccessKeyMetadata>member"`
	Truncated string     `xml:"IsTruncated"`
	Marker    string
}

type createResult struct {
	Key keyEntry `xml:"AccessKey"`
}

type lastUsedResult struct {
	User string `xml:"UserName"`
	Used *struct {
		At string `xml:"LastUsedDate"`
	} `xml:"AccessKeyLastUsed"`
}

type userResult struct {
	Name string `xml:"User>UserName"`
}

type callerResult struct {
	Account string
}

type summaryResult struct {
	Entries []struct {
		Key   string `xml:"key"`
		Value int    `xml:"value"`
	} `xml:"SummaryMap>entry"`
}

// key returns the entry as it is at the time now. A key that is active and was created less than delay ago is pending. Anything but "Active" is
// a key that does not work (the model's statusType has Active, Inactive and Expired).
func (e keyEntry) key(now time.Time, delay time.Duration) keyservice.Key {
	created, _ := rest.ParseTime(e.Created) // the zero time if the service does not say
	state := keyservice.Active
	switch {
	case e.Status != "" && !strings.EqualFold(e.Status, "Active"):
		state = keyservice.Disabled
	case !created.IsZero() && now.Sub(created).Abs() < delay:
		state = keyservice.Pending
	}
	return keyservice.Key{ID: e.ID, AccessKeyID: e.ID, CreatedAt: created, State: state}
}

// decode reads the answer to an action: <ActionResponse><ActionResult>…</ActionResult>…</ActionResponse>, in any namespace and
// order. result is nil for an action without a result.
func decode(body []byte, action string, result any) error {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	root, err := nextElement(decoder)
	if err != nil || root == nil || root.Name.Local != action+"Response" {
		return errNotIAM
	}
	missing := result != nil
	for {
		child, err := nextElement(decoder)
		switch {
		case err != nil, child == nil && missing:
			return errNotIAM
		case child == nil:
			return nil
		case !missing || child.Name.Local != action+"Result":
			err = decoder.Skip()
		default:
			missing, err = false, decoder.DecodeElement(result, child)
		}
		if err != nil {
			return errNotIAM
		}
	}
}

// nextElement returns the next element, and nil at the end of the one around it.
func nextElement(decoder *xml.Decoder) (*xml.StartElement, error) {
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		switch element := token.(type) {
		case xml.StartElement:
			return &element, nil
		case xml.EndElement:
			return nil, nil
		}
	}
}

// problem is an error in each of its shapes: <ErrorResponse><Error>, <ErrorResponse><Errors><Error> (moto), and S3's bare <Error>.
type problem struct {
	XMLName xml.Name
	said
	Wrapped []said `xml:"Error"`
	Deeper  []said `xml:"Errors>Error"`
}

type said struct{ Code, Message string }

// readProblem returns what an answer says; false if it is not an error of the service.
func readProblem(body []byte) (said, bool) {
	var read problem
	if xml.Unmarshal(body, &read) != nil || read.XMLName.Local != "Error" && read.XMLName.Local != "ErrorResponse" {
		return said{}, false
	}
	for _, found := range append(append([]said{read.said}, read.Wrapped...), read.Deeper...) {
		if found != (said{}) {
			return found, true
		}
	}
	return said{}, true
}
