package proof

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mimeo/internal/envelope"
	"mimeo/internal/record"
)

// A SealedKey is a key for signing records as it is stored.
type SealedKey struct {
	Public  record.PublicKey
	Private []byte // wrapped with the master key
	Created time.Time
}

// A Keyring holds the server's keys for signing records. The newest signs;
// older ones stay, so that what they signed can be checked.
type Keyring struct {
	store  Store
	master envelope.Key
	now    func() time.Time

	mu      sync.RWMutex
	signing record.PrivateKey
}

// OpenKeyring opens the keys that are stored, and makes the first one where
// there is none.
func OpenKeyring(ctx context.Context, store Store, master envelope.Key, now func() time.Time) (*Keyring, error) {
	k := &Keyring{store: store, master: master, now: now}
	all, err := store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	if len(all) == 0 {
		_, err := k.Rotate(ctx)
		return k, err
	}
	k.signing, err = k.open(all[len(all)-1])
	return k, err
}

// open unwraps a key, which shows that this server has made it.
func (k *Keyring) open(sealed SealedKey) (record.PrivateKey, error) {
	seed, err := envelope.UnwrapBytes(k.master, sealed.Private, wrapping(sealed.Public))
	if err != nil {
		return record.PrivateKey{}, fmt.Errorf("unwrap signing key %s: %w", sealed.Public.ID(), err)
	}
	key, err := record.PrivateKeyFrom(seed)
	if err == nil && key.Public() != sealed.Public {
		err = errors.New("the public half of the signing key " + sealed.Public.ID() + " is not that of its private half: restore the database from a backup")
	}
	return key, err
}

// Rotate makes a new key, which signs from now on.
func (k *Keyring) Rotate(ctx context.Context) (record.PublicKey, error) {
	key, err := record.NewPrivateKey()
	if err != nil {
		return record.PublicKey{}, err
	}
	wrapped, err := envelope.WrapBytes(k.master, key.Reveal(), wrapping(key.Public()))
	if err != nil {
		return record.PublicKey{}, fmt.Errorf("wrap the signing key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.store.InsertKey(ctx, SealedKey{Public: key.Public(), Private: wrapped, Created: k.now()}); err != nil {
		return record.PublicKey{}, fmt.Errorf("store the signing key: %w", err)
	}
	k.signing = key
	return key.Public(), nil
}

// wrapping binds a private key to its public one.
func wrapping(public record.PublicKey) map[string]string {
	return map[string]string{"copy record key": public.ID()}
}

// Sign makes the record of a copy.
func (k *Keyring) Sign(ctx context.Context, c record.Copy) ([]byte, error) {
	k.mu.RLock()
	key := k.signing
	k.mu.RUnlock()
	return record.Sign(ctx, c, key)
}

// Public returns all public keys, the newest last: those that this server has
// made. Another one in the database has nothing to say here.
func (k *Keyring) Public(ctx context.Context) ([]record.PublicKey, error) {
	all, err := k.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	var public []record.PublicKey
	for _, sealed := range all {
		if _, err := k.open(sealed); err == nil {
			public = append(public, sealed.Public)
		}
	}
	return public, nil
}
