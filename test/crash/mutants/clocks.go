// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

const (
	moments     = "internal/controller/moments.go"
	planMoments = "internal/plan/moments.go"
)

// clockMutants are defects that only a clock that jumps shows.
var clockMutants = []mutant{
	{
		name: "an intent is as old as the wall clock says", file: planMoments,
		old:   "if in.Begun.IsZero() {",
		new:   "if true {",
		tests: "TestEveryJump/qumulo/Auto/(issue|renew_now)$",
	},
	{
		name: "a moment of the future is waited for", file: moments,
		old:   "-max(now.Round(0).Sub(recorded), 0)",
		new:   "-now.Round(0).Sub(recorded)",
		tests: "TestEveryJump/ontap-9.14.1/Auto/(issue|renew_now)$",
	},
	{
		name: "a back-off of the future is waited for", file: rules,
		old:   "case in.Now.Before(failures.LastTime.Time):",
		new:   "case false:",
		tests: "TestEveryJump/(huawei|ontap-9.14.1)/Auto/(renew_now|delete)$",
	},
	{
		name: "a KeyService that was Ready in the future ends every back-off", file: rules,
		old:   " && !in.Service.ReadySince.After(in.Now)",
		new:   "",
		tests: "TestEveryJump/huawei/Auto/issue$",
	},
	{
		name: "a pair is as old as the wall clock says", file: planMoments,
		old:   "return earliest(recorded, in.Issued[id])",
		new:   "return recorded",
		tests: "TestEveryJump/ontap-9.14.1/Auto/rotate$",
	},
	{
		name: "a key is young by the wall clock", file: look,
		old:   "withYoung(keys, plainKeys(r.moments.dated(p.ak, now)), now)",
		new:   "withYoung(keys, plainKeys(recordedKeys(p.ak)), now)",
		tests: "TestAJumpMakesNoKeyOld$",
	},
}
