// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"accesskey.dev/operator/api/v1alpha1"
)

// withData returns the template of an AccessKey with one data template under the key config.
func withData(text string) Template {
	with := template()
	with.AccessKey.Spec.SecretTemplate = &v1alpha1.SecretTemplate{Data: map[string]v1alpha1.DataTemplate{"config": v1alpha1.DataTemplate(text)}, Bucket: "photos"}
	with.AccessKey.Spec.ServiceRef.Name = "qumulo"
	return with
}

func TestTemplates(t *testing.T) {
	for text, want := range map[string]string{
		`{{ .AccessKeyID }}:{{ .SecretAccessKey }}`: "AKIAK1:" + secretValue,
		`{{ .PreviousAccessKeyID }}`:                "AKIAK0",
		`{{ .ExpiresAt }}`:                          "2026-03-31T12:00:00Z",
		`{{ .Endpoint }} {{ .Endpoint.URL }}`:       "https://s3.example:9000 https://s3.example:9000",
		`{{ .Endpoint.Host }} {{ .Endpoint.Port }} {{ .Endpoint.HostPort }} {{ .Endpoint.TLS }}`: "s3.example 9000 s3.example:9000 true",
		`{{ .Region }}/{{ .Bucket }}`: "us-east-1/photos",
		`{{ .Namespace }}/{{ .Name }} {{ .User }} {{ .Service }} {{ .SecretName }}`:                               "team-a/backup local:backup qumulo backup",
		`{{ if .Endpoint.TLS }}yes{{ else }}no{{ end }}{{ with .Region }} {{ . }}{{ end }}`:                       "yes us-east-1",
		`{{ printf "%s:%s" .AccessKeyID "x" | b64enc }}`:                                                          "QUtJQUsxOng=",
		`{{ .SecretAccessKey | urlquery }} {{ .Name | upper | quote }} {{ default "none" "" }}`:                   `wJalrXUtnFEMI%2FK7MDENG "BACKUP" none`,
		`{{ .Endpoint.URL | trimPrefix "https://" }} {{ replace "-" "_" .Region }} {{ toJson .AccessKeyID }}`:     `s3.example:9000 us_east_1 "AKIAK1"`,
		`{{ $id := .AccessKeyID }}{{ if and (hasPrefix "AKIA" $id) (eq (len $id) 6) }}{{ $id | lower }}{{ end }}`: "akiak1",
		`{{/* nothing */}}plain`: "plain",
	} {
		with := withData(text)
		content, err := with.Render(pair, with.record())
		if got := string(content.Data["config"]); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for url, want := range map[string]string{
		"https://s3.example":        "s3.example|s3.example|443|true",
		"http://s3.example":         "s3.example|s3.example|80|false",
		"http://10.0.0.1:8080/path": "10.0.0.1|10.0.0.1:8080|8080|false",
		"https://[2001:db8::1]:443": "2001:db8::1|[2001:db8::1]:443|443|true",
	} {
		with := withData(`{{ .Endpoint.Host }}|{{ .Endpoint.HostPort }}|{{ .Endpoint.Port }}|{{ .Endpoint.TLS }}`)
		with.S3.Endpoint = url
		if content, err := with.Render(pair, with.record()); err != nil || string(content.Data["config"]) != want {
			t.Errorf("%s = %q, %v, want %q", url, content.Data["config"], err, want)
		}
	}
	with := withData(`{{ if .Endpoint }}{{ .Endpoint.URL }}{{ else }}none{{ end }}{{ .Endpoint }}`)
	with.S3 = nil
	if content, err := with.Render(pair, with.record()); err != nil || string(content.Data["config"]) != "none" {
		t.Errorf("without an endpoint: %q, %v", content.Data["config"], err)
	}
}

func TestAnEmptyResultLeavesTheKeyOut(t *testing.T) {
	with := withData(`{{ with .Region }}{{ . }}{{ end }}`)
	with.S3 = nil
	content, err := with.Render(pair, with.record())
	if _, there := content.Data["config"]; err != nil || there || len(content.Data) != 2 {
		t.Errorf("%q, %v", content.Data, err)
	}
}

// TestBadTemplates checks what a person reads about a template that cannot be rendered.
func TestBadTemplates(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\n{{ .Foo }}":                               `data key config, line 3: at <.Foo>: can't evaluate field Foo in type secret.values`,
		"{{ if }}":                                       `data key config, line 1: missing value for if`,
		"{{ .AccessKeyID":                                `data key config, line 1: unclosed action`,
		"\n{{ env \"HOME\" }}":                           `data key config, line 2: function "env" not defined`,
		"{{ now }}":                                      `function "now" not defined`,
		"{{ randAlphaNum 8 }}":                           `function "randAlphaNum" not defined`,
		"{{ getHostByName \"a\" }}":                      `function "getHostByName" not defined`,
		"{{ fail .SecretAccessKey }}":                    `function "fail" not defined`,
		"{{ index .AccessKeyID 999 }}":                   `data key config, line 1: at <index .AccessKeyID 999>: error calling index: index out of range: 999`,
		"{{ .Endpoint | upper }}":                        `wrong type for value; expected string; got *secret.endpoint`,
		"{{ range 3 }}{{ end }}":                         `data key config, line 1: range, template and block are not supported`,
		"{{ if true }}\n{{ range 3 }}{{ end }}{{ end }}": `data key config, line 2: range, template and block are not supported`,
		"{{ with 1 }}{{ else }}{{ range 3 }}{{ end }}{{ end }}": `range, template and block are not supported`,
		"{{ define \"x\" }}{{ end }}":                           `define and block are not supported`,
		"{{ block \"x\" . }}{{ end }}":                          `define and block are not supported`,
		"{{ template \"config\" . }}":                           `range, template and block are not supported`,
		"{{ printf \"%1000000d\" 1 }}":                          `printf takes only %s, %q, %v, %d, %t, %x and %%`,
		"{{ printf \"%[1]s%[1]s\" .AccessKeyID }}":              `printf takes only`,
	} {
		with := withData(text)
		_, err := with.Render(pair, with.record())
		if !errors.Is(err, ErrTemplate) || !strings.HasPrefix(err.Error(), "the Secret cannot be rendered from secretTemplate: data key config") || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), secretValue) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
		if problem := with.Problem(DryRunPair); problem == nil {
			t.Errorf("%s: no problem", text)
		}
	}
}

