package vault

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/time/rate"

	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
)

// Seal stores an artifact of a version under an artifact key of its own. The
// artifact counts as unverified until [Vault.Verify] has read it.
func (v *Vault) Seal(ctx context.Context, k VersionKey, role customlabels.Role, plain io.Reader) (customlabels.Artifact, error) {
	key := envelope.NewKey()
	hashed := digest.NewWriter(io.Discard)
	sealed, err := envelope.Seal(io.TeeReader(plain, hashed), key)
	if err != nil {
		return customlabels.Artifact{}, fmt.Errorf("seal %s: %w", role, err)
	}
	a := customlabels.Artifact{Role: role}
	if a.WrappedKey, err = envelope.Wrap(k.plain, key, artifactContext(k, role)); err != nil {
		return customlabels.Artifact{}, fmt.Errorf("wrap the key of %s: %w", role, err)
	}
	if a.Digest, a.Size, err = v.Blobs.Put(ctx, sealed); err != nil {
		return customlabels.Artifact{}, fmt.Errorf("store %s: %w", role, err)
	}
	a.Plain = hashed.Digest()
	return a, nil
}

// Drop removes the bytes of an artifact that no version will have. It may be
// repeated.
func (v *Vault) Drop(ctx context.Context, a customlabels.Artifact) error {
	if err := v.Blobs.Delete(ctx, a.Digest); err != nil {
		return fmt.Errorf("drop %s: %w", a.Role, err)
	}
	return nil
}

// Open opens an artifact. The reader returns plain bytes, and fails before
// its end where the stored bytes are not the ones that were sealed.
func (v *Vault) Open(ctx context.Context, k VersionKey, a customlabels.Artifact) (io.ReadCloser, error) {
	key, err := unwrap(k, a.Role, a.WrappedKey)
	if err != nil {
		return nil, err
	}
	b, err := v.Blobs.Open(ctx, a.Digest)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", a.Digest, err)
	}
	plain, err := envelope.OpenStream(blob.Verified(b, a.Digest), key)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", a.Role, err), b.Close())
	}
	return opened{plain, b}, nil
}

// opened reads plain bytes and closes the blob that they come from.
type opened struct {
	io.Reader
	io.Closer
}

// Verify reads a stored artifact in full and checks it against its digest.
// It needs no key: the digest is that of the sealed bytes.
func (v *Vault) Verify(ctx context.Context, a customlabels.Artifact) error {
	return v.ReadBack(ctx, a, 0)
}

// ReadBack verifies an artifact as Verify does, and reads so many bytes in a
// second; 0: as many as there are.
func (v *Vault) ReadBack(ctx context.Context, a customlabels.Artifact, bytesPerSecond int64) (err error) {
	b, err := v.Blobs.Open(ctx, a.Digest)
	if err != nil {
		return fmt.Errorf("open blob %s: %w", a.Digest, err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	r := limited{ctx, blob.WithContext(ctx, blob.Verified(b, a.Digest)), limiter(bytesPerSecond)}
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("verify %s: %w", a.Role, err)
	}
	return nil
}

// limited reads no faster than its limit lets it.
type limited struct {
	ctx   context.Context
	r     io.Reader
	limit *rate.Limiter
}

func (l limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p[:min(len(p), block)])
	if waited := l.limit.WaitN(l.ctx, n); waited != nil {
		err = waited
	}
	return n, err
}

// PlainDigest opens an artifact, reads it in full, checks it as Verify does,
// and returns the digest of its plain bytes.
func (v *Vault) PlainDigest(ctx context.Context, k VersionKey, a customlabels.Artifact) (_ digest.Digest, err error) {
	r, err := v.Open(ctx, k, a)
	if err != nil {
		return digest.Digest{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	hashed := digest.NewWriter(io.Discard)
	if _, err := io.Copy(hashed, blob.WithContext(ctx, r)); err != nil {
		return digest.Digest{}, fmt.Errorf("verify %s: %w", a.Role, err)
	}
	return hashed.Digest(), nil
}

// Rewrap gives an artifact to another version: its key is opened with one
// version key and wrapped with another, and the blob stays where it is.
func Rewrap(from, to VersionKey, a customlabels.Artifact) (customlabels.Artifact, error) {
	key, err := unwrap(from, a.Role, a.WrappedKey)
	if err != nil {
		return customlabels.Artifact{}, err
	}
	if a.WrappedKey, err = envelope.Wrap(to.plain, key, artifactContext(to, a.Role)); err != nil {
		return customlabels.Artifact{}, fmt.Errorf("wrap the key of %s: %w", a.Role, err)
	}
	return a, nil
}

// CheckKey fails with a [KeyError] where a version key does not open the key
// of an artifact. It reads no blob.
func CheckKey(k VersionKey, a customlabels.Artifact) error {
	_, err := unwrap(k, a.Role, a.WrappedKey)
	return err
}

// unwrap opens the key of an artifact.
func unwrap(k VersionKey, role customlabels.Role, wrapped []byte) (envelope.Key, error) {
	key, err := envelope.Unwrap(k.plain, wrapped, artifactContext(k, role))
	if errors.Is(err, envelope.ErrNotAuthentic) {
		return key, &KeyError{Version: k.version, Role: role, Err: err}
	}
	if err != nil {
		return key, fmt.Errorf("unwrap the key of %s: %w", role, err)
	}
	return key, nil
}

// artifactContext binds an artifact key to its version and role, so that two
// artifacts cannot be exchanged.
func artifactContext(k VersionKey, role customlabels.Role) map[string]string {
	return map[string]string{"version": k.version.String(), "role": string(role)}
}
