// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"strconv"

	"accesskey.dev/operator/api/v1alpha1"
)

var refusalsByKind = map[string][]refusal{
	accessKeyKind:                  slices.Concat(accessKeyRefusals, restartRefusals, verificationRefusals, previousKeyRefusals, importRefusals, compromiseRefusals),
	v1alpha1.KindKeyService:        slices.Concat(keyServiceRefusals, otherServicesRefusals(), awsRefusals(), ambientRefusals, dataPlaneRefusals()),
	v1alpha1.KindClusterKeyService: slices.Concat(keyServiceRefusals, otherServicesRefusals(), awsRefusals(), dataPlaneRefusals(), grantRefusals),
}

// unbreakable are rules that nothing breaks: defaults fill in what is missing, and no list has fewer than no items.
var unbreakable = []string{"spec minProperties", "spec.rateLimit minProperties", "spec.rotation minProperties", "spec.compromisedKeyIDs minItems", "spec.aws minProperties"}

var accessKeyRefusals = []refusal{
	at("spec.serviceRef", "required", nil, "spec.serviceRef: Required value"),
	at("spec.serviceRef.name", "required", nil, "spec.serviceRef.name: Required value"),
	at("spec.serviceRef.name", "minLength", "", "spec.serviceRef.name in body should be at least 1 chars long"),
	at("spec.serviceRef.name", "maxLength", text(254), "spec.serviceRef.name: Too long"),
	at("spec.serviceRef.kind", "enum", "Service", `spec.serviceRef.kind: Unsupported value: "Service": supported values: "KeyService", "ClusterKeyService"`),
	at("spec.user", "minLength", "", "spec.user in body should be at least 1 chars long"),
	at("spec.user", "maxLength", text(257), "spec.user: Too long"),
	at("spec.user", rule, " local:backup", "user must not begin or end with white space"),
	at("spec.user", rule, "local:backup\n", "user must not begin or end with white space"),
	at("spec.ttl", "maxLength", "0000000000000000000000000000001m1s", "spec.ttl: Too long"),
	at("spec.ttl", "pattern", "30d", "spec.ttl in body should match"),
	at("spec.ttl", "pattern", "-1h", "spec.ttl in body should match"),
	at("spec.ttl", "pattern", "720", "spec.ttl in body should match"),
	at("spec.ttl", rule, "59s", "ttl must be at least 1m"),
	at("spec.renewBefore", "maxLength", "0000000000000000000000000000001m1s", "spec.renewBefore: Too long"),
	at("spec.renewBefore", "pattern", "10d", "spec.renewBefore in body should match"),
	at("spec.renewBefore", rule, "0s", "renewBefore must be longer than 0s"),
	at("spec.renewBeforePercentage", "minimum", int64(0), "should be greater than or equal to 1"),
	at("spec.renewBeforePercentage", "maximum", int64(100), "should be less than or equal to 99"),
	{"spec", rule, map[string]any{"spec.renewBeforePercentage": int64(10)},
		"spec.renewBefore: Invalid value: set renewBefore or renewBeforePercentage, not both"},
	{"spec", rule, map[string]any{"spec.renewBefore": nil, "spec.ttl": nil, "spec.renewBeforePercentage": int64(10)},
		"renewBeforePercentage is a share of ttl: set ttl, or use renewBefore"},
	{"spec", rule, map[string]any{"spec.renewBefore": "720h"},
		"renewBefore must be shorter than ttl: it is the part of the ttl in which old and new key both work"},
	{"spec.rotation.strategy", "enum", map[string]any{"spec.rotation": map[string]any{"strategy": "Restart"}}, `spec.rotation.strategy: Unsupported value: "Restart": supported values: "Auto", "Overlap", "Replace"`},
	{"spec", rule, map[string]any{"spec.ttl": nil, "spec.rotation": windows(window())},
		"rotation.windows are for scheduled rotations, and there are none without ttl: set ttl, or remove the windows"},
	{"spec.rotation.windows", "minItems", map[string]any{"spec.rotation": windows()}, "spec.rotation.windows in body should have at least 1 items"},
	{"spec.rotation.windows", "maxItems", map[string]any{"spec.rotation": windows(slices.Repeat([]any{window()}, 9)...)}, "spec.rotation.windows: Too many: 9: must have at most 8 items"},
	inWindow("cron", "required", nil, "spec.rotation.windows[0].cron: Required value"),
	inWindow("cron", "minLength", "", "spec.rotation.windows[0].cron in body should be at least 1 chars long"),
	inWindow("cron", "maxLength", text(65), "spec.rotation.windows[0].cron: Too long"),
	inWindow("cron", rule, "0 2 * *", fiveFields),
	inWindow("cron", rule, "0 0 2 * * 6", fiveFields),
	inWindow("cron", rule, "0  2 * * 6", fiveFields),
	inWindow("cron", rule, "@every 1h", fiveFields),
	inWindow("cron", rule, "TZ=Europe/Berlin 0 2 * * 6", fiveFields),
	inWindow("cron", rule, "60 2 * * 6", minuteField),
	inWindow("cron", rule, "*/0 2 * * 6", minuteField),
	inWindow("cron", rule, "0, 2 * * 6", minuteField),
	inWindow("cron", rule, "0 24 * * 6", hourField),
	inWindow("cron", rule, "0 2 32 * 6", dayField),
	inWindow("cron", rule, "0 2 L * *", dayField),
	inWindow("cron", rule, "0 2 * 13 6", monthField),
	inWindow("cron", rule, "0 2 * * 7", weekdayField),
	inWindow("cron", rule, "0 2 * * sunday", weekdayField),
	inWindow("duration", "required", nil, "spec.rotation.windows[0].duration: Required value"),
	inWindow("duration", "maxLength", "0000000000000000000000000000001m1s", "spec.rotation.windows[0].duration: Too long"),
	inWindow("duration", "pattern", "1d", "spec.rotation.windows[0].duration in body should match"),
	inWindow("duration", rule, "59s", "duration must be at least 1m"),
	inWindow("timezone", "minLength", "", "spec.rotation.windows[0].timezone in body should be at least 1 chars long"),
	inWindow("timezone", "maxLength", text(65), "spec.rotation.windows[0].timezone: Too long"),
	inWindow("timezone", rule, "Local", zoneByName),
	inWindow("timezone", rule, "+02:00", zoneByName),
	inWindow("timezone", rule, "Europe/Atlantis", zoneByName),
	at("spec.secretName", "minLength", "", "spec.secretName in body should be at least 1 chars long"),
	at("spec.secretName", "maxLength", text(249), "spec.secretName: Too long: may not be more than 248 bytes"),
	at("spec.secretName", rule, "Backup_Key", "secretName must be the name of a Secret: lower case letters, digits, '-' and '.'"),
	at("spec.secretTemplate", "minProperties", map[string]any{}, "spec.secretTemplate in body should have at least 1 properties"),
	at("spec.secretTemplate.type", "minLength", "", "spec.secretTemplate.type in body should be at least 1 chars long"),
	at("spec.secretTemplate.type", "maxLength", text(254), "spec.secretTemplate.type: Too long"),
	at("spec.secretTemplate.type", rule, "kubernetes.io/tls", "secretTemplate.type must not be one of Kubernetes' own types, which ask for other data"),
	at("spec.secretTemplate.type", rule, "bootstrap.kubernetes.io/token", "secretTemplate.type must not be one of Kubernetes' own types, which ask for other data"),
	at("spec.secretTemplate.labels", "minProperties", map[string]any{}, "spec.secretTemplate.labels in body should have at least 1 properties"),
	at("spec.secretTemplate.labels", "maxProperties", many(33), "spec.secretTemplate.labels: Too many: 33: must have at most 32 items"),
	at("spec.secretTemplate.labels", rule, map[string]any{"accesskey.dev/x": "y"}, "labels under accesskey.dev/ and app.kubernetes.io/managed-by are the operator's own"),
	at("spec.secretTemplate.labels", rule, map[string]any{"app.kubernetes.io/managed-by": "helm"}, "labels under accesskey.dev/ and app.kubernetes.io/managed-by are the operator's own"),
	at("spec.secretTemplate.labels", rule, map[string]any{"te am": "a"}, "the key of a label is a name, such as team or example.com/team: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; the prefix is a DNS name in lower case"),
	at("spec.secretTemplate.labels", rule, map[string]any{text(64): "a"}, "the key of a label has at most 63 characters, and its prefix before the '/' at most 253"),
	{"spec.secretTemplate.labels{}", rule, map[string]any{"spec.secretTemplate.labels": map[string]any{"team": "a b"}}, "the value of a label has letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"},
	{"spec.secretTemplate.labels{}", "maxLength", map[string]any{"spec.secretTemplate.labels": map[string]any{"team": text(64)}}, "spec.secretTemplate.labels.team: Too long"},
	at("spec.secretTemplate.annotations", "minProperties", map[string]any{}, "spec.secretTemplate.annotations in body should have at least 1 properties"),
	at("spec.secretTemplate.annotations", "maxProperties", many(33), "spec.secretTemplate.annotations: Too many: 33: must have at most 32 items"),
	at("spec.secretTemplate.annotations", rule, map[string]any{"accesskey.dev/record": "y"}, "annotations under accesskey.dev/ are the operator's own"),
	at("spec.secretTemplate.annotations", rule, map[string]any{"te am": "a"}, "the key of an annotation is a name, such as team or example.com/team: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit; the prefix is a DNS name"),
	at("spec.secretTemplate.annotations", rule, map[string]any{text(64): "a"}, "the key of an annotation has at most 63 characters, and its prefix before the '/' at most 253"),
	at("spec.secretTemplate.annotations", rule, map[string]any{"a": text(245760)}, "annotations must have at most 240 KiB in total: a Secret holds 256 KiB of them, and the operator adds its own"),
	at("spec.secretTemplate.data", "minProperties", map[string]any{}, "spec.secretTemplate.data in body should have at least 1 properties"),
	at("spec.secretTemplate.data", "maxProperties", many(33), "spec.secretTemplate.data: Too many: 33: must have at most 32 items"),
	at("spec.secretTemplate.data", rule, map[string]any{"a key": "x"}, aDataKey),
	at("spec.secretTemplate.data", rule, map[string]any{"..data": "x"}, aDataKey),
	at("spec.secretTemplate.data", rule, map[string]any{".": "x"}, aDataKey),
	at("spec.secretTemplate.data", rule, map[string]any{text(254): "x"}, aDataKey),
	at("spec.secretTemplate.data", rule, map[string]any{"access-key-id": "x"},
		"access-key-id and secret-access-key are the operator's own: set includeDefaults to false to have the pair under these keys"),
	{"spec.secretTemplate.data{}", "minLength", map[string]any{"spec.secretTemplate.data": map[string]any{"a": ""}}, "spec.secretTemplate.data.a in body should be at least 1 chars long"},
	{"spec.secretTemplate.data{}", "maxLength", map[string]any{"spec.secretTemplate.data": map[string]any{"a": text(8193)}}, "spec.secretTemplate.data.a: Too long"},
	at("spec.secretTemplate.formats", "minItems", []any{}, "spec.secretTemplate.formats in body should have at least 1 items"),
	at("spec.secretTemplate.formats", "maxItems", slices.Repeat([]any{"MC"}, 17), "spec.secretTemplate.formats: Too many"),
	{"spec.secretTemplate.formats[]", "enum", map[string]any{"spec.secretTemplate.formats": []any{"XML"}}, `spec.secretTemplate.formats[0]: Unsupported value: "XML"`},
	at("spec.secretTemplate.bucket", "minLength", "", "spec.secretTemplate.bucket in body should be at least 1 chars long"),
	at("spec.secretTemplate.bucket", "maxLength", text(256), "spec.secretTemplate.bucket: Too long"),
	at("spec.secretTemplate.bucket", "pattern", "a b", "spec.secretTemplate.bucket in body should match"),
	{"spec.secretTemplate", rule, map[string]any{"spec.secretTemplate": map[string]any{"formats": []any{"Rclone"}, "data": map[string]any{"rclone.conf": "x"}}},
		"a key of data is also a key of one of the formats: remove it from data, or leave the format out"},
	{"spec.secretTemplate", rule, map[string]any{"spec.secretTemplate.data": map[string]any{"AWS_REGION": "x"}},
		"a key of data is also a default key (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_DEFAULT_REGION): remove it from data, or set includeDefaults to false"},
	{"spec.secretTemplate", rule, map[string]any{"spec.secretTemplate.formats": []any{"LokiStack"}}, "the formats ThanosObjstore and LokiStack name a bucket: set bucket"},
	at("spec.deletionPolicy", "enum", "Orphan", `spec.deletionPolicy: Unsupported value: "Orphan": supported values: "Delete", "Retain"`),
}

