package envelope_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimeo/internal/envelope"
)

func TestWrapReturnsTheSameKey(t *testing.T) {
	t.Parallel()
	contexts := rapid.MapOfN(rapid.String(), rapid.String(), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		with, k, context := envelope.NewKey(), envelope.NewKey(), contexts.Draw(t, "context")
		wrapped, err := envelope.Wrap(with, k, context)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := envelope.Unwrap(with, wrapped, context); err != nil || got != k {
			t.Fatalf("Unwrap: other key or error %v", err)
		}
		secret := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "secret")
		if wrapped, err = envelope.WrapBytes(with, secret, context); err != nil {
			t.Fatal(err)
		}
		if got, err := envelope.UnwrapBytes(with, wrapped, context); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("UnwrapBytes: %d bytes, error %v; want %d", len(got), err, len(secret))
		}
	})
}

func TestUnwrapRefusesAllButTheSame(t *testing.T) {
	t.Parallel()
	with, k := envelope.NewKey(), envelope.NewKey()
	context := map[string]string{"account": "111122223333", "version": "v1"}
	wrapped, err := envelope.Wrap(with, k, context)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(name string, with envelope.Key, wrapped []byte, context map[string]string) {
		t.Helper()
		if _, err := envelope.Unwrap(with, wrapped, context); !errors.Is(err, envelope.ErrNotAuthentic) {
			t.Errorf("%s: error %v, want ErrNotAuthentic", name, err)
		}
	}
	for i := range wrapped {
		bad := bytes.Clone(wrapped)
		bad[i] ^= 1
		refuse(fmt.Sprintf("byte %d changed", i), with, bad, context)
		refuse(fmt.Sprintf("cut to %d bytes", i), with, wrapped[:i], context)
	}
	refuse("one byte more", with, append(bytes.Clone(wrapped), 0), context)
	refuse("another key", envelope.NewKey(), wrapped, context)
	for name, other := range map[string]map[string]string{
		"no context":       nil,
		"a pair less":      {"account": "111122223333"},
		"a pair more":      {"account": "111122223333", "version": "v1", "": ""},
		"another value":    {"account": "111122223333", "version": "v2"},
		"another name":     {"account": "111122223333", "versioN": "v1"},
		"texts moved":      {"account1": "11122223333", "version": "v1"},
		"values exchanged": {"account": "v1", "version": "111122223333"},
	} {
		refuse(name, with, wrapped, other)
	}
	if _, err := envelope.UnwrapBytes(with, wrapped, context); !errors.Is(err, envelope.ErrNotAuthentic) {
		t.Errorf("a wrapped key unwrapped as bytes: %v", err)
	}
	asBytes, err := envelope.WrapBytes(with, k.Reveal(), context)
	if err != nil {
		t.Fatal(err)
	}
	refuse("wrapped bytes unwrapped as a key", with, asBytes, context)
}

func TestWrapBytesIsBounded(t *testing.T) {
	t.Parallel()
	with := envelope.NewKey()
	wrapped, err := envelope.WrapBytes(with, make([]byte, envelope.MaxWrapped), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.UnwrapBytes(with, wrapped, nil); err != nil {
		t.Errorf("UnwrapBytes of the most bytes: %v", err)
	}
	if _, err := envelope.WrapBytes(with, make([]byte, envelope.MaxWrapped+1), nil); err == nil {
		t.Error("WrapBytes of one byte more: no error")
	}
	if _, err := envelope.UnwrapBytes(with, append(wrapped, 0), nil); !errors.Is(err, envelope.ErrNotAuthentic) {
		t.Errorf("UnwrapBytes of one byte more: %v", err)
	}
}

func TestAKeyDoesNotShowItself(t *testing.T) {
	t.Parallel()
	k, err := envelope.KeyFrom([]byte("0123456789abcdef0123456789ABCDEF"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "in", struct{ K envelope.Key }{k}, "at", &k)
	texts := []string{log.String(), k.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		texts = append(texts, fmt.Sprintf(verb, k), fmt.Sprintf(verb, &k), fmt.Sprintf(verb, struct{ K envelope.Key }{k}), fmt.Sprintf(verb, []envelope.Key{k}))
	}
	for _, text := range texts {
		for _, leak := range []string{"0123", "3031", "48 49", "0x30", "MDEy"} {
			if strings.Contains(text, leak) {
				t.Errorf("a key shows itself: %s", text)
			}
		}
	}
	if b, err := json.Marshal(map[string]any{"k": k}); err == nil {
		t.Errorf("a key was encoded: %s", b)
	}
	if _, err := envelope.KeyFrom(make([]byte, 31)); err == nil {
		t.Error("KeyFrom took 31 bytes")
	}
}

func FuzzUnwrap(f *testing.F) {
	with, err := envelope.KeyFrom(bytes.Repeat([]byte{9}, envelope.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	wrapped, err := envelope.Wrap(with, with, map[string]string{"a": "b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wrapped, "a", "b")
	f.Add(wrapped[:20], "", "")
	f.Fuzz(func(t *testing.T, b []byte, name, value string) {
		if _, err := envelope.Unwrap(with, b, map[string]string{name: value}); err == nil && !(bytes.Equal(b, wrapped) && name == "a" && value == "b") {
			t.Errorf("Unwrap(%x) under %q=%q: no error", b, name, value)
		}
	})
}
