package app

import (
	"context"
	"net/http"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/proof"
	"mimeo/internal/record"
)

// Proofs is what an operator can prove of what a server has copied.
type Proofs interface {
	// Verify checks all that is stored of a version. Only signatures of the
	// keys count that are given as PEM; of the server's own where there are
	// none.
	Verify(ctx context.Context, version, keys string) (*proof.Report, error)
	// RecordKeys returns the public keys of the server as PEM, the one that
	// signs last.
	RecordKeys(ctx context.Context) (string, error)
	// RotateRecordKey makes a new key, which signs from now on.
	RotateRecordKey(ctx context.Context) error
}

// proofs proves with a service.
type proofs struct{ service *proof.Service }

func (p proofs) Verify(ctx context.Context, version, keys string) (*proof.Report, error) {
	a, err := arn.ParseProjectVersion(version)
	if err != nil {
		return nil, customlabels.Invalid("%q is not the ARN of a project version.", version).Because(err)
	}
	var trusted []record.PublicKey
	if keys != "" {
		if trusted, err = record.ParsePublicKeys([]byte(keys)); err != nil {
			return nil, err
		}
	}
	return p.service.Verify(ctx, a, trusted)
}

func (p proofs) RecordKeys(ctx context.Context) (string, error) {
	keys, err := p.service.Keyring.Public(ctx)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, k := range keys {
		text, err := k.PEM()
		if err != nil {
			return "", err
		}
		all.WriteString(text)
	}
	return all.String(), nil
}

func (p proofs) RotateRecordKey(ctx context.Context) error {
	_, err := p.service.Keyring.Rotate(ctx)
	return err
}

// verification is what the admin socket is asked to verify.
type verification struct{ Version, Keys string }

// Verify asks the server to verify a version.
func (c *adminClient) Verify(ctx context.Context, version, keys string) (*proof.Report, error) {
	report := &proof.Report{}
	return report, c.call(ctx, http.MethodPost, "/verifications", verification{version, keys}, report)
}

// RecordKeys asks the server for its public keys.
func (c *adminClient) RecordKeys(ctx context.Context) (all string, err error) {
	err = c.call(ctx, http.MethodGet, "/record-keys", nil, &all)
	return all, err
}

// RotateRecordKey asks the server to make a new key.
func (c *adminClient) RotateRecordKey(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/record-keys", nil, nil)
}
