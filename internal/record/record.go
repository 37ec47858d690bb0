// Package record makes and checks copy records: what the server says, and
// signs, about a copy that it has completed. A record is an in-toto statement
// in a DSSE envelope under an Ed25519 key of the server.
//
// docs/formats/copy-record.md describes the format and what a signature
// proves.
package record

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
)

// What a record says it is.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "urn:x-mimeo:copy-record:v1"
	PayloadType   = "application/vnd.in-toto+json"
)

// Share is the mode of a copy whose stored bytes are the source's.
const Share = "SHARE"

// MaxSize bounds a record, in bytes. One of seven artifacts has about six
// thousand.
const MaxSize = 256 << 10

// The ways in which a record can be wrong.
var (
	// ErrMalformed: the bytes are no record, or not in its one spelling.
	ErrMalformed = errors.New("this is no copy record")
	// ErrUnknownKey: the key that is named as the signer's is not known.
	ErrUnknownKey = errors.New("the copy record names a signing key that is not known here")
	// ErrSignature: the payload is not what the named key has signed.
	ErrSignature = errors.New("the signature does not match the copy record")
)

// A Copy is what a record says: the predicate of the statement.
type Copy struct {
	Source      Source      `json:"source"`
	Destination Destination `json:"destination"`
	// Mode is how the copy came by its blobs: [Share], or RESEAL, they are its
	// own.
	Mode      string     `json:"mode"`
	Artifacts []Artifact `json:"artifacts"` // in the order of their roles
	// Provenance is the source's, which a copy takes over.
	Provenance Provenance `json:"provenance"`
	// EvaluationSummary is the digest of the summary's plain bytes.
	EvaluationSummary digest.Digest `json:"evaluationSummary,omitzero"`
	Caller            string        `json:"caller"` // who asked for the copy
	Decision          []Ground      `json:"decision"`
	RequestedAt       time.Time     `json:"requestedAt"`
	CompletedAt       time.Time     `json:"completedAt"`
}

// A Source is what was copied.
type Source struct {
	Version arn.ProjectVersion `json:"projectVersion"`
	Project arn.Project        `json:"project"`
	// Key sealed the source. Of another account's key only the digest of the
	// ARN's text is told: its owner can recognise it, nobody else.
	Key       arn.Key       `json:"key,omitzero"`
	KeyDigest digest.Digest `json:"keyDigest,omitzero"`
	// Record is the digest of the source's own copy record; zero where the
	// source was trained.
	Record digest.Digest `json:"record,omitzero"`
}

// A Destination is what the copy became.
type Destination struct {
	Version arn.ProjectVersion `json:"projectVersion"`
	Project arn.Project        `json:"project"`
	Key     arn.Key            `json:"key"`
	// VersionKey is the digest of the wrapped version key.
	VersionKey digest.Digest `json:"versionKey"`
	// Grant is the id of the version grant; empty where the key is the
	// service-owned one, which needs none.
	Grant  string `json:"grant,omitzero"`
	Output Output `json:"output"`
}

// An Output is a customlabels.OutputConfig: by it the places of all result
// files are known.
type Output struct {
	Bucket string `json:"bucket"`
	Prefix string `json:"prefix"`
}

// A Provenance is a customlabels.Provenance.
type Provenance struct {
	TrainingEndedAt time.Time `json:"trainingEndedAt"`
	BaseModel       string    `json:"baseModel"`
	F1Score         float32   `json:"f1Score"`
}

// An Artifact is one of the copy's artifacts, as it is stored and as it is
// when opened.
type Artifact struct {
	Role       customlabels.Role `json:"role"`
	Plain      digest.Digest     `json:"plain"`
	Sealed     digest.Digest     `json:"sealed"`
	SealedSize int64             `json:"sealedSize"`
	WrappedKey digest.Digest     `json:"wrappedKey"` // of the wrapped artifact key
}

// Artifacts lists the artifacts of a bundle as a record has them.
func Artifacts(b customlabels.Bundle) []Artifact {
	all := make([]Artifact, len(b.Artifacts))
	for i, a := range b.Artifacts {
		all[i] = Artifact{Role: a.Role, Plain: a.Plain, Sealed: a.Digest, SealedSize: a.Size, WrappedKey: digest.Of(a.WrappedKey)}
	}
	slices.SortFunc(all, func(a, b Artifact) int { return strings.Compare(string(a.Role), string(b.Role)) })
	return all
}

// A Ground is a statement of a policy that allowed the copy, for one check.
// Of the source's side it names only what the caller may know.
type Ground struct {
	Check     string `json:"check"`
	Resource  string `json:"resource"`
	Policy    string `json:"policy"`
	Statement string `json:"statement"`
}

