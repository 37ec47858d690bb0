package kmsapi_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"mimeo/internal/awsjson"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/kms"
	"mimeo/internal/kmsapi"
	"mimeo/internal/sigv4"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const (
	account = "111122223333"
	other   = "555555555555"
)

// A server is KMS over HTTP, with accounts that sign for real.
type server struct {
	*httptest.Server
	t        *testing.T
	identity *identity.Service
	kms      *kms.Service
	keys     map[string]identity.AccessKey
}

func serve(t *testing.T) *server {
	t.Helper()
	db := sqlstoretest.Open(t)
	master := envelope.NewKey()
	who, err := identity.New(db.Identity(), master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, identity: who, kms: kms.New(db.KMS(), master, who, time.Now), keys: map[string]identity.AccessKey{}}
	s.Server = httptest.NewServer(awsjson.NewServer(kmsapi.New(s.kms), sigv4.New("kms", who, time.Now)))
	t.Cleanup(s.Close)
	return s
}

func (s *server) access(account string) identity.AccessKey {
	s.t.Helper()
	if k, ok := s.keys[account]; ok {
		return k
	}
	k, err := s.identity.CreateAccount(s.t.Context(), account)
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys[account] = k
	return k
}

func (s *server) client(account, region string) *sdk.Client {
	k := s.access(account)
	return sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &s.URL, HTTPClient: s.Client(), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(k.ID, k.Secret.Reveal(), ""),
	})
}

// fault checks that err is the modelled exception E.
func fault[E error](t *testing.T, what string, err error) {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Errorf("%s: %v, want %T", what, err, e)
	}
}

