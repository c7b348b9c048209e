// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// caller is who signs the requests.
type caller struct {
	// account is empty if the service does not say.
	account string
}

// suffix of the service's version.
func (c *caller) suffix() string {
	if c.account == "" {
		return ""
	}
	return " (account " + c.account + ")"
}

// accountPattern: 12 digits at AWS, and RGW with 17 digits at Ceph.
var accountPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// domains are those of AWS' own endpoints (endpoint rule set of IAM).
var domains = []string{
	".amazonaws.com", ".api.aws", ".amazonaws.com.cn", ".api.amazonwebservices.com.cn", ".amazonaws.eu", ".c2s.ic.gov", ".sc2s.sgov.gov",
	".cloud.adc-e.uk", ".csp.hci.ic.gov",
}

// isAWS reports whether the URL is one of AWS' own.
func (a api) isAWS() bool {
	at, _ := url.Parse(a.url) // which New has read
	return slices.ContainsFunc(domains, func(domain string) bool { return strings.HasSuffix(strings.ToLower(at.Hostname()), domain) })
}

// product names the service, as far as its URL or its answers tell.
func (c *client) product() string {
	if c.iam.isAWS() {
		return "AWS IAM"
	}
	if major, minor, ok := c.seaweedFS(); ok {
		return fmt.Sprintf("SeaweedFS %d.%02d", major, minor)
	}
	return "IAM API"
}

// Connect implements keyservice.Connector. It checks the account, and asks for the quota of keys until the service has answered.
func (s *Service) Connect(ctx context.Context) error {
	found, err := s.whoAmI(ctx)
	if err != nil {
		return err
	}
	if err := s.readQuota(ctx); err != nil {
		return err
	}
	s.unprobed.Store(found)
	return nil
}

// Identity implements keyservice.Identifier: "aws/", the partition and the account, if the KeyService names its account; otherwise
// "aws/" and the URL. The account that a server tells is not enough: every SeaweedFS and every versitygw has the same one.
func (s *Service) Identity(context.Context) (string, error) {
	if s.config.AccountID != "" {
		return "aws/" + PartitionOf(s.client.iam.region).ID + "/" + strings.ToLower(s.config.AccountID), nil
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(s.client.iam.url, "https://"), "/")
	return strings.TrimRight("aws/"+strings.ToLower(host)+"/"+path, "/"), nil
}

// whoAmI finds out the account of the credentials. A server without STS does not know it, if the KeyService gives no URL of STS.
func (s *Service) whoAmI(ctx context.Context) (*caller, error) {
	who := s.client.sts.call("check credentials", "GetCallerIdentity", nil)
	var result callerResult
	_, err := s.client.ask(ctx, s.client.sts, who, &result)
	switch {
	case err != nil && s.config.STSURL == "" && withoutSTS(err):
		return &caller{}, nil
	case err != nil:
		return nil, err
	case !accountPattern.MatchString(result.Account):
		return nil, who.Fail(keyservice.Unavailable, errNotIAM)
	case s.config.AccountID != "" && !strings.EqualFold(s.config.AccountID, result.Account):
		return nil, who.Fail(keyservice.Invalid, fmt.Errorf("the credentials are of account %s, and the KeyService's accountID is %s; correct one of them",
			result.Account, s.config.AccountID))
	}
	return &caller{account: result.Account}, nil
}

// withoutSTS reports that a server does not know GetCallerIdentity. SeaweedFS answers 503 unless it has a configuration of STS
// (4.53, weed/s3api/s3api_server.go); a server that is down answers the next request in the same way.
func withoutSTS(err error) bool {
	refused, ok := rest.Refused(err)
	if !ok {
		return errors.Is(err, errNotIAM)
	}
	without := []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusServiceUnavailable}
	return lacks(refused) || slices.Contains(without, refused.Status) && !refused.Throttled()
}

// askForOneUser proves the signature.
func (s *Service) askForOneUser(ctx context.Context) error {
	list := s.client.call("check credentials", "ListUsers", url.Values{"MaxItems": {"1"}})
	_, err := s.client.query(ctx, list, &struct{}{})
	if refused, ok := rest.Refused(err); ok && denied(refused) {
		return nil
	}
	return err
}

// readQuota asks how many keys a user can have, until the service has answered. Many servers do not know the call, and not every
// identity may send it: then it is AWS' quota.
func (s *Service) readQuota(ctx context.Context) error {
	if s.config.KeysPerUser > 0 || s.quota.Load() > 0 {
		return nil
	}
	read := s.client.call("read quota", "GetAccountSummary", nil)
	var result summaryResult
	_, err := s.client.query(ctx, read, &result)
	if refused, ok := rest.Refused(err); ok && (denied(refused) || lacks(refused) || refused.Decided() && !refused.Strange) {
		s.quota.Store(keysPerUser)
		return nil
	}
	if err != nil {
		return err
	}
	quota := keysPerUser
	for _, entry := range result.Entries {
		if entry.Key == "AccessKeysPerUserQuota" && entry.Value > 0 {
			quota = entry.Value
		}
	}
	s.quota.Store(int64(quota))
	return nil
}
