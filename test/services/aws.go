// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package services

import (
	"math/rand/v2"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/test/simulator"
	"accesskey.dev/operator/test/simulator/aws"
)

const (
	// activationDelay is the spec.aws.activationDelay of the KeyServices. Times in lists have whole seconds, so a key can wait a second less.
	activationDelay = 3 * time.Second
	// activationLag is how long a new key does not work. It is shorter than at AWS, so that tests on a real clock do not take too long.
	activationLag = 2 * time.Second
)

// AWS is an account at AWS, whose new keys do not work for two seconds.
func AWS() Service {
	return Service{
		Kind: "aws", Name: "aws", Title: "AWS IAM", Version: "IAM API (account " + aws.DefaultAccountID + ")", Quota: 2, Dated: true,
		Spec: func(spec *v1alpha1.KeyServiceSpec, url, secret string) {
			spec.AWS = &v1alpha1.AWSService{
				URL: url, AccountID: aws.DefaultAccountID, CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret},
				ActivationDelay: &metav1.Duration{Duration: activationDelay},
			}
		},
		Open: func(o Options) *Account {
			options := aws.Options{ListLag: o.Lag, ActivationLag: activationLag}
			if o.Random != nil {
				options = wildAWS(o.Random)
			}
			options.Clock = o.Clock
			return OpenAWS(options)
		},
	}
}

// OpenAWS creates an account.
func OpenAWS(options aws.Options) *Account {
	server, row := aws.New(options), AWS()
	row.Dated = options.Dates != aws.DatesAbsent
	return &Account{
		Service: row, Server: server, Core: server.Core, Lag: options.ListLag,
		AddUser: func(name string) User {
			return User{
				Name: name, Alias: strings.ToUpper(name), Owner: server.AddUser(name),
				Secret: map[string]string{"access-key-id": aws.DefaultAccessKeyID, "secret-access-key": aws.DefaultSecretAccessKey},
			}
		},
		MakeKey: func(u User) (simulator.Pair, string, error) { return server.MakeKey(u.Name) },
	}
}

// OpenSeaweedFS creates an account at a server that does not date keys, and lets the caller choose a pair.
func OpenSeaweedFS(options aws.Options) *Account { return OpenAWS(seaweedFS(options)) }

func seaweedFS(options aws.Options) aws.Options {
	options.Dates, options.ChoosesKeys, options.Server = aws.DatesAbsent, true, "SeaweedFS 30GB 4.53"
	return options
}

func wildAWS(rng *rand.Rand) aws.Options {
	options := aws.Options{
		LimitStatus: pick(rng, 0, 400, 403), ActivationLag: pick(rng, 0, activationLag), RevokeLag: pick(rng, 0, 4*time.Second),
		ListLag: pick(rng, 0, 2*time.Second), QuotaLag: pick(rng, 0, time.Second),
		Shape: pick(rng, aws.ShapeWrapped, aws.ShapeBare, aws.ShapeList), Markup: pick(rng, aws.MarkupNamespace, aws.MarkupPlain, aws.MarkupPrefix),
		Dates: pick(rng, aws.DatesSeconds, aws.DatesNanoseconds, aws.DatesAbsent), Pages: pick(rng, aws.PagesFull, aws.PagesShort, aws.PagesIgnored), PageSize: pick(rng, 0, 1),
		InactiveWord: pick(rng, "", "Expired"), DeniesUnknown: pick(rng, false, true), Lenient: pick(rng, false, true),
		Missing:       pick(rng, nil, []string{"GetAccountSummary", "GetCallerIdentity"}, []string{"GetAccessKeyLastUsed"}),
		MissingStatus: pick(rng, 0, 404, 501), ThrottleStatus: pick(rng, 0, 503), SkewCode: pick(rng, "", "RequestTimeTooSkewed"),
	}
	if options.Dates == aws.DatesAbsent && pick(rng, false, true) {
		return seaweedFS(options)
	}
	return options
}
