package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/record"
)

func example() record.Copy {
	from := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "us-east-1", Account: "111122223333"}, Name: "parts", Stamp: "1"}
	into := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "us-east-1", Account: "555555555555"}, Name: "copies", Stamp: "2"}
	return record.Copy{
		Source: record.Source{Version: from.Version("v1", "3"), Project: from, KeyDigest: digest.Of([]byte("key"))},
		Destination: record.Destination{
			Version: into.Version("c1", "4"), Project: into, Key: arn.Key{Namespace: into.Namespace, ID: "k"}, Grant: "g",
			Output: record.Output{Bucket: "b", Prefix: "p"},
		},
		Mode: "SHARE",
		Artifacts: []record.Artifact{
			{Role: customlabels.EvaluationSummary, Plain: digest.Of([]byte("p1")), Sealed: digest.Of([]byte("s1")), SealedSize: 1},
			{Role: customlabels.Weights, Plain: digest.Of([]byte("p2")), Sealed: digest.Of([]byte("s2")), SealedSize: 2},
		},
		Provenance:        record.Provenance{TrainingEndedAt: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC), BaseModel: "m", F1Score: 0.9},
		EvaluationSummary: digest.Of([]byte("p1")),
		Caller:            "arn:aws:iam::555555555555:user/<b>",
		Decision:          []record.Ground{{Check: "SourcePermission", Resource: "r", Policy: "p", Statement: "s"}},
		RequestedAt:       time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC),
		CompletedAt:       time.Date(2026, 1, 2, 3, 4, 6, 7_899_999, time.FixedZone("", 3600)),
	}
}

func sign(t testing.TB, key record.PrivateKey) []byte {
	t.Helper()
	raw, err := record.Sign(t.Context(), example(), key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newKey(t testing.TB) record.PrivateKey {
	t.Helper()
	key, err := record.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestARecordIsReadAsItWasSigned(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	raw := sign(t, key)
	r, err := record.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := example()
	want.CompletedAt = want.CompletedAt.UTC().Truncate(time.Millisecond)
	if diff := cmp.Diff(want, r.Copy); diff != "" || r.Digest != digest.Of(raw) || r.KeyID() != key.Public().ID() {
		t.Errorf("the record %s by %s differs from what was signed:\n%s", r.Digest, r.KeyID(), diff)
	}
	if err := r.Verify(t.Context(), []record.PublicKey{newKey(t).Public(), key.Public()}); err != nil {
		t.Errorf("verify: %v", err)
	}
	if err := r.Verify(t.Context(), []record.PublicKey{newKey(t).Public()}); !errors.Is(err, record.ErrUnknownKey) {
		t.Errorf("verify with another key: %v, want %v", err, record.ErrUnknownKey)
	}
	if again := sign(t, key); !bytes.Equal(raw, again) {
		t.Errorf("signing again gives\n%s\nafter\n%s", again, raw)
	}
}

// TestEveryFlippedBitIsSeen flips each bit of a record.
func TestEveryFlippedBitIsSeen(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	raw := sign(t, key)
	for at := range raw {
		for bit := range 8 {
			flipped := bytes.Clone(raw)
			flipped[at] ^= 1 << bit
			r, err := record.Parse(flipped)
			if err == nil {
				err = r.Verify(t.Context(), []record.PublicKey{key.Public()})
			}
			if err == nil {
				t.Fatalf("bit %d of byte %d is flipped, and the record verifies: %s", bit, at, flipped)
			}
		}
	}
}

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	t.Parallel()
	raw := string(sign(t, newKey(t)))
	var envelope map[string]any
	if err := json.Unmarshal([]byte(raw), &envelope); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":          "",
		"too large":        raw + strings.Repeat(" ", record.MaxSize),
		"a new line":       raw + "\n",
		"other type":       strings.Replace(raw, "in-toto", "in-tata", 1),
		"no signature":     fmt.Sprintf(`{"payloadType":"application/vnd.in-toto+json","payload":%q,"signatures":[]}`, envelope["payload"]),
		"unknown member":   strings.Replace(raw, "{", `{"more":1,`, 1),
		"member twice":     strings.Replace(raw, "{", `{"payloadType":"application/vnd.in-toto+json",`, 1),
		"empty payload":    `{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[{"keyid":"","sig":""}]}`,
		"another document": `{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`,
	} {
		if r, err := record.Parse([]byte(text)); !errors.Is(err, record.ErrMalformed) {
			t.Errorf("%s: %+v, %v; want ErrMalformed", name, r, err)
		}
	}
}

func TestPublicKeysArePEM(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	text, err := key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newKey(t).Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := record.ParsePublicKeys([]byte(other + text + "\n")); err != nil || len(got) != 2 || got[1] != key.Public() {
		t.Errorf("the key %s is read as %v, %v", key.Public().ID(), got, err)
	}
	for _, text := range []string{"", text + "more", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if got, err := record.ParsePublicKeys([]byte(text)); err == nil {
			t.Errorf("%q is read as the keys %v", text, got)
		}
	}
	if shown := fmt.Sprintf("%v %#v %s", key, key, key); strings.Contains(shown, string(key.Reveal())) || !strings.Contains(shown, "redacted") {
		t.Errorf("a private key shows itself: %s", shown)
	}
}

// FuzzParse: whatever is accepted has one spelling, and no signature that was
// not made.
func FuzzParse(f *testing.F) {
	key := newKey(f)
	raw, err := record.Sign(f.Context(), example(), key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := record.Parse(text)
		if err != nil {
			if !errors.Is(err, record.ErrMalformed) {
				t.Fatalf("%q is refused with %v, want ErrMalformed", text, err)
			}
			return
		}
		if err := r.Verify(t.Context(), []record.PublicKey{key.Public()}); err == nil && !bytes.Equal(text, raw) {
			t.Fatalf("%q was never signed, and verifies", text)
		}
		if len(r.Artifacts) > len(text) {
			t.Fatalf("%d bytes hold %d artifacts", len(text), len(r.Artifacts))
		}
	})
}
