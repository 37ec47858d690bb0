package blob_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"mimeo/internal/blob"
	"mimeo/internal/blob/mem"
	"mimeo/internal/digest"
)

// references answers from a set, or with an error.
type references struct {
	used map[digest.Digest]bool
	err  error
}

func (r references) Referenced(_ context.Context, d digest.Digest) (bool, error) {
	return r.used[d], r.err
}

func TestSweepDeletesWhatNothingNames(t *testing.T) {
	t.Parallel()
	const grace = time.Hour
	errDatabase := errors.New("the database is away")
	for _, c := range []struct {
		name    string
		age     time.Duration
		used    bool
		failing error
		deleted bool
	}{
		{name: "old and unused", age: grace + time.Second, deleted: true},
		{name: "old and used", age: grace + time.Second, used: true},
		{name: "young and unused", age: grace - time.Minute},
		{name: "young and used", age: 0, used: true},
		{name: "from the future", age: -time.Hour},
		{name: "old, and nobody knows", age: grace + time.Second, failing: errDatabase},
	} {
		s := mem.New()
		d, size, err := s.Put(t.Context(), bytes.NewReader([]byte(c.name)))
		if err != nil {
			t.Fatal(err)
		}
		sweeper := blob.Sweeper{
			Store: s, Grace: grace, Now: func() time.Time { return time.Now().Add(c.age) },
			References: references{used: map[digest.Digest]bool{d: c.used}, err: c.failing},
		}
		swept, err := sweeper.Sweep(t.Context())
		if !errors.Is(err, c.failing) || swept.Blobs != 1 {
			t.Errorf("%s: swept %+v, error %v", c.name, swept, err)
		}
		_, err = s.Open(t.Context(), d)
		if gone := errors.Is(err, blob.ErrNotFound); gone != c.deleted || c.deleted != (swept == blob.Swept{Blobs: 1, Deleted: 1, Bytes: size}) {
			t.Errorf("%s: gone %v, want %v; swept %+v", c.name, gone, c.deleted, swept)
		}
	}
}
