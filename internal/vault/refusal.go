package vault

import (
	"cmp"
	"errors"
	"fmt"

	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

// remedies say what to do about the key that was named.
var remedies = map[fault.Code]string{
	kms.Disabled:        "Enable the key.",
	kms.InvalidKeyUsage: "It is an asymmetric key; a symmetric encryption key is needed.",
	kms.InvalidState:    "Cancel its deletion and enable it.",
}

// refusal says in Rekognition's words why a key cannot be used for a version
// that is to be made, and what to do.
func refusal(err error, keyID string) error {
	var refused *fault.Error
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("grant the use of %s: %w", keyID, err)
	case refused.Code == kms.AccessDenied:
		return fault.New(customlabels.AccessDenied, "The caller may not use the KMS key %s, with which kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey and kms:Decrypt are needed: %s", keyID, refused.Message).Because(err)
	default:
		remedy := cmp.Or(remedies[refused.Code], "Name an enabled symmetric key of this Region by its id, its ARN or an alias.")
		return customlabels.Invalid("The KMS key %s cannot be used: %s %s", keyID, refused.Sentence(), remedy).Because(err)
	}
}

// Unusable says why the key of a version that was made cannot open it any
// more, and what to do. err is KMS's refusal.
func Unusable(err error) string {
	var refused *fault.Error
	if errors.As(err, &refused) && remedies[refused.Code] != "" {
		return refused.Sentence() + " " + remedies[refused.Code]
	}
	return "It is deleted, or the grant was revoked with which the version was made. What a deleted key has sealed is lost; " +
		"in place of a revoked grant the owner of the key can create one that allows rekognition.amazonaws.com to Decrypt."
}
