// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/plan"
)

// ErrTemplate says that a Secret cannot be rendered from its template.
var ErrTemplate = errors.New("the Secret cannot be rendered from secretTemplate")

// values is what a template can use. The names are part of the API.
type values struct {
	AccessKeyID     string
	SecretAccessKey sealed
	// PreviousAccessKeyID of the pair before this one; empty if its key is revoked.
	PreviousAccessKeyID string
	// ExpiresAt of the pair (RFC 3339); empty if it does not expire.
	ExpiresAt string
	// Endpoint and Region are those of the KeyService; nil and empty if it has none.
	Endpoint *endpoint
	Region   string
	// PathStyle reports whether buckets are addressed by the path of a URL; false without an endpoint.
	PathStyle bool
	Bucket    string
	// Namespace and Name of the AccessKey, User as it names it, Service is the name of the KeyService.
	Namespace, Name, User, Service string
	SecretName                     string
}

// endpoint is the S3 endpoint of a KeyService.
type endpoint struct{ text string }

var errNoEndpoint = errors.New("the KeyService has no s3.endpoint")

// String returns the whole URL, and nothing without an endpoint.
func (e *endpoint) String() string {
	if e == nil {
		return ""
	}
	return e.text
}

// URL returns the endpoint as the KeyService has it.
func (e *endpoint) URL() (string, error) { return e.part(func(*url.URL) string { return e.text }) }

// HostPort returns the host and the port, if the endpoint names one.
func (e *endpoint) HostPort() (string, error) {
	return e.part(func(u *url.URL) string { return u.Host })
}

// Host returns the host without the port.
func (e *endpoint) Host() (string, error) { return e.part((*url.URL).Hostname) }

// Port returns the port, or that of the scheme.
func (e *endpoint) Port() (string, error) {
	return e.part(func(u *url.URL) string {
		switch {
		case u.Port() != "":
			return u.Port()
		case u.Scheme == "http":
			return "80"
		default:
			return "443"
		}
	})
}

// TLS reports whether the endpoint is https.
func (e *endpoint) TLS() (bool, error) {
	scheme, err := e.part(func(u *url.URL) string { return u.Scheme })
	return scheme == "https", err
}

func (e *endpoint) part(of func(*url.URL) string) (string, error) {
	if e == nil {
		return "", errNoEndpoint
	}
	parsed, err := url.Parse(e.text)
	if err != nil {
		return "", errors.New("the s3.endpoint of the KeyService is not a URL")
	}
	return of(parsed), nil
}

// source is the template of one data key.
type source struct {
	text string
	// format that the template is part of; empty if it is the user's.
	format v1alpha1.SecretFormat
}

// sources returns the templates of the data beside the default keys.
func (t Template) sources() map[string]source {
	wanted := t.AccessKey.Spec.SecretTemplate
	if wanted == nil {
		return nil
	}
	found := map[string]source{}
	for _, format := range wanted.Formats {
		for key, text := range formats[format] {
			found[key] = source{text, format}
		}
	}
	for key, text := range wanted.Data {
		found[key] = source{text: string(text)}
	}
	return found
}

// DryRunPair is a pair as long as those of most services, which no service has.
var DryRunPair = Pair{AccessKeyID: "DRYRUNDRYRUNDRYRUN00", SecretAccessKey: "dry/run/dry/run/dry/run/dry/run/dry/run/"}

// Problem returns why the Secret of a pair cannot be rendered; nil if it can.
func (t Template) Problem(pair Pair) error {
	_, err := t.data(pair, plan.RecordOf(t.AccessKey, t.Service))
	return err
}

// values returns what the templates can use.
func (t Template) values(pair Pair, record plan.Record) values {
	ak := t.AccessKey
	with := values{
		AccessKeyID: pair.AccessKeyID, SecretAccessKey: sealed{[]byte(pair.SecretAccessKey.Reveal())}, PreviousAccessKeyID: record.PreviousAccessKeyID(),
		ExpiresAt: t.expiresAt(record), Namespace: ak.Namespace, Name: ak.Name, User: ak.Spec.User, Service: ak.Spec.ServiceRef.Name, SecretName: ak.SecretName(),
	}
	if ak.Spec.SecretTemplate != nil {
		with.Bucket = ak.Spec.SecretTemplate.Bucket
	}
	if t.S3 != nil {
		with.Endpoint, with.Region, with.PathStyle = &endpoint{t.S3.Endpoint}, t.S3.Region, ptr.Deref(t.S3.PathStyle, true)
	}
	return with
}

