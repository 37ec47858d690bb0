package familytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/family"
)

// longAgo is a deadline that has passed: every slice does the least it may.
var longAgo = time.Unix(1, 0)

// progress checks what is told of a training.
type progress struct {
	t     *testing.T
	inUse atomic.Bool
	most  int
	total int
	calls int
}

func (p *progress) tell(now family.Progress) {
	if !p.inUse.CompareAndSwap(false, true) {
		p.t.Error("progress is told by two goroutines at once")
	}
	defer p.inUse.Store(false)
	if now.Done < p.most || now.Done > now.Total || now.Phase == "" || p.total != 0 && now.Total != p.total {
		p.t.Errorf("progress goes from %d of %d to %+v", p.most, p.total, now)
	}
	if now.Epoch < 0 || now.Epoch > now.Epochs || (now.Epoch == 0) != (now.Epochs == 0) || math.IsNaN(now.Loss) || math.IsInf(now.Loss, 0) {
		p.t.Errorf("progress tells of the epoch %d of %d and of the loss %v", now.Epoch, now.Epochs, now.Loss)
	}
	p.most, p.total = now.Done, now.Total
	p.calls++
}

// inSlices trains with a deadline that has passed, again and again.
func (s suite) inSlices(t *testing.T, req family.TrainRequest, between func(slice int)) []byte {
	t.Helper()
	req.Deadline = longAgo
	for slice := 1; slice < 200; slice++ {
		p := &progress{t: t}
		req.Progress = p.tell
		var w bytes.Buffer
		err := s.newFamily(1+slice%3).Train(t.Context(), req, &w)
		switch {
		case err == nil && p.most != p.total:
			t.Errorf("the end is told as %d of %d", p.most, p.total)
			fallthrough
		case err == nil:
			if slice < 3 {
				t.Errorf("the training took only %d slices: deadlines are not kept", slice)
			}
			return w.Bytes()
		case !errors.Is(err, family.ErrUnfinished):
			t.Fatalf("slice %d: %v", slice, err)
		case w.Len() > 0:
			t.Fatalf("slice %d is unfinished and wrote %d bytes", slice, w.Len())
		}
		between(slice)
	}
	t.Fatal("the training does not end")
	return nil
}

func (s suite) slices(t *testing.T) {
	t.Parallel()
	req := s.request(3)
	p := &progress{t: t}
	req.Progress = p.tell
	want := train(t, s.newFamily(2), req)
	if p.calls < len(req.Examples) || p.most != p.total {
		t.Errorf("progress was told %d times and ended at %d of %d", p.calls, p.most, p.total)
	}
	req.Scratch = t.TempDir()
	if !bytes.Equal(s.inSlices(t, req, func(int) {}), want) {
		t.Error("slices make other weights")
	}
	req.Scratch, req.Deadline, req.Progress = "", longAgo, nil
	if !bytes.Equal(train(t, s.newFamily(2), req), want) {
		t.Error("a deadline without scratch is kept")
	}
}

// turns gives one worker at a time a turn.
func (s suite) turns(t *testing.T) {
	t.Parallel()
	req := s.request(2)
	want := train(t, s.newFamily(2), req)
	var one sync.Mutex
	turns := 0
	req.Turn = func() (end func()) {
		one.Lock()
		turns++
		return one.Unlock
	}
	if !bytes.Equal(train(t, s.newFamily(3), req), want) {
		t.Error("turns make other weights")
	}
	if turns < len(req.Examples) {
		t.Errorf("%d turns were taken for %d examples", turns, len(req.Examples))
	}
}

// memory is planned before anything is done, in each slice; where there is
// none the training ends.
func (s suite) memory(t *testing.T) {
	t.Parallel()
	req := s.request(2)
	req.Scratch = t.TempDir()
	none := errors.New("no memory")
	told := false
	req.Progress = func(family.Progress) { told = true }
	var planned []int64
	req.Memory = func(bytes int64) error {
		planned = append(planned, bytes)
		return none
	}
	var w bytes.Buffer
	for range 2 {
		if err := s.newFamily(2).Train(t.Context(), req, &w); !errors.Is(err, none) || w.Len() > 0 || told {
			t.Errorf("without memory: got %v and %d bytes; that it begins is told: %v", err, w.Len(), told)
		}
	}
	if len(planned) != 2 || planned[0] != planned[1] || planned[0] <= 0 {
		t.Errorf("two slices plan %d bytes", planned)
	}
}

func (s suite) damagedScratch(t *testing.T) {
	t.Parallel()
	req := s.request(2)
	want := train(t, s.newFamily(2), req)
	req.Scratch = t.TempDir()
	damaged := 0
	got := s.inSlices(t, req, func(slice int) {
		if slice%4 != 0 || slice > 40 {
			return
		}
		files, err := os.ReadDir(req.Scratch)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			damage(t, filepath.Join(req.Scratch, f.Name()), slice/4+i)
			damaged++
		}
	})
	if damaged == 0 {
		t.Error("there are no checkpoints")
	}
	if !bytes.Equal(got, want) {
		t.Error("damaged checkpoints make other weights")
	}
}