// TestATemplateCannotDecideByTheSecret: who may write AccessKeys, and may not read Secrets, sees whether a template fails.
func TestATemplateCannotDecideByTheSecret(t *testing.T) {
	for _, text := range []string{
		`{{ eq .SecretAccessKey "a" }}`, `{{ eq .SecretAccessKey .SecretAccessKey }}`, `{{ ne (b64enc .SecretAccessKey) (b64enc .SecretAccessKey) }}`,
		`{{ lt .SecretAccessKey "a" }}`, `{{ len .SecretAccessKey }}`, `{{ index .SecretAccessKey 0 }}`, `{{ slice .SecretAccessKey 1 }}`,
		`{{ hasPrefix "w" .SecretAccessKey }}`, `{{ contains "w" .SecretAccessKey }}`, `{{ trimPrefix "w" .SecretAccessKey }}`, `{{ trunc 1 .SecretAccessKey }}`,
		`{{ upper .SecretAccessKey }}`, `{{ replace "w" "" .SecretAccessKey }}`, `{{ ternary 1 2 .SecretAccessKey }}`,
		`{{ index (print .SecretAccessKey) 0 }}`, `{{ len (printf "%s" .SecretAccessKey) }}`, `{{ index (toJson .SecretAccessKey) 0 }}`,
		`{{ index (coalesce .SecretAccessKey "a") 0 }}`, `{{ index (and 1 .SecretAccessKey) 0 }}`, `{{ index (print .) 0 }}`, `{{ printf "%v" . }}`, `{{ toJson . }}`,
		`{{ quote . }}`, `{{ .SecretAccessKey.text }}`, `{{ .SecretAccessKey.String }}`, `{{ printf "%%%s" "a" .SecretAccessKey | len }}`, `{{ trim (.SecretAccessKey | html) }}`,
	} {
		with := withData(text)
		if _, err := with.Render(pair, with.record()); err == nil {
			t.Errorf("%s is rendered", text)
		}
	}
	for text, want := range map[string]string{
		`{{ if .SecretAccessKey }}yes{{ end }}`:                    "yes",
		`{{ print "a" .SecretAccessKey | b64enc | urlquery }}`:     "YXdKYWxyWFV0bkZFTUkvSzdNREVORw%3D%3D",
		`{{ printf "%s:%q" .AccessKeyID .SecretAccessKey }}`:       `AKIAK1:"wJalrXUtnFEMI/K7MDENG"`,
		`{{ default "none" .SecretAccessKey }}`:                    secretValue,
		`{{ with .SecretAccessKey }}{{ toJson . }}{{ end }}`:       `"wJalrXUtnFEMI/K7MDENG"`,
		`{{ $s := quote .SecretAccessKey }}{{ $s }}{{ squote 1 }}`: `"wJalrXUtnFEMI/K7MDENG"'1'`,
	} {
		with := withData(text)
		if content, err := with.Render(pair, with.record()); err != nil || string(content.Data["config"]) != want {
			t.Errorf("%s = %q, %v, want %q", text, content.Data["config"], err, want)
		}
	}
}

