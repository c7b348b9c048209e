// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"context"
	"encoding/json"
	"errors"
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
	svmPattern  = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,255}$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	fullPattern = regexp.MustCompile(`\b(\d{1,4})\.(\d{1,4})\.(\d{1,4})`)
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
	_, err := s.connecting.Do(ctx, "", clusterRequest(), func(ctx context.Context) (struct{}, error) { return struct{}{}, s.connect(ctx) })
	return err
}

// connected returns the cluster, and connects first if necessary.
func (s *Service) connected(ctx context.Context) (*cluster, error) {
	if known := s.cluster.Load(); known != nil {
		return known, nil
	}
	if err := s.Connect(ctx); err != nil {
		return nil, err
	}
	return s.cluster.Load(), nil
}

func (s *Service) connect(ctx context.Context) error {
	found, err := s.readCluster(ctx)
	if err != nil {
		return err
	}
	if found.svm, err = s.findSVM(ctx); err != nil {
		return err
	}
	s.cluster.Store(&found)
	return nil
}

func clusterRequest() rest.Request {
	return rest.Request{
		Op: "read version", Safe: true, Method: http.MethodGet, Path: clusterPath, Query: url.Values{"fields": {"version,uuid"}},
	}
}

// readCluster reads the version and the UUID of the cluster (NetApp/trident, storage_drivers/ontap/api/rest/models/cluster.go).
func (s *Service) readCluster(ctx context.Context) (cluster, error) {
	read := clusterRequest()
	answer, err := s.client.Do(ctx, read)
	if err != nil {
		return cluster{}, err
	}
	found, ok := decodeCluster(answer.Body)
	if !ok {
		return cluster{}, read.Fail(keyservice.Unavailable, errNotONTAP)
	}
	if found.version.less(oldest) {
		failed := read.Fail(keyservice.Invalid, fmt.Errorf(
			"the cluster runs ONTAP %s, whose S3 keys can neither end by themselves nor be deleted; upgrade it to ONTAP %s or newer",
			found.version, oldest))
		failed.Reason = ReasonVersionUnsupported
		return cluster{}, failed
	}
	return found, nil
}

func decodeCluster(body []byte) (cluster, bool) {
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
		return cluster{}, false
	}
	parts := []string{string(wire.Version.Generation), string(wire.Version.Major), string(wire.Version.Minor)}
	if slices.Contains(parts, "") {
		full := fullPattern.FindStringSubmatch(string(wire.Version.Full)) // "NetApp Release 9.16.1P2: …"
		if full == nil {
			return cluster{}, false
		}
		parts = full[1:]
	}
	found := cluster{uuid: string(wire.UUID)}
	if !uuidPattern.MatchString(found.uuid) {
		found.uuid = ""
	}
	for i, part := range parts {
		number, err := strconv.Atoi(part)
		if err != nil || number < 0 {
			return cluster{}, false
		}
		found.version[i] = number
	}
	return found, true
}

func checkSVM(svm string) error {
	if !svmPattern.MatchString(svm) {
		return errors.New("the SVM must be given by its name (letters, digits, '_', '-' and '.') or its UUID")
	}
	return nil
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
	failed := find.Fail(keyservice.Invalid, fmt.Errorf(
		"the cluster has no SVM of this %s, or the operator's account may not see it; correct the KeyService's svm", by))
	failed.Reason = ReasonSVMNotFound
	return "", failed
}
