package familytest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
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

func (p *progress) tell(done, total int, what string) {
	if !p.inUse.CompareAndSwap(false, true) {
		p.t.Error("progress is told by two goroutines at once")
	}
	defer p.inUse.Store(false)
	if done < p.most || done > total || what == "" || p.total != 0 && total != p.total {
		p.t.Errorf("progress goes from %d of %d to %d of %d, %q", p.most, p.total, done, total, what)
	}
	p.most, p.total = done, total
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
	req := request(single(3, 1), false)
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

func (s suite) damagedScratch(t *testing.T) {
	t.Parallel()
	req := request(single(2, 1), false)
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
	req := request(single(2, 1), false)
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
	req := request(single(4, 1), false)
	want := train(t, s.newFamily(2), req)
	req.Scratch = t.TempDir()
	for at := 1; ; at += 5 {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		req.Progress = func(int, int, string) {
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
	good := single(2, 1)
	for name, c := range map[string]struct {
		open func() (io.ReadCloser, error)
		want error
	}{
		"cannot be opened":  {func() (io.ReadCloser, error) { return nil, broken }, broken},
		"cannot be read":    {func() (io.ReadCloser, error) { return brokenReader{broken}, nil }, broken},
		"is no image":       {example([]byte("hello")).Open, nil},
		"is a broken image": {example(file(picture(64, 64, newRandom(), 0), false)[:500]).Open, nil},
	} {
		req := request(slices.Clone(good), false)
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
	good := single(1, 1)
	with := func(change func(*family.TrainRequest)) family.TrainRequest {
		req := request(slices.Clone(good), false)
		change(&req)
		return req
	}
	for name, req := range map[string]family.TrainRequest{
		"no labels":         with(func(r *family.TrainRequest) { r.Labels = nil }),
		"a label twice":     with(func(r *family.TrainRequest) { r.Labels = []string{"a", "b", "a"} }),
		"no examples":       with(func(r *family.TrainRequest) { r.Examples = nil }),
		"label beyond":      with(func(r *family.TrainRequest) { r.Examples[0].Labels = []int{3} }),
		"negative label":    with(func(r *family.TrainRequest) { r.Examples[0].Labels = []int{-1} }),
		"no label":          with(func(r *family.TrainRequest) { r.Examples[0].Labels = nil }),
		"two single labels": with(func(r *family.TrainRequest) { r.Examples[0].Labels = []int{0, 1} }),
		"the same twice": with(func(r *family.TrainRequest) {
			r.MultiLabel, r.Examples[0].Labels = true, []int{1, 1}
		}),
	} {
		var w bytes.Buffer
		if err := s.newFamily(1).Train(t.Context(), req, &w); err == nil || w.Len() > 0 {
			t.Errorf("%s: got %v and %d bytes", name, err, w.Len())
		}
	}
}
