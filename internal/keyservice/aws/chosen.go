// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"crypto/rand"
	"errors"
	"net/url"
	"regexp"
	"strconv"

	"accesskey.dev/operator/internal/keyservice"
)

const (
	// entityExists is the code of a refused create whose ID some key has already.
	entityExists = "EntityAlreadyExists"
	// secretLength is as at AWS, in characters. SeaweedFS takes 8 to 128.
	secretLength = 40
)

var (
	// chosenPattern is an ID as ChooseID returns it. SeaweedFS takes 4 to 128 letters and digits.
	chosenPattern = regexp.MustCompile(`^AKOP[A-Z2-7]{16}$`)
	// seaweedPattern is the Server header of every answer of SeaweedFS: the limit of its volumes and its version (4.53,
	// weed/s3api/stats.go).
	seaweedPattern = regexp.MustCompile(`^SeaweedFS \S+ (\d{1,4})\.(\d{1,4})\b`)

	errNotChosen = errors.New("this is not an ID as ChooseID gives it")
	errIDInUse   = errors.New("a key with the ID that the operator just chose exists already, as after a request that a proxy repeated")
)

// seaweedFS returns the version of SeaweedFS that answered last; false for another server, or behind a proxy that hides the header.
func (c *client) seaweedFS() (major, minor int, ok bool) {
	header, _ := c.server.Load().(string)
	found := seaweedPattern.FindStringSubmatch(header)
	if found == nil {
		return 0, 0, false
	}
	major, _ = strconv.Atoi(found[1])
	minor, _ = strconv.Atoi(found[2])
	return major, minor, true
}

// letsChoose reports whether the caller of CreateAccessKey can choose the pair: at SeaweedFS since 4.22 (weed/s3api/s3api_embedded_iam.go).
func (c *client) letsChoose() bool {
	major, minor, ok := c.seaweedFS()
	return ok && (major > 4 || major == 4 && minor >= 22)
}

// ChooseID implements keyservice.HandleChooser. At a server that lets the caller choose a pair, it returns a new ID each time, so that
// nothing that is late about one key hits another.
func (s *Service) ChooseID(string, keyservice.Owner, int64, []keyservice.Key) string {
	if !s.client.letsChoose() {
		return ""
	}
	return "AKOP" + rand.Text()[:16]
}

// choose adds a pair with the chosen ID to the form of a create. SeaweedFS takes only both halves together.
func choose(form url.Values, id string) {
	form.Set("AccessKeyId", id)
	form.Set("SecretAccessKey", (rand.Text() + rand.Text())[:secretLength])
}