// A Record is a parsed record. What it says counts only after Verify.
type Record struct {
	Copy
	// Digest names the record: it is that of its bytes.
	Digest   digest.Digest
	envelope dsse.Envelope
}

// statement is the payload: an in-toto statement.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Copy      `json:"predicate"`
}

type subject struct {
	Name   string `json:"name"`
	Digest struct {
		BLAKE3 digest.Digest `json:"blake3"`
	} `json:"digest"`
}

// state makes the statement about a copy: each artifact is a subject twice,
// as it is when opened and as it is stored.
func state(c Copy) statement {
	s := statement{Type: StatementType, PredicateType: PredicateType, Predicate: c}
	for _, a := range c.Artifacts {
		plain, sealed := subject{Name: string(a.Role)}, subject{Name: string(a.Role) + ".sealed"}
		plain.Digest.BLAKE3, sealed.Digest.BLAKE3 = a.Plain, a.Sealed
		s.Subject = append(s.Subject, plain, sealed)
	}
	return s
}

// Sign makes the record of a copy.
func Sign(ctx context.Context, c Copy, key PrivateKey) ([]byte, error) {
	for _, t := range []*time.Time{&c.RequestedAt, &c.CompletedAt, &c.Provenance.TrainingEndedAt} {
		*t = moment(*t)
	}
	payload, err := json.Marshal(state(c))
	if err != nil {
		return nil, fmt.Errorf("encode the statement about %s: %w", c.Destination.Version, err)
	}
	signer, err := dsse.NewEnvelopeSigner(signature{public: key.Public(), private: key})
	if err != nil {
		return nil, fmt.Errorf("sign the record of %s: %w", c.Destination.Version, err)
	}
	envelope, err := signer.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("sign the record of %s: %w", c.Destination.Version, err)
	}
	return json.Marshal(envelope)
}

// moment is a time as records have it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Parse reads a record. It accepts one spelling only, the one that Sign
// makes, so that no bit of it can change unnoticed. It trusts nothing: see
// [Record.Verify].
func Parse(raw []byte) (*Record, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: it has %d bytes, the limit is %d", ErrMalformed, len(raw), MaxSize)
	}
	r := &Record{Digest: digest.Of(raw)}
	if err := parseExactly(raw, &r.envelope); err != nil {
		return nil, fmt.Errorf("%w: the envelope: %w", ErrMalformed, err)
	}
	if r.envelope.PayloadType != PayloadType || len(r.envelope.Signatures) != 1 {
		return nil, fmt.Errorf("%w: the envelope holds %.50q with %d signatures, want %q with one", ErrMalformed, r.envelope.PayloadType, len(r.envelope.Signatures), PayloadType)
	}
	// Strictly: other decoders overlook bits behind the last byte.
	payload, err := base64.StdEncoding.Strict().DecodeString(r.envelope.Payload)
	if err != nil {
		return nil, fmt.Errorf("%w: the payload: %w", ErrMalformed, err)
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(r.envelope.Signatures[0].Sig); err != nil {
		return nil, fmt.Errorf("%w: the signature: %w", ErrMalformed, err)
	}
	var s statement
	if err := parseExactly(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: the payload: %w", ErrMalformed, err)
	}
	again, err := json.Marshal(state(s.Predicate))
	if err != nil || !bytes.Equal(again, payload) {
		return nil, fmt.Errorf("%w: the statement is of another type, or its subjects are not its artifacts", ErrMalformed)
	}
	r.Copy = s.Predicate
	return r, nil
}

// parseExactly reads JSON that must be as encoding it again makes it.
func parseExactly[T any](raw []byte, v *T) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	again, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, raw) {
		return errors.New("it is not spelled as this server spells it")
	}
	return nil
}

// KeyID is the id of the key that the record names as its signer's.
func (r *Record) KeyID() string { return r.envelope.Signatures[0].KeyID }

// Verify checks the signature against the one of the keys that the record
// names.
func (r *Record) Verify(ctx context.Context, keys []PublicKey) error {
	for _, k := range keys {
		if k.ID() != r.KeyID() {
			continue
		}
		verifier, err := dsse.NewEnvelopeVerifier(signature{public: k})
		if err == nil {
			_, err = verifier.Verify(ctx, &r.envelope)
		}
		if err != nil {
			return fmt.Errorf("%w %s, signed by %s", ErrSignature, r.Digest, k.ID())
		}
		return nil
	}
	return fmt.Errorf("%w: %.80q", ErrUnknownKey, r.KeyID())
}
