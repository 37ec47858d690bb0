package envelope_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/digest"
	"mimeo/internal/envelope"
)

// A vector pins the format. Streams of more than a hundred bytes are pinned
// by the digest of their sealed bytes.
type vector struct {
	Name   string            `json:"name"`
	Key    string            `json:"key"`
	Nonce  string            `json:"nonce"`
	Plain  string            `json:"plain"`          // hexadecimal, or "pattern:N"
	Sealed string            `json:"sealed"`         // hexadecimal, or "digest:D"
	Kind   string            `json:"kind,omitempty"` // "stream", "key" or "bytes"
	With   map[string]string `json:"context,omitempty"`
}

func (v vector) plain(t *testing.T) []byte {
	t.Helper()
	if n, ok := strings.CutPrefix(v.Plain, "pattern:"); ok {
		size, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		return pattern(size)
	}
	return unhex(t, v.Plain)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

// TestVectors seals and opens the vectors, and checks them against a second
// reading of docs/formats/envelope.md that shares no code with the package.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		k, err := envelope.KeyFrom(unhex(t, v.Key))
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		var got []byte
		switch v.Kind {
		case "stream":
			checkStream(t, v, k)
			continue
		case "key":
			unwrapped, err := envelope.Unwrap(k, unhex(t, v.Sealed), v.With)
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
			got = unwrapped.Reveal()
		case "bytes":
			if got, err = envelope.UnwrapBytes(k, unhex(t, v.Sealed), v.With); err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
		if diff := cmp.Diff(v.plain(t), got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", v.Name, diff)
		}
	}
}

func checkStream(t *testing.T, v vector, k envelope.Key) {
	t.Helper()
	r, err := envelope.SealWith(bytes.NewReader(v.plain(t)), k, bytes.NewReader(unhex(t, v.Nonce)))
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	want := hex.EncodeToString(b)
	if strings.HasPrefix(v.Sealed, "digest:") {
		want = "digest:" + digest.Of(b).String()
	}
	if v.Sealed != want {
		t.Errorf("%s: sealed %s, want %s", v.Name, want, v.Sealed)
	}
	plain, err := openStream(b, k)
	if err != nil || !bytes.Equal(plain, v.plain(t)) {
		t.Errorf("%s: opened %d bytes, error %v", v.Name, len(plain), err)
	}
	if second := byTheDocument(t, b, unhex(t, v.Key)); !bytes.Equal(second, v.plain(t)) {
		t.Errorf("%s: read by the document: %d other bytes", v.Name, len(second))
	}
}

// byTheDocument opens a stream with nothing but AES-GCM.
func byTheDocument(t *testing.T, b, key []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	var plain []byte
	for i := uint32(0); len(b) > 0; i++ {
		header := b[:16]
		size := int(binary.LittleEndian.Uint16(header[2:4])) + 1
		final := header[4]&0x80 != 0
		if header[0] != 0x20 || header[1] != 0 || final != (len(b) == 16+size+16) {
			t.Fatalf("package %d has the header %x, %d bytes are left", i, header, len(b))
		}
		nonce := bytes.Clone(header[4:16])
		binary.LittleEndian.PutUint32(nonce[8:], binary.LittleEndian.Uint32(nonce[8:])^i)
		if plain, err = aead.Open(plain, nonce, b[16:16+size+16], header[:4]); err != nil {
			t.Fatalf("package %d: %v", i, err)
		}
		b = b[16+size+16:]
	}
	if plain[0] != 0x01 {
		t.Fatalf("the marker is %#x", plain[0])
	}
	return plain[1:]
}
