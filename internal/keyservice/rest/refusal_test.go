// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
	"accesskey.dev/operator/test/simulator"
)

// answer is an http.RoundTripper that always answers the same.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) RoundTrip(request *http.Request) (*http.Response, error) {
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: request}, nil
}

// refusal that an answer leads to.
func refusal(t *testing.T, a answer, r rest.Request, change ...func(*rest.Client)) *rest.Refusal {
	t.Helper()
	client := clientOf(&http.Client{Transport: a}, "https://service.example")
	for _, f := range change {
		f(client)
	}
	_, err := client.Do(t.Context(), r)
	refused, ok := rest.Refused(err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return refused
}

func TestTheStatusOfARefusalDecidesItsKind(t *testing.T) {
	for status, want := range map[int][2]keyservice.Kind{ // for a safe request, and for one that is not
		302: {keyservice.Unavailable, keyservice.Unavailable},
		400: {keyservice.Invalid, keyservice.Invalid},
		401: {keyservice.Unauthorized, keyservice.Unauthorized},
		403: {keyservice.Unauthorized, keyservice.Unauthorized},
		404: {keyservice.NotFound, keyservice.NotFound},
		407: {keyservice.Unauthorized, keyservice.Unauthorized},
		408: {keyservice.Unavailable, keyservice.Ambiguous},
		409: {keyservice.Invalid, keyservice.Invalid},
		422: {keyservice.Invalid, keyservice.Invalid},
		429: {keyservice.Throttled, keyservice.Throttled},
		500: {keyservice.Unavailable, keyservice.Ambiguous},
		503: {keyservice.Unavailable, keyservice.Ambiguous},
	} {
		for i, r := range []rest.Request{safe, unsafe} {
			r.Subject = "user backup"
			refused := refusal(t, answer{status, http.Header{"Retry-After": {"1"}}, `{"Code":"E1","Text":"because"}`}, r)
			if refused.Err.Kind != want[i] || refused.Err.RetryAfter != time.Second {
				t.Errorf("%d, safe %t: %s, %s", status, r.Safe, refused.Err.Kind, refused.Err.RetryAfter)
			}
			said := fmt.Sprintf("the service answered %d %s: E1: because", status, http.StatusText(status))
			if refused.Error() != r.Op+": user backup: "+said || refused.Reason.Error() != said {
				t.Errorf("got %q, because %q", refused, refused.Reason)
			}
		}
	}
}

func TestAServiceThrottlesInItsWordsToo(t *testing.T) {
	for body, want := range map[string]bool{
		`{"Code":"Throttling","Text":"Rate exceeded"}`:                                     true,
		`{"Code":"ThrottlingException"}`:                                                   true,
		`{"Code":"SlowDown","Text":"Please reduce your request rate."}`:                    true,
		`{"Code":"RequestLimitExceeded"}`:                                                  true,
		`{"Code":"TooManyRequestsException"}`:                                              true,
		`{"Code":"ERR_RATE_LIMIT"}`:                                                        true,
		`{"Text":"The throttling threshold has been reached: policy user over ratelimit"}`: true,
		`{"Text":"too many API calls, slow down"}`:                                         true,
		`{"Code":"AccessDenied","Text":"no identity-based policy allows the action"}`:      false,
		`{"Code":"PAP5.0003","Text":"access keys per user limit exceeded"}`:                false,
		`{"Text":"quota exceeded: too many keys"}`:                                         false,
		`{"Text":"the corporate limit of keys is reached"}`:                                false,
		`<html>Too many requests</html>`:                                                   false,
		``:                                                                                 false,
	} {
		for _, status := range []int{400, 403, 409, 422, 503} {
			refused := refusal(t, answer{status, nil, body}, unsafe)
			if refused.Throttled() != want || want && refused.Decided() {
				t.Errorf("%d %s: %s, decided %t", status, body, refused.Err.Kind, refused.Decided())
			}
		}
		for _, status := range []int{302, 401, 404, 500, 502} {
			if refused := refusal(t, answer{status, nil, body}, unsafe); refused.Throttled() {
				t.Errorf("%d %s: throttled", status, body)
			}
		}
	}
}

func TestABackendClassifiesAndAdvises(t *testing.T) {
	advise := func(client *rest.Client) {
		client.Classify = func(refused *rest.Refusal) {
			refused.Err.Kind, refused.Err.Reason = keyservice.Ambiguous, "Odd"
			refused.Advise("check the URL")
		}
	}
	refused := refusal(t, answer{400, nil, `{"Text":"no"}`}, unsafe, advise)
	failed, ok := errors.AsType[*keyservice.Error](error(refused))
	if want := "create key: the service answered 400 Bad Request: no; check the URL"; !ok || failed.Error() != want || failed.Reason != "Odd" {
		t.Errorf("got %v", failed)
	}
	if failed.Kind != keyservice.Ambiguous {
		t.Errorf("kind %s", failed.Kind)
	}
	if refused := refusal(t, answer{400, nil, ""}, safe, advise); refused.Err.Kind != keyservice.Unavailable {
		t.Errorf("the fate of a request that changes nothing is open: %s", refused.Err.Kind)
	}
}

func TestTheServicesTextIsCutAndCleanedAndHasNoSecret(t *testing.T) {
	for body, want := range map[string]string{
		``:                                       "no explanation in the answer",
		`{"Code":"4","Text":"gone"}`:             "code 4: gone",
		`{"Text":" \n\u0000"}`:                   "no explanation in the answer",
		`{"Text":"line\nbreak\u0000\u001b[31m"}`: "line break[31m",
		`{"Text":"` + strings.Repeat("x", 300) + `"}`:       strings.Repeat("x", 199) + "…",
		`{"Text":"bad header: Bearer geheim, Z2VoZWlt"}`:    "bad header: Bearer [redacted], [redacted]",
		`{"Text":"` + strings.Repeat("x", 195) + `geheim"}`: strings.Repeat("x", 195) + "[red…",
		`<html>`: "the answer is not in the service's own form, and may be a proxy's",
	} {
		refused := refusal(t, answer{400, nil, body}, unsafe, func(client *rest.Client) { client.Redact = keyservice.NewRedactor("geheim") })
		if printed := fmt.Sprintf("%#v", refused); strings.Contains(printed, "geheim") {
			t.Errorf("printed as %s", printed)
		}
		if got, _ := strings.CutPrefix(refused.Error(), "create key: the service answered 400 Bad Request: "); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestAnAnswerThatIsNotHTTPIsQuotedWithoutTheSecrets(t *testing.T) {
	b := newBed(t)
	b.Inject(simulator.Rule{}, talk("HTTP/1.1 200 OK\r\nBearer geheim\r\n\r\n"))
	client := clientOf(b.client, b.server.URL)
	client.Redact = keyservice.NewRedactor("geheim")
	_, err := client.Do(t.Context(), safe)
	expectKind(t, err, safe, keyservice.Unavailable, "[redacted]")
}

func TestAnAnswerInAnotherFormDecidesNothing(t *testing.T) {
	for body, strange := range map[string]bool{
		"": false, " \n": false, "{}": false, `{"error":"words"}`: false, "<html>": true, "default backend": true, `{"error":`: true,
	} {
		want := keyservice.Invalid
		if strange {
			want = keyservice.Unavailable
		}
		if refused := refusal(t, answer{400, nil, body}, unsafe); refused.Err.Kind != want || refused.Strange != strange {
			t.Errorf("%q: got %s, strange %t", body, refused.Err.Kind, refused.Strange)
		}
	}
	for status, want := range map[int]keyservice.Kind{
		401: keyservice.Unauthorized, 403: keyservice.Unauthorized, 404: keyservice.Unavailable, 429: keyservice.Throttled, 500: keyservice.Ambiguous,
	} {
		if refused := refusal(t, answer{status, nil, "<html>"}, unsafe); refused.Err.Kind != want {
			t.Errorf("%d: got %s", status, refused.Err.Kind)
		}
	}
}

func TestAServiceHasItsOwnForm(t *testing.T) {
	for body, strange := range map[string]bool{"": false, "<Error/>": false, "{}": true, "<html>": true} {
		refused := refusal(t, answer{400, nil, body}, unsafe, func(client *rest.Client) {
			client.Recognizes = func(body []byte) bool { return string(body) == "<Error/>" }
		})
		if refused.Strange != strange || (refused.Err.Kind == keyservice.Unavailable) != strange {
			t.Errorf("%q: got %s, strange %t", body, refused.Err.Kind, refused.Strange)
		}
	}
}

func TestA401RefusesTheCredentials(t *testing.T) {
	for _, status := range []int{400, 401, 403, 500} {
		if refused := refusal(t, answer{status, nil, ""}, safe); refused.Credentials != (status == 401) {
			t.Errorf("%d: refuses the credentials %t", status, refused.Credentials)
		}
	}
}

func TestARequestThatCannotBeEncodedIsInvalid(t *testing.T) {
	for name, change := range map[string]func(*rest.Request){
		"a body without JSON": func(r *rest.Request) { r.Body = func() {} },
		"a method of blanks":  func(r *rest.Request) { r.Method = " " },
		"a path of controls":  func(r *rest.Request) { r.Path = "/\x00" },
	} {
		r := unsafe
		change(&r)
		_, err := clientOf(&http.Client{Transport: answer{status: 200}}, "https://service.example").Do(t.Context(), r)
		if keyservice.KindOf(err) != keyservice.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 01 Mar 2026 12:00:00 GMT"
	for name, test := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"absent":                        {http.Header{}, 0},
		"seconds":                       {http.Header{"Retry-After": {"90"}}, 90 * time.Second},
		"seconds with blanks":           {http.Header{"Retry-After": {" 90 "}}, 90 * time.Second},
		"no seconds":                    {http.Header{"Retry-After": {"0"}}, 0},
		"negative seconds":              {http.Header{"Retry-After": {"-5"}}, 0},
		"an hour at most":               {http.Header{"Retry-After": {"86400"}}, time.Hour},
		"more seconds than there are":   {http.Header{"Retry-After": {"99999999999999999999"}}, time.Hour},
		"words":                         {http.Header{"Retry-After": {"soon"}}, 0},
		"a date, by the service's time": {http.Header{"Retry-After": {"Sun, 01 Mar 2026 12:00:30 GMT"}, "Date": {date}}, 30 * time.Second},
		"a date that is past":           {http.Header{"Retry-After": {"Sun, 01 Mar 2026 11:00:00 GMT"}, "Date": {date}}, 0},
		"a date that is far away":       {http.Header{"Retry-After": {"Sun, 01 Mar 2099 12:00:00 GMT"}, "Date": {date}}, time.Hour},
		"a date without the service's":  {http.Header{"Retry-After": {"Sun, 01 Mar 2026 12:00:30 GMT"}, "Date": nil}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			refused := refusal(t, answer{429, test.header, ""}, safe)
			if got := keyservice.RetryAfterOf(refused); keyservice.KindOf(refused) != keyservice.Throttled || got != test.want {
				t.Errorf("got %s, %v, want %s", got, refused, test.want)
			}
		})
	}
}
