package copier_test

import (
	"fmt"
	"testing"
	"time"

	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// BenchmarkCopy measures one copy, from the call to COPYING_COMPLETED.
func BenchmarkCopy(b *testing.B) {
	w := newWorld(b)
	w.engine.Start(b, job.Options{}, copier.Worker{Service: w.Service})
	i := 0
	for b.Loop() {
		if i++; i%50 == 0 { // a project holds no more than 100 versions
			w.into = w.newProject(b, trusted, fmt.Sprint("copies", i))
		}
		v, err := w.Start(b.Context(), trusted, w.request(fmt.Sprint("c", i)))
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
	}
}
