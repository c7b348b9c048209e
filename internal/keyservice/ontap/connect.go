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
)

const (
	clusterPath = "/api/cluster"
	svmsPath    = "/api/svm/svms"
)

var (
	// oldest has the first keys that end by themselves and can be deleted without their user.
	oldest = version{9, 14, 1}
	// twoKeys gives a user a second key ("Beginning with ONTAP 9.19.1", s3-config/regenerate-access-keys). The field is not
	// asked for below: pages of older versions show it by mistake, and the cluster would refuse it.
	twoKeys = version{9, 19, 1}

	// svmPattern leaves out what means something in ONTAP's queries, such as * and |.
	svmPattern  = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,255}$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	fullPattern = regexp.MustCompile(`\b(\d{1,4})\.(\d{1,4})\.(\d{1,4})`)
)

// version of ONTAP: generation, major, minor.
type version [3]int

func (v version) less(other version) bool { return slices.Compare(v[:], other[:]) < 0 }

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// cluster is what Connect found out.
type cluster struct {
	version version
	// svm is the UUID.
	svm string
}

// slots is how many keys a user can have. A nil cluster is one that was not asked yet.
func (c *cluster) slots() int {
	if c == nil || c.version.less(twoKeys) {
		return 1
	}
	return 2
}

// usersPath is the collection of the SVM's users.
func (c *cluster) usersPath() string { return "/api/protocols/s3/services/" + c.svm + "/users" }

// Connect implements keyservice.Connector: it reads the version and looks the SVM up.
func (s *Service) Connect(ctx context.Context) error {
	// However many want it, one asks: a wrong password tried too often locks the account.
	result := s.connecting.DoChan("", func() (any, error) {
		// The others wait for this too, so it does not end with the one who came first. The HTTP client bounds it.
		return nil, s.connect(context.WithoutCancel(ctx))
	})
	select {
	case connected := <-result:
		return connected.Err
	case <-ctx.Done():
		return versionRequest().fail(keyservice.Unavailable, describeDone(ctx))
	}
}

// connected returns the cluster, and connects if that was not done yet.
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
	found, err := s.readVersion(ctx)
	if err != nil {
		return err
	}
	uuid, err := s.findSVM(ctx)
	if err != nil {
		return err
	}
	s.cluster.Store(&cluster{version: found, svm: uuid})
	return nil
}

func versionRequest() request {
	return request{
		call: keyservice.Call{Op: "read version", Safe: true}, method: http.MethodGet, path: clusterPath,
		query: url.Values{"fields": {"version"}},
	}
}

func (s *Service) readVersion(ctx context.Context) (version, error) {
	read := versionRequest()
	answer, err := s.client.do(ctx, read)
	if err != nil {
		return version{}, err
	}
	found, ok := decodeVersion(answer.Body)
	if !ok {
		return version{}, read.fail(keyservice.Unavailable, errNotONTAP)
	}
	if found.less(oldest) {
		failed := read.fail(keyservice.Invalid, fmt.Errorf(
			"the cluster runs ONTAP %s, whose S3 keys can neither end by themselves nor be deleted; upgrade it to ONTAP %s or newer",
			found, oldest))
		failed.Reason = ReasonVersionUnsupported
		return version{}, failed
	}
	return found, nil
}

func decodeVersion(body []byte) (version, bool) {
	var wire struct {
		Version struct {
			Full       text `json:"full"`
			Generation text `json:"generation"`
			Major      text `json:"major"`
			Minor      text `json:"minor"`
		} `json:"version"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return version{}, false
	}
	parts := []string{string(wire.Version.Generation), string(wire.Version.Major), string(wire.Version.Minor)}
	if slices.Contains(parts, "") {
		full := fullPattern.FindStringSubmatch(string(wire.Version.Full)) // "NetApp Release 9.16.1P2: …"
		if full == nil {
			return version{}, false
		}
		parts = full[1:]
	}
	var found version
	for i, part := range parts {
		number, err := strconv.Atoi(part)
		if err != nil || number < 0 {
			return version{}, false
		}
		found[i] = number
	}
	return found, true
}

func checkSVM(svm string) error {
	if !svmPattern.MatchString(svm) {
		return errors.New("the SVM must be given by its name (letters, digits, '_', '-' and '.') or its UUID")
	}
	return nil
}

// findSVM returns the UUID. One that is given as such is looked up too, so that a wrong one does not look like an SVM
// without users.
func (s *Service) findSVM(ctx context.Context) (string, error) {
	by, svm := "name", s.svm
	if uuidPattern.MatchString(svm) {
		by, svm = "uuid", strings.ToLower(svm)
	}
	find := request{
		call: keyservice.Call{Op: "find SVM", Safe: true}, subject: "SVM " + s.svm, method: http.MethodGet, path: svmsPath,
		query: url.Values{by: {svm}, "fields": {"name,uuid"}},
	}
	answer, err := s.client.do(ctx, find)
	if err != nil {
		return "", err
	}
	var wire struct {
		Records *[]struct {
			Name text `json:"name"`
			UUID text `json:"uuid"`
		} `json:"records"`
	}
	if json.Unmarshal(answer.Body, &wire) != nil || wire.Records == nil {
		return "", find.fail(keyservice.Unavailable, errNotONTAP)
	}
	for _, record := range *wire.Records {
		if uuid := string(record.UUID); uuidPattern.MatchString(uuid) && (string(record.Name) == svm || strings.EqualFold(uuid, svm)) {
			return uuid, nil
		}
	}
	failed := find.fail(keyservice.Invalid, fmt.Errorf(
		"the cluster has no SVM of this %s, or the operator's account may not see it; correct the KeyService's svm", by))
	failed.Reason = ReasonSVMNotFound
	return "", failed
}

func describeDone(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("the service did not answer in time")
	}
	return errors.New("canceled before the service answered")
}
