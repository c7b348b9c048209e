// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package simulator

import "crypto/rand"

// These are alphabets for Random.
const (
	Digits = "0123456789"
	Hex    = Digits + "abcdef"
	Upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	Lower  = "abcdefghijklmnopqrstuvwxyz"
	Base64 = Upper + Lower + Digits + "+/"
)

// Random returns n random characters of an alphabet.
func Random(n int, alphabet string) string {
	text := make([]byte, n)
	_, _ = rand.Read(text) // never fails
	for i := range text {
		text[i] = alphabet[int(text[i])%len(alphabet)]
	}
	return string(text)
}
