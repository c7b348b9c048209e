// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"cmp"
	"context"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice/aws"
	"accesskey.dev/operator/internal/keyservice/rest"
)

// Reach is what a request without credentials found out about an address.
type Reach = rest.Reach

// Reach asks the address of a KeyService, without credentials. It reads no Secret but those with certificates to trust. The error is
// *Error if these cannot be used.
func (p *Pool) Reach(ctx context.Context, service v1alpha1.GenericKeyService) (Reach, error) {
	return p.reach(ctx, service, addressOf(service.GetSpec()), service.GetSpec().TLS)
}

// ReachDataPlane is Reach for the data plane of a KeyService, which must have one.
func (p *Pool) ReachDataPlane(ctx context.Context, service v1alpha1.GenericKeyService) (Reach, error) {
	return p.reach(ctx, service, service.GetSpec().S3.Endpoint, service.GetSpec().DataPlaneTLS())
}

func (p *Pool) reach(ctx context.Context, service v1alpha1.GenericKeyService, address string, trust *v1alpha1.TLS) (Reach, error) {
	spec := &v1alpha1.KeyServiceSpec{TLS: trust}
	material, err := readSecrets(ctx, p.Live, spec, p.SecretNamespace(service))
	if err != nil {
		return Reach{}, err
	}
	config, err := transportConfig(spec, trust, material)
	if err != nil {
		return Reach{}, err
	}
	found, err := rest.Look(ctx, address, config, p.Clock.Now)
	if err != nil {
		return Reach{}, &Error{v1alpha1.ReasonKeyServiceInvalid, err}
	}
	return found, nil
}

// addressOf returns the URL of a service, also of AWS itself.
func addressOf(spec *v1alpha1.KeyServiceSpec) string {
	if spec.AWS != nil && spec.AWS.URL == "" {
		return aws.PartitionOf(cmp.Or(spec.AWS.Region, "us-east-1")).IAM
	}
	return spec.Address()
}
