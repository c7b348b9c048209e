// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/rest"
)

func TestTheURLOfAServiceIsAHostBehindHTTPS(t *testing.T) {
	const example = "https://service.example:8000"
	for text, want := range map[string]string{
		"https://a.example": "https://a.example", "https://a.example/": "https://a.example", "https://a.example:8000": "https://a.example:8000",
		"https://a.example:443//": "https://a.example", "https://[fd00::1]:8000": "https://[fd00::1]:8000", "https://[fd00::443]": "https://[fd00::443]",
		"https://[2001:db8::1]:443/": "https://[2001:db8::1]",
	} {
		if got, err := rest.BaseURL(text, example); got != want || err != nil {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "cannot be read", "a.example:8000": "cannot be read", "a.example": "cannot be read", "//a.example": "cannot be read",
		"https://a example": "cannot be read", "https:a.example": "cannot be read", "https://a:geheim": "cannot be read",
		"http://a.example": "does not begin with https://", "https://": "names no host", "https://:8000": "names no host",
		"https://a.example/geheim": "goes on after the host", "https://a.example?a=geheim": "goes on after the host",
		"https://a.example?": "goes on after the host", "https://a.example#geheim": "goes on after the host",
		"https://admin:geheim@a.example": "credentials belong in a Secret", "https://[fe80::1%25eth0]:8000": "an IPv6 zone",
		"https://a.example/prefix/": "a path prefix is not supported", "https://2001:db8::1": "cannot be read",
	} {
		_, err := rest.BaseURL(text, example)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "; it should look like "+example) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error quotes the URL: %v", err)
		}
	}
}

func TestAURLMayHaveAPlainPath(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.example": "https://a.example", "https://a.example/": "https://a.example/", "https://a.example:443/iam": "https://a.example/iam",
		"https://a.example:4443/iam/v1.0/~a_b-c/": "https://a.example:4443/iam/v1.0/~a_b-c/",
	} {
		if got, err := rest.PathURL(text, "https://b.example/iam"); got != want || err != nil {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"https://a.example//": "a plain path", "https://a.example/a//b": "a plain path", "https://a.example/a/../b": "a plain path",
		"https://a.example/.": "a plain path", "https://a.example/a%2fb": "a plain path", "https://a.example/geheim ä": "a plain path",
		"https://a.example/iam?a=geheim": "a plain path", "https://a.example/iam#geheim": "a plain path", "http://a.example/iam": "https://",
	} {
		_, err := rest.PathURL(text, "https://b.example/iam")
		if err == nil || !strings.Contains(err.Error(), want+"; it should look like https://b.example/iam") && want != "https://" || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestATokenIsPrintableASCII(t *testing.T) {
	for text, want := range map[string]bool{
		"access-v1:abc/def+ghi=": true, "a.b.c": true, "": false, " ": false, "a b": false, "a\r\nX: y": false, "a\x7f": false, "ä": false,
	} {
		if got := rest.IsToken(text); got != want {
			t.Errorf("%q: got %t", text, got)
		}
	}
}

func TestPagesAreReadToTheLastOne(t *testing.T) {
	for name, test := range map[string]struct {
		next  map[string]string // by cursor
		reads int
		fails string
	}{
		"one page":                      {map[string]string{}, 1, ""},
		"three pages":                   {map[string]string{"": "a", "a": "b"}, 3, ""},
		"a circle":                      {map[string]string{"": "a", "a": "b", "b": "a"}, 3, "go in a circle"},
		"one page that leads to itself": {map[string]string{"": "a", "a": "a"}, 2, "go in a circle"},
	} {
		var reads int
		err := rest.Pages(safe, func(cursor string) (string, error) { reads++; return test.next[cursor], nil })
		if reads != test.reads || (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("%s: %d pages, %v", name, reads, err)
		}
	}
	reads := 0
	err := rest.Pages(safe, func(string) (string, error) { reads++; return strconv.Itoa(reads), nil })
	if reads != 1000 || keyservice.KindOf(err) != keyservice.Unavailable || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("%d pages, %v", reads, err)
	}
	failed := errors.New("away")
	if err := rest.Pages(safe, func(cursor string) (string, error) {
		if cursor == "a" {
			return "", failed
		}
		return "a", nil
	}); !errors.Is(err, failed) {
		t.Errorf("a page that fails: %v", err)
	}
}

func TestAFlightServesAllCallersAndEndsWithNone(t *testing.T) {
	var flight rest.Flight[int]
	begun, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := flight.Do(ctx, "", safe, func(ctx context.Context) (int, error) {
			close(begun)
			<-release
			return 7, ctx.Err()
		})
		first <- err
	}()
	<-begun
	second := make(chan int)
	go func() {
		got, err := flight.Do(t.Context(), "", safe, func(context.Context) (int, error) { return 8, nil })
		if err != nil {
			t.Error(err)
		}
		second <- got
	}()
	cancel()
	err := <-first
	expectKind(t, err, safe, keyservice.Unavailable, "canceled before the service answered")
	close(release)
	if got := <-second; got != 7 && got != 8 { // 8 if it came when the first was over
		t.Errorf("got %d", got)
	}
}

