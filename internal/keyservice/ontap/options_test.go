// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"accesskey.dev/operator/internal/keyservice"
	netapp "accesskey.dev/operator/test/simulator/ontap"
)

// switches are the things that no vendor source confirms, each in every setting.
var switches = map[string]netapp.Options{
	"as documented":                            {},
	"the store's codes come with 500":          {ErrorStatus: 500},
	"the store's codes come with 409":          {ErrorStatus: 409},
	"the store's codes come with 404":          {ErrorStatus: 404},
	"what is not there is answered 405":        {NotFoundStatus: 405},
	"what is not there is answered 400":        {NotFoundStatus: 400},
	"a duplicate is answered 400":              {DuplicateStatus: 400},
	"a duplicate has a code of its own":        {DuplicateCode: "92405795"},
	"codes are numbers":                        {NumericCodes: true},
	"changes are answered with an empty body":  {EmptyAnswers: true},
	"times like 2024-01-01 00:00:00+00:00":     {ExpiryLayout: "2006-01-02 15:04:05-07:00"},
	"times like 2023-11-13T23:28:03+05:30":     {ExpiryLayout: time.RFC3339},
	"times like 2024-01-01T00:00:00.000+0000":  {ExpiryLayout: "2006-01-02T15:04:05.000-0700"},
	"times like 2024-01-01 00:00:00 -07:00":    {ExpiryLayout: "2006-01-02 15:04:05 -07:00"},
	"names ignore case":                        {NamesIgnoreCase: true},
	"a time to live is kept":                   {TTLKept: true},
	"other properties fail after the fact":     {PropertiesFail: true},
	"a user in a group cannot be deleted":      {InGroupCode: "92406308"},
	"nor is there a known code for it":         {InGroupCode: "92499999"},
	"an absent key cannot be deleted":          {EmptyDeleteRefused: true},
	"pages are short":                          {PageSize: 1},
	"pages do not repeat the query":            {PageSize: 1, Next: netapp.NextBare},
	"places without a key are listed":          {EmptySlotsListed: true},
	"the first key is not in the list of keys": {SecondKeyOnly: true},
	"ids of keys are texts":                    {TextKeyIDs: true},
	"a pair is answered in the list of keys":   {PairInKeys: true},
}

func TestTheLifeOfAKeyIsTheSameWithEveryOption(t *testing.T) {
	for name, options := range switches {
		for _, version := range versions {
			t.Run(name+", "+version, func(t *testing.T) {
				options.Version = version
				b := newBed(t, options)
				theirs := b.person(t, "theirs")
				first := b.create(t, "backup", month)
				b.cluster.AddToGroup("backup")
				if version == netapp.V9191 {
					b.rotate(t, first)
				} else {
					b.replace(t, first)
				}
				b.retire(t)
				b.lives(t, theirs)
			})
		}
	}
}

// retire deletes the one key, and makes another.
func (b *testBed) retire(t *testing.T) {
	t.Helper()
	all, err := b.ListAll(t.Context())
	if err != nil || len(all) != 2 || len(all["backup"]) != 1 || all["backup"][0].OwnerUID != aliceUID {
		t.Fatalf("got %+v, %v", all, err)
	}
	for range 2 {
		if err := b.Delete(t.Context(), "backup", all["backup"][0].ID); err != nil {
			t.Fatal(err)
		}
	}
	if left := b.cluster.Keys("backup"); len(left) != 0 {
		t.Errorf("left %+v", left)
	}
	again := b.create(t, "backup", month) // in the user that a group may have kept
	b.works(t, again, true)
	if again.OwnerUID != aliceUID || b.list(t, "backup")[0].OwnerUID != aliceUID {
		t.Errorf("got %+v", again.Key)
	}
}

// rotate makes the second key, and deletes the first.
func (b *testBed) rotate(t *testing.T, first keyservice.Credential) {
	t.Helper()
	second := b.create(t, "backup", month)
	b.works(t, first, true)
	b.works(t, second, true)
	if keys := b.list(t, "backup"); ids(keys) != "backup backup/2" || keys[0].AccessKeyID != first.AccessKeyID || keys[1].AccessKeyID != second.AccessKeyID {
		t.Fatalf("listed %+v", keys)
	}
	if err := b.Delete(t.Context(), "backup", first.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, first, false)
	b.works(t, second, true)
	regenerated, err := b.Regenerate(t.Context(), "backup", second.ID, 0)
	if err != nil || regenerated.ID != second.ID || !regenerated.ExpiresAt.IsZero() {
		t.Fatalf("got %+v, %v", regenerated.Key, err)
	}
	b.works(t, regenerated, true)
}

