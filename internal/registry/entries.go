package registry

import (
	"context"
	"fmt"
	"iter"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/manifest"
)

// Entries stores the entries of datasets. An entry has a position, from 1 on,
// which it keeps when its line is replaced.
type Entries interface {
	// EntriesAfter returns up to limit entries behind a position, in order,
	// and the position of the last one.
	EntriesAfter(ctx context.Context, dataset arn.Dataset, f EntryFilter, after int64, limit int) ([]customlabels.Entry, int64, error)
	// Labels counts the labels of a dataset, in the order of their names.
	Labels(ctx context.Context, dataset arn.Dataset) ([]LabelCount, error)
	// Changes returns the lines of the update under way.
	Changes(ctx context.Context, w Work) ([]byte, error)
	// AppendEntries stores entries behind a position.
	AppendEntries(ctx context.Context, w Work, after int64, entries []customlabels.Entry) error
	// SetEntryErrors replaces the errors of entries that are there.
	SetEntryErrors(ctx context.Context, w Work, entries []customlabels.Entry) error
	// CopyEntries stores all entries of another dataset. It fails with
	// ResourceNotFound where that is gone or going.
	CopyEntries(ctx context.Context, w Work, from arn.Dataset) error
	// MergeEntries replaces entries of the same source-ref, appends the
	// others, and ends the operation; or changes nothing where check
	// refuses the counts that the dataset would have.
	MergeEntries(ctx context.Context, w Work, entries []customlabels.Entry, check func(customlabels.DatasetStats) error, o Outcome) error
	// MoveEntries moves entries to another dataset of the same operation,
	// and ends the operation on both.
	MoveEntries(ctx context.Context, w Work, to arn.Dataset, sourceRefs []string, o Outcome) error
	// ClearEntries removes up to limit entries, and reports whether there
	// may be more.
	ClearEntries(ctx context.Context, w Work, limit int) (more bool, err error)
}

// An EntryFilter selects entries: those for which every field that is set
// holds.
type EntryFilter struct {
	Labels            []string // any of them
	Labeled           *bool
	HasErrors         bool
	SourceRefContains string
}

// A LabelCount counts a label's entries, and those where it is on a bounding
// box. It has neither where only class maps name the label.
type LabelCount struct {
	Name               string
	Entries, BoxImages int
}

// A ListDatasetEntriesRequest is the input of ListDatasetEntries.
type ListDatasetEntriesRequest struct {
	Dataset    arn.Dataset
	Filter     EntryFilter
	MaxResults int
	NextToken  string
}

// ListDatasetEntries lists the lines of a dataset, each with what the service
// found out about it.
func (s *Service) ListDatasetEntries(ctx context.Context, caller arn.Caller, req ListDatasetEntriesRequest) ([]string, string, error) {
	if err := s.allow(ctx, caller, "rekognition:ListDatasetEntries", req.Dataset, req.Dataset.Namespace); err != nil {
		return nil, "", err
	}
	list := listing("ListDatasetEntries", caller, req.Dataset, req.Filter)
	var after int64
	if err := s.resume(list, req.NextToken, &after); err != nil {
		return nil, "", err
	}
	if err := s.readable(ctx, req.Dataset); err != nil {
		return nil, "", err
	}
	size := pageSize(req.MaxResults, maxPage)
	entries, last, err := s.entries.EntriesAfter(ctx, req.Dataset, req.Filter, after, size)
	if err != nil {
		return nil, "", fmt.Errorf("list entries of %s: %w", req.Dataset, err)
	}
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = manifest.Annotate(e)
	}
	if len(entries) < size {
		return lines, "", nil
	}
	more, _, err := s.entries.EntriesAfter(ctx, req.Dataset, req.Filter, last, 1)
	if err != nil {
		return nil, "", fmt.Errorf("list entries of %s: %w", req.Dataset, err)
	}
	if len(more) == 0 {
		return lines, "", nil
	}
	return lines, s.next(list, last), nil
}

// readable returns nil where a dataset's entries may be listed.
func (s *Service) readable(ctx context.Context, dataset arn.Dataset) error {
	d, err := s.Dataset(ctx, dataset)
	switch {
	case err != nil:
		return err
	case d.Status == customlabels.DatasetCreateInProgress:
		return fault.New(customlabels.ResourceNotReady, "The dataset %s is still being created.", dataset)
	case d.Status.IsBusy():
		return datasetFault(dataset, customlabels.ResourceInUse)
	default:
		return nil
	}
}

// ListDatasetLabels lists the labels of a dataset by name.
func (s *Service) ListDatasetLabels(ctx context.Context, caller arn.Caller, dataset arn.Dataset, maxResults int, token string) ([]LabelCount, string, error) {
	if err := s.allow(ctx, caller, "rekognition:ListDatasetLabels", dataset, dataset.Namespace); err != nil {
		return nil, "", err
	}
	list := listing("ListDatasetLabels", caller, dataset)
	after := 0
	if err := s.resume(list, token, &after); err != nil {
		return nil, "", err
	}
	if err := s.readable(ctx, dataset); err != nil {
		return nil, "", err
	}
	labels, err := s.entries.Labels(ctx, dataset)
	if err != nil {
		return nil, "", fmt.Errorf("count labels of %s: %w", dataset, err)
	}
	labels = labels[min(after, len(labels)):]
	if size := pageSize(maxResults, maxPage); len(labels) > size {
		return labels[:size], s.next(list, after+size), nil
	}
	return labels, "", nil
}

// entriesAtOnce is how many entries are read or written at a time.
const entriesAtOnce = 1000

// Entries yields all entries of a dataset in order. It does not authorise,
// and does not look whether the dataset is busy.
func (s *Service) Entries(ctx context.Context, dataset arn.Dataset) iter.Seq2[customlabels.Entry, error] {
	return func(yield func(customlabels.Entry, error) bool) {
		var after int64
		for {
			page, last, err := s.entries.EntriesAfter(ctx, dataset, EntryFilter{}, after, entriesAtOnce)
			if err != nil {
				yield(customlabels.Entry{}, fmt.Errorf("read entries of %s: %w", dataset, err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < entriesAtOnce {
				return
			}
			after = last
		}
	}
}