// TestHostileTemplates checks that no template within the bounds of the CRD takes long or makes something large.
func TestHostileTemplates(t *testing.T) {
	const bound = 8192 // of DataTemplate
	fill := func(part string) string { return strings.Repeat(part, (bound-64)/len(part)) }
	for name, text := range map[string]string{
		"a text that doubles":      `{{ $x := "aaaaaaaa" }}` + fill(`{{ $x = print $x $x }}`) + `{{ $x }}`,
		"a text that grows":        `{{ $x := "<" }}` + fill(`{{ $x = html $x }}`) + `{{ $x }}`,
		"a replacement that grows": `{{ $x := "` + strings.Repeat("a", 4000) + `" }}` + `{{ $x = replace "a" $x $x }}{{ $x = replace "a" $x $x }}`,
		"an empty replacement":     `{{ $x := "` + strings.Repeat("a", 2000) + `" }}` + `{{ $x = replace "" $x $x }}{{ $x = replace "" $x $x }}`,
		"many arguments":           `{{ $x := "` + strings.Repeat("a", 4000) + `" }}{{ print ` + strings.Repeat("$x ", 1300) + `}}{{ $x }}`,
		"a format that grows":      `{{ $x := "aaaaaaaa" }}` + fill(`{{ $x = printf "%s%s" $x $x }}`),
		"an output that is long":   `{{ $x := "` + strings.Repeat("a", 4000) + `" }}` + strings.Repeat(`{{ $x }}`, 500),
		"deep parentheses":         "{{ " + strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000) + " }}",
		"deep conditions":          strings.Repeat("{{if 1}}", 500) + strings.Repeat("{{end}}", 500),
		"a chain of functions":     "{{ .AccessKeyID " + fill("|b64enc") + " }}",
		"much work without output": `{{ $x := "` + strings.Repeat("a", 3000) + `" }}` + strings.Repeat(`{{ $y := sha256sum $x }}`, 200),
		"the whole of the values":  fill("{{ . }}"),
	} {
		with := withData("")
		data := map[string]v1alpha1.DataTemplate{}
		for i := range 32 {
			data[fmt.Sprintf("key%d", i)] = v1alpha1.DataTemplate(text)
		}
		with.AccessKey.Spec.SecretTemplate.Data = data
		if len(text) > bound {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		began := time.Now()
		content, err := with.Render(pair, with.record())
		size := 0
		for _, value := range content.Data {
			size += len(value)
		}
		if took := time.Since(began); took > 5*time.Second || size > 2<<20 {
			t.Errorf("%s took %s and made %d bytes, %v", name, took, size, err)
		}
		t.Logf("%s: %s, %d bytes, %.100v", name, time.Since(began), size, err)
	}
}

