package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
)

const (
	// block is what is sealed and written at a time: a few whole packages.
	block = 16 * (64<<10 + 32)
	// standardInterval is how much is written between two syncs. Each stops
	// the seal: with 64 MiB a reseal was an eighth slower.
	standardInterval = 256 << 20
)

// A Sealing is what is recorded of a seal that may be cut and go on. It holds
// no open key. Its nonce and key are for one payload: that of one artifact.
type Sealing struct {
	WrappedKey []byte
	Nonce      envelope.Nonce
	// Stage is the name under which the sealed bytes are staged.
	Stage digest.Digest
}

// NewSealing begins the seal of an artifact of a version.
func (v *Vault) NewSealing(k VersionKey, role customlabels.Role) (Sealing, error) {
	wrapped, err := envelope.Wrap(k.plain, envelope.NewKey(), artifactContext(k, role))
	if err != nil {
		return Sealing{}, fmt.Errorf("wrap the key of %s: %w", role, err)
	}
	return Sealing{
		WrappedKey: wrapped, Nonce: envelope.NewNonce(),
		Stage: digest.Of([]byte(string(role) + " of " + k.version.String())),
	}, nil
}

// A Reseal is an artifact on its way from one version to another.
type Reseal struct {
	From, To VersionKey
	Source   customlabels.Artifact
	Sealing  Sealing
	// Done is how many sealed bytes an earlier run has made durable.
	Done int64
	// Interval is after how many bytes they are made durable, at a low rate
	// sooner; 0: 256 MiB.
	Interval int64
	// Rate bounds the sealed bytes written in a second; 0: nothing does.
	Rate int64
	// Moved is told after every block how many sealed bytes there are; Durable
	// when a later run may go on from them.
	Moved   func(sealed int64)
	Durable func(ctx context.Context, sealed int64) error
}

// Reseal opens an artifact and seals it under the key of another version, in
// one pass and in bounded memory. The sealed bytes are staged, and durable
// when it returns: [Vault.Publish] makes them a blob. It ends well only where
// the source was read to its end and was what its digests name.
func (v *Vault) Reseal(ctx context.Context, r Reseal) (_ customlabels.Artifact, err error) {
	key, err := unwrap(r.To, r.Source.Role, r.Sealing.WrappedKey)
	if err != nil {
		return customlabels.Artifact{}, err
	}
	plain, err := v.Open(ctx, r.From, r.Source)
	if err != nil {
		return customlabels.Artifact{}, err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	staged, err := v.stage(ctx, r)
	if err != nil {
		return customlabels.Artifact{}, err
	}
	defer func() { err = errors.Join(err, staged.Close()) }()
	a := customlabels.Artifact{Role: r.Source.Role, WrappedKey: r.Sealing.WrappedKey}
	if a.Plain, err = r.move(ctx, staged, plain, key); err != nil {
		return customlabels.Artifact{}, fmt.Errorf("reseal %s: %w", r.Source.Role, err)
	}
	a.Digest, a.Size = staged.Digest(), staged.Size()
	return a, nil
}

// stage opens what was staged, at the package from which the seal goes on.
// At least one byte is always left: the last package closes the stream.
func (v *Vault) stage(ctx context.Context, r Reseal) (blob.Staging, error) {
	staged, err := v.Blobs.Stage(ctx, r.Sealing.Stage, envelope.ResumePoint(min(r.Done, r.Source.Size-1)))
	if errors.Is(err, blob.ErrNotFound) {
		staged, err = v.Blobs.Stage(ctx, r.Sealing.Stage, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", r.Source.Role, err)
	}
	return staged, nil
}

// move opens and seals at the same time, on two processors: a pipe hands over
// the plain bytes without keeping any. It returns their digest.
func (r Reseal) move(ctx context.Context, staged blob.Staging, plain io.Reader, key envelope.Key) (digest.Digest, error) {
	out, in := io.Pipe()
	sealed, err := envelope.SealFrom(out, key, r.Sealing.Nonce, staged.Size())
	if err != nil {
		return digest.Digest{}, err
	}
	hashed := digest.NewWriter(in)
	var both errgroup.Group
	both.Go(func() error {
		_, err := io.CopyBuffer(hashed, blob.WithContext(ctx, plain), make([]byte, 256<<10))
		if err == nil && r.Source.Plain != (digest.Digest{}) && hashed.Digest() != r.Source.Plain {
			err = digest.ErrMismatch
		}
		_ = in.CloseWithError(err) // documented to return nil, as the next one
		return err
	})
	written := r.write(ctx, staged, sealed)
	_ = out.CloseWithError(written)
	opened := both.Wait() // only then all is hashed
	// What goes wrong at one end of the pipe arrives at the other.
	return hashed.Digest(), cmp.Or(written, opened)
}

// write writes the sealed bytes, and makes them durable now and again.
func (r Reseal) write(ctx context.Context, staged blob.Staging, sealed io.Reader) error {
	limit := limiter(r.Rate)
	interval, durable := r.interval(), staged.Size()
	buffer := make([]byte, block)
	for {
		n, err := io.ReadFull(sealed, buffer)
		atEnd := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !atEnd {
			return err
		}
		if err := limit.WaitN(ctx, n); err != nil {
			return err
		}
		if _, err := staged.Write(buffer[:n]); err != nil {
			return err
		}
		r.Moved(staged.Size())
		if atEnd {
			return staged.Sync()
		}
		if staged.Size()-durable < interval {
			continue
		}
		if err := staged.Sync(); err != nil {
			return err
		}
		durable = staged.Size()
		if err := r.Durable(ctx, durable); err != nil {
			return err
		}
	}
}

// interval is after how many bytes they are made durable: at a low rate after
// those of a minute, for the writer's time may end long before its bytes do.
func (r Reseal) interval() int64 {
	interval := cmp.Or(r.Interval, standardInterval)
	if r.Rate > 0 {
		interval = min(interval, 60*r.Rate)
	}
	return interval
}

// limiter lets so many bytes pass in a second, a block at a time; all for 0.
// No block is free, not even the first of a small artifact.
func limiter(bytesPerSecond int64) *rate.Limiter {
	limit := rate.NewLimiter(rate.Inf, block)
	if bytesPerSecond > 0 {
		limit.SetLimit(rate.Limit(bytesPerSecond))
		limit.AllowN(time.Now(), block)
	}
	return limit
}

// Publish makes what Reseal staged the blob of the artifact that it returned.
// It may be repeated.
func (v *Vault) Publish(ctx context.Context, s Sealing, a customlabels.Artifact) error {
	if err := v.Blobs.Publish(ctx, s.Stage, a.Digest); err != nil {
		return fmt.Errorf("publish %s: %w", a.Role, err)
	}
	return nil
}

// Discard removes what a seal has made that no version will have: the staged
// bytes, and the blob where made names it. It may be repeated.
func (v *Vault) Discard(ctx context.Context, s Sealing, made digest.Digest) error {
	err := v.Blobs.Discard(ctx, s.Stage)
	if made != (digest.Digest{}) {
		err = errors.Join(err, v.Blobs.Delete(ctx, made))
	}
	if err != nil {
		return fmt.Errorf("discard what was sealed: %w", err)
	}
	return nil
}
