package live_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/live"
)

type steps []string

func (s steps) Clone() steps { return slices.Clone(s) }

var (
	version   = arn.ProjectVersion{ProjectName: "parts", Name: "v1", Stamp: "1"}
	errWanted = errors.New("somebody wants it")
)

func add(name string, news bool) func(*steps) bool {
	return func(s *steps) bool {
		*s = append(*s, name)
		return news
	}
}

// next waits until it is worth to look again, and returns how long that took.
func next(ctx context.Context, w *live.Watch[steps], wait time.Duration, closing <-chan struct{}) time.Duration {
	begin := time.Now()
	_ = w.Await(ctx, wait, closing, func(context.Context) (bool, error) { return true, nil }) // cannot fail
	return time.Since(begin)
}

// TestNewsWakeWhoWaits at once where they are worth it, and within a second
// else.
func TestNewsWakeWhoWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b live.Board[steps]
		_, end := b.Begin(t.Context(), version)
		w := b.Watch(version)
		defer w.Close()
		b.Change(version, add("first", true))
		if took := next(t.Context(), w, time.Minute, nil); took != 0 || !slices.Equal(w.Progress(), steps{"first"}) {
			t.Errorf("after %s the news are %q", took, w.Progress())
		}
		b.Change(version, add("second", false))
		if took := next(t.Context(), w, time.Minute, nil); took != live.Every {
			t.Errorf("no news wake after %s", took)
		}
		told := w.Progress()
		b.Change(version, func(s *steps) bool { (*s)[0] = "changed"; return true })
		if told[0] != "first" {
			t.Error("what was told changes afterwards")
		}
		end()
		if took := next(t.Context(), w, time.Minute, nil); took != 0 || len(w.Progress()) > 0 {
			t.Errorf("%s after the end the process still knows %q", took, w.Progress())
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b live.Board[steps]
		closed := make(chan struct{})
		close(closed)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for name, c := range map[string]struct {
			ctx     context.Context
			closing <-chan struct{}
			fails   error
			want    time.Duration
		}{
			"by its time":                  {t.Context(), nil, nil, 2500 * time.Millisecond},
			"when the caller has gone":     {gone, nil, nil, 0},
			"when the server is shut down": {t.Context(), closed, nil, 0},
			"when a look fails":            {t.Context(), nil, errWanted, live.Every},
		} {
			w := b.Watch(version)
			begin := time.Now()
			err := w.Await(c.ctx, 2500*time.Millisecond, c.closing, func(ctx context.Context) (bool, error) {
				if ctx.Err() != nil {
					t.Errorf("%s: the last look has no context", name)
				}
				return false, c.fails
			})
			if took := time.Since(begin); took != c.want || !errors.Is(err, c.fails) {
				t.Errorf("%s: after %s (%v), want %s", name, took, err, c.want)
			}
			w.Close()
		}
	})
}

func TestWorkIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b live.Board[steps]
		b.Stop(version, errWanted) // nobody works: nothing happens
		ctx, end := b.Begin(t.Context(), version)
		w := b.Watch(version)
		defer w.Close()
		b.Stop(version, errWanted)
		if !errors.Is(context.Cause(ctx), errWanted) {
			t.Errorf("the work ends because of %v", context.Cause(ctx))
		}
		if took := next(t.Context(), w, time.Minute, nil); took != 0 {
			t.Errorf("a stop is news after %s", took)
		}
		end()

		ctx, end = b.Begin(t.Context(), version)
		defer end()
		if ctx.Err() != nil {
			t.Error("a new attempt is stopped because of an old one")
		}
		begin := time.Now()
		defer b.StopWhen(ctx, version, errWanted, func(context.Context) bool { return time.Since(begin) > 1500*time.Millisecond })()
		if <-ctx.Done(); !errors.Is(context.Cause(ctx), errWanted) || time.Since(begin) != 2*live.Every {
			t.Errorf("after %s the work ends because of %v", time.Since(begin), context.Cause(ctx))
		}
	})
}
