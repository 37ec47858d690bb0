// Package kmsapi serves the operations of KMS that stand: one typed method
// each, and one table that lists them.
package kmsapi

import (
	"net/http"

	"mimeo/internal/awsjson"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

// API translates between the wire and the key service.
type API struct{ kms *kms.Service }

// New returns the service for awsjson.NewServer. Its signing name is "kms".
func New(s *kms.Service) awsjson.Service {
	api := &API{s}
	return awsjson.Service{
		SigningName:  "kms",
		TargetPrefix: "TrentService",
		Operations:   api.operations(),
		Constraints:  constraints(),
		Faults:       faults(),
		Internal:     internal,
	}
}

func (a *API) operations() map[string]awsjson.Operation {
	return map[string]awsjson.Operation{
		"CancelKeyDeletion":               awsjson.Bind(a.cancelKeyDeletion),
		"CreateAlias":                     awsjson.Bind(a.createAlias),
		"CreateGrant":                     awsjson.Bind(a.createGrant),
		"CreateKey":                       awsjson.Bind(a.createKey),
		"Decrypt":                         awsjson.Bind(a.decrypt),
		"DescribeKey":                     awsjson.Bind(a.describeKey),
		"DisableKey":                      awsjson.Bind(a.disableKey),
		"EnableKey":                       awsjson.Bind(a.enableKey),
		"Encrypt":                         awsjson.Bind(a.encrypt),
		"GenerateDataKey":                 awsjson.Bind(a.generateDataKey),
		"GenerateDataKeyWithoutPlaintext": awsjson.Bind(a.generateDataKeyWithoutPlaintext),
		"GetKeyPolicy":                    awsjson.Bind(a.getKeyPolicy),
		"GetPublicKey":                    awsjson.Bind(a.getPublicKey),
		"ListAliases":                     awsjson.Bind(a.listAliases),
		"ListGrants":                      awsjson.Bind(a.listGrants),
		"ListKeys":                        awsjson.Bind(a.listKeys),
		"PutKeyPolicy":                    awsjson.Bind(a.putKeyPolicy),
		"ReEncrypt":                       awsjson.Bind(a.reEncrypt),
		"RetireGrant":                     awsjson.Bind(a.retireGrant),
		"RevokeGrant":                     awsjson.Bind(a.revokeGrant),
		"ScheduleKeyDeletion":             awsjson.Bind(a.scheduleKeyDeletion),
		"Sign":                            awsjson.Bind(a.sign),
		"Verify":                          awsjson.Bind(a.verify),
	}
}

const internal fault.Code = "KMSInternalException"

// faults are the codes that KMS answers; the status is 400 for all of them:
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
func faults() map[fault.Code]int {
	all := map[fault.Code]int{}
	for _, code := range []fault.Code{
		kms.AccessDenied, kms.AlreadyExists, kms.Disabled, kms.DryRun, kms.IncorrectKey, kms.InvalidAliasName, kms.InvalidArn,
		kms.InvalidCiphertext, kms.InvalidGrantID, kms.InvalidGrantToken, kms.InvalidKeyUsage, kms.InvalidMarker, kms.InvalidSignature,
		kms.InvalidState, kms.LimitExceeded, kms.MalformedPolicyDocument, kms.NotFound, kms.Tag, kms.Unsupported, kms.Validation,
	} {
		all[code] = http.StatusBadRequest
	}
	return all
}

// value is what a pointer points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// orNil is a pointer to v, or nil for the zero value.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// limitOf is how long a page is: what was asked for, up to most.
func limitOf(asked *int32, usual, most int) int {
	if asked == nil {
		return usual
	}
	return min(int(*asked), most)
}
