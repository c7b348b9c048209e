// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"
)

var (
	keys    = flag.Int("keys", 2000, "AccessKeys of the benchmark")
	latency = flag.Duration("latency", 100*time.Millisecond, "how long the service takes for an answer, in the benchmark")
)

// BenchmarkShards issues the first keys of AccessKeys that are there already, by one manager and by two shards, with a service
// that takes its time: go test ./test/replicas -run '^$' -bench Shards -benchtime 1x.
func BenchmarkShards(b *testing.B) {
	for _, run := range []struct {
		name, overlay string
		shards        []string
	}{
		{"one", "../../config/default", nil},
		{"two", "../../config/sharded", []string{"a", "b"}},
	} {
		b.Run(run.name, func(b *testing.B) {
			for range b.N {
				w := newWorld(b, run.overlay, *latency)
				w.addMany(*keys)
				if run.shards == nil {
					w.start("alone", "--leader-elect")
				}
				for _, shard := range run.shards {
					w.startShard(shard)
				}
				w.until(time.Minute, "the first key", func() bool { return len(w.service.History()) > 0 })
				b.ResetTimer()
				took := w.until(10*time.Minute, "the keys", func() bool { return len(w.service.History()) >= *keys && w.issued("") == *keys })
				b.StopTimer()
				w.expectMade(*keys)
				b.ReportMetric(float64(*keys)/took.Seconds(), "keys/s")
			}
		})
	}
}

// addMany adds AccessKeys of two shards in turn.
func (w *world) addMany(count int) {
	w.Helper()
	const clients = 16
	next := make(chan int)
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for i := range next {
				w.addAccessKey(fmt.Sprintf("user-%05d", i), []string{"a", "b"}[i%2], "qumulo")
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	group.Wait()
}