// code checks the code of an exception that the model does not have.
func code(t *testing.T, what string, err error, want string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != want || e.ErrorMessage() == "" {
		t.Errorf("%s: %v, want %s with a message", what, err, want)
	}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// TestStory uses every operation once, as a customer of two accounts would.
func TestStory(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	mine, theirs := s.client(account, "us-east-1"), s.client(other, "us-east-1")

	created, err := mine.CreateKey(ctx, &sdk.CreateKeyInput{Description: aws.String("d"), Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("")}}})
	ok(t, "CreateKey", err)
	m := created.KeyMetadata
	if *m.Description != "d" || !m.Enabled || m.KeyState != types.KeyStateEnabled || m.KeyManager != types.KeyManagerTypeCustomer || m.KeySpec != types.KeySpecSymmetricDefault ||
		*m.AWSAccountId != account || *m.Arn != "arn:aws:kms:us-east-1:111122223333:key/"+*m.KeyId || m.CreationDate.IsZero() || m.DeletionDate != nil || *m.MultiRegion {
		t.Errorf("metadata %+v", m)
	}
	_, err = mine.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/k"), TargetKeyId: m.KeyId})
	ok(t, "CreateAlias", err)
	aliases, err := mine.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: m.KeyId})
	ok(t, "ListAliases", err)
	if len(aliases.Aliases) != 1 || *aliases.Aliases[0].AliasArn != "arn:aws:kms:us-east-1:111122223333:alias/k" || *aliases.Aliases[0].TargetKeyId != *m.KeyId || aliases.Truncated {
		t.Errorf("aliases %+v", aliases.Aliases)
	}
	for _, id := range []string{*m.KeyId, *m.Arn, "alias/k", "arn:aws:kms:us-east-1:111122223333:alias/k"} {
		d, err := mine.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &id})
		ok(t, "DescribeKey "+id, err)
		if *d.KeyMetadata.Arn != *m.Arn {
			t.Errorf("%s is %s", id, *d.KeyMetadata.Arn)
		}
	}

	ec := map[string]string{"purpose": "test"}
	encrypted, err := mine.Encrypt(ctx, &sdk.EncryptInput{KeyId: aws.String("alias/k"), Plaintext: []byte("plain"), EncryptionContext: ec})
	ok(t, "Encrypt", err)
	data, err := mine.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: m.Arn, KeySpec: types.DataKeySpecAes128, EncryptionContext: ec})
	ok(t, "GenerateDataKey", err)
	if len(data.Plaintext) != 16 {
		t.Errorf("AES_128 has %d bytes", len(data.Plaintext))
	}
	hidden, err := mine.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: m.Arn, NumberOfBytes: aws.Int32(64), EncryptionContext: ec})
	ok(t, "GenerateDataKeyWithoutPlaintext", err)
	for name, c := range map[string]struct {
		blob  []byte
		check func([]byte) bool
	}{
		"encrypted":     {encrypted.CiphertextBlob, func(b []byte) bool { return string(b) == "plain" }},
		"data key":      {data.CiphertextBlob, func(b []byte) bool { return bytes.Equal(b, data.Plaintext) }},
		"without plain": {hidden.CiphertextBlob, func(b []byte) bool { return len(b) == 64 }},
	} {
		d, err := mine.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: c.blob, EncryptionContext: ec})
		ok(t, "Decrypt "+name, err)
		if !c.check(d.Plaintext) || *d.KeyId != *m.Arn || d.EncryptionAlgorithm != types.EncryptionAlgorithmSpecSymmetricDefault {
			t.Errorf("%s: decrypted %x under %s", name, d.Plaintext, *d.KeyId)
		}
	}
	second, err := mine.CreateKey(ctx, &sdk.CreateKeyInput{})
	ok(t, "CreateKey", err)
	again, err := mine.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: encrypted.CiphertextBlob, SourceEncryptionContext: ec, DestinationKeyId: second.KeyMetadata.KeyId})
	ok(t, "ReEncrypt", err)
	if *again.SourceKeyId != *m.Arn || *again.KeyId != *second.KeyMetadata.Arn {
		t.Errorf("re-encrypted from %s to %s", *again.SourceKeyId, *again.KeyId)
	}

	// The other account gets Decrypt under a grant, and no more.
	_, err = theirs.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: ec})
	code(t, "foreign Decrypt", err, "AccessDeniedException")
	grant, err := mine.CreateGrant(ctx, &sdk.CreateGrantInput{
		KeyId: m.KeyId, Name: aws.String("g"), GranteePrincipal: aws.String("arn:aws:iam::555555555555:root"), RetiringPrincipal: aws.String("arn:aws:iam::555555555555:root"),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt}, Constraints: &types.GrantConstraints{EncryptionContextSubset: ec},
	})
	ok(t, "CreateGrant", err)
	d, err := theirs.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: ec, GrantTokens: []string{*grant.GrantToken}})
	ok(t, "Decrypt under the grant", err)
	if string(d.Plaintext) != "plain" {
		t.Errorf("decrypted %q", d.Plaintext)
	}
	_, err = theirs.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: m.Arn})
	code(t, "DescribeKey without a grant", err, "AccessDeniedException")
	grants, err := mine.ListGrants(ctx, &sdk.ListGrantsInput{KeyId: m.KeyId})
	ok(t, "ListGrants", err)
	if len(grants.Grants) != 1 || *grants.Grants[0].GrantId != *grant.GrantId || *grants.Grants[0].Name != "g" || *grants.Grants[0].KeyId != *m.Arn ||
		*grants.Grants[0].GranteePrincipal != "arn:aws:iam::555555555555:root" || *grants.Grants[0].IssuingAccount != "arn:aws:iam::111122223333:root" ||
		grants.Grants[0].Constraints.EncryptionContextSubset["purpose"] != "test" || grants.Grants[0].CreationDate.IsZero() {
		t.Errorf("grants %+v", grants.Grants)
	}
	_, err = theirs.RetireGrant(ctx, &sdk.RetireGrantInput{GrantToken: grant.GrantToken})
	ok(t, "RetireGrant", err)
	_, err = theirs.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: ec})
	code(t, "Decrypt after retiring", err, "AccessDeniedException")
	grant, err = mine.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: m.KeyId, GranteePrincipal: aws.String("arn:aws:iam::555555555555:root"), Operations: []types.GrantOperation{types.GrantOperationDescribeKey}})
	ok(t, "CreateGrant", err)
	_, err = mine.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: m.KeyId, GrantId: grant.GrantId})
	ok(t, "RevokeGrant", err)
	_, err = mine.RevokeGrant(ctx, &sdk.RevokeGrantInput{KeyId: m.KeyId, GrantId: grant.GrantId})
	fault[*types.InvalidGrantIdException](t, "RevokeGrant again", err)

	// A policy lets the other account in, and takes it out again.
	text, err := mine.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: m.KeyId})
	ok(t, "GetKeyPolicy", err)
	wider := strings.Replace(*text.Policy, `"Statement" : [`, `"Statement" : [ {"Effect":"Allow","Principal":{"AWS":"555555555555"},"Action":"kms:DescribeKey","Resource":"*"},`, 1)
	_, err = mine.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: m.KeyId, PolicyName: aws.String("default"), Policy: &wider})
	ok(t, "PutKeyPolicy", err)
	_, err = theirs.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: m.Arn})
	ok(t, "DescribeKey by policy", err)

	_, err = mine.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: m.KeyId})
	ok(t, "DisableKey", err)
	_, err = mine.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: ec})
	fault[*types.DisabledException](t, "Decrypt with a disabled key", err)
	_, err = mine.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: m.KeyId})
	ok(t, "EnableKey", err)
	scheduled, err := mine.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: m.KeyId})
	ok(t, "ScheduleKeyDeletion", err)
	if days := time.Until(*scheduled.DeletionDate).Hours() / 24; *scheduled.PendingWindowInDays != 30 || days < 29.9 || days > 30 || scheduled.KeyState != types.KeyStatePendingDeletion || *scheduled.KeyId != *m.Arn {
		t.Errorf("scheduled %+v", scheduled)
	}
	_, err = mine.Encrypt(ctx, &sdk.EncryptInput{KeyId: m.KeyId, Plaintext: []byte("x")})
	fault[*types.KMSInvalidStateException](t, "Encrypt with a key to be deleted", err)
	cancelled, err := mine.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: m.KeyId})
	ok(t, "CancelKeyDeletion", err)
	if *cancelled.KeyId != *m.Arn {
		t.Errorf("cancelled %s", *cancelled.KeyId)
	}
	keys, err := mine.ListKeys(ctx, &sdk.ListKeysInput{})
	ok(t, "ListKeys", err)
	if len(keys.Keys) != 2 || !slices.ContainsFunc(keys.Keys, func(k types.KeyListEntry) bool { return *k.KeyArn == *m.Arn }) {
		t.Errorf("keys %+v", keys.Keys)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	c, west := s.client(account, "us-east-1"), s.client(account, "us-west-2")
	created, err := c.CreateKey(ctx, &sdk.CreateKeyInput{})
	ok(t, "CreateKey", err)
	id, text := created.KeyMetadata.KeyId, created.KeyMetadata.Arn
	encrypted, err := c.Encrypt(ctx, &sdk.EncryptInput{KeyId: id, Plaintext: []byte("x")})
	ok(t, "Encrypt", err)
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: id})
	ok(t, "CreateAlias", err)

	_, err = c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("714705f4-f713-457f-9e29-5903d46c6009")})
	fault[*types.NotFoundException](t, "no such key", err)
	_, err = c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("alias/none")})
	fault[*types.NotFoundException](t, "no such alias", err)
	_, err = west.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: id})
	fault[*types.NotFoundException](t, "another region, id", err)
	_, err = west.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: text})
	fault[*types.NotFoundException](t, "another region, ARN", err)
	_, err = west.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
	code(t, "another region, ciphertext", err, "AccessDeniedException")
	_, err = c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("arn:aws:s3:::b")})
	fault[*types.InvalidArnException](t, "no key's ARN", err)
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: id})
	fault[*types.AlreadyExistsException](t, "alias taken", err)
	for _, name := range []string{"alias/aws/x", "x", "alias/", "alias/a:b"} {
		_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: id})
		fault[*types.InvalidAliasNameException](t, name, err)
	}
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/ä"), TargetKeyId: id})
	code(t, "alias pattern", err, "ValidationException")
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: []byte("x")})
	fault[*types.InvalidCiphertextException](t, "no ciphertext", err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256})
	fault[*types.InvalidKeyUsageException](t, "algorithm", err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, DryRun: aws.Bool(true)})
	fault[*types.DryRunOperationException](t, "dry run", err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: bytes.Repeat([]byte("x"), 6145)})
	code(t, "long ciphertext", err, "ValidationException")
	_, err = c.Encrypt(ctx, &sdk.EncryptInput{KeyId: id, Plaintext: make([]byte, 4097)})
	code(t, "long plaintext", err, "ValidationException")
	_, err = c.Encrypt(ctx, &sdk.EncryptInput{KeyId: id, Plaintext: []byte("x"), GrantTokens: []string{"bad"}})
	fault[*types.InvalidGrantTokenException](t, "a token that is none, also where none is needed", err)
	_, err = c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: id})
	code(t, "no size", err, "ValidationException")
	_, err = c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: id, KeySpec: types.DataKeySpecAes256, NumberOfBytes: aws.Int32(32)})
	code(t, "two sizes", err, "ValidationException")
	_, err = c.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(6)})
	code(t, "window", err, "ValidationException")
	_, err = c.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: aws.String("alias/a")})
	fault[*types.InvalidArnException](t, "alias where a key is wanted", err)
	_, err = c.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: id})
	fault[*types.KMSInvalidStateException](t, "cancel nothing", err)
	_, err = c.ListKeys(ctx, &sdk.ListKeysInput{Marker: aws.String("!")})
	fault[*types.InvalidMarkerException](t, "marker", err)
	_, err = c.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: id, PolicyName: aws.String("other")})
	fault[*types.NotFoundException](t, "policy name", err)
	for name, policy := range map[string]string{
		"no JSON": "x", "condition": `{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":[]}}`,
		"lockout": `{"Statement":{"Effect":"Allow","Principal":{"AWS":"555555555555"},"Action":"kms:*","Resource":"*"}}`,
	} {
		_, err = c.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: id, Policy: &policy})
		fault[*types.MalformedPolicyDocumentException](t, name, err)
		_, err = c.CreateKey(ctx, &sdk.CreateKeyInput{Policy: &policy})
		fault[*types.MalformedPolicyDocumentException](t, name, err)
	}
	for name, in := range map[string]*sdk.CreateKeyInput{
		"usage": {KeyUsage: types.KeyUsageTypeSignVerify}, "spec": {KeySpec: types.KeySpecRsa2048}, "no usage": {KeySpec: types.KeySpecEccNistP256},
		"spec of another usage": {KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeKeyAgreement},
		"usage of another spec": {KeySpec: types.KeySpecEccNistP384, KeyUsage: types.KeyUsageTypeSignVerify}, "origin": {Origin: types.OriginTypeExternal},
		"regions": {MultiRegion: aws.Bool(true)}, "store": {CustomKeyStoreId: aws.String("x")}, "old spec": {CustomerMasterKeySpec: types.CustomerMasterKeySpecHmac256},
	} {
		_, err = c.CreateKey(ctx, in)
		fault[*types.UnsupportedOperationException](t, name, err)
	}
	_, err = c.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: types.KeySpecSymmetricDefault, CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault})
	code(t, "two specs", err, "ValidationException")
	_, err = c.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: "SECRET"})
	code(t, "spec", err, "ValidationException")
	_, err = c.CreateKey(ctx, &sdk.CreateKeyInput{Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("")}, {TagKey: aws.String("a"), TagValue: aws.String("")}}})
	fault[*types.TagException](t, "tag twice", err)
	grantees := []string{"x", "rekognition.amazonaws.com", "arn:aws:s3:::b"}
	for _, who := range grantees {
		_, err = c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: id, GranteePrincipal: &who, Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
		fault[*types.InvalidArnException](t, who, err)
	}
	_, err = c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: id, GranteePrincipal: aws.String("arn:aws:iam::555555555555:root"), Operations: []types.GrantOperation{types.GrantOperationSign}})
	code(t, "operation", err, "ValidationException")
	_, err = c.RetireGrant(ctx, &sdk.RetireGrantInput{})
	code(t, "retire nothing", err, "ValidationException")
	_, err = c.RetireGrant(ctx, &sdk.RetireGrantInput{GrantToken: aws.String("x")})
	fault[*types.InvalidGrantTokenException](t, "token", err)
	_, err = c.RetireGrant(ctx, &sdk.RetireGrantInput{KeyId: text, GrantId: aws.String("0")})
	fault[*types.InvalidGrantIdException](t, "grant id", err)
	_, err = c.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: id})
	code(t, "an operation that is not there", err, "UnknownOperationException")
}

