package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"mimeo/internal/envelope"
)

// TestASealGoesOnWhereItWasCut: from whatever package on, the bytes are those
// of the seal that was cut, and together they open.
func TestASealGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	const full = 64 << 10
	for _, size := range []int{0, 1, full - 2, full - 1, full, 2*full - 1, 3*full + 5} {
		plain := bytes.Repeat([]byte("0123456789a"), size/11+1)[:size]
		key, nonce := envelope.NewKey(), envelope.NewNonce()
		whole := sealFrom(t, bytes.NewReader(plain), key, nonce, 0)
		opened, err := envelope.OpenStream(bytes.NewReader(whole), key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(opened); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes opened as %d, %v", size, len(got), err)
		}
		for cut := range len(whole) {
			at := envelope.ResumePoint(int64(cut))
			if at != int64(cut) {
				continue
			}
			rest := sealFrom(t, iotest.HalfReader(bytes.NewReader(plain)), key, nonce, at)
			if !bytes.Equal(rest, whole[at:]) {
				t.Errorf("of %d bytes, those from %d on differ from those that were sealed first", len(whole), at)
			}
		}
	}
}

func sealFrom(t *testing.T, r io.Reader, k envelope.Key, n envelope.Nonce, offset int64) []byte {
	t.Helper()
	sealed, err := envelope.SealFrom(r, k, n, offset)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(sealed)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestASealDoesNotGoOnWhereNothingIsLeft(t *testing.T) {
	t.Parallel()
	const packageSize = 64<<10 + 32
	for name, test := range map[string]struct {
		plain  int
		offset int64
	}{
		"behind the end": {10, packageSize},
		"at the end":     {64<<10 - 1, packageSize},
		"in a package":   {100_000, 1},
		"before it all":  {100_000, -packageSize},
	} {
		r, err := envelope.SealFrom(bytes.NewReader(make([]byte, test.plain)), envelope.NewKey(), envelope.NewNonce(), test.offset)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: sealed on with error %v", name, err)
		}
	}
}
