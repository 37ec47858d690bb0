package bucket

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
)

// Keys is what the service needs of KMS.
type Keys interface {
	GenerateDataKeys(ctx context.Context, caller arn.Caller, keyID string, contexts ...kms.EncryptionContext) ([]kms.DataKey, error)
	OpenDataKey(ctx context.Context, caller arn.Caller, ciphertext []byte, ec kms.EncryptionContext) (envelope.Key, error)
	ServiceKey(ctx context.Context, partition, region string) (arn.Key, error)
	ManagedKey(ctx context.Context, caller arn.Caller, service string) (arn.Key, error)
}

// Sealing is how a writer wants an object sealed. The zero value is SSE-S3.
type Sealing struct {
	KMS     bool
	Named   bool              // the request names SSE-S3: policies can ask for that
	Key     string            // of KMS: id, ARN or alias; empty: the account's alias/aws/s3
	Context map[string]string // the writer's part of the encryption context
}

// Encryption is how an object is sealed.
type Encryption struct {
	Key        arn.Key           // the caller's KMS key; zero: SSE-S3
	Context    map[string]string // the writer's part of the encryption context
	WrappedKey []byte            // the object's key, as KMS encrypted it
}

// service is who uses the service's own keys.
var service = arn.Service("s3.amazonaws.com")

// arnContext is the member that S3 adds to the encryption context:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
const arnContext = "aws:s3:arn"

// newKeys makes a key for each of some objects and sets how the objects are
// sealed: with the caller's permissions on the caller's KMS key, else with the
// service's own.
func (s *Service) newKeys(ctx context.Context, caller arn.Caller, sealing Sealing, drafts ...*Object) ([]envelope.Key, error) {
	user, id, err := s.sealer(ctx, caller, sealing)
	if err != nil {
		return nil, err
	}
	contexts := make([]kms.EncryptionContext, len(drafts))
	for i, o := range drafts {
		if own, ok := sealing.Context[arnContext]; ok && own != o.ARN() {
			return nil, invalidArgument("The encryption context member %s is reserved", arnContext)
		}
		o.Encryption = Encryption{Context: sealing.Context}
		contexts[i] = o.Encryption.context(o.Name)
	}
	made, err := s.keys.GenerateDataKeys(ctx, user.Through("s3"), id, contexts...)
	if err != nil {
		return nil, keyFault(err)
	}
	plain := make([]envelope.Key, len(drafts))
	for i, o := range drafts {
		plain[i], o.Encryption.WrappedKey = made[i].Plain, made[i].Ciphertext
		if sealing.KMS {
			o.Encryption.Key = made[i].Key
		}
	}
	return plain, nil
}

// managedKey is the account's own key for S3, which is made on demand.
const managedKey = "alias/aws/s3"

// sealer returns who generates the object's key, and under which KMS key.
func (s *Service) sealer(ctx context.Context, caller arn.Caller, sealing Sealing) (arn.Caller, string, error) {
	if sealing.KMS && sealing.Key != "" && sealing.Key != managedKey {
		return caller, sealing.Key, nil
	}
	if sealing.KMS {
		key, err := s.keys.ManagedKey(ctx, caller, "s3")
		if err != nil {
			return arn.Caller{}, "", keyFault(err)
		}
		return caller, key.String(), nil
	}
	key, err := s.keys.ServiceKey(ctx, caller.Principal.Partition, caller.Region)
	if err != nil {
		return arn.Caller{}, "", fmt.Errorf("service key in %s: %w", caller.Region, err)
	}
	return arn.Caller{Principal: service, Region: caller.Region}, key.String(), nil
}

// key returns the key of an object. An object under the caller's KMS key
// needs the caller's permission on that key.
func (s *Service) key(ctx context.Context, caller arn.Caller, o Object) (envelope.Key, error) {
	user := caller
	if o.Encryption.Key == (arn.Key{}) {
		user = arn.Caller{Principal: service, Region: caller.Region}
	}
	key, err := s.keys.OpenDataKey(ctx, user.Through("s3"), o.Encryption.WrappedKey, o.Encryption.context(o.Name))
	if err != nil {
		return envelope.Key{}, keyFault(err)
	}
	return key, nil
}

// context is what the object's key is bound to.
func (e Encryption) context(n Name) kms.EncryptionContext {
	ec := kms.EncryptionContext{}
	maps.Copy(ec, e.Context)
	ec[arnContext] = n.ARN()
	return ec
}

// partContext is what the wrapped key of a part is bound to.
func partContext(id string, number int) map[string]string {
	return map[string]string{"object": id, "part": strconv.Itoa(number)}
}

// keyFaults are the errors of KMS as S3 hands them on.
var keyFaults = map[fault.Code]fault.Code{
	kms.NotFound:        KMSNotFound,
	kms.Disabled:        KMSDisabled,
	kms.InvalidState:    KMSInvalidState,
	kms.InvalidKeyUsage: KMSInvalidKeyUsage,
	kms.AccessDenied:    AccessDenied,
	kms.InvalidArn:      InvalidArgument,
	kms.Validation:      InvalidArgument,
}

// keyFault turns a refusal of KMS into one of S3.
func keyFault(err error) error {
	var refused *fault.Error
	if errors.As(err, &refused) {
		if code, ok := keyFaults[refused.Code]; ok {
			return fault.New(code, "%s", refused.Message).Because(err)
		}
	}
	return fmt.Errorf("object key: %w", err)
}
