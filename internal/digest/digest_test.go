package digest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"mimeo/internal/digest"
)

// The first vectors of https://github.com/BLAKE3-team/BLAKE3/blob/master/test_vectors/test_vectors.json
func TestVectors(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"":     "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
		"\x00": "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
	} {
		if got := digest.Of([]byte(input)).String(); got != want {
			t.Errorf("digest of %q is %s, want %s", input, got, want)
		}
	}
}

func TestADigestHasOneSpelling(t *testing.T) {
	t.Parallel()
	text := digest.Of([]byte("x")).String()
	if d, err := digest.Parse(text); err != nil || d.String() != text {
		t.Errorf("Parse(%s) = %s, %v", text, d, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.ToUpper(text), "g" + text[1:]} {
		if d, err := digest.Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", bad, d)
		}
	}
}

func TestAWriterNamesWhatItPassedOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := digest.NewWriter(&out)
	for _, part := range []string{"one", "", " two"} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
	}
	if w.Digest() != digest.Of([]byte("one two")) || w.Size() != 7 || out.String() != "one two" {
		t.Errorf("wrote %q of size %d named %s", out.String(), w.Size(), w.Digest())
	}
}

func TestAReaderRefusesToEndOnAMismatch(t *testing.T) {
	t.Parallel()
	want := digest.Of([]byte("the bytes"))
	for name, test := range map[string]struct {
		stored string
		whole  bool
	}{
		"the same":  {"the bytes", true},
		"changed":   {"the bytez", false},
		"truncated": {"the byte", false},
		"extended":  {"the bytes!", false},
		"empty":     {"", false},
	} {
		for _, slow := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
			_, err := io.ReadAll(digest.NewReader(slow(strings.NewReader(test.stored)), want))
			if test.whole != (err == nil) || err != nil && !errors.Is(err, digest.ErrMismatch) {
				t.Errorf("%s: reading ends with %v", name, err)
			}
		}
	}
}

func ExampleNewReader() {
	want := digest.Of([]byte("weights"))
	_, err := io.ReadAll(digest.NewReader(strings.NewReader("weightz"), want))
	fmt.Println(errors.Is(err, digest.ErrMismatch))
	// Output: true
}
