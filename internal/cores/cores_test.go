package cores_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mimeo/internal/cores"
)

// piece is how long a turn of the tests is.
const piece = 10 * time.Millisecond

// A training has turns on several workers until it is stopped.
type training struct {
	share *cores.Share
	turns atomic.Int64
	stop  atomic.Bool
	work  sync.WaitGroup
}

func begin(p *cores.Pool, workers int) *training {
	t := &training{share: p.Join()}
	for range workers {
		t.work.Go(func() {
			for !t.stop.Load() {
				end := t.share.Turn()
				time.Sleep(piece)
				t.turns.Add(1)
				end()
			}
		})
	}
	return t
}

func (t *training) end() {
	t.stop.Store(true)
	t.work.Wait()
	t.share.Leave()
}

// during returns how many turns trainings have in a second.
func during(trainings ...*training) (turns []int) {
	for _, t := range trainings {
		turns = append(turns, -int(t.turns.Load()))
	}
	time.Sleep(time.Second)
	synctest.Wait()
	for i, t := range trainings {
		turns[i] += int(t.turns.Load())
	}
	return turns
}

// near allows for a turn that is on its way.
func near(got, want int) bool { return got >= want-2 && got <= want+2 }

func TestTrainingsShareTheProcessors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const all = int(time.Second / piece) // turns of a processor
		p := cores.New(2)
		first := begin(p, 4)
		if got := during(first); !near(got[0], 2*all) {
			t.Errorf("one training has %d turns, want %d", got[0], 2*all)
		}
		second := begin(p, 2)
		if got := during(first, second); !near(got[0], all) || !near(got[1], all) {
			t.Errorf("two trainings have %d turns, want %d each", got, all)
		}
		third := begin(p, 3)
		if got := during(first, second, third); !near(got[0], 2*all/3) || !near(got[1], 2*all/3) || !near(got[2], 2*all/3) {
			t.Errorf("three trainings have %d turns, want %d each", got, 2*all/3)
		}
		second.end()
		third.end()
		if got := during(first); !near(got[0], 2*all) {
			t.Errorf("the last training has %d turns, want %d", got[0], 2*all)
		}
		first.end()
	})
}

// TestRequestsGoFirst: a training has what they leave, and always something.
func TestRequestsGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const all = int(time.Second / piece)
		p := cores.New(3)
		training := begin(p, 3)
		var ends []func()
		for requests, want := range []int{3 * all, 2 * all, all, all, all} {
			if got := during(training); !near(got[0], want) {
				t.Errorf("beside %d requests a training has %d turns, want %d", requests, got[0], want)
			}
			ends = append(ends, p.Urgent())
		}
		for _, end := range ends {
			end()
		}
		if got := during(training); !near(got[0], 3*all) {
			t.Errorf("after the requests a training has %d turns, want %d", got[0], 3*all)
		}
		training.end()
	})
}

func TestNoPoolIsNoBound(t *testing.T) {
	t.Parallel()
	var p *cores.Pool
	defer p.Urgent()()
	s := p.Join()
	defer s.Leave()
	for range 10 {
		defer s.Turn()()
	}
}