// templateInputs returns the templates and what they can use that can change, except for the pair and its expiry. Hardly any
// template uses the previous key, which changes when it is revoked.
func (t Template) templateInputs(record plan.Record) map[string]string {
	inputs := map[string]string{}
	if !t.AccessKey.DefaultKeys() {
		inputs["pair"] = ownPairKeys.accessKeyID
	}
	sources := t.sources()
	if len(sources) == 0 {
		return inputs
	}
	with := t.values(Pair{}, record)
	inputs["endpoint"], inputs["region"], inputs["bucket"], inputs["secretName"] = with.Endpoint.String(), with.Region, with.Bucket, with.SecretName
	for key, source := range sources {
		inputs["text/"+key] = source.text
		if strings.Contains(source.text, "Previous") {
			inputs["previous"] = with.PreviousAccessKeyID
		}
		if strings.Contains(source.text, "PathStyle") {
			inputs["pathStyle"] = strconv.FormatBool(with.PathStyle)
		}
	}
	return inputs
}

// execute renders the templates. A value that is empty is left out.
func execute(sources map[string]source, with values) (map[string][]byte, error) {
	rendered := map[string][]byte{}
	if len(sources) == 0 {
		return rendered, nil
	}
	functions, room := boundedFunctions(&meter{maxWork}), corev1.MaxSecretSize
	for _, key := range slices.Sorted(maps.Keys(sources)) {
		text, err := parseText(key, sources[key].text, functions)
		out := &limited{room: room}
		if err == nil {
			err = text.Execute(out, with)
		}
		if err != nil {
			return nil, explain(key, sources[key].format, err)
		}
		if room -= out.Len(); out.Len() > 0 {
			rendered[key] = out.Bytes()
		}
	}
	return rendered, nil
}

// parseText parses one template. Without loops and calls of other templates, it cannot run longer than its text is long.
func parseText(key, text string, functions texttemplate.FuncMap) (*texttemplate.Template, error) {
	parsed, err := texttemplate.New(key).Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	if len(parsed.Templates()) > 1 {
		return nil, errors.New("define and block are not supported")
	}
	return parsed, unsupported(parsed.Tree, parsed.Root)
}

// unsupported finds loops and calls of other templates.
func unsupported(tree *parse.Tree, list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		var branch *parse.BranchNode
		switch node := node.(type) {
		case *parse.RangeNode, *parse.TemplateNode:
			location, _ := tree.ErrorContext(node)
			return fmt.Errorf("template: %s: range, template and block are not supported", location)
		case *parse.IfNode:
			branch = &node.BranchNode
		case *parse.WithNode:
			branch = &node.BranchNode
		default:
			continue
		}
		if err := errors.Join(unsupported(tree, branch.List), unsupported(tree, branch.ElseList)); err != nil {
			return err
		}
	}
	return nil
}

// position is how text/template begins an error: with the key, the line and the column.
var position = regexp.MustCompile(`^template: [^:]*:(\d+):(?:\d+:)? (?:executing "[^"]*" )?`)

// explain says where a template is wrong.
func explain(key string, format v1alpha1.SecretFormat, err error) error {
	where, text := "data key "+key, err.Error()
	if format != "" {
		where += fmt.Sprintf(" (format %s)", format)
	} else if found := position.FindStringSubmatch(text); found != nil {
		where += ", line " + found[1]
	}
	return fmt.Errorf("%w: %s: %s", ErrTemplate, where, position.ReplaceAllString(text, ""))
}

// limited is a buffer with an end.
type limited struct {
	bytes.Buffer
	room int
}

// Write implements io.Writer.
func (l *limited) Write(text []byte) (int, error) {
	if l.Len()+len(text) > l.room {
		return 0, errors.New("the Secret would be larger than 1 MiB")
	}
	return l.Buffer.Write(text)
}
