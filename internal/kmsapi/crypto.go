package kmsapi

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

const symmetric = types.EncryptionAlgorithmSpecSymmetricDefault

// checkAlgorithms refuses algorithms of other kinds of keys.
func checkAlgorithms(asked ...types.EncryptionAlgorithmSpec) error {
	for _, algorithm := range asked {
		if algorithm != "" && algorithm != symmetric {
			return kms.WrongAlgorithm(string(algorithm), kms.SymmetricDefault)
		}
	}
	return nil
}

func (a *API) encrypt(ctx context.Context, caller arn.Caller, in *sdk.EncryptInput) (*sdk.EncryptOutput, error) {
	if err := checkAlgorithms(in.EncryptionAlgorithm); err != nil {
		return nil, err
	}
	e, err := a.kms.Encrypt(ctx, caller, kms.EncryptRequest{
		Use:       kms.Use{KeyID: value(in.KeyId), Context: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Plaintext: in.Plaintext,
	})
	if err != nil {
		return nil, err
	}
	text := e.Key.String()
	return &sdk.EncryptOutput{CiphertextBlob: e.Ciphertext, KeyId: &text, EncryptionAlgorithm: symmetric}, nil
}

func (a *API) decrypt(ctx context.Context, caller arn.Caller, in *sdk.DecryptInput) (*sdk.DecryptOutput, error) {
	switch {
	case in.Recipient != nil:
		return nil, kms.NotSupported("Recipient")
	case len(in.DryRunModifiers) > 0:
		return nil, kms.NotSupported("DryRunModifiers")
	}
	if err := checkAlgorithms(in.EncryptionAlgorithm); err != nil {
		return nil, err
	}
	d, err := a.kms.Decrypt(ctx, caller, kms.DecryptRequest{
		Use:        kms.Use{KeyID: value(in.KeyId), Context: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Ciphertext: in.CiphertextBlob,
	})
	if err != nil {
		return nil, err
	}
	text := d.Key.String()
	return &sdk.DecryptOutput{Plaintext: d.Plaintext, KeyId: &text, EncryptionAlgorithm: symmetric}, nil
}

func (a *API) reEncrypt(ctx context.Context, caller arn.Caller, in *sdk.ReEncryptInput) (*sdk.ReEncryptOutput, error) {
	if len(in.DryRunModifiers) > 0 {
		return nil, kms.NotSupported("DryRunModifiers")
	}
	if err := checkAlgorithms(in.SourceEncryptionAlgorithm, in.DestinationEncryptionAlgorithm); err != nil {
		return nil, err
	}
	r, err := a.kms.ReEncrypt(ctx, caller, kms.ReEncryptRequest{
		Source:      kms.Use{KeyID: value(in.SourceKeyId), Context: in.SourceEncryptionContext, GrantTokens: in.GrantTokens},
		Destination: kms.Use{KeyID: value(in.DestinationKeyId), Context: in.DestinationEncryptionContext, GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Ciphertext:  in.CiphertextBlob,
	})
	if err != nil {
		return nil, err
	}
	text, source := r.Key.String(), r.Source.String()
	return &sdk.ReEncryptOutput{
		CiphertextBlob: r.Ciphertext, KeyId: &text, SourceKeyId: &source, SourceEncryptionAlgorithm: symmetric, DestinationEncryptionAlgorithm: symmetric,
	}, nil
}

// sizes are the lengths of data keys that have a name, in bytes.
var sizes = map[types.DataKeySpec]int{types.DataKeySpecAes128: 16, types.DataKeySpecAes256: 32}

func sizeOf(spec types.DataKeySpec, bytes *int32) (int, error) {
	if (spec == "") == (bytes == nil) {
		return 0, fault.New(kms.Validation, "Please specify either number of bytes or key spec.")
	}
	if bytes != nil {
		return int(*bytes), nil
	}
	return sizes[spec], nil
}

func (a *API) generateDataKey(ctx context.Context, caller arn.Caller, in *sdk.GenerateDataKeyInput) (*sdk.GenerateDataKeyOutput, error) {
	if in.Recipient != nil {
		return nil, kms.NotSupported("Recipient")
	}
	size, err := sizeOf(in.KeySpec, in.NumberOfBytes)
	if err != nil {
		return nil, err
	}
	plain, e, err := a.kms.GenerateDataKeyOfSize(ctx, caller, kms.DataKeyRequest{
		Use:   kms.Use{KeyID: value(in.KeyId), Context: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Bytes: size,
	})
	if err != nil {
		return nil, err
	}
	text := e.Key.String()
	return &sdk.GenerateDataKeyOutput{Plaintext: plain, CiphertextBlob: e.Ciphertext, KeyId: &text}, nil
}

func (a *API) generateDataKeyWithoutPlaintext(ctx context.Context, caller arn.Caller, in *sdk.GenerateDataKeyWithoutPlaintextInput) (*sdk.GenerateDataKeyWithoutPlaintextOutput, error) {
	size, err := sizeOf(in.KeySpec, in.NumberOfBytes)
	if err != nil {
		return nil, err
	}
	e, err := a.kms.GenerateDataKeyWithoutPlaintext(ctx, caller, kms.DataKeyRequest{
		Use:   kms.Use{KeyID: value(in.KeyId), Context: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: value(in.DryRun)},
		Bytes: size,
	})
	if err != nil {
		return nil, err
	}
	text := e.Key.String()
	return &sdk.GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: e.Ciphertext, KeyId: &text}, nil
}
