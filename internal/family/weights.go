package family

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// WriteWeights writes weights, which begin with the magic of their family, and
// their SHA-256.
func WriteWeights(w io.Writer, weights []byte) error {
	sum := sha256.Sum256(weights)
	if _, err := w.Write(append(weights, sum[:]...)); err != nil {
		return fmt.Errorf("write weights: %w", err)
	}
	return nil
}

// ReadWeights reads what WriteWeights wrote, all of it, and returns what is
// behind the magic. More than limit bytes, another magic and another checksum
// are ErrWeights.
func ReadWeights(ctx context.Context, r io.Reader, magic string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrWeights, limit)
	}
	body, err := verified(data, magic)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWeights, err)
	}
	return body, nil
}

func verified(data []byte, magic string) ([]byte, error) {
	if len(data) < len(magic)+sha256.Size || string(data[:len(magic)]) != magic {
		return nil, errors.New("they do not begin as such")
	}
	body := data[:len(data)-sha256.Size]
	if sha256.Sum256(body) != [sha256.Size]byte(data[len(body):]) {
		return nil, errors.New("the checksum does not match")
	}
	return body[len(magic):], nil
}