func TestTimesAreReadInTheLayoutsOfTheServices(t *testing.T) {
	newYear := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"2024-01-01T00:00:00Z"`: newYear, `"2024-01-01T01:00:00+01:00"`: newYear, `"2024-01-01T00:00:00.000000000Z"`: newYear,
		`"2023-12-31 19:00:00 -0500"`: newYear, `"2024-01-01 00:00:00+00:00"`: newYear, `"2024-01-01 00:00:00 +00:00"`: newYear,
		`"2024-01-01T00:00:00.000+0000"`: newYear, `"2023-09-13T06:51:20.550Z"`: time.Date(2023, 9, 13, 6, 51, 20, 550e6, time.UTC),
		`"tomorrow"`: {}, `""`: {}, `null`: {}, `1700000000`: {}, `{}`: {}, `"-"`: {},
	} {
		var read struct {
			At    rest.Time
			After int
		}
		if err := json.Unmarshal([]byte(`{"At":`+text+`,"After":1}`), &read); err != nil || !read.At.Equal(want) || read.After != 1 {
			t.Errorf("%s: got %s, %v", text, read.At, err)
		}
	}
}

func TestOddValuesCountAsAbsent(t *testing.T) {
	var read struct {
		Text, Number, Null, Object rest.Text
		Right, Wrong               rest.Lenient[[]int]
	}
	body := `{"Text":"a","Number":7,"Null":null,"Object":{},"Right":[1],"Wrong":"1"}`
	if err := json.Unmarshal([]byte(body), &read); err != nil {
		t.Fatal(err)
	}
	if read.Text != "a" || read.Number != "7" || read.Null != "" || read.Object != "" || len(read.Right.Value) != 1 || read.Wrong.Value != nil {
		t.Errorf("got %+v", read)
	}
}

func TestACursorThatCannotBeReadDoesNotEndAList(t *testing.T) {
	for text, want := range map[string]string{`"a"`: "a", `7`: "7", `""`: "", `null`: "", `{}`: "error", `[]`: "error", `true`: "error"} {
		var read struct{ Next rest.Cursor }
		got := "error"
		if err := json.Unmarshal([]byte(`{"Next":`+text+`}`), &read); err == nil {
			got = string(read.Next)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestTheMemoryOfUsersIsBoundedAndForgets(t *testing.T) {
	var memory rest.Memory
	known := 0
	for i := range 10_050 {
		memory.Remember(strconv.Itoa(i), "1")
	}
	for i := range 10_050 {
		if _, ok := memory.Recall(strconv.Itoa(i)); ok {
			known++
		}
	}
	if _, ok := memory.Recall("10049"); !ok || known != 10_000 {
		t.Errorf("%d users are remembered; the last is among them: %t", known, ok)
	}
	memory.Remember("alice", "2")
	memory.Forget("1")
	if _, ok := memory.Recall("10049"); ok {
		t.Error("a name of the forgotten ID is known")
	}
	if id, ok := memory.Recall("alice"); !ok || id != "2" {
		t.Errorf("got %q, %t", id, ok)
	}
}

func TestKeysAreNamedInTheSameOrderEveryTime(t *testing.T) {
	refused := &rest.Refusal{Reason: errors.New("no")}
	a, b := keyservice.Key{ID: "A"}, keyservice.Key{ID: "B", State: keyservice.Disabled}
	for _, keys := range [][]keyservice.Key{{a, b}, {b, a}} {
		err := safe.QuotaExceeded(2, keys, refused)
		expectKind(t, err, safe, keyservice.QuotaExceeded, "(2: A, B (inactive)); delete one that is not needed: no")
	}
}
