package pixel

import "math"

// A span is the run of source samples that make one output sample, and their
// weights, which sum to one: those of its first and its last sample, and one
// of all between.
type span struct {
	first, count     int
	head, body, tail float32
}

// spans plans n output samples of a line of count source samples; together
// they cover size samples from the position from. Where source samples are
// taken together, an output sample is the mean of what it covers; else it is
// interpolated linearly. Beyond its ends the line goes on as its last sample.
func spans(buffer []span, from, size float64, count, n int) []span {
	all := buffer[:0]
	ratio := size / float64(n)
	for i := range n {
		if ratio >= 1 {
			all = append(all, mean(from+float64(float64(i)*ratio), from+float64(float64(i+1)*ratio), count))
		} else {
			all = append(all, between(from+float64((float64(i)+0.5)*ratio)-0.5, count))
		}
	}
	return all
}

// mean weighs the samples by how much of them lies in [from, to).
func mean(from, to float64, count int) span {
	first := min(max(int(from), 0), count-1)
	end := min(max(int(math.Ceil(to)), first+1), count)
	if end-first == 1 {
		return span{first: first, count: 1, head: 1}
	}
	left, right := max(from, float64(first)), min(to, float64(end))
	whole := right - left
	return span{
		first: first, count: end - first,
		head: float32((float64(first+1) - left) / whole),
		body: float32(1 / whole),
		tail: float32((right - float64(end-1)) / whole),
	}
}

// between interpolates linearly at a position.
func between(at float64, count int) span {
	if count == 1 {
		return span{count: 1, head: 1}
	}
	at = min(max(at, 0), float64(count-1))
	first := min(int(at), count-2)
	f := float32(at - float64(first))
	return span{first: first, count: 2, head: 1 - f, tail: f}
}