// changesRefused are changes of an AccessKey.
var changesRefused = []refusal{
	at("spec.serviceRef", rule, map[string]any{"kind": "KeyService", "name": "other"}, "serviceRef is immutable: a key lives at one service; create another AccessKey instead"),
	at("spec.serviceRef", rule, map[string]any{"kind": "ClusterKeyService", "name": "qumulo"}, "serviceRef is immutable: a key lives at one service; create another AccessKey instead"),
	{"spec", rule, map[string]any{"spec.user": "local:other"}, "user is immutable: a key belongs to one user; create another AccessKey instead"},
	{"spec", rule, map[string]any{"spec.user": nil}, "user is immutable: a key belongs to one user; create another AccessKey instead"},
	{"spec", rule, map[string]any{"spec.secretTemplate": map[string]any{"type": "example.com/other"}},
		"secretTemplate.type is immutable, as the type of a Secret is; create another AccessKey instead"},
}

var keyServiceRefusals = []refusal{
	{"spec", rule, map[string]any{"spec.qumulo": nil}, oneService},
	at("spec.qumulo.url", "required", nil, "spec.qumulo.url: Required value"),
	at("spec.qumulo.url", "minLength", "", "spec.qumulo.url in body should be at least 1 chars long"),
	at("spec.qumulo.url", "maxLength", "https://"+text(2048), "spec.qumulo.url: Too long"),
	at("spec.qumulo.url", rule, "qumulo.example:8000", notAURL),
	at("spec.qumulo.url", rule, "qumulo.example", notAURL),
	at("spec.qumulo.url", rule, "//qumulo.example:8000", notAURL),
	at("spec.qumulo.url", rule, "http://qumulo.example:8000", notAURL),
	at("spec.qumulo.url", rule, "https://", notAURL),
	at("spec.qumulo.url", rule, "https:///v1", notAURL),
	at("spec.qumulo.url", rule, "https://qumulo.example:8000/api", noPath),
	{"spec.qumulo", rule, map[string]any{"spec.qumulo.tokenSecretRef": nil}, oneLogin},
	{"spec.qumulo", rule, map[string]any{"spec.qumulo.loginSecretRef": map[string]any{"name": "login"}}, oneLogin},
	at("spec.qumulo.tokenSecretRef.name", "required", nil, "spec.qumulo.tokenSecretRef.name: Required value"),
	at("spec.qumulo.tokenSecretRef.name", "minLength", "", "spec.qumulo.tokenSecretRef.name in body should be at least 1 chars long"),
	at("spec.qumulo.tokenSecretRef.name", "maxLength", text(254), "spec.qumulo.tokenSecretRef.name: Too long"),
	at("spec.qumulo.tokenSecretRef.key", "minLength", "", "spec.qumulo.tokenSecretRef.key in body should be at least 1 chars long"),
	at("spec.qumulo.tokenSecretRef.key", "maxLength", text(254), "spec.qumulo.tokenSecretRef.key: Too long"),
	{"spec.qumulo.loginSecretRef.name", "required", logsIn(map[string]any{}), "spec.qumulo.loginSecretRef.name: Required value"},
	{"spec.qumulo.loginSecretRef.name", "minLength", logsIn(map[string]any{"name": ""}), "spec.qumulo.loginSecretRef.name in body should be at least 1 chars long"},
	{"spec.qumulo.loginSecretRef.name", "maxLength", logsIn(map[string]any{"name": text(254)}), "spec.qumulo.loginSecretRef.name: Too long"},
	at("spec.tls", "minProperties", map[string]any{}, "spec.tls in body should have at least 1 properties"),
	at("spec.tls", rule, map[string]any{"caBundle": certificate, "caSecretRef": map[string]any{"name": "ca"}}, oneCA),
	at("spec.tls", rule, map[string]any{"caBundle": certificate, "insecureSkipVerify": true}, oneCA),
	at("spec.tls", rule, map[string]any{"caSecretRef": map[string]any{"name": "ca"}, "insecureSkipVerify": true}, oneCA),
	at("spec.tls", rule, map[string]any{"caRef": map[string]any{"kind": "ConfigMap", "name": "ca"}, "caSecretRef": map[string]any{"name": "ca"}}, oneCA),
	{"spec.tls.caRef.kind", "required", map[string]any{"spec.tls.caRef": map[string]any{"name": "ca"}}, "spec.tls.caRef.kind: Required value"},
	{"spec.tls.caRef.kind", "enum", map[string]any{"spec.tls.caRef": map[string]any{"kind": "Bundle", "name": "ca"}}, `spec.tls.caRef.kind: Unsupported value: "Bundle"`},
	{"spec.tls.caRef.name", "required", map[string]any{"spec.tls.caRef": map[string]any{"kind": "ConfigMap"}}, "spec.tls.caRef.name: Required value"},
	{"spec.tls.caRef.name", "minLength", map[string]any{"spec.tls.caRef": map[string]any{"kind": "ConfigMap", "name": ""}}, "spec.tls.caRef.name in body should be at least 1 chars long"},
	{"spec.tls.caRef.name", "maxLength", map[string]any{"spec.tls.caRef": map[string]any{"kind": "ConfigMap", "name": text(254)}}, "spec.tls.caRef.name: Too long"},
	{"spec.tls.caRef.key", "minLength", map[string]any{"spec.tls.caRef": map[string]any{"kind": "ConfigMap", "name": "ca", "key": ""}}, "spec.tls.caRef.key in body should be at least 1 chars long"},
	{"spec.tls.caRef.key", "maxLength", map[string]any{"spec.tls.caRef": map[string]any{"kind": "ConfigMap", "name": "ca", "key": text(254)}}, "spec.tls.caRef.key: Too long"},
	at("spec.tls.serverName", "minLength", "", "spec.tls.serverName in body should be at least 1 chars long"),
	at("spec.tls.serverName", "maxLength", text(254), "spec.tls.serverName: Too long"),
	at("spec.tls.serverName", "pattern", "https://service.example", "spec.tls.serverName in body should match"),
	at("spec.timeout", "maxLength", text(33), "spec.timeout: Too long"),
	at("spec.timeout", "pattern", "30", "spec.timeout in body should match"),
	at("spec.timeout", rule, "999ms", "timeout must be from 1s to 5m"),
	at("spec.timeout", rule, "301s", "timeout must be from 1s to 5m"),
	at("spec.tls.caBundle", "minLength", "", "spec.tls.caBundle in body should be at least 1 chars long"),
	at("spec.tls.caBundle", "maxLength", certificate+text(131072), "spec.tls.caBundle: Too long"),
	at("spec.tls.caBundle", rule, "/etc/ssl/ca.crt", "caBundle must hold PEM certificates (-----BEGIN CERTIFICATE-----)"),
	{"spec.tls.caSecretRef.name", "required", map[string]any{"spec.tls.caSecretRef": map[string]any{}}, "spec.tls.caSecretRef.name: Required value"},
	at("spec.tls.caSecretRef.name", "minLength", "", "spec.tls.caSecretRef.name in body should be at least 1 chars long"),
	at("spec.tls.caSecretRef.name", "maxLength", text(254), "spec.tls.caSecretRef.name: Too long"),
	{"spec.tls.caSecretRef.key", "minLength", map[string]any{"spec.tls.caSecretRef": map[string]any{"name": "ca", "key": ""}}, "spec.tls.caSecretRef.key in body should be at least 1 chars long"},
	{"spec.tls.caSecretRef.key", "maxLength", map[string]any{"spec.tls.caSecretRef": map[string]any{"name": "ca", "key": text(254)}}, "spec.tls.caSecretRef.key: Too long"},
	{"spec.s3.endpoint", "required", map[string]any{"spec.s3": map[string]any{}}, "spec.s3.endpoint: Required value"},
	at("spec.s3.endpoint", "minLength", "", "spec.s3.endpoint in body should be at least 1 chars long"),
	at("spec.s3.endpoint", "maxLength", "https://"+text(2048), "spec.s3.endpoint: Too long"),
	at("spec.s3.endpoint", rule, "s3.example:9000", "endpoint must be a whole URL with scheme and host, such as https://s3.example:9000"),
	at("spec.s3.endpoint", rule, "ftp://s3.example", "endpoint must be a whole URL with scheme and host, such as https://s3.example:9000"),
	{"spec.s3", rule, map[string]any{"spec.s3": map[string]any{"endpoint": "https://[2001:db8::1]:9000", "pathStyle": false}}, "with an IP address as endpoint, a bucket cannot be part of the host name: set pathStyle to true"},
	{"spec.s3.region", "minLength", map[string]any{"spec.s3": map[string]any{"endpoint": "https://s3.example", "region": ""}}, "spec.s3.region in body should be at least 1 chars long"},
	{"spec.s3.region", "maxLength", map[string]any{"spec.s3": map[string]any{"endpoint": "https://s3.example", "region": text(65)}}, "spec.s3.region: Too long"},
	at("spec.allowedUsers", "minItems", []any{}, "spec.allowedUsers in body should have at least 1 items"),
	at("spec.allowedUsers", "maxItems", numbers(257), "spec.allowedUsers: Too many"),
	{"spec.allowedUsers[]", "minLength", map[string]any{"spec.allowedUsers": []any{""}}, "spec.allowedUsers[0] in body should be at least 1 chars long"},
	{"spec.allowedUsers[]", "maxLength", map[string]any{"spec.allowedUsers": []any{text(257)}}, "spec.allowedUsers[0]: Too long"},
	{"spec", rule, map[string]any{"spec.qumulo": nil, "spec.ionos": map[string]any{"tokenSecretRef": map[string]any{"name": "token"}}, "spec.allowedUsers": []any{"*"}},
		"allowedUsers has no effect on ionos, where every key belongs to the token's user: remove it"},
	at("spec.rateLimit.qps", "minimum", int64(0), "should be greater than or equal to 1"),
	at("spec.rateLimit.qps", "maximum", int64(10001), "should be less than or equal to 10000"),
	at("spec.rateLimit.burst", "minimum", int64(0), "should be greater than or equal to 1"),
	at("spec.rateLimit.burst", "maximum", int64(10001), "should be less than or equal to 10000"),
}