// TestSigning makes a key that signs, under its spec's name of today and the
// old one, and uses it; its signature verifies without KMS.
func TestSigning(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	c := s.client(account, "us-east-1")
	for name, in := range map[string]*sdk.CreateKeyInput{
		"spec":     {KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify},
		"old spec": {CustomerMasterKeySpec: types.CustomerMasterKeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify},
	} {
		created, err := c.CreateKey(ctx, in)
		ok(t, name, err)
		described, err := c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: created.KeyMetadata.KeyId})
		ok(t, "DescribeKey", err)
		for _, m := range []*types.KeyMetadata{created.KeyMetadata, described.KeyMetadata} {
			if m.KeySpec != types.KeySpecEccNistP256 || m.CustomerMasterKeySpec != types.CustomerMasterKeySpecEccNistP256 || m.KeyUsage != types.KeyUsageTypeSignVerify ||
				!slices.Equal(m.SigningAlgorithms, []types.SigningAlgorithmSpec{ecdsaSHA256}) || m.EncryptionAlgorithms != nil {
				t.Errorf("%s: metadata %+v", name, m)
			}
		}
		id, text := created.KeyMetadata.KeyId, *created.KeyMetadata.Arn
		public, err := c.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: id})
		ok(t, "GetPublicKey", err)
		if *public.KeyId != text || public.KeySpec != types.KeySpecEccNistP256 || public.CustomerMasterKeySpec != types.CustomerMasterKeySpecEccNistP256 ||
			public.KeyUsage != types.KeyUsageTypeSignVerify || !slices.Equal(public.SigningAlgorithms, []types.SigningAlgorithmSpec{ecdsaSHA256}) || public.EncryptionAlgorithms != nil {
			t.Errorf("%s: public key %+v", name, public)
		}
		parsed, err := x509.ParsePKIXPublicKey(public.PublicKey)
		ok(t, "parse the public key", err)
		sum := sha256.Sum256([]byte("message"))
		for kind, message := range map[types.MessageType][]byte{"": []byte("message"), types.MessageTypeRaw: []byte("message"), types.MessageTypeDigest: sum[:]} {
			signed, err := c.Sign(ctx, &sdk.SignInput{KeyId: id, Message: message, MessageType: kind, SigningAlgorithm: ecdsaSHA256})
			ok(t, "Sign", err)
			if *signed.KeyId != text || signed.SigningAlgorithm != ecdsaSHA256 || !ecdsa.VerifyASN1(parsed.(*ecdsa.PublicKey), sum[:], signed.Signature) {
				t.Errorf("%s, %q: signed %+v, which the public key does not verify", name, kind, signed)
			}
			verified, err := c.Verify(ctx, &sdk.VerifyInput{KeyId: id, Message: message, MessageType: kind, SigningAlgorithm: ecdsaSHA256, Signature: signed.Signature})
			ok(t, "Verify", err)
			if !verified.SignatureValid || *verified.KeyId != text || verified.SigningAlgorithm != ecdsaSHA256 {
				t.Errorf("%s, %q: verified %+v", name, kind, verified)
			}
			_, err = c.Verify(ctx, &sdk.VerifyInput{KeyId: id, Message: []byte("another"), SigningAlgorithm: ecdsaSHA256, Signature: signed.Signature})
			fault[*types.KMSInvalidSignatureException](t, "another message", err)
		}
	}
}

