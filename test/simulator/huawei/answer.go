// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package huawei

import (
	"encoding/json"
	"net/http"
	"strings"

	"accesskey.dev/operator/test/simulator"
)

// These error codes come from the vendor's documents: the error codes of IAM 5.0, of the API gateway and of the classic IAM.
const (
	accessDenied        = "PAP5.0001"
	invalidMarker       = "PAP5.0010"
	invalidParameter    = "IAM.0007"
	gatewayUnknownAPI   = "APIGW.0101"
	gatewayUnauthorized = "APIGW.0301"
	gatewayThrottled    = "APIGW.0308"
)

// apiError is an error response.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// answer is a successful response. A nil body is sent as an empty body.
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
	w.Header().Set("X-Request-Id", simulator.Random(32, simulator.Hex))
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
	if err != nil { // Options contains invalid JSON
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(result.status)
	_, _ = w.Write(encoded)
}

// shape returns the body of an error response. The gateway documents only the flat shape for its own errors.
func (s *Simulator) shape(refused *apiError) any {
	shape := s.options.Shape
	if shape != ShapeBare && strings.HasPrefix(refused.code, "APIGW.") {
		shape = ShapeFlat
	}
	switch shape {
	case ShapeCode:
		return map[string]any{"code": refused.code, "message": refused.message, "request_id": simulator.Random(32, simulator.Hex)}
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
		body := map[string]any{"error_code": refused.code, "error_msg": refused.message, "request_id": simulator.Random(32, simulator.Hex)}
		if refused.code == accessDenied {
			body["encoded_authorization_message"] = simulator.Random(64, simulator.Hex) // differs in every response
		}
		return body
	}
}
