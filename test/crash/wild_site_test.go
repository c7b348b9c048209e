// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"math/rand/v2"
	"time"

	"k8s.io/utils/clock"

	"accesskey.dev/operator/test/simulator/huawei"
	"accesskey.dev/operator/test/simulator/ionos"
	"accesskey.dev/operator/test/simulator/ontap"
	"accesskey.dev/operator/test/simulator/qumulo"
)

// wildSite returns a service whose behaviour is random wherever no vendor source confirms it, except for failures that only an
// administrator can fix.
func wildSite(name string, rng *rand.Rand) *site {
	switch name {
	case "qumulo":
		return qumuloSite(qumulo.Options{
			Clock: clock.RealClock{}, LimitStatus: pick(rng, 0, 400, 422), LimitClass: pick(rng, "", "s3_error"), UnknownStatus: pick(rng, 0, 404),
			BareErrors: pick(rng, false, true), Next: pick(rng, qumulo.NextRelative, qumulo.NextAbsolute, qumulo.NextForeign),
			PageSize: pick(rng, 0, 1), NumericAuthID: pick(rng, false, true), SessionLife: pick(rng, 0, time.Hour),
		})
	case "ionos":
		return ionosSite(ionos.Options{
			Clock: clock.RealClock{}, Provisioning: pick(rng, 0, 3*time.Second, time.Minute), Destroying: pick(rng, 0, 3*time.Second, time.Minute),
			Unseen: pick(rng, 0, time.Second), LimitStatus: pick(rng, 0, 409), LimitFirst: pick(rng, false, true),
			DestroyingUncounted: pick(rng, false, true), DestroyAgainStatus: pick(rng, 0, 404, 409), DestroyingWorks: pick(rng, false, true),
			DestroyedTaken: pick(rng, false, true), Secrets: pick(rng, ionos.HiddenEmpty, ionos.HiddenAbsent, ionos.HiddenNull, ionos.HiddenNot),
			EnsureHides: pick(rng, false, true), RenewStatus: pick(rng, 0, 202), RenewChangesAccessKey: pick(rng, false, true),
			BareErrors: pick(rng, false, true), Next: pick(rng, ionos.NextHTTP, ionos.NextForeign, ionos.NextAbsent), PageSize: pick(rng, 0, 2),
		})
	case "huawei":
		return huaweiSite(huawei.Options{
			Clock: clock.RealClock{}, LimitStatus: pick(rng, 0, 400), LimitCode: pick(rng, "", "akSkNumExceed"), InactiveUncounted: pick(rng, false, true),
			Shape: pick(rng, huawei.ShapeFlat, huawei.ShapeCode, huawei.ShapeNested, huawei.ShapeClassic), Updated: pick(rng, "", "{}", "no body"),
			Empty: pick(rng, "", "null", "absent"), Pages: pick(rng, huawei.PagesFull, huawei.PagesShort), PageSize: pick(rng, 0, 1),
			RetryAfter: pick(rng, "", "7"), Lag: pick(rng, 0, 2*time.Second), UsedAtCreation: pick(rng, false, true),
		})
	default:
		version := name[len("ontap-"):]
		return ontapSite(ontap.Options{
			Clock: clock.RealClock{}, Version: version, ErrorStatus: pick(rng, 0, 409, 500), NotFoundStatus: pick(rng, 0, 405), DuplicateStatus: pick(rng, 0, 400),
			NumericCodes: pick(rng, false, true), EmptyAnswers: pick(rng, false, true), ExpiryLayout: pick(rng, "", "2006-01-02 15:04:05-07:00", time.RFC3339),
			Next: pick(rng, ontap.NextPath, ontap.NextAbsolute, ontap.NextBare), PageSize: pick(rng, 0, 1), TTLKept: pick(rng, false, true),
			EmptyDeleteRefused: pick(rng, false, true), EmptySlotsListed: pick(rng, false, true), SecondKeyOnly: pick(rng, false, true),
			TextKeyIDs: pick(rng, false, true), PairInKeys: pick(rng, false, true),
		})
	}
}
