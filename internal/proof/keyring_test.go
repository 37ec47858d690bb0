package proof_test

import (
	"errors"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/proof"
	"mimeo/internal/record"
	"mimeo/internal/sqlstore/sqlstoretest"
)

// TestAKeyringOutlivesRestartsAndRotations: the newest key signs, and every
// key verifies what it has signed.
func TestAKeyringOutlivesRestartsAndRotations(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	master, clock := envelope.NewKey(), time.UnixMilli(1_800_000_000_000)
	open := func(master envelope.Key) (*proof.Keyring, error) {
		return proof.OpenKeyring(t.Context(), db.Proofs(), master, func() time.Time { clock = clock.Add(time.Second); return clock })
	}
	var records [][]byte
	for range 3 {
		k, err := open(master) // a restart
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, sign(t, k), sign(t, k))
		if _, err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		records = append(records, sign(t, k))
	}
	k, err := open(master)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := k.Public(t.Context())
	if err != nil || len(keys) != 4 {
		t.Fatalf("there are %d keys, %v; want the first and one for each of 3 rotations", len(keys), err)
	}
	for i, raw := range records {
		r, err := record.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if want := keys[(i+1)/3]; r.KeyID() != want.ID() { // the third of each start comes after its rotation
			t.Errorf("record %d is signed with %s, want %s", i, r.KeyID(), want.ID())
		}
		if err := r.Verify(t.Context(), keys); err != nil {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if _, err := open(envelope.NewKey()); !errors.Is(err, envelope.ErrNotAuthentic) {
		t.Errorf("opening with another master key: %v, want ErrNotAuthentic", err)
	}
}

// TestAForeignKeyIsNotTrusted: whoever can write to the database, and has not
// the master key, makes no key that counts.
func TestAForeignKeyIsNotTrusted(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	forger, err := record.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	long := time.UnixMilli(1_700_000_000_000) // before the server's own
	k, err := proof.OpenKeyring(t.Context(), db.Proofs(), envelope.NewKey(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Proofs().InsertKey(t.Context(), proof.SealedKey{Public: forger.Public(), Private: forger.Reveal(), Created: long}); err != nil {
		t.Fatal(err)
	}
	keys, err := k.Public(t.Context())
	if err != nil || len(keys) != 1 || keys[0] == forger.Public() {
		t.Errorf("trusted are %d keys, %v; want the server's own alone", len(keys), err)
	}
}

func sign(t *testing.T, k *proof.Keyring) []byte {
	t.Helper()
	p := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "us-east-1", Account: "111122223333"}, Name: "p", Stamp: "1"}
	raw, err := k.Sign(t.Context(), record.Copy{
		Source:      record.Source{Version: p.Version("v", "2"), Project: p},
		Destination: record.Destination{Version: p.Version("c", "3"), Project: p},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
