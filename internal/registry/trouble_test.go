package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

var errTrouble = errors.New("the power went out")

// A trouble is the store of datasets in which one write of a job, if so asked,
// reports a failure although it happened: what a worker sees that dies
// between a write and the next instruction.
type trouble struct {
	registry.Datasets
	registry.Entries

	mu     sync.Mutex
	writes int
	after  int // the number of the write that fails; 0: none
}

func (s *trouble) wrote(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writes++; err == nil && s.writes == s.after {
		return errTrouble
	}
	return err
}

// plan begins to count writes, of which one shall fail.
func (s *trouble) plan(after int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes, s.after = 0, after
}

func (s *trouble) struck() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes >= s.after
}

func (s *trouble) Finish(ctx context.Context, w registry.Work, o registry.Outcome) error {
	return s.wrote(s.Datasets.Finish(ctx, w, o))
}

func (s *trouble) Drop(ctx context.Context, w registry.Work) error {
	return s.wrote(s.Datasets.Drop(ctx, w))
}

func (s *trouble) AppendEntries(ctx context.Context, w registry.Work, after int64, entries []customlabels.Entry) error {
	return s.wrote(s.Entries.AppendEntries(ctx, w, after, entries))
}

func (s *trouble) SetEntryErrors(ctx context.Context, w registry.Work, entries []customlabels.Entry) error {
	return s.wrote(s.Entries.SetEntryErrors(ctx, w, entries))
}

func (s *trouble) CopyEntries(ctx context.Context, w registry.Work, from arn.Dataset) error {
	return s.wrote(s.Entries.CopyEntries(ctx, w, from))
}

func (s *trouble) MergeEntries(ctx context.Context, w registry.Work, entries []customlabels.Entry, check func(customlabels.DatasetStats) error, o registry.Outcome) error {
	return s.wrote(s.Entries.MergeEntries(ctx, w, entries, check, o))
}

func (s *trouble) MoveEntries(ctx context.Context, w registry.Work, to arn.Dataset, refs []string, o registry.Outcome) error {
	return s.wrote(s.Entries.MoveEntries(ctx, w, to, refs, o))
}

func (s *trouble) ClearEntries(ctx context.Context, w registry.Work, limit int) (bool, error) {
	more, err := s.Entries.ClearEntries(ctx, w, limit)
	return more, s.wrote(err)
}

// TestAJobThatIsCutAfterAnyWriteEndsTheSame has every job of datasets and
// every one of its writes.
func TestAJobThatIsCutAfterAnyWriteEndsTheSame(t *testing.T) {
	t.Parallel()
	stories := map[string]func(w *world, n int) string{
		"create": func(w *world, n int) string {
			return w.outcome(w.dataset(w.project(fmt.Sprint("p", n)), customlabels.Train, images(2500, "nut")+"{\n"))
		},
		"create from bad images": func(w *world, n int) string {
			w.bucket.images["nut/3.jpg"], w.bucket.images["nut/1005.jpg"] = "no image", pngOf(10, 10)
			return w.outcome(w.dataset(w.project(fmt.Sprint("p", n)), customlabels.Train, images(1010, "nut")))
		},
		"create in vain": func(w *world, n int) string {
			return w.outcome(w.dataset(w.project(fmt.Sprint("p", n)), customlabels.Train, images(1500, "nut")+strings.Repeat("{\n", 1000)))
		},
		"copy, merge, move, delete": func(w *world, n int) string {
			p := w.project(fmt.Sprint("p", n))
			train := w.dataset(p, customlabels.Train, images(20, "nut"))
			test, err := w.CreateDataset(w.t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test, Source: &registry.DatasetSource{Dataset: &train}})
			w.must(err)
			w.work()
			w.must(w.UpdateDatasetEntries(w.t.Context(), w.mine, train, []byte(images(30, "bolt"))))
			w.work()
			got := w.outcome(train) + w.outcome(test)
			w.must(w.DeleteDataset(w.t.Context(), w.mine, test))
			w.work()
			test, err = w.CreateDataset(w.t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test})
			w.must(err)
			w.must(w.DistributeDatasetEntries(w.t.Context(), w.mine, []arn.Dataset{train, test}))
			w.work()
			got += w.outcome(train) + w.outcome(test)
			w.deleteProject(p)
			return got
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			want := story(w, 0)
			for n := 1; ; n++ {
				w.trouble.plan(n)
				got := story(w, n)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("after write %d (-want +got):\n%s", n, diff)
				}
				if !w.trouble.struck() {
					if n < 5 {
						t.Errorf("the story has %d writes only", n-1)
					}
					return
				}
			}
		})
	}
}

// outcome tells of a dataset all that must not depend on trouble.
func (w *world) outcome(d arn.Dataset) string {
	w.t.Helper()
	got, err := w.DescribeDataset(w.t.Context(), w.mine, d)
	w.must(err)
	return fmt.Sprintf("%s: %s %s %+v\n%s\n", got.Type, got.Status, got.StatusMessage, got.Stats, strings.Join(w.entries(d, registry.EntryFilter{}), "\n"))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
