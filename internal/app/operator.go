package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"mimeo/internal/bucket"
	"mimeo/internal/identity"
	"mimeo/internal/kms"
	"mimeo/internal/proof"
	"mimeo/internal/quota"
	"mimeo/internal/vault"
)

// An Operator works on a data directory: through the server that runs on it,
// or on the files themselves when none does.
type Operator struct {
	Accounts
	Quotas
	Proofs
	close func() error
}

// Quotas is what an operator can do with the quotas of an account.
type Quotas interface {
	// Quotas returns all of them, in the order of quota.Kinds.
	Quotas(ctx context.Context, account string) ([]quota.Quota, error)
	// Set changes some of them, all or none.
	Set(ctx context.Context, account string, values quota.Values) error
}

// OpenOperator opens the data directory of c for an operator's command.
func OpenOperator(ctx context.Context, c Config) (*Operator, error) {
	if running(ctx, c) {
		server := newAdminClient(c.adminSocket())
		return &Operator{Accounts: server, Quotas: server, Proofs: server, close: func() error { return nil }}, nil
	}
	s, err := openStorage(ctx, c, Faults{})
	if err != nil {
		return nil, err
	}
	o, err := openLocal(ctx, c, s)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return o, nil
}

// Close releases the data directory.
func (o *Operator) Close() error { return o.close() }

// running reports whether a server answers on the directory's socket.
func running(ctx context.Context, c Config) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", c.adminSocket())
	if err != nil {
		return false
	}
	_ = conn.Close() // it answered, that is all we asked
	return true
}

func openLocal(ctx context.Context, c Config, s *storage) (*Operator, error) {
	local, err := openAccounts(c, s, endpointFor(c), time.Now)
	if err != nil {
		return nil, err
	}
	keys := kms.New(s.db.KMS(), s.master, local.identity, time.Now)
	proving, err := openProof(ctx, s, proof.Service{ // without a registry: no caller asks for anything
		Vault:   &vault.Vault{Keys: keys, Blobs: s.blobs},
		Objects: bucket.New(s.db.Buckets(), s.blobs, keys, local.identity, time.Now),
	})
	if err != nil {
		return nil, err
	}
	return &Operator{Accounts: local, Quotas: quota.New(s.db.Quotas(), time.Now), Proofs: proofs{proving}, close: s.close}, nil
}

func openAccounts(c Config, s *storage, endpoint string, now func() time.Time) (*accounts, error) {
	service, err := identity.New(s.db.Identity(), s.master, now)
	if err != nil {
		return nil, fmt.Errorf("open identity: %w", err)
	}
	return &accounts{identity: service, modes: s.db.Copies(), profiles: profiles{c.awsDir()}, endpoint: endpoint}, nil
}

// endpointFor is where a server with this configuration would listen; serve
// corrects the profiles if it listens elsewhere.
func endpointFor(c Config) string {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return c.scheme() + "://" + c.Listen
	}
	return c.endpoint(address)
}
