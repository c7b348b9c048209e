// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
)

// BaseURL reads the URL of a service: https and a host, nothing else. Its errors show the example, and do not quote the URL,
// which may hold a password.
func BaseURL(text, example string) (string, error) {
	want := "; it should look like " + example
	base, err := url.Parse(text)
	switch {
	case err != nil || base.Scheme == "" || base.Opaque != "":
		return "", errors.New("the URL cannot be read" + want)
	case base.Scheme != "https":
		return "", errors.New("the URL does not begin with https://, and credentials are not sent otherwise" + want)
	case base.Hostname() == "":
		return "", errors.New("the URL names no host" + want)
	case base.User != nil:
		return "", errors.New("the URL holds a user; credentials belong in a Secret" + want)
	case strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return "", errors.New("the URL goes on after the host" + want)
	}
	return "https://" + strings.TrimSuffix(base.Host, ":443"), nil
}

// IsToken reports whether a text can be a token or a secret key: printable ASCII without blanks.
func IsToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' })
}
