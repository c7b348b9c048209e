// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"accesskey.dev/operator/internal/keyservice"
)

// describe leaves out what changes from one try to the next (the local port, the request's URL, the time of day), since the
// text ends in a condition that is not rewritten without a reason.
func describe(err error) error {
	var (
		maxBytes *http.MaxBytesError
		dnsError *net.DNSError
		opError  *net.OpError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("canceled before the service answered")
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err):
		return errors.New("the service did not answer in time")
	case errors.As(err, &maxBytes):
		return fmt.Errorf("the answer is larger than %d MiB", maxBytes.Limit>>20)
	case errors.As(err, &dnsError) && dnsError.IsNotFound:
		return fmt.Errorf("cannot resolve the host %q: no such host", dnsError.Name)
	case errors.As(err, &dnsError): // without the addresses of the resolver and of this machine
		return fmt.Errorf("cannot resolve the host %q: the name servers gave no answer", dnsError.Name)
	case hungUp(err):
		return errors.New("the service closed the connection before its answer was complete")
	case errors.As(err, &opError) && opError.Addr != nil:
		return fmt.Errorf("cannot %s %s: %w", opError.Op, opError.Addr, opError.Err)
	case errors.As(err, &opError): // a TLS alert or a proxy: net gives no address
		return fmt.Errorf("%s: %w", opError.Op, describe(opError.Err))
	default:
		return describeOther(err)
	}
}

// describeOther treats the errors of TLS, and those that quote the service.
func describeOther(err error) error {
	var (
		unknownCA x509.UnknownAuthorityError
		wrongName x509.HostnameError
		invalid   x509.CertificateInvalidError
		urlError  *url.Error
	)
	switch {
	case errors.As(err, &wrongName):
		return describeNames(wrongName)
	case errors.As(err, &unknownCA):
		return errors.New("the service's certificate is signed by an unknown authority; give its CA in the KeyService's spec.tls")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Errorf("the service's certificate is valid from %s to %s only", date(invalid.Cert.NotBefore), date(invalid.Cert.NotAfter))
	case errors.As(err, &urlError):
		return errors.New(keyservice.Excerpt(urlError.Err.Error()))
	default:
		return errors.New(keyservice.Excerpt(err.Error()))
	}
}

// describeNames says which names the certificate has, and what to do about it.
func describeNames(wrong x509.HostnameError) error {
	const shown = 5
	host := keyservice.Excerpt(wrong.Host)
	names := slices.Clone(wrong.Certificate.DNSNames)
	for _, address := range wrong.Certificate.IPAddresses {
		names = append(names, address.String())
	}
	if len(names) == 0 {
		return fmt.Errorf("the service's certificate is not valid for %s: it has no subject alternative names; give the service a certificate that has them", host)
	}
	text := keyservice.Excerpt(strings.Join(names[:min(len(names), shown)], ", "))
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("the service's certificate is not valid for %s, but for %s; use one of these names in the KeyService's url, or set its tls.serverName to one of them", host, text)
}

// hungUp reports a connection that the service closed. It shows as an end or as a reset; which of them is a race in TCP.
func hungUp(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE}, func(end error) bool { return errors.Is(err, end) })
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }
