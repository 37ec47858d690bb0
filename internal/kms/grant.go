package kms

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// An Operation is the name of an operation of the KMS API.
type Operation string

// The operations that a grant can allow.
const (
	CreateGrantOperation                         Operation = "CreateGrant"
	DecryptOperation                             Operation = "Decrypt"
	DescribeKeyOperation                         Operation = "DescribeKey"
	EncryptOperation                             Operation = "Encrypt"
	GenerateDataKeyOperation                     Operation = "GenerateDataKey"
	GenerateDataKeyPairOperation                 Operation = "GenerateDataKeyPair"
	GenerateDataKeyPairWithoutPlaintextOperation Operation = "GenerateDataKeyPairWithoutPlaintext"
	GenerateDataKeyWithoutPlaintextOperation     Operation = "GenerateDataKeyWithoutPlaintext"
	GetPublicKeyOperation                        Operation = "GetPublicKey"
	ReEncryptFromOperation                       Operation = "ReEncryptFrom"
	ReEncryptToOperation                         Operation = "ReEncryptTo"
	RetireGrantOperation                         Operation = "RetireGrant"
	SignOperation                                Operation = "Sign"
	VerifyOperation                              Operation = "Verify"
)

// What a grant can allow with any key, and with keys of one usage only.
var (
	common     = []Operation{CreateGrantOperation, DescribeKeyOperation, RetireGrantOperation}
	encrypting = []Operation{
		DecryptOperation, EncryptOperation, GenerateDataKeyOperation, GenerateDataKeyPairOperation, GenerateDataKeyPairWithoutPlaintextOperation,
		GenerateDataKeyWithoutPlaintextOperation, ReEncryptFromOperation, ReEncryptToOperation,
	}
	signing   = []Operation{GetPublicKeyOperation, SignOperation, VerifyOperation}
	grantable = slices.Concat(common, encrypting, signing)
)

// action is the operation as policies name it.
func (o Operation) action() string { return "kms:" + string(o) }

// isConstrained reports whether an operation has an encryption context that a
// grant's constraints speak about.
func (o Operation) isConstrained() bool {
	return slices.Contains(encrypting, o)
}

// Constraints narrow a grant to requests with a certain encryption context.
type Constraints struct {
	Equals EncryptionContext // the request's context is this; nil: no matter
	Subset EncryptionContext // the request's context has at least these pairs
}

// A Grant lets its grantee do some operations with a key.
type Grant struct {
	ID          string // 64 hexadecimal digits
	Key         arn.Key
	Name        string
	Created     time.Time
	Grantee     arn.Principal
	Retiring    arn.Principal // may be nobody
	Issuer      arn.Principal // who created it
	Operations  []Operation
	Constraints Constraints
}

// GrantRequest asks for CreateGrant.
type GrantRequest struct {
	KeyID             string
	Grantee, Retiring arn.Principal
	Operations        []Operation
	// The constraints of the grant.
	EncryptionContextEquals, EncryptionContextSubset EncryptionContext
	Name                                             string // a request repeated under one name makes one grant
	GrantTokens                                      []string
	DryRun                                           bool
}

// CreateGrant lets a principal use a key. Who can create grants by a grant
// only can give away no more than that grant gives.
func (s *Service) CreateGrant(ctx context.Context, caller arn.Caller, r GrantRequest) (Grant, error) {
	granted, err := s.CreateGrants(ctx, caller, r)
	if err != nil {
		return Grant{}, err
	}
	return granted[0], nil
}

// CreateGrants creates grants of one key, which the first request names: all
// of them or none.
func (s *Service) CreateGrants(ctx context.Context, caller arn.Caller, requests ...GrantRequest) ([]Grant, error) {
	var grants []Grant
	for _, r := range requests {
		if err := r.check(); err != nil {
			return nil, err
		}
		grants = append(grants, Grant{
			ID: newGrantID(), Name: r.Name, Created: s.now(), Grantee: r.Grantee, Retiring: r.Retiring, Issuer: caller.Principal,
			Operations: slices.Compact(slices.Sorted(slices.Values(r.Operations))), Constraints: r.constraints(),
		})
	}
	first := requests[0]
	k, via, err := s.findWithGrant(ctx, caller, CreateGrantOperation, Use{KeyID: first.KeyID, GrantTokens: first.GrantTokens, Grants: requests})
	if err != nil {
		return nil, err
	}
	for i, r := range requests {
		if via != nil && !via.covers(r) {
			return nil, denied(caller, CreateGrantOperation.action(), k.ARN, "the grant that allows it does not include the operations and constraints of the new one")
		}
		if err := k.canGrant(r); err != nil {
			return nil, err
		}
		grants[i].Key = k.ARN
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	if first.DryRun {
		return nil, dryRun()
	}
	grants, err = s.store.InsertGrants(ctx, grants, maxGrants)
	switch {
	case errors.Is(err, LimitExceeded):
		return nil, fault.New(LimitExceeded, "%s would have more grants than %d, which is the limit.", k.ARN, maxGrants)
	case errors.Is(err, NotFound):
		return nil, keyNotFound(k.ARN)
	}
	return grants, err
}

func (r GrantRequest) constraints() Constraints {
	return Constraints{Equals: r.EncryptionContextEquals, Subset: r.EncryptionContextSubset}
}

func (r GrantRequest) check() error {
	if r.Grantee == (arn.Principal{}) {
		return fault.New(InvalidArn, "The grantee is no principal.")
	}
	if len(r.Operations) == 0 {
		return invalid("A grant allows at least one operation.")
	}
	return errors.Join(r.EncryptionContextEquals.check(), r.EncryptionContextSubset.check())
}

// canGrant refuses a grant that no caller could use with k.
func (k Key) canGrant(r GrantRequest) error {
	for _, o := range r.Operations {
		if !k.Spec.does(o) {
			return invalid("A grant for a key with key spec %s cannot allow %.60s.", k.Spec, string(o))
		}
	}
	c := r.constraints()
	if k.Spec.Usage() != EncryptDecrypt && (c.Equals != nil || c.Subset != nil) {
		return invalid("A grant for a key with key spec %s has no constraints: with such a key there is no encryption context.", k.Spec)
	}
	return nil
}

func newGrantID() string {
	var id [32]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	return hex.EncodeToString(id[:])
}

// covers reports whether r gives nothing that g does not give.
func (g *Grant) covers(r GrantRequest) bool {
	for _, o := range r.Operations {
		if !slices.Contains(g.Operations, o) {
			return false
		}
	}
	mine, its := g.Constraints, r.constraints()
	if mine.Equals != nil && !(its.Equals != nil && sameContext(mine.Equals, its.Equals)) {
		return false
	}
	return mine.Subset == nil || contains(its.Subset, mine.Subset) || its.Equals != nil && contains(its.Equals, mine.Subset)
}

// allows reports whether g lets its grantee do op with an encryption context.
func (g *Grant) allows(op Operation, ec EncryptionContext) bool {
	if !slices.Contains(g.Operations, op) {
		return false
	}
	if !op.isConstrained() {
		return true
	}
	c := g.Constraints
	return (c.Equals == nil || sameContext(c.Equals, ec)) && contains(ec, c.Subset)
}

func sameContext(a, b EncryptionContext) bool { return len(a) == len(b) && contains(a, b) }

// contains reports whether every pair of part is in whole.
func contains(whole, part EncryptionContext) bool {
	for name, value := range part {
		if v, ok := whole[name]; !ok || v != value {
			return false
		}
	}
	return true
}

// grantFor returns a grant that lets the caller do op with k, or nil. Grants
// whose tokens are given are tried first.
func (s *Service) grantFor(ctx context.Context, caller arn.Caller, k Key, op Operation, u Use) (*Grant, error) {
	if !slices.Contains(grantable, op) {
		return nil, nil
	}
	for _, token := range u.GrantTokens {
		keyID, id, err := parseToken(token)
		if err != nil {
			return nil, err
		}
		if keyID != k.ARN.ID {
			continue
		}
		g, err := s.store.Grant(ctx, keyID, id)
		if err != nil && !errors.Is(err, NotFound) {
			return nil, err
		}
		if err == nil && g.Grantee == caller.Principal && g.allows(op, u.Context) {
			return &g, nil
		}
	}
	q := GrantQuery{KeyID: k.ARN.ID, Grantee: caller.Principal, Limit: grantBatch}
	if op.isConstrained() {
		q.Bound = []string{EncryptionContext(nil).Digest(), u.Context.orEmpty().Digest()}
	}
	for {
		list, err := s.store.Grants(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].allows(op, u.Context) {
				return &list[i], nil
			}
		}
		if len(list) < q.Limit {
			return nil, nil
		}
		q.After = list[len(list)-1].ID
	}
}

// grantBatch is how many grants are looked through at a time.
const grantBatch = 500

// tokenFormat is the first byte of a grant token; the key's id and the grant's
// follow. A token is a hint, not a secret: it lets nobody but the grantee use
// the grant.
const tokenFormat = 0x01

// Token returns the grant's token, which a grantee may send along with a
// request and the retiring principal may name the grant by.
func (g Grant) Token() string {
	key, err := uuid.Parse(g.Key.ID)
	id, err2 := hex.DecodeString(g.ID)
	if err != nil || err2 != nil {
		return "" // a grant of this service has both ids
	}
	return base64.RawURLEncoding.EncodeToString(slices.Concat([]byte{tokenFormat}, key[:], id))
}

func parseToken(token string) (keyID, grantID string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 1+16+32 || raw[0] != tokenFormat {
		return "", "", fault.New(InvalidGrantToken, "The grant token is not one that this service returned.")
	}
	return uuid.UUID(raw[1:17]).String(), hex.EncodeToString(raw[17:]), nil
}
