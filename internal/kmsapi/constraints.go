package kmsapi

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"mimeo/internal/awsjson"
)

// constraints are those of the service model, for the operations that stand:
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html
func constraints() map[string]awsjson.Shape {
	type members = map[string]awsjson.Shape
	structure := func(m members) awsjson.Shape { return awsjson.Shape{Members: m} }
	onlyKey := structure(members{"KeyId": required(keyID)})
	return map[string]awsjson.Shape{
		"CancelKeyDeletion": onlyKey,
		"DisableKey":        onlyKey,
		"EnableKey":         onlyKey,
		"CreateAlias":       structure(members{"AliasName": required(aliasName), "TargetKeyId": required(keyID)}),
		"CreateGrant": structure(members{
			"KeyId": required(keyID), "GranteePrincipal": principalID, "RetiringPrincipal": principalID,
			"Operations": required(listOf(enum[types.GrantOperation](), nil)), "Name": aliasName, "GrantTokens": grantTokens,
		}),
		"CreateKey": structure(members{
			"Description": length(0, 8192), "Policy": policyText, "KeyUsage": enum[types.KeyUsageType](), "KeySpec": enum[types.KeySpec](),
			"CustomerMasterKeySpec": enum[types.CustomerMasterKeySpec](), "Origin": enum[types.OriginType](),
			"CustomKeyStoreId": length(1, 64), "XksKeyId": length(1, 128), "Tags": listOf(tag(), nil),
		}),
		"Decrypt": structure(members{
			"CiphertextBlob": required(blob(1, 6144)), "KeyId": keyID, "GrantTokens": grantTokens, "EncryptionAlgorithm": enum[types.EncryptionAlgorithmSpec](),
		}),
		"DescribeKey": structure(members{"KeyId": required(keyID), "GrantTokens": grantTokens}),
		"Encrypt": structure(members{
			"KeyId": required(keyID), "Plaintext": required(blob(1, 4096)), "GrantTokens": grantTokens, "EncryptionAlgorithm": enum[types.EncryptionAlgorithmSpec](),
		}),
		"GenerateDataKey":                 structure(dataKey()),
		"GenerateDataKeyWithoutPlaintext": structure(dataKey()),
		"GetKeyPolicy":                    structure(members{"KeyId": required(keyID), "PolicyName": policyName}),
		"GetPublicKey":                    structure(members{"KeyId": required(keyID), "GrantTokens": grantTokens}),
		"ListAliases":                     structure(members{"KeyId": keyID, "Limit": limit, "Marker": marker}),
		"ListGrants": structure(members{
			"KeyId": required(keyID), "GrantId": length(1, 128), "GranteePrincipal": principalID, "Limit": limit, "Marker": marker,
		}),
		"ListKeys":     structure(members{"Limit": limit, "Marker": marker}),
		"PutKeyPolicy": structure(members{"KeyId": required(keyID), "Policy": required(policyText), "PolicyName": policyName}),
		"ReEncrypt": structure(members{
			"CiphertextBlob": required(blob(1, 6144)), "SourceKeyId": keyID, "DestinationKeyId": required(keyID), "GrantTokens": grantTokens,
			"SourceEncryptionAlgorithm": enum[types.EncryptionAlgorithmSpec](), "DestinationEncryptionAlgorithm": enum[types.EncryptionAlgorithmSpec](),
		}),
		"RetireGrant":         structure(members{"KeyId": keyID, "GrantId": length(1, 128), "GrantToken": length(1, 8192)}),
		"RevokeGrant":         structure(members{"KeyId": required(keyID), "GrantId": required(length(1, 128))}),
		"ScheduleKeyDeletion": structure(members{"KeyId": required(keyID), "PendingWindowInDays": {Value: awsjson.Between(1, 365)}}),
		"Sign":                structure(message()),
		"Verify":              structure(verification()),
	}
}

var (
	keyID       = length(1, 2048)
	aliasName   = awsjson.Shape{Length: awsjson.Between(1, 256), Pattern: awsjson.MustPattern(`^[a-zA-Z0-9:/_-]+$`)}
	principalID = awsjson.Shape{Length: awsjson.Between(1, 256), Pattern: awsjson.MustPattern(`^[\w+=,.@:/-]+$`)}
	grantTokens = listOf(length(1, 8192), awsjson.Between(0, 10))
	limit       = awsjson.Shape{Value: awsjson.Between(1, 1000)}
	marker      = awsjson.Shape{Length: awsjson.Between(1, 1024), Pattern: latin1(`[\u0020-\u00FF]*`, "")}
	policyName  = awsjson.Shape{Length: awsjson.Between(1, 128), Pattern: awsjson.MustPattern(`[\w]+`)}
	policyText  = awsjson.Shape{Length: awsjson.Between(1, 131072), Pattern: latin1(`[\u0009\u000A\u000D\u0020-\u00FF]+`, "\t\n\r")}
)

// latin1 is the pattern of characters from U+0020 to U+00FF and some more.
func latin1(text, more string) *awsjson.Pattern {
	return awsjson.PatternFunc(text, func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return (r < ' ' || r > '\u00ff') && !strings.ContainsRune(more, r) })
	})
}

func required(s awsjson.Shape) awsjson.Shape {
	s.Required = true
	return s
}

func length(low, high float64) awsjson.Shape {
	return awsjson.Shape{Length: awsjson.Between(low, high)}
}

func blob(low, high float64) awsjson.Shape {
	return awsjson.Shape{Blob: true, Length: awsjson.Between(low, high)}
}

func listOf(item awsjson.Shape, size *awsjson.Range) awsjson.Shape {
	return awsjson.Shape{Item: &item, Length: size}
}

// enum has the values that the SDK knows, in its order.
func enum[E interface {
	~string
	Values() []E
}]() awsjson.Shape {
	var zero E
	var s awsjson.Shape
	for _, v := range zero.Values() {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}

func tag() awsjson.Shape {
	return awsjson.Shape{Members: map[string]awsjson.Shape{"TagKey": required(length(1, 128)), "TagValue": required(length(0, 256))}}
}

func dataKey() map[string]awsjson.Shape {
	return map[string]awsjson.Shape{
		"KeyId": required(keyID), "NumberOfBytes": {Value: awsjson.Between(1, 1024)}, "KeySpec": enum[types.DataKeySpec](), "GrantTokens": grantTokens,
	}
}

func message() map[string]awsjson.Shape {
	return map[string]awsjson.Shape{
		"KeyId": required(keyID), "Message": required(blob(1, 4096)), "MessageType": enum[types.MessageType](), "GrantTokens": grantTokens,
		"SigningAlgorithm": required(enum[types.SigningAlgorithmSpec]()),
	}
}

func verification() map[string]awsjson.Shape {
	m := message()
	m["Signature"] = required(blob(1, 6144))
	return m
}
