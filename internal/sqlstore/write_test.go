package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

var errRefused = errors.New("refused")

// TestWritesThatShareACommit: of many writes at once some are refused, some
// panic, some come with a context that has ended; each is there whole, or not
// at all, and is told so.
func TestWritesThatShareACommit(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	const writers, rounds = 16, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for r := range rounds {
				key := fmt.Sprint(w, "/", r)
				var err error
				wanted := true
				switch (w + r) % 5 {
				case 0:
					err, wanted = db.WritePair(t.Context(), key, func() error { return errRefused }), false
				case 1:
					err, wanted = db.WritePair(ended, key, func() error { return nil }), false
				case 2:
					err, wanted = panics(func() { _ = db.WritePair(t.Context(), key, func() error { panic("a bug") }) }), false
				default:
					err = db.WritePair(t.Context(), key, func() error { return nil })
				}
				if got, countErr := db.Pair(t.Context(), key); countErr != nil || (err == nil) != wanted || got != map[bool]int{true: 2}[wanted] {
					t.Errorf("%s: %d of its two rows are there, %v, %v; want it written: %t", key, got, err, countErr, wanted)
				}
			}
		})
	}
	group.Wait()
}

func panics(fn func()) (err error) {
	defer func() { err = fmt.Errorf("%v", recover()) }()
	fn()
	return nil
}

// TestALostTransactionIsToldToAll: where SQLite rolls back all of a
// transaction in the second write, the first is told that it did not happen.
func TestALostTransactionIsToldToAll(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	inside, leave := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := db.WritePair(t.Context(), "first", func() error {
			close(inside)
			<-leave
			return nil
		})
		if got, countErr := db.Pair(t.Context(), "first"); err == nil || got != 0 || countErr != nil {
			t.Errorf("the first write: %v, %d rows, %v; want an error and none", err, got, countErr)
		}
	})
	<-inside
	group.Go(func() {
		if err := db.LoseTransaction(t.Context()); err == nil {
			t.Error("the write that lost the transaction has no error")
		}
	})
	db.AwaitWriters(1)
	close(leave)
	group.Wait()
	if err := db.WritePair(t.Context(), "after", func() error { return nil }); err != nil {
		t.Errorf("a write after it: %v", err)
	}
}
