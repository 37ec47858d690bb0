package pixel

import "encoding/binary"

// A resampler scales images and keeps its buffers for the next one.
type resampler struct {
	across, down []span
	sums         []uint64     // of bytes of source rows, four to a word
	row          []float32    // the mean of source rows
	out          [3][]float32 // what was scaled
}

// scale resamples a window of the stored image, given in its pixels, to w×h:
// planes of luma and chroma where those of the image are, valid until the next
// call. Rows are summed first, byte by byte and eight bytes at once, and then
// narrowed: that is the less work the smaller the result.
func (s *resampler) scale(m *Image, window Rect, w, h int) [3][]float32 {
	if m.packed {
		s.rows(m, 0, window, w, h, 3)
		return s.out
	}
	for c := range m.planes {
		if c > 0 && m.gray {
			s.out[c] = s.out[0]
			continue
		}
		s.rows(m, c, window, w, h, 1)
	}
	return s.out
}

// rows scales the plane of channel c and those that lie packed with it, so many
// together.
func (s *resampler) rows(m *Image, c int, window Rect, w, h, together int) {
	p := m.planes[c]
	dx, dy := p.w/float64(m.header.Width), p.h/float64(m.header.Height) // a plane may have less resolution
	s.across = spans(s.across, window.Left*dx, window.Width*dx, p.cols, w)
	s.down = spans(s.down, window.Top*dy, window.Height*dy, p.rows, h)
	for i := c; i < c+together; i++ {
		s.out[i] = sized(s.out[i], w*h)
	}
	last := s.across[w-1]
	from, to := s.across[0].first*p.step, (last.first+last.count-1)*p.step+together
	for y, down := range s.down {
		s.mean(p, down, from, to)
		if together == 3 {
			narrow3(s.out[0][y*w:(y+1)*w], s.out[1][y*w:(y+1)*w], s.out[2][y*w:(y+1)*w], s.row, s.across, p.step)
			continue
		}
		narrow(s.out[c][y*w:(y+1)*w], s.row, s.across, p.step)
	}
}

func sized[T any](buffer []T, n int) []T {
	if cap(buffer) < n {
		return make([]T, n)
	}
	return buffer[:n]
}

// floats are the values of samples: a look-up is quicker than a conversion.
var floats = func() (table [256]float32) {
	for i := range table {
		table[i] = float32(i)
	}
	return table
}()

// mean leaves in s.row the weighted mean of the rows of a span, in the bytes
// [from, to) of each.
func (s *resampler) mean(p plane, down span, from, to int) {
	s.row = sized(s.row, to-from)
	line := func(i int) []uint8 {
		return p.pix[(down.first+i)*p.stride+from : (down.first+i)*p.stride+to]
	}
	row, head, tail := s.row, line(0)[:len(s.row)], line(down.count - 1)[:len(s.row)]
	switch down.count {
	case 1:
		for i := range row {
			row[i] = floats[head[i]]
		}
	case 2:
		for i := range row {
			row[i] = float32(down.head*floats[head[i]]) + float32(down.tail*floats[tail[i]])
		}
	case 3:
		body := line(1)[:len(row)]
		for i := range row {
			row[i] = float32(down.head*floats[head[i]]) + float32(down.body*floats[body[i]]) + float32(down.tail*floats[tail[i]])
		}
	default:
		clear(row)
		for i := 1; i < down.count-1; i += mostRows {
			s.add(row, line, i, min(i+mostRows, down.count-1))
		}
		for i := range row {
			row[i] = float32(down.head*floats[head[i]]) + float32(down.body*row[i]) + float32(down.tail*floats[tail[i]])
		}
	}
}

// mostRows is how many bytes a sum of 16 bits holds.
const mostRows = 256

// even selects every other byte of a word.
const even = 0x00ff00ff00ff00ff

// add adds the lines [from, to) to row, at most mostRows.
func (s *resampler) add(row []float32, line func(int) []uint8, from, to int) {
	words := len(row) / 8
	s.sums = sized(s.sums, 2*words)
	clear(s.sums)
	i := from
	for ; i+4 <= to; i += 4 {
		addFour(s.sums, line(i), line(i+1), line(i+2), line(i+3))
	}
	for ; i < to; i++ {
		addOne(s.sums, line(i))
	}
	for i := range words {
		a, b, to := s.sums[2*i], s.sums[2*i+1], row[8*i:8*i+8:8*i+8]
		for k := range 4 {
			to[2*k] += float32(uint16(a >> (16 * k)))
			to[2*k+1] += float32(uint16(b >> (16 * k)))
		}
	}
	for x := 8 * words; x < len(row); x++ {
		for i := from; i < to; i++ {
			row[x] += floats[line(i)[x]]
		}
	}
}

// addFour adds the bytes of four lines to sums: word by word those at even
// places, then those at odd ones.
func addFour(sums []uint64, a, b, c, d []uint8) {
	n := len(sums) / 2 * 8
	a, b, c, d = a[:n], b[:n], c[:n], d[:n]
	for i := 0; i+8 <= len(a) && i/4+2 <= len(sums); i += 8 {
		p, q := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[i:])
		r, s := binary.LittleEndian.Uint64(c[i:]), binary.LittleEndian.Uint64(d[i:])
		to := sums[i/4 : i/4+2 : i/4+2]
		to[0] += p&even + q&even + r&even + s&even
		to[1] += p>>8&even + q>>8&even + r>>8&even + s>>8&even
	}
}

func addOne(sums []uint64, a []uint8) {
	for i := 0; i+8 <= len(a) && i/4+2 <= len(sums); i += 8 {
		p := binary.LittleEndian.Uint64(a[i:])
		to := sums[i/4 : i/4+2 : i/4+2]
		to[0] += p & even
		to[1] += p >> 8 & even
	}
}

// narrow makes a row of the samples of one channel, which lie step apart; row
// begins with the first that is needed.
func narrow(dst, row []float32, across []span, step int) {
	start := across[0].first
	for x, a := range across[:len(dst)] {
		at := (a.first - start) * step
		v := float32(a.head * row[at])
		if a.count > 1 {
			last := at + (a.count-1)*step
			var sum float32
			for i := at + step; i < last; i += step {
				sum += row[i]
			}
			v += float32(a.body*sum) + float32(a.tail*row[last])
		}
		dst[x] = v
	}
}

// narrow3 is narrow for three channels whose samples lie side by side.
func narrow3(red, green, blue, row []float32, across []span, step int) {
	start := across[0].first
	green, blue = green[:len(red)], blue[:len(red)]
	for x, a := range across[:len(red)] {
		at := (a.first - start) * step
		p := row[at : at+3 : at+3]
		r, g, b := float32(a.head*p[0]), float32(a.head*p[1]), float32(a.head*p[2])
		if a.count > 1 {
			var sumR, sumG, sumB float32
			for range a.count - 2 {
				at += step
				p = row[at : at+3 : at+3]
				sumR, sumG, sumB = sumR+p[0], sumG+p[1], sumB+p[2]
			}
			p = row[at+step : at+step+3 : at+step+3]
			r += float32(a.body*sumR) + float32(a.tail*p[0])
			g += float32(a.body*sumG) + float32(a.tail*p[1])
			b += float32(a.body*sumB) + float32(a.tail*p[2])
		}
		red[x], green[x], blue[x] = r, g, b
	}
}
