package blob

import (
	"context"
	"io"
)

// WithContext returns a reader of r that fails when ctx has ended, for whoever
// reads a whole blob or the bytes of one.
func WithContext(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if ended := c.ctx.Err(); ended != nil {
		err = ended // also when r has just come to its end
	}
	return n, err
}