func TestFaultsOfSigning(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	c := s.client(account, "us-east-1")
	created, err := c.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify})
	ok(t, "CreateKey", err)
	signs := created.KeyMetadata.KeyId
	created, err = c.CreateKey(ctx, &sdk.CreateKeyInput{})
	ok(t, "CreateKey", err)
	encrypts := created.KeyMetadata.KeyId
	_, err = c.Encrypt(ctx, &sdk.EncryptInput{KeyId: signs, Plaintext: []byte("x")})
	fault[*types.InvalidKeyUsageException](t, "Encrypt", err)
	_, err = c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: signs, KeySpec: types.DataKeySpecAes256})
	fault[*types.InvalidKeyUsageException](t, "GenerateDataKey", err)
	_, err = c.Sign(ctx, &sdk.SignInput{KeyId: encrypts, Message: []byte("x"), SigningAlgorithm: ecdsaSHA256})
	fault[*types.InvalidKeyUsageException](t, "Sign with a symmetric key", err)
	_, err = c.GetPublicKey(ctx, &sdk.GetPublicKeyInput{KeyId: encrypts})
	fault[*types.UnsupportedOperationException](t, "GetPublicKey of a symmetric key", err)
	_, err = c.Sign(ctx, &sdk.SignInput{KeyId: signs, Message: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha384})
	fault[*types.InvalidKeyUsageException](t, "algorithm of Sign", err)
	_, err = c.Verify(ctx, &sdk.VerifyInput{KeyId: signs, Message: []byte("x"), Signature: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpecRsassaPssSha256})
	fault[*types.InvalidKeyUsageException](t, "algorithm of Verify", err)
	_, err = c.Sign(ctx, &sdk.SignInput{KeyId: signs, Message: []byte("x"), MessageType: types.MessageTypeDigest, SigningAlgorithm: ecdsaSHA256})
	code(t, "short digest", err, "ValidationException")
	_, err = c.Sign(ctx, &sdk.SignInput{KeyId: signs, Message: make([]byte, 4097), SigningAlgorithm: ecdsaSHA256})
	code(t, "long message", err, "ValidationException")
	_, err = c.Sign(ctx, &sdk.SignInput{KeyId: signs, Message: []byte("x"), SigningAlgorithm: ecdsaSHA256, DryRun: aws.Bool(true)})
	fault[*types.DryRunOperationException](t, "dry run", err)
	_, err = c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: signs, GranteePrincipal: aws.String("arn:aws:iam::555555555555:root"), Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
	code(t, "grant of Decrypt", err, "ValidationException")
	_, err = c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: signs, GranteePrincipal: aws.String("arn:aws:iam::555555555555:root"), Operations: []types.GrantOperation{types.GrantOperationSign, types.GrantOperationVerify, types.GrantOperationGetPublicKey}})
	ok(t, "grant of Sign", err)
	_, err = s.client(other, "us-east-1").Sign(ctx, &sdk.SignInput{KeyId: aws.String("arn:aws:kms:us-east-1:111122223333:key/" + *signs), Message: []byte("x"), SigningAlgorithm: ecdsaSHA256})
	ok(t, "Sign under the grant", err)
}