func TestTheDigestChangesWithWhatATemplateUses(t *testing.T) {
	for _, c := range []struct {
		name    string
		text    string
		change  func(*Template)
		changes bool
	}{
		{"the text", "a", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Data["config"] = "b" }, true},
		{"another key", "a", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Data["other"] = "a" }, true},
		{"a format", "a", func(t *Template) {
			t.AccessKey.Spec.SecretTemplate.Formats = []v1alpha1.SecretFormat{v1alpha1.FormatMC}
		}, true},
		{"the default keys", "a", func(t *Template) { t.AccessKey.Spec.SecretTemplate.IncludeDefaults = ptr.To(false) }, true},
		{"the default keys, in words", "a", func(t *Template) { t.AccessKey.Spec.SecretTemplate.IncludeDefaults = ptr.To(true) }, false},
		{"the bucket", "a", func(t *Template) { t.AccessKey.Spec.SecretTemplate.Bucket = "others" }, true},
		{"the endpoint without the default keys", "a", func(t *Template) { t.S3.Endpoint = "https://s3.other" }, true},
		{"the previous key, which is not used", "a", func(t *Template) { t.AccessKey.Status.PreviousKeys = nil }, false},
		{"the previous key", "{{ .PreviousAccessKeyID }}", func(t *Template) { t.AccessKey.Status.PreviousKeys = nil }, true},
	} {
		before, after := withData(c.text), withData(c.text)
		if c.name == "the endpoint without the default keys" {
			before.AccessKey.Spec.SecretTemplate.IncludeDefaults, after.AccessKey.Spec.SecretTemplate.IncludeDefaults = ptr.To(false), ptr.To(false)
		}
		c.change(&after)
		if (before.Digest(before.record()) != after.Digest(after.record())) != c.changes {
			t.Errorf("%s changes the digest: %t, want %t", c.name, !c.changes, c.changes)
		}
	}
}

// FuzzTemplates looks for templates that panic, that are not rendered the same each time, or whose error depends on the secret.
func FuzzTemplates(f *testing.F) {
	for _, templates := range formats {
		for _, text := range templates {
			f.Add(text)
		}
	}
	f.Add(`{{ printf "%s" .SecretAccessKey | trunc -3 }}{{ ternary 1 2 true }}{{ coalesce "" nil }}`)
	f.Add(`{{ if eq (b64enc .SecretAccessKey | quote) "a" }}{{ .Missing }}{{ end }}{{ index .Region (len (print .SecretAccessKey)) }}`)
	f.Add(`{{ index .SecretAccessKey .AccessKeyID }}{{ slice .SecretAccessKey 1 99 }}{{ eq .SecretAccessKey 1 }}`)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8192 {
			return
		}
		with := withData(text)
		first, err := with.Render(pair, with.record())
		if err != nil && strings.Contains(err.Error(), secretValue) && !strings.Contains(text, secretValue) {
			t.Errorf("%q: %v", text, err)
		}
		_, other := with.Render(Pair{pair.AccessKeyID, "xKbmsYVuoGFNJ/L8NEFOH"}, with.record())
		if fmt.Sprint(err) != fmt.Sprint(other) {
			t.Errorf("%q: %v, with another secret %v", text, err, other)
		}
		again, _ := with.Render(pair, with.record())
		if digest(first.Data) != digest(again.Data) {
			t.Errorf("%q is rendered as %q, then as %q", text, first.Data, again.Data)
		}
	})
}
