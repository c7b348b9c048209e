// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
)

func TestAShardIsALabelSelector(t *testing.T) {
	for selector, test := range map[string]struct{ has, not labels.Set }{
		"accesskey.dev/shard=a":                               {labels.Set{"accesskey.dev/shard": "a"}, labels.Set{"accesskey.dev/shard": "b"}},
		"accesskey.dev/shard notin (a,b)":                     {labels.Set{}, labels.Set{"accesskey.dev/shard": "b"}},
		"!accesskey.dev/shard":                                {labels.Set{"a": "b"}, labels.Set{"accesskey.dev/shard": ""}},
		"team=a,stage!=test":                                  {labels.Set{"team": "a"}, labels.Set{"team": "a", "stage": "test"}},
		"shard.alpha.sharding.timebertt.dev/keys=keys-7d-abc": {labels.Set{"shard.alpha.sharding.timebertt.dev/keys": "keys-7d-abc"}, labels.Set{}},
	} {
		o, err := parsed("--shard-selector="+selector, "--leader-elect", "--leader-election-id=accesskey-operator-a")
		if err != nil || !o.shard.Matches(test.has) || o.shard.Matches(test.not) {
			t.Errorf("%s: got %v, %v", selector, o.shard, err)
		}
		if o.newShard() == nil || o.servicesElection().Name != "accesskey-operator-services" {
			t.Errorf("%s: is no shard", selector)
		}
	}
}

func TestWithoutASelectorThereIsNoShard(t *testing.T) {
	o, err := parsed("--leader-elect")
	if err != nil || o.newShard() != nil || o.servicesElection() != nil || o.lease != "accesskey-operator" {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestABadShardSaysWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		want      string
	}{
		"no selector":         {[]string{"--shard-selector=a in b"}, "--shard-selector is no label selector: "},
		"a bad value":         {[]string{"--shard-selector=shard=a b"}, "--shard-selector is no label selector: "},
		"a bad key":           {[]string{"--shard-selector=-/x=a"}, "--shard-selector is no label selector: "},
		"everything":          {[]string{"--shard-selector= "}, "selects every AccessKey: leave it out"},
		"two shards' lease":   {[]string{"--shard-selector=shard=a", "--leader-elect"}, "--shard-selector needs a --leader-election-id other than accesskey-operator"},
		"no lease":            {[]string{"--leader-election-id="}, `--leader-election-id can't be ""`},
		"the services' lease": {[]string{"--leader-election-id=accesskey-operator-services"}, `--leader-election-id can't be "accesskey-operator-services"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parsed(test.arguments...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestAHandOverIsBounded: by client-go's jitter of the standby's looks (docs/sharding.md).
func TestAHandOverIsBounded(t *testing.T) {
	const jitter = 1 + 1.2
	if longest := leaseDuration.Seconds() + 2*jitter*retryPeriod.Seconds(); longest >= 20 {
		t.Errorf("a leader that dies can be missed for %.1f s", longest)
	}
}
