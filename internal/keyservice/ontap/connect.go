// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

const (
	clusterPath = "/api/cluster"
	svmsPath    = "/api/svm/svms"
)

var (
	// oldest has the first keys that end by themselves and can be deleted without their user.
	oldest = version{9, 14, 1}
	// twoKeys gives a user a second key ("Beginning with ONTAP 9.19.1", s3-config/regenerate-access-keys). Older versions are
	// not asked for the field: their pages show it by mistake, and the cluster would refuse it.
	twoKeys = version{9, 19, 1}

	// svmPattern leaves out the characters with a meaning in ONTAP's queries, such as * and |.
	svmPattern     = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,255}$`)
	uuidPattern    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	versionPattern = regexp.MustCompile(`\b(\d{1,4})\.(\d{1,4})\.(\d{1,4})`)
)

// version of ONTAP: generation, major, minor.
type version [3]int

func (v version) less(other version) bool { return slices.Compare(v[:], other[:]) < 0 }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// cluster is what Connect has found out.
type cluster struct {
	version version
	// uuid is the cluster's, empty if the account is not shown it; svm is the SVM's.
	uuid, svm string
}

// slots is how many keys a user can have. A nil cluster was not asked yet.
func (c *cluster) slots() int {
	if c == nil || c.version.less(twoKeys) {
		return 1
	}
	return 2
}

// usersPath is the collection of the SVM's users.
func (c *cluster) usersPath() string { return "/api/protocols/s3/services/" + c.svm + "/users" }

// Connect implements keyservice.Connector. It reads the version and looks up the SVM.
func (s *Service) Connect(ctx context.Context) error {
	found, err := s.connect(ctx)
	if err == nil {
		s.unprobed.Store(found)
	}
	return err
}

// connected returns the cluster, and connects first if necessary.
func (s *Service) connected(ctx context.Context) (*cluster, error) {
	if known := s.cluster.Load(); known != nil {
		return known, nil
	}
	return s.connect(ctx)
}

func (s *Service) connect(ctx context.Context) (*cluster, error) {
	return s.connecting.Do(ctx, "", clusterRequest(), func(ctx context.Context) (*cluster, error) {
		found, err := s.readCluster(ctx)
		if err != nil {
			return nil, err
		}
		if found.svm, err = s.findSVM(ctx); err != nil {
			return nil, err
		}
		s.cluster.Store(found)
		return found, nil
	})
}

func clusterRequest() rest.Request {
	return rest.Request{
		Op: "read version", Safe: true, Method: http.MethodGet, Path: clusterPath, Query: url.Values{"fields": {"version,uuid"}},
	}
}

// readCluster reads the version and the UUID of the cluster (NetApp/trident, storage_drivers/ontap/api/rest/models/cluster.go).
func (s *Service) readCluster(ctx context.Context) (*cluster, error) {
	read := clusterRequest()
	answer, err := s.client.Do(ctx, read)
	if err != nil {
		return nil, err
	}
	found := decodeCluster(answer.Body)
	if found == nil {
		return nil, read.Fail(keyservice.Unavailable, errNotONTAP)
	}
	if found.version.less(oldest) {
		return nil, invalid(read, ReasonVersionUnsupported, fmt.Errorf(
			"the cluster runs ONTAP %s, whose S3 keys can neither end by themselves nor be deleted; upgrade it to ONTAP %s or newer",
			found.version, oldest))
	}
	return found, nil
}

// decodeCluster returns nil if the answer has no version. The full text is used if it is not there in parts.
func decodeCluster(body []byte) *cluster {
	var wire struct {
		UUID    rest.Text `json:"uuid"`
		Version struct {
			Full       rest.Text `json:"full"`
			Generation rest.Text `json:"generation"`
			Major      rest.Text `json:"major"`
			Minor      rest.Text `json:"minor"`
		} `json:"version"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return nil
	}
	text := wire.Version.Full // "NetApp Release 9.16.1P2: …"
	if wire.Version.Generation != "" && wire.Version.Major != "" && wire.Version.Minor != "" {
		text = wire.Version.Generation + "." + wire.Version.Major + "." + wire.Version.Minor
	}
	parts := versionPattern.FindStringSubmatch(string(text))
	if parts == nil {
		return nil
	}
	found := &cluster{}
	for i, part := range parts[1:] {
		found.version[i], _ = strconv.Atoi(part) // it is up to four digits
	}
	if uuidPattern.MatchString(string(wire.UUID)) {
		found.uuid = string(wire.UUID)
	}
	return found
}

// findSVM returns the UUID of the SVM. It looks up a UUID too, so that a wrong one does not look like an SVM without users.
func (s *Service) findSVM(ctx context.Context) (string, error) {
	by, svm := "name", s.svm
	if uuidPattern.MatchString(svm) {
		by, svm = "uuid", strings.ToLower(svm)
	}
	find := rest.Request{
		Op: "find SVM", Safe: true, Subject: "SVM " + s.svm, Method: http.MethodGet, Path: svmsPath,
		Query: url.Values{by: {svm}, "fields": {"name,uuid"}},
	}
	answer, err := s.client.Do(ctx, find)
	if err != nil {
		return "", err
	}
	var wire struct {
		Records *[]struct {
			Name rest.Text `json:"name"`
			UUID rest.Text `json:"uuid"`
		} `json:"records"`
	}
	if json.Unmarshal(answer.Body, &wire) != nil || wire.Records == nil {
		return "", find.Fail(keyservice.Unavailable, errNotONTAP)
	}
	for _, record := range *wire.Records {
		if uuid := string(record.UUID); uuidPattern.MatchString(uuid) && (string(record.Name) == svm || strings.EqualFold(uuid, svm)) {
			return uuid, nil
		}
	}
	return "", invalid(find, ReasonSVMNotFound, fmt.Errorf(
		"the cluster has no SVM of this %s, or the operator's account may not see it; correct the KeyService's svm", by))
}
