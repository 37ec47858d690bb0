package kmsapi

import (
	"cmp"
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"mimeo/internal/arn"
	"mimeo/internal/kms"
)

const ecdsa = types.SigningAlgorithmSpec(kms.SigningAlgorithm)

// checkSigning refuses algorithms of other kinds of keys.
func checkSigning(asked types.SigningAlgorithmSpec) error {
	if asked != ecdsa {
		return kms.WrongAlgorithm(string(asked), kms.ECCNISTP256)
	}
	return nil
}

func messageOf(bytes []byte, kind types.MessageType) kms.Message {
	return kms.Message{Bytes: bytes, Type: kms.MessageType(cmp.Or(kind, types.MessageTypeRaw))}
}

func (a *API) sign(ctx context.Context, caller arn.Caller, in *sdk.SignInput) (*sdk.SignOutput, error) {
	if err := checkSigning(in.SigningAlgorithm); err != nil {
		return nil, err
	}
	signed, err := a.kms.Sign(ctx, caller, kms.SignRequest{
		Use:     kms.Use{KeyID: value(in.KeyId), GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Message: messageOf(in.Message, in.MessageType),
	})
	if err != nil {
		return nil, err
	}
	text := signed.Key.String()
	return &sdk.SignOutput{Signature: signed.Signature, KeyId: &text, SigningAlgorithm: ecdsa}, nil
}

func (a *API) verify(ctx context.Context, caller arn.Caller, in *sdk.VerifyInput) (*sdk.VerifyOutput, error) {
	if err := checkSigning(in.SigningAlgorithm); err != nil {
		return nil, err
	}
	key, err := a.kms.Verify(ctx, caller, kms.VerifyRequest{
		Use:       kms.Use{KeyID: value(in.KeyId), GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Message:   messageOf(in.Message, in.MessageType),
		Signature: in.Signature,
	})
	if err != nil {
		return nil, err
	}
	text := key.String()
	return &sdk.VerifyOutput{SignatureValid: true, KeyId: &text, SigningAlgorithm: ecdsa}, nil
}

func (a *API) getPublicKey(ctx context.Context, caller arn.Caller, in *sdk.GetPublicKeyInput) (*sdk.GetPublicKeyOutput, error) {
	public, err := a.kms.GetPublicKey(ctx, caller, kms.Use{KeyID: value(in.KeyId), GrantTokens: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	m := metadata(public.Key)
	return &sdk.GetPublicKeyOutput{
		PublicKey: public.DER, KeyId: m.Arn, KeySpec: m.KeySpec, KeyUsage: m.KeyUsage,
		CustomerMasterKeySpec: m.CustomerMasterKeySpec, SigningAlgorithms: m.SigningAlgorithms,
	}, nil
}
