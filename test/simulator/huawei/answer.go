// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/json"
	"net/http"
	"strings"
)

// The codes of errors that the vendor's documents name (error codes of IAM 5.0, of the API gateway, and of classic IAM).
const (
	accessDenied        = "PAP5.0001"
	invalidMarker       = "PAP5.0010"
	invalidParameter    = "IAM.0007"
	gatewayUnknownAPI   = "APIGW.0101"
	gatewayUnauthorized = "APIGW.0301"
	gatewayThrottled    = "APIGW.0308"
)

// apiError is an answer that is not a success.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// answer is a success; a nil body is sent empty.
type answer struct {
	status int
	body   any
}

func (s *Simulator) write(w http.ResponseWriter, result answer, refused *apiError) {
	if s.options.NoDate {
		w.Header()["Date"] = nil
	} else {
		w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	}
	w.Header().Set("X-Request-Id", hexadecimal(32))
	if refused != nil {
		result = answer{refused.status, s.shape(refused)}
		if refused.status == http.StatusTooManyRequests && s.options.RetryAfter != "" {
			w.Header().Set("Retry-After", s.options.RetryAfter)
		}
	}
	if result.body == nil {
		w.WriteHeader(result.status)
		return
	}
	encoded, err := json.Marshal(result.body)
	if err != nil { // Options that are no JSON
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(result.status)
	_, _ = w.Write(encoded)
}

// shape is the body of an error. The gateway's own errors are always flat (its documents show them so).
func (s *Simulator) shape(refused *apiError) any {
	shape := s.options.Shape
	if shape != ShapeBare && strings.HasPrefix(refused.code, "APIGW.") {
		shape = ShapeFlat
	}
	switch shape {
	case ShapeCode:
		return map[string]any{"code": refused.code, "message": refused.message, "request_id": hexadecimal(32)}
	case ShapeNested:
		return map[string]any{"error": map[string]any{"error_code": refused.code, "error_msg": refused.message}, "details": []any{}}
	case ShapeClassic:
		return map[string]any{"error": map[string]any{
			"code": refused.status, "message": refused.code + " " + refused.message, "title": http.StatusText(refused.status),
		}}
	case ShapeCamel:
		return map[string]any{"errorCode": refused.code, "errorMsg": refused.message}
	case ShapeBare:
		return nil
	default:
		body := map[string]any{"error_code": refused.code, "error_msg": refused.message, "request_id": hexadecimal(32)}
		if refused.code == accessDenied {
			body["encoded_authorization_message"] = hexadecimal(64) // differs from answer to answer
		}
		return body
	}
}
