// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"accesskey.dev/operator/api/v1alpha1"
	"accesskey.dev/operator/internal/keyservice"
	"accesskey.dev/operator/internal/keyservice/connect"
)

// checkResult is the result of one check.
type checkResult string

const (
	checkOK      checkResult = "ok"
	checkWarning checkResult = "warning"
	checkFailed  checkResult = "failed"
	// checkSkipped is a check that could not be made. It says nothing about the service.
	checkSkipped checkResult = "skipped"
)

// finding is one line of check.
type finding struct {
	check   string
	result  checkResult
	message string
}

const (
	// certificateWarning is how long before its end a certificate should have been renewed, or a quarter of its life if that is less.
	certificateWarning = 14 * 24 * time.Hour
	// clockWarning is how far clocks may be apart, and clockFailure how far services with signed requests accept.
	clockWarning = time.Minute
	clockFailure = 15 * time.Minute
)

// checked is everything that check found out about a key service.
type checked struct {
	service v1alpha1.GenericKeyService
	// address and dataPlane are what was found without credentials. addressErr and dataPlaneErr are why nothing was sent.
	address, dataPlane       *connect.Reach
	addressErr, dataPlaneErr error
	// signedIn: the service accepted the credentials. signInErr is why it did not, or why they were not sent.
	signedIn  bool
	signInErr error
	identity  string
	version   string
	limits    keyservice.Limits
	// keys of the users, by AccessKey. listErr is why they could not be listed.
	keys    []listedKey
	listErr error
	// accessKeys are those of the service that the user may see.
	accessKeys []v1alpha1.AccessKey
	now        time.Time
}

// judge returns the lines of check in the order in which a request meets what they are about.
func (c *checked) judge() []finding {
	findings := []finding{judgeOperator(c.service)}
	findings = append(findings, judgeReach("address", c.address, c.addressErr), judgeCertificate(c.address, c.now), judgeClock(c.address))
	findings = append(findings, c.judgeCredentials(), c.judgeVersion(), c.judgeList(), c.judgeChanges())
	findings = append(findings, c.judgeQuota()...)
	if c.service.GetSpec().S3 != nil {
		reach := judgeReach("data plane", c.dataPlane, c.dataPlaneErr)
		findings = append(findings, reach)
		if c.dataPlane != nil && c.dataPlane.Certificate != nil {
			certificate := judgeCertificate(c.dataPlane, c.now)
			certificate.check = "data plane certificate"
			findings = append(findings, certificate)
		}
	}
	return findings
}

// judgeOperator says what the operator reports, which connects from inside the cluster.
func judgeOperator(service v1alpha1.GenericKeyService) finding {
	ready := meta.FindStatusCondition(service.GetStatus().Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil || ready.ObservedGeneration != service.GetGeneration():
		return finding{"operator", checkWarning, "has not checked this version of the KeyService yet; is the operator running, and does it serve this namespace?"}
	case ready.Status == metav1.ConditionTrue:
		return finding{"operator", checkOK, "reports Ready since " + stamp(ready.LastTransitionTime.Time)}
	default:
		return finding{"operator", checkFailed, fmt.Sprintf("reports %s since %s: %s", ready.Reason, stamp(ready.LastTransitionTime.Time), ready.Message)}
	}
}

func judgeReach(check string, reach *connect.Reach, err error) finding {
	switch {
	case err != nil:
		return finding{check, checkSkipped, err.Error()}
	case reach.Unresolved && reach.InCluster():
		return finding{check, checkSkipped, reach.Host + " is known only inside the cluster, so this machine cannot check it; the line of the operator says whether the service answers there"}
	case reach.Err != nil:
		return finding{check, checkFailed, fmt.Sprintf("%s: %s; the cluster may have another way to it than this machine", reach.URL, reach.Err)}
	default:
		return finding{check, checkOK, reach.URL + " answers this machine"}
	}
}

func judgeCertificate(reach *connect.Reach, now time.Time) finding {
	const check = "certificate"
	if reach == nil || reach.Certificate == nil {
		return finding{check, checkSkipped, "no certificate was seen"}
	}
	certificate := reach.Certificate
	about := fmt.Sprintf("names %s, valid until %s", namesOf(reach), stamp(certificate.NotAfter))
	switch {
	case reach.Skipped:
		return finding{check, checkWarning, about + "; tls.insecureSkipVerify accepts any certificate, and gives the credentials to whoever answers: set tls.caBundle or tls.caRef instead"}
	case reach.Distrust != nil:
		return finding{check, checkFailed, fmt.Sprintf("%s (%s)", reach.Distrust, about)}
	case certificate.NotAfter.Sub(now) < min(certificateWarning, certificate.NotAfter.Sub(certificate.NotBefore)/4):
		return finding{check, checkWarning, fmt.Sprintf("%s, which is in %s: renew it", about, duration.HumanDuration(certificate.NotAfter.Sub(now)))}
	default:
		return finding{check, checkOK, about}
	}
}

// namesOf returns the names of a certificate.
func namesOf(reach *connect.Reach) string {
	const shown = 5
	names := append([]string(nil), reach.Certificate.DNSNames...)
	for _, address := range reach.Certificate.IPAddresses {
		names = append(names, address.String())
	}
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("%d more", len(names)-shown))
	}
	return orNone(strings.Join(names, ", "))
}

func judgeClock(reach *connect.Reach) finding {
	const check = "clock"
	if reach == nil || reach.Date.IsZero() {
		return finding{check, checkSkipped, "the service did not say its time"}
	}
	// A Date has whole seconds, and is cut off.
	ahead := reach.Date.Sub(reach.At.Truncate(time.Second))
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	about := fmt.Sprintf("the service's clock is %s %s this machine's", ahead.Abs(), direction)
	switch {
	case ahead == 0:
		return finding{check, checkOK, "the service's clock agrees with this machine's"}
	case ahead.Abs() >= clockFailure:
		return finding{check, checkFailed, about + "; services refuse signed requests that are 15 minutes off: synchronize the clocks"}
	case ahead.Abs() > clockWarning:
		return finding{check, checkWarning, about + "; synchronize the clocks"}
	default:
		return finding{check, checkOK, about}
	}
}

// worst returns the result of all findings: failed before warning before ok.
func worst(findings []finding) checkResult {
	result := checkOK
	for _, found := range findings {
		switch found.result {
		case checkFailed:
			return checkFailed
		case checkWarning:
			result = checkWarning
		default:
		}
	}
	return result
}