const (
	aDataKey = "a key of data has at most 253 letters, digits, '-', '_' and '.', and does not begin with '..'"
	notAURL  = "url must be a whole URL with scheme and host, such as https://qumulo.example:8000 (https only: credentials travel on it)"
	oneLogin = "set exactly one of tokenSecretRef (an access token) and loginSecretRef (username and password)"
	oneCA    = "set at most one of caBundle, caRef, caSecretRef and insecureSkipVerify"

	fiveFields   = "cron must have five fields with one space between them, such as 0 2 * * 6 (minute, hour, day of month, month, day of week), or be @hourly, @daily, @weekly, @monthly or @yearly"
	minuteField  = "the first field of cron is the minute, 0 to 59: *, a number, a range such as 0-29, each with or without a step such as */15, or a list of these"
	hourField    = "the second field of cron is the hour, 0 to 23: *, a number, a range such as 1-5, each with or without a step such as */2, or a list of these"
	dayField     = "the third field of cron is the day of the month, 1 to 31: *, a number, a range such as 1-7, each with or without a step such as */2, or a list of these"
	monthField   = "the fourth field of cron is the month, 1 to 12 or jan to dec: *, a month, a range such as jan-mar, each with or without a step such as */3, or a list of these"
	weekdayField = "the fifth field of cron is the day of the week, 0 (Sunday) to 6 or sun to sat: *, a day, a range such as mon-fri, each with or without a step, or a list of these"
	zoneByName   = "timezone must be a name of the IANA database, such as Europe/Berlin or UTC"

	certificate = "-----BEGIN CERTIFICATE-----"
)

