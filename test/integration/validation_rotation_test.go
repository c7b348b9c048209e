// Copyright The accesskey-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

// tooLong is a duration of more characters than the API takes.
const tooLong = "0000000000000000000000000000001m1s"

var previousKeyRefusals = []refusal{
	inRotation("revokePrevious", "enum", "Never", `spec.rotation.revokePrevious: Unsupported value: "Never": supported values: "AtExpiry", "WhenIdle"`),
	inRotation("idleFor", "maxLength", tooLong, "spec.rotation.idleFor: Too long"),
	inRotation("idleFor", "pattern", "1d", "spec.rotation.idleFor in body should match"),
	inRotation("idleFor", rule, "59m", "idleFor must be at least 1h, because services tell the last use of a key late"),
	inRotation("quarantine", "maxLength", tooLong, "spec.rotation.quarantine: Too long"),
	inRotation("quarantine", "pattern", "3d", "spec.rotation.quarantine in body should match"),
	inRotation("quarantine", rule, "0s", "quarantine must be longer than 0s; remove it to delete an old key at the end of its overlap"),
	{"spec.rotation", rule, inSpec("rotation", map[string]any{"idleFor": "24h"}), "idleFor has no effect without revokePrevious: WhenIdle; set that, or remove idleFor"},
	{"spec.rotation", rule, inSpec("rotation", map[string]any{"revokePrevious": "WhenIdle", "strategy": "Replace"}), "the strategy Replace leaves no old key that could be idle: use Auto or Overlap, or remove revokePrevious"},
	{"spec.rotation", rule, inSpec("rotation", map[string]any{"quarantine": "72h", "strategy": "Replace"}), "quarantine keeps the old key, and the strategy Replace leaves none: use Auto or Overlap, or remove quarantine"},
}

var importRefusals = []refusal{
	inImport("secretName", "required", nil, "spec.importFrom.secretName: Required value"),
	inImport("secretName", "minLength", "", "spec.importFrom.secretName in body should be at least 1 chars long"),
	inImport("secretName", "maxLength", text(254), "spec.importFrom.secretName: Too long"),
	inImport("accessKeyIDKey", "minLength", "", "spec.importFrom.accessKeyIDKey in body should be at least 1 chars long"),
	inImport("accessKeyIDKey", "maxLength", text(254), "spec.importFrom.accessKeyIDKey: Too long"),
	inImport("secretAccessKeyKey", "minLength", "", "spec.importFrom.secretAccessKeyKey in body should be at least 1 chars long"),
	inImport("secretAccessKeyKey", "maxLength", text(254), "spec.importFrom.secretAccessKeyKey: Too long"),
}

var compromiseRefusals = []refusal{
	at("spec.compromisedKeyIDs", "maxItems", numbers(33), "spec.compromisedKeyIDs: Too many: 33: must have at most 32 items"),
	{"spec.compromisedKeyIDs[]", "minLength", inSpec("compromisedKeyIDs", []any{""}), "spec.compromisedKeyIDs[0] in body should be at least 1 chars long"},
	{"spec.compromisedKeyIDs[]", "maxLength", inSpec("compromisedKeyIDs", []any{text(257)}), "spec.compromisedKeyIDs[0]: Too long"},
}

func inSpec(field string, value any) map[string]any { return map[string]any{"spec." + field: value} }

func inRotation(field, keyword string, value any, message string) refusal {
	return refusal{"spec.rotation." + field, keyword, inSpec("rotation", map[string]any{field: value}), message}
}

func inImport(field, keyword string, value any, message string) refusal {
	source := map[string]any{"secretName": "legacy"}
	if source[field] = value; value == nil {
		source = map[string]any{"accessKeyIDKey": "id"}
	}
	return refusal{"spec.importFrom." + field, keyword, inSpec("importFrom", source), message}
}