const ecdsaSHA256 = types.SigningAlgorithmSpecEcdsaSha256

// TestPages lists more than a page of each kind.
func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ctx := t.Context()
	c := s.client(account, "us-east-1")
	var id *string
	const n = 5
	for i := range n {
		created, err := c.CreateKey(ctx, &sdk.CreateKeyInput{})
		ok(t, "CreateKey", err)
		id = created.KeyMetadata.KeyId
		_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/" + strconv.Itoa(i)), TargetKeyId: id})
		ok(t, "CreateAlias", err)
	}
	for range n {
		_, err := c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: id, GranteePrincipal: aws.String("arn:aws:iam::555555555555:root"), Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
		ok(t, "CreateGrant", err)
	}
	two := aws.Int32(2)
	keys, aliases, grants := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for p := sdk.NewListKeysPaginator(c, &sdk.ListKeysInput{Limit: two}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		ok(t, "ListKeys", err)
		for _, k := range out.Keys {
			keys[*k.KeyId] = true
		}
	}
	for p := sdk.NewListAliasesPaginator(c, &sdk.ListAliasesInput{Limit: two}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		ok(t, "ListAliases", err)
		for _, a := range out.Aliases {
			aliases[*a.AliasName] = true
		}
	}
	for p := sdk.NewListGrantsPaginator(c, &sdk.ListGrantsInput{KeyId: id, Limit: two}); p.HasMorePages(); {
		out, err := p.NextPage(ctx)
		ok(t, "ListGrants", err)
		for _, g := range out.Grants {
			grants[*g.GrantId] = true
		}
	}
	if len(keys) != n || len(aliases) != n || len(grants) != n {
		t.Errorf("listed %d keys, %d aliases, %d grants; want %d of each", len(keys), len(aliases), len(grants), n)
	}
}
