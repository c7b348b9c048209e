// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAnswersAndFailuresAreCountedForEachConsumer(t *testing.T) {
	collector := &Collector{}
	for _, body := range []string{
		`{"consumer": "a", "pod": "a-1", "accessKeyID": "first"}`,
		`{"consumer": "b", "pod": "b-1", "accessKeyID": "other"}`,
		`{"consumer": "a", "pod": "a-1", "accessKeyID": "first", "took": 7, "error": "InvalidAccessKeyId"}`,
		`{"consumer": "a", "pod": "a-2", "accessKeyID": "second", "took": 5}`,
	} {
		answer := httptest.NewRecorder()
		collector.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %s", body, answer.Body)
		}
	}
	got := collector.Counts("a")
	if got.LongestPause <= 0 || got.LongestPause > time.Minute {
		t.Errorf("the longest pause is %s", got.LongestPause)
	}
	got.LongestPause, got.last = 0, time.Time{}
	want := Counts{
		Answered: 2, Failed: 1, Keys: []string{"first", "second"}, Pods: []string{"a-1", "a-2"}, Slowest: 5,
		Failures: []Report{{Consumer: "a", Pod: "a-1", AccessKeyID: "first", Took: 7, Error: "InvalidAccessKeyId"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if names := collector.Consumers(); !reflect.DeepEqual(names, []string{"a", "b"}) {
		t.Errorf("got the consumers %q", names)
	}
	answer := httptest.NewRecorder()
	if collector.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{"))); answer.Code != http.StatusBadRequest {
		t.Errorf("an unreadable report was answered with %d", answer.Code)
	}
}