// replace regenerates the one key.
func (b *testBed) replace(t *testing.T, first keyservice.Credential) {
	t.Helper()
	if keys := b.list(t, "backup"); len(keys) != 1 || !keys[0].ExpiresAt.Equal(start.Add(month.TTL)) {
		t.Fatalf("listed %+v", keys)
	}
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.QuotaExceeded)
	regenerated, err := b.Regenerate(t.Context(), "backup", first.ID, 0)
	if err != nil || regenerated.ID != first.ID || !regenerated.ExpiresAt.IsZero() {
		t.Fatalf("got %+v, %v", regenerated.Key, err)
	}
	b.works(t, first, false)
	b.works(t, regenerated, true)
}

func TestAUserThatWasMadeMeanwhileIsNotTouched(t *testing.T) {
	for _, status := range []int{400, 409} {
		for _, code := range []string{"1", "2", "92405795"} {
			t.Run(fmt.Sprint(status, " ", code), func(t *testing.T) {
				b := newBed(t, netapp.Options{DuplicateStatus: status, DuplicateCode: code})
				theirs := b.person(t, "backup")
				b.cluster.Inject(anyRead.Once(), problemAnswer(404, "4"))
				_, err := b.Create(t.Context(), "backup", month)
				expectKind(t, err, keyservice.Invalid, "create key: S3 user backup: ", "code "+code)
				if status == 409 && code != "2" || code == "1" {
					expectReason(t, err, ReasonUserExists)
				}
				b.lives(t, theirs)
			})
		}
	}
}

func TestAnErrorWithoutABodyIsNoProof(t *testing.T) {
	b := newBed(t, netapp.Options{BareErrors: true})
	// A 404 without the service's own words may come from a proxy, and taking it for "no user" would make a second one.
	_, err := b.List(t.Context(), "backup")
	expectKind(t, err, keyservice.Unavailable, "404", "no explanation")
	_, err = b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Unavailable, "404")
	expectKind(t, b.Delete(t.Context(), "backup", "backup"), keyservice.Unavailable, "404")
	b.calls(t, postUsers, 0)
	theirs := b.person(t, "backup")
	_, err = b.Create(t.Context(), "backup", month)
	expectReason(t, err, ReasonUserExists)
	b.lives(t, theirs)
}

func TestJobsAreRefusedClearlyAndSettled(t *testing.T) {
	b := newBed(t, netapp.Options{Jobs: true})
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Ambiguous, "in a job, whose answer would not have the secret")
	_, err = b.Regenerate(t.Context(), "backup", "backup", 0)
	expectKind(t, err, keyservice.Ambiguous, "in a job")
	expectKind(t, b.Delete(t.Context(), "backup", "backup"), keyservice.Unavailable, "in a job")
	if err := b.Delete(t.Context(), "backup", "backup"); err != nil {
		t.Error(err)
	}
}

func TestNamesThatDifferInCase(t *testing.T) {
	t.Run("are two users where case counts", func(t *testing.T) {
		b := newBed(t, netapp.Options{})
		theirs := b.person(t, "Backup")
		ours := b.create(t, "backup", month)
		if err := b.Delete(t.Context(), "backup", ours.ID); err != nil {
			t.Fatal(err)
		}
		b.lives(t, theirs)
	})
	t.Run("are one where it does not, and not ours", func(t *testing.T) {
		for _, version := range versions {
			b := newBed(t, netapp.Options{NamesIgnoreCase: true, Version: version})
			theirs := b.person(t, "Backup")
			if keys := b.list(t, "backup"); len(keys) != 0 {
				t.Errorf("listed %+v", keys)
			}
			_, err := b.Create(t.Context(), "backup", month)
			expectKind(t, err, keyservice.Invalid, "the SVM has a user Backup, and does not tell upper from lower case")
			expectReason(t, err, ReasonUserExists)
			_, err = b.Regenerate(t.Context(), "backup", "backup", 0)
			expectKind(t, err, keyservice.NotFound)
			if err := b.Delete(t.Context(), "backup", "backup"); err != nil {
				t.Error(err)
			}
			b.lives(t, theirs)
		}
	})
}

func TestALimitOfUsersIsExplainedWithTheServicesText(t *testing.T) {
	b := newBed(t, netapp.Options{MaxUsers: 1})
	_, err := b.Create(t.Context(), "backup", month)
	expectKind(t, err, keyservice.Invalid, "The maximum number of users")
}

func TestErrorsAreTheSameEachTime(t *testing.T) {
	b := newBed(t, netapp.Options{Version: netapp.V9191, MaxTTL: time.Hour})
	b.person(t, "full")
	b.second(t, "full")
	for _, user := range []string{"full", "backup", "root"} {
		_, first := b.Create(t.Context(), user, month)
		_, again := b.Create(t.Context(), user, month)
		if first == nil || again == nil || first.Error() != again.Error() || strings.Contains(first.Error(), "\n") {
			t.Errorf("got %v, then %v", first, again)
		}
	}
}
