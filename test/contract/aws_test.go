// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	clocktesting "k8s.io/utils/clock/testing"

	"accesskey.dev/operator/internal/keyservice"
	backend "accesskey.dev/operator/internal/keyservice/aws"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/aws"
)

var (
	awsList    = request{name: "list", rule: awsRule("ListAccessKeys")}
	awsCreate  = request{name: "create", rule: awsRule("CreateAccessKey"), unsafe: true, changes: true}
	awsDelete  = request{name: "delete", rule: awsRule("DeleteAccessKey"), changes: true}
	awsDisable = request{name: "disable", rule: awsRule("UpdateAccessKey"), changes: true}
	awsEnable  = request{name: "enable", rule: awsRule("UpdateAccessKey"), changes: true}
	awsUsed    = request{name: "last-used", rule: awsRule("GetAccessKeyLastUsed")}
	awsUser    = request{name: "user", rule: awsRule("GetUser")}
	// awsCaller is unread, because a server with another answer has no STS, and then another request proves the signature. SeaweedFS
	// without a configuration of STS answers 503.
	awsCaller  = request{name: "caller", rule: awsRule("GetCallerIdentity"), unread: true, optional: true}
	awsSummary = request{name: "summary", rule: awsRule("GetAccountSummary")}
)

func awsRule(action string) simulator.Rule {
	return simulator.Rule{Method: http.MethodPost, Path: "/" + action}
}

func awsSubject() subject {
	return subject{
		name:        "aws",
		title:       "AWS IAM",
		pageSize:    100,
		pages:       []int{70, 100},
		unknownUser: keyservice.NotFound,
		foreignFull: expected{kind: keyservice.QuotaExceeded},
		requests: map[string][]request{
			opList:         {awsList},
			opCreate:       {awsCreate},
			opCreateBeside: {awsCreate},
			opDelete:       {awsDelete},
			opDeleteOneOf:  {awsDelete},
			opDisable:      {awsDisable},
			opEnable:       {awsEnable},
			opLastUsed:     {awsUsed},
			opResolve:      {awsUser},
			opIdentity:     {}, // it is configured
			opProbe:        {awsCaller},
			opConnect:      {awsCaller, awsSummary},
		},
		documented: awsAnswers,
		refusal:    func(words string) string { return awsError("Refused", words) },
		secrets:    []string{aws.DefaultSecretAccessKey},
		start:      startAWS(awsSubject, aws.Options{}),
	}
}

// seaweedSubject is SeaweedFS, which does not date keys and lets the caller choose a pair.
func seaweedSubject() subject {
	s := awsSubject()
	s.name, s.title = "seaweedfs", ""
	s.start = startAWS(seaweedSubject, aws.Options{Dates: aws.DatesAbsent, ChoosesKeys: true, Server: "SeaweedFS 30GB 4.22"})
	return s
}

func startAWS(described func() subject, options aws.Options) func(t *testing.T, page int) *bed {
	return func(t *testing.T, page int) *bed {
		options.PageSize = page
		return newAWSBed(t, described(), options)
	}
}

func newAWSBed(t *testing.T, described subject, options aws.Options) *bed {
	t.Helper()
	clock := clocktesting.NewFakePassiveClock(begin)
	account := simulator.Random(12, simulator.Digits)
	options.Clock, options.AccountID, options.ActivationLag = clock, account, 14*time.Second
	server := aws.New(options)
	server.AddUser(alice)
	server.AddUser(bob)
	b := &bed{world: awsWorld{server}, subject: described, clock: clock, core: server.Core}
	credentials := awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{AccessKeyID: aws.DefaultAccessKeyID, SecretAccessKey: aws.DefaultSecretAccessKey}, nil
	})
	b.backend = func(client *http.Client, url string) (keyservice.Service, error) {
		return backend.New(backend.Config{
			URL: url, AccountID: account, Credentials: credentials, ActivationDelay: 15 * time.Second,
			HTTP: client, Now: clock.Now, Gate: rest.NewGate(clock.Now, rest.Refusals{}),
		})
	}
	return serve(t, b, server)
}

type awsWorld struct{ *aws.Simulator }

func (awsWorld) user(name string) string { return name }

func (awsWorld) spellings(name string) []string { return []string{name, strings.ToUpper(name)} }

func (w awsWorld) removeUser(name string) bool { w.DeleteUser(name); return true }

func (w awsWorld) makeKey(name string) (simulator.Pair, error) {
	pair, _, err := w.MakeKey(name)
	if err != nil && len(w.Keys(name)) == 0 {
		w.AddUser(name)
		pair, _, err = w.MakeKey(name)
	}
	return pair, err
}

func (w awsWorld) visible() map[string]string { return owners(w.LivePairs()) }

func (w awsWorld) items() int { return len(w.LivePairs()) }

// awsError is a body as AWS writes it.
func awsError(code, words string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(words)) // writing to memory never fails
	return `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>` + code + "</Code><Message>" +
		escaped.String() + "</Message></Error><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ErrorResponse>"
}
