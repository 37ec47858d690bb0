// Package envelope seals payloads and wraps keys.
//
// A payload is sealed under a data key of its own as a stream that can be
// opened from either end or anywhere between; a data key is wrapped under
// another key, bound to a context. docs/formats/envelope.md has the layouts
// byte by byte and says against whom they protect.
//
// The stream is DARE 2.0, as github.com/minio/sio implements it
// (https://github.com/minio/sio/blob/master/DARE.md).
package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/minio/sio"
)

// ErrNotAuthentic is returned where bytes are not, bit for bit, what was
// sealed or wrapped under the key and the context at hand.
var ErrNotAuthentic = errors.New("the sealed bytes are damaged, or the key is not theirs")

// ErrEmptyKey is returned where something would be sealed under the zero Key.
var ErrEmptyKey = errors.New("nothing is sealed under the zero key")

const (
	chunkSize  = 64 << 10 // plain bytes of a full package
	overhead   = 16 + 16  // header and tag of a package
	sealedSize = chunkSize + overhead
)

// marker is the first plain byte of every stream. It makes an empty payload
// a sealed one like any other, and names the version of the format.
const marker byte = 0x01

// config has both bounds of the version set: sio would accept DARE 1.0, which
// does not notice a truncated stream.
func config(k Key) sio.Config {
	return sio.Config{
		MinVersion:   sio.Version20,
		MaxVersion:   sio.Version20,
		CipherSuites: []byte{sio.AES_256_GCM},
		Key:          k.Reveal(),
	}
}

// Seal returns a reader of r's bytes sealed under k. A data key seals one
// payload: packages of two streams under one key could be exchanged. An
// error of r is returned and ends the stream before its final package.
func Seal(r io.Reader, k Key) (io.Reader, error) { return seal(r, k, nil) }

// seal is Seal with the source of the nonce; nil is the system's.
func seal(r io.Reader, k Key, random io.Reader) (io.Reader, error) {
	c := config(k)
	c.Rand = random
	return sealPackages(io.MultiReader(bytes.NewReader([]byte{marker}), r), k, c)
}

func sealPackages(r io.Reader, k Key, c sio.Config) (io.Reader, error) {
	if k.IsZero() {
		return nil, ErrEmptyKey
	}
	sealed, err := sio.EncryptReader(r, c)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &sticky{r: sealed}, nil
}

// OpenStream returns a reader of the payload that the stream r seals. Every
// byte that it returns is authentic; it reports the end of the file only
// where the whole stream was there, and an error of r's last read, such as
// a digest's mismatch, comes before the end.
func OpenStream(r io.Reader, k Key) (io.Reader, error) {
	if k.IsZero() {
		return nil, ErrEmptyKey
	}
	plain, err := sio.DecryptReader(r, config(k))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(plain, first); err != nil {
		return nil, authentic(err)
	}
	if first[0] != marker {
		return nil, fmt.Errorf("%w: the stream has format %d", ErrNotAuthentic, first[0])
	}
	return &sticky{r: plain}, nil
}

// A sticky reader repeats its first error: sio may go on after one.
type sticky struct {
	r   io.Reader
	err error
}

func (s *sticky) Read(p []byte) (int, error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // a reader's EOF is never wrapped
		err = authentic(err)
	}
	s.err = err
	return n, err
}

// authentic turns the errors of sio, and a stream that ends too early, into
// ErrNotAuthentic; it keeps the errors of the source.
func authentic(err error) error {
	var refused sio.Error
	if errors.As(err, &refused) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w (%w)", ErrNotAuthentic, notEOF{err})
	}
	return fmt.Errorf("read sealed bytes: %w", err)
}

// notEOF keeps the text of an error and hides that it is io.EOF, which would
// be read as a good end.
type notEOF struct{ err error }

func (e notEOF) Error() string { return e.err.Error() }
