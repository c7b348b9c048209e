// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// FuzzNext holds Next to what must be true of its answer, as TestEveryInput does, for inputs that the fuzzer steers: it
// chooses the numbers by which anyInput chooses.
func FuzzNext(f *testing.F) {
	for seed := range uint64(8) {
		random := rand.NewPCG(seed, 1)
		var numbers []byte
		for range 64 {
			numbers = binary.LittleEndian.AppendUint64(numbers, random.Uint64())
		}
		f.Add(numbers)
	}
	f.Fuzz(func(t *testing.T, numbers []byte) {
		in := anyInput(rand.New(&steered{numbers: numbers, rest: rand.NewPCG(0, 1)}))
		action := Next(in)
		for _, fault := range faults {
			if fault.in(in, action) {
				t.Errorf("%s: %+v\nto %+v\nof %+v", fault.name, action, in, in.AccessKey)
			}
		}
	})
}

// steered is a rand.Source of given numbers, and of random ones after them.
type steered struct {
	numbers []byte
	rest    rand.Source
}

// Uint64 implements rand.Source.
func (s *steered) Uint64() uint64 {
	if len(s.numbers) < 8 {
		return s.rest.Uint64()
	}
	number := binary.LittleEndian.Uint64(s.numbers)
	s.numbers = s.numbers[8:]
	return number
}
