package copier_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// BenchmarkCopy measures one copy, from the call to COPYING_COMPLETED, and
// beside it what of that is authorisation: reading and evaluating all policies
// that a copy between accounts depends on.
func BenchmarkCopy(b *testing.B) {
	w := newWorld(b)
	w.engine.Start(b, job.Options{}, w.Workers()...)
	var copies, decisions []time.Duration
	i := 0
	for b.Loop() {
		if i++; i%50 == 0 { // a project holds no more than 100 versions
			w.into = w.newProject(b, trusted, fmt.Sprint("copies", i))
		}
		request := w.request(fmt.Sprint("c", i))
		begin := time.Now()
		if err := w.Authorized(b.Context(), trusted, request); err != nil {
			b.Fatal(err)
		}
		decisions = append(decisions, time.Since(begin))
		begin = time.Now()
		v, err := w.Start(b.Context(), trusted, request)
		if err != nil {
			b.Fatal(err)
		}
		for {
			got, err := w.db.Versions().Version(b.Context(), v)
			if err != nil {
				b.Fatal(err)
			}
			if got.Status == customlabels.CopyingCompleted {
				break
			}
			time.Sleep(200 * time.Microsecond)
		}
		copies = append(copies, time.Since(begin))
	}
	copied, decided := median(copies), median(decisions)
	b.ReportMetric(float64(copied.Microseconds())/1000, "copy-p50-ms")
	b.ReportMetric(float64(decided.Microseconds())/1000, "authorisation-p50-ms")
	b.ReportMetric(100*decided.Seconds()/copied.Seconds(), "%-authorisation")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
