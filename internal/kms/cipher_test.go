package kms_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/kms"
)

type vector struct {
	Name, Material, Key, Plaintext, Ciphertext string
	Context                                    kms.EncryptionContext
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/ciphertexts.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestVectors opens ciphertexts that were made by another implementation,
// from docs/formats/kms-ciphertext.md alone (Python's cryptography).
func TestVectors(t *testing.T) {
	t.Parallel()
	vectors := readVectors(t)
	if len(vectors) != 3 {
		t.Errorf("%d vectors, want 3", len(vectors))
	}
	for _, v := range vectors {
		material, err := envelope.KeyFrom(unhex(t, v.Material))
		if err != nil {
			t.Fatal(err)
		}
		id, plain, err := kms.DecryptWith(material, unhex(t, v.Ciphertext), v.Context)
		if err != nil || id != v.Key || !bytes.Equal(plain, unhex(t, v.Plaintext)) {
			t.Errorf("%s: key %s, plaintext %x, %v; want %s, %s", v.Name, id, []byte(plain), err, v.Key, v.Plaintext)
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCiphertextProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		material, id := envelope.NewKey(), uuid.NewString()
		plain := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "plain")
		contexts := rapid.MapOfN(rapid.StringN(0, 3, 6), rapid.StringN(0, 3, 6), 0, 3)
		ec, other := kms.EncryptionContext(contexts.Draw(t, "context")), kms.EncryptionContext(contexts.Draw(t, "other"))
		ciphertext, err := kms.EncryptWith(id, material, plain, ec)
		if err != nil {
			t.Fatal(err)
		}
		gotID, got, err := kms.DecryptWith(material, ciphertext, ec)
		if err != nil || gotID != id || !bytes.Equal(got, plain) {
			t.Fatalf("key %s, plaintext %x, %v", gotID, []byte(got), err)
		}
		same := ec.Digest() == other.Digest()
		if _, _, err := kms.DecryptWith(material, ciphertext, other); (err == nil) != (same || len(ec) == 0 && len(other) == 0) {
			t.Fatalf("context %v opens what %v sealed: %v", other, ec, err)
		}
		if _, _, err := kms.DecryptWith(envelope.NewKey(), ciphertext, ec); !errors.Is(err, kms.InvalidCiphertext) {
			t.Fatalf("another key: %v", err)
		}
	})
}

func FuzzDecrypt(f *testing.F) {
	v := readVectors(f)[0] // without a context
	good := unhex(f, v.Ciphertext)
	material, err := envelope.KeyFrom(unhex(f, v.Material))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Add(make([]byte, 65))
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		_, _, err := kms.DecryptWith(material, ciphertext, nil)
		if err == nil && !bytes.Equal(ciphertext, good) {
			t.Fatalf("forged: %x", ciphertext)
		}
		if err != nil && !errors.Is(err, kms.InvalidCiphertext) {
			t.Fatalf("%x: %v", ciphertext, err)
		}
	})
}

func FuzzGrantToken(f *testing.F) {
	g := kms.Grant{ID: strings.Repeat("ab", 32), Key: arn.Key{ID: "714705f4-f713-457f-9e29-5903d46c6009"}}
	f.Add(g.Token())
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		key, id, err := kms.ParseToken(token)
		if err != nil {
			if !errors.Is(err, kms.InvalidGrantToken) {
				t.Fatalf("%q: %v", token, err)
			}
			return
		}
		if again := (kms.Grant{ID: id, Key: arn.Key{ID: key}}).Token(); again == "" {
			t.Fatalf("%q is of no grant: %s, %s", token, key, id)
		}
	})
}
