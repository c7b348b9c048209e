// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ontap

import (
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
				theirs := b.person(t, "their+s@a.example")
				b.person(t, "keyless")
				b.cluster.RemoveKey("keyless")
				key := b.create(t, "backup", month)
				end := start.Add(month.TTL)
				if keys := b.list(t, "backup"); len(keys) != 1 || !keys[0].ExpiresAt.Equal(end) || !key.ExpiresAt.Equal(end) || keys[0].OwnerUID != aliceUID {
					t.Fatalf("made %+v, listed %+v", key.Key, keys)
				}
				b.cluster.AddToGroup("backup")
				if version == netapp.V9191 {
					key = b.rotate(t, key)
				}
				regenerated, err := b.Regenerate(t.Context(), "backup", key.ID, 0)
				if err != nil || regenerated.ID != key.ID || !regenerated.ExpiresAt.IsZero() {
					t.Fatalf("got %+v, %v", regenerated.Key, err)
				}
				b.works(t, key, false)
				b.works(t, regenerated, true)
				b.retire(t)
				b.lives(t, theirs)
			})
		}
	}
}

// rotate makes the second key, and deletes the first.
func (b *testBed) rotate(t *testing.T, first keyservice.Credential) keyservice.Credential {
	t.Helper()
	second := b.create(t, "backup", month)
	b.works(t, first, true)
	b.works(t, second, true)
	keys := b.list(t, "backup")
	if len(keys) != 2 || !keys[0].SamePair(first.Key) || !keys[1].SamePair(second.Key) || second.ID != "backup/2" {
		t.Fatalf("listed %+v", keys)
	}
	if err := b.Delete(t.Context(), "backup", first.ID); err != nil {
		t.Fatal(err)
	}
	b.works(t, first, false)
	b.works(t, second, true)
	return second
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