// damage cuts a file short, or changes one byte in it.
func damage(t *testing.T, path string, how int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 {
		return
	}
	at := (how * 7919) % len(data)
	if how%2 == 0 {
		data = data[:at]
	} else {
		data[at] ^= 0x10
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s suite) foreignScratch(t *testing.T) {
	t.Parallel()
	req := s.request(2)
	req.Scratch = t.TempDir()
	train(t, s.newFamily(2), req)
	req.Seed++
	other := req
	other.Scratch = ""
	if !bytes.Equal(train(t, s.newFamily(2), req), train(t, s.newFamily(2), other)) {
		t.Error("the checkpoints of another training were used")
	}
}

func (s suite) cancelled(t *testing.T) {
	t.Parallel()
	req := s.request(4)
	want := train(t, s.newFamily(2), req)
	req.Scratch = t.TempDir()
	for at := 1; ; at += 5 {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		req.Progress = func(family.Progress) {
			if calls++; calls == at {
				cancel()
			}
		}
		var w bytes.Buffer
		err := s.newFamily(2).Train(ctx, req, &w)
		cancel()
		if err == nil {
			if !bytes.Equal(w.Bytes(), want) {
				t.Error("cancelled trainings make other weights")
			}
			return
		}
		if !errors.Is(err, context.Canceled) || w.Len() > 0 {
			t.Fatalf("cancelled at call %d: got %v and %d bytes", at, err, w.Len())
		}
	}
}

func (s suite) badExamples(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	good := s.request(2)
	for name, c := range map[string]struct {
		open func() (io.ReadCloser, error)
		want error
	}{
		"cannot be opened":  {func() (io.ReadCloser, error) { return nil, broken }, broken},
		"cannot be read":    {func() (io.ReadCloser, error) { return brokenReader{broken}, nil }, broken},
		"is no image":       {example([]byte("hello")).Open, nil},
		"is a broken image": {example(file(picture(64, 64, newRandom(), 0), false)[:500]).Open, nil},
	} {
		req := good
		req.Examples = slices.Clone(good.Examples)
		req.Examples[4].Open = c.open
		var w bytes.Buffer
		err := s.newFamily(2).Train(t.Context(), req, &w)
		var at *family.ExampleError
		if !errors.As(err, &at) || at.Index != 4 || w.Len() > 0 {
			t.Errorf("an image that %s: got %v and %d bytes", name, err, w.Len())
		}
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("an image that %s: got %v, want %v within", name, err, c.want)
		}
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }
func (b brokenReader) Close() error             { return nil }

func (s suite) badRequests(t *testing.T) {
	t.Parallel()
	type change = func(*family.TrainRequest)
	first := func(change func(*family.Example)) change {
		return func(r *family.TrainRequest) { change(&r.Examples[0]) }
	}
	inside := family.Box{Left: 0.1, Top: 0.1, Width: 0.5, Height: 0.5}
	withBox := func(change func(*family.Box)) change {
		b := inside
		change(&b)
		return first(func(e *family.Example) { e.Boxes = []family.Box{inside, b} })
	}
	all := map[string]change{
		"no labels":      func(r *family.TrainRequest) { r.Labels = nil },
		"a label twice":  func(r *family.TrainRequest) { r.Labels = []string{"a", "b", "a"} },
		"no examples":    func(r *family.TrainRequest) { r.Examples = nil },
		"label beyond":   first(func(e *family.Example) { e.Labels = []int{3} }),
		"negative label": first(func(e *family.Example) { e.Labels = []int{-1} }),
		"no task":        func(r *family.TrainRequest) { r.Task = 99 },
	}
	of := map[family.Task]map[string]change{
		family.SingleLabel: {
			"no label":   first(func(e *family.Example) { e.Labels = nil }),
			"two labels": first(func(e *family.Example) { e.Labels = []int{0, 1} }),
			"a box":      withBox(func(*family.Box) {}),
		},
		family.MultiLabel: {
			"the same label twice": first(func(e *family.Example) { e.Labels = []int{1, 1} }),
			"a box":                withBox(func(*family.Box) {}),
		},
		family.Boxes: {
			"a label":              first(func(e *family.Example) { e.Labels = []int{0} }),
			"a box of no label":    withBox(func(b *family.Box) { b.Label = 3 }),
			"a negative label":     withBox(func(b *family.Box) { b.Label = -1 }),
			"an empty box":         withBox(func(b *family.Box) { b.Height = 0 }),
			"a box beyond the end": withBox(func(b *family.Box) { b.Left = 0.6 }),
			"a box that is no box": withBox(func(b *family.Box) { b.Top = math.NaN() }),
			"a box left of it all": withBox(func(b *family.Box) { b.Left = -0.1 }),
		},
	}
	refused := func(name string, req family.TrainRequest) {
		var w bytes.Buffer
		if err := s.newFamily(1).Train(t.Context(), req, &w); err == nil || w.Len() > 0 {
			t.Errorf("%s, %s: got %v and %d bytes", req.Task, name, err, w.Len())
		}
	}
	for task, more := range of {
		if !slices.Contains(s.tasks, task) {
			refused("not learned", request(task, examples(task, 1, 1)))
			continue
		}
		for _, changes := range []map[string]change{all, more} {
			for name, change := range changes {
				req := request(task, examples(task, 1, 1))
				change(&req)
				refused(name, req)
			}
		}
	}
}