// window is a good one.
func window() map[string]any {
	return map[string]any{"cron": "0,30 0-23/2 1-7,31 jan-Dec MON-fri", "duration": "4h", "timezone": "America/Argentina/Buenos_Aires"}
}

func windows(list ...any) map[string]any {
	if list == nil {
		list = []any{}
	}
	return map[string]any{"windows": list}
}

// inWindow is a refusal of one value of a window; nil removes it.
func inWindow(field, keyword string, value any, message string) refusal {
	changed := window()
	changed[field] = value
	if value == nil {
		delete(changed, field)
	}
	return refusal{"spec.rotation.windows[]." + field, keyword, map[string]any{"spec.rotation": windows(changed)}, message}
}

// logsIn are the changes to sign in by a login Secret.
func logsIn(reference map[string]any) map[string]any {
	return map[string]any{"spec.qumulo.tokenSecretRef": nil, "spec.qumulo.loginSecretRef": reference}
}

var grantRefusals = []refusal{
	granting("spec.grants[].namespaceSelector", "required", map[string]any{"users": []any{"*"}}, "spec.grants[0].namespaceSelector: Required value"),
	granting("spec.grants[].users", "required", map[string]any{"namespaceSelector": map[string]any{}}, "spec.grants[0].users: Required value"),
	granting("spec.grants[].users", "minItems", grantOf(), "spec.grants[0].users in body should have at least 1 items"),
	granting("spec.grants[].users", "maxItems", grantOf(numbers(257)...), "spec.grants[0].users: Too many"),
	granting("spec.grants[].maxTTL", "maxLength", grantUpTo("0000000000000000000000000000001m1s"), "spec.grants[0].maxTTL: Too long"),
	granting("spec.grants[].maxTTL", "pattern", grantUpTo("90d"), "spec.grants[0].maxTTL in body should match"),
	granting("spec.grants[].maxTTL", rule, grantUpTo("59s"), "maxTTL must be at least 1m, which is the shortest ttl"),
	granting("spec.grants[].users[]", "minLength", grantOf(""), "spec.grants[0].users[0] in body should be at least 1 chars long"),
	granting("spec.grants[].users[]", "maxLength", grantOf(text(257)), "spec.grants[0].users[0]: Too long"),
	at("spec.grants", "minItems", []any{}, "spec.grants in body should have at least 1 items"),
	at("spec.grants", "maxItems", slices.Repeat([]any{grantOf("*")}, 257), "spec.grants: Too many"),
}

func granting(path, keyword string, grant map[string]any, message string) refusal {
	return refusal{path, keyword, map[string]any{"spec.grants": []any{grant}}, message}
}

func grantOf(users ...any) map[string]any {
	if users == nil {
		users = []any{}
	}
	return map[string]any{"namespaceSelector": map[string]any{}, "users": users}
}

func grantUpTo(maxTTL string) map[string]any {
	grant := grantOf("*")
	grant["maxTTL"] = maxTTL
	return grant
}

func numbers(n int) []any {
	var list []any
	for i := range n {
		list = append(list, strconv.Itoa(i))
	}
	return list
}
