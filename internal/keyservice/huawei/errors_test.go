// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"testing"

	"accesskey.dev/operator/internal/keyservice/rest"
)

func TestAnErrorIsReadInEveryShape(t *testing.T) {
	denied := rest.Problem{Code: "PAP5.0001", Text: "denied"}
	for name, test := range map[string]struct {
		body string
		want rest.Problem
	}{
		"as IAM 5.0 has it":              {`{"error_code":"PAP5.0001","error_msg":"denied","request_id":"1","encoded_authorization_message":"x"}`, denied},
		"as the SDK is ready for":        {`{"code":"PAP5.0001","message":"denied"}`, denied},
		"nested":                         {`{"error":{"error_code":"PAP5.0001","error_msg":"denied"}}`, denied},
		"nested under another name":      {`{"request_id":"1","fault":{"code":"PAP5.0001","message":"denied"}}`, denied},
		"as classic IAM has it":          {`{"error":{"message":"akSkNumExceed","code":400,"title":"Bad Request"}}`, rest.Problem{Code: "400", Text: "akSkNumExceed"}},
		"in camel case":                  {`{"errorCode":"PAP5.0001","errorMsg":"denied"}`, denied},
		"in camel case, spelt out":       {`{"errorCode":"PAP5.0001","errorMessage":"denied"}`, denied},
		"with a code only":               {`{"error_code":"PAP5.0001"}`, rest.Problem{Code: "PAP5.0001", Text: ""}},
		"with a message only":            {`{"error_msg":"denied"}`, rest.Problem{Code: "", Text: "denied"}},
		"with null in the first place":   {`{"error_code":null,"code":"PAP5.0001","error_msg":"","message":"denied"}`, denied},
		"too deep":                       {`{"a":{"b":{"code":"x"}}}`, rest.Problem{}},
		"with objects in their place":    {`{"error_code":{},"error_msg":[1]}`, rest.Problem{}},
		"nested, behind an empty object": {`{"a":{},"error":{"code":"x"}}`, rest.Problem{Code: "x", Text: ""}},
		"an array":                       {`[{"code":"x"}]`, rest.Problem{}},
		"no JSON":                        {`<html>`, rest.Problem{}},
		"nothing":                        {``, rest.Problem{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decodeProblem([]byte(test.body)); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
