package descriptor

import (
	"slices"
	"sync"
)

// A box sums windows over pictures of w×h pixels with several values a pixel,
// none of them negative. A value may hold two numbers, the one 32 bits above
// the other: sums are exact as long as each stays below 2³².
type box struct {
	w, h, lanes   int      // lanes is how many values a pixel has
	values        []uint64 // row by row, the values of a pixel side by side
	rows, columns []uint64
}

// boxes are those that nobody uses: pictures come in a few sizes.
var boxes = sync.Pool{New: func() any { return &box{} }}

// takeBox returns a box with any values, to be released.
func takeBox(w, h, lanes int) *box {
	b, _ := boxes.Get().(*box)
	b.w, b.h, b.lanes = w, h, lanes
	n := w * h * lanes
	b.values, b.rows = slices.Grow(b.values[:0], n)[:n], slices.Grow(b.rows[:0], n)[:n]
	b.columns = slices.Grow(b.columns[:0], w*lanes)[:w*lanes]
	return b
}

func (b *box) release() { boxes.Put(b) }

// sum replaces each value by the sum over the window of size×size pixels around
// it, which begins size/2 pixels before. Beyond the edges there is nothing.
func (b *box) sum(size int) {
	before, after := size/2, size-size/2
	width := b.w * b.lanes
	row := func(of []uint64, y int) []uint64 { return of[y*width:][:width] }
	for y := range b.h {
		along(row(b.rows, y), row(b.values, y), b.lanes, before, after)
	}
	// Columns are summed all at once, for the cache's sake.
	clear(b.columns)
	for y := 1 - after; y < b.h; y++ {
		if in := y + after - 1; in < b.h {
			add(b.columns, row(b.rows, in))
		}
		if gone := y - before - 1; gone >= 0 {
			subtract(b.columns, row(b.rows, gone))
		}
		if y >= 0 {
			copy(row(b.values, y), b.columns)
		}
	}
}

func add(to, v []uint64) {
	for i, x := range v[:len(to)] {
		to[i] += x
	}
}

func subtract(from, v []uint64) {
	for i, x := range v[:len(from)] {
		from[i] -= x
	}
}

// along writes the window's sum at each place of a row.
func along(dst, src []uint64, lanes, before, after int) {
	n, in, gone := len(dst), (after-1)*lanes, (before+1)*lanes
	clear(dst[:lanes])
	for i := 0; i < min(after*lanes, n); i += lanes {
		add(dst[:lanes], src[i:])
	}
	next := lanes
	edge := func(end int) {
		for ; next < end; next++ {
			v := dst[next-lanes]
			if next+in < n {
				v += src[next+in]
			}
			if next >= gone {
				v -= src[next-gone]
			}
			dst[next] = v
		}
	}
	edge(min(gone, n))
	if count := n - in - next; count > 0 { // a pixel enters and another leaves
		d, entering, leaving := dst[next-lanes:], src[next+in:][:count], src[next-gone:][:count]
		for i, v := range entering {
			d[lanes+i] = d[i] + v - leaving[i]
		}
		next += count
	}
	edge(n)
}
