package pixel_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// Colour types of PNG (RFC 2083, 4.1.1).
const (
	pngGrey      = 0
	pngTruecolor = 2
	pngPalette   = 3
	pngGreyAlpha = 4
	pngRGBA      = 6
)

// A pngKind is one way to write a picture that the standard library's encoder
// may not know: any depth, interlaced or not.
type pngKind struct {
	colour, depth byte
	interlaced    bool
	palette, tRNS []byte
}

// pngOf writes a picture of w×h; samples returns those of a pixel, as many as
// the kind has channels, each of its depth.
func pngOf(tb testing.TB, k pngKind, w, h int, samples func(x, y int) []uint16) []byte {
	tb.Helper()
	head := binary.BigEndian.AppendUint32(nil, uint32(w))
	head = binary.BigEndian.AppendUint32(head, uint32(h))
	head = append(head, k.depth, k.colour, 0, 0, 0)
	if k.interlaced {
		head[12] = 1
	}
	out := []byte("\x89PNG\r\n\x1a\n")
	out = pngChunk(out, "IHDR", head)
	if k.palette != nil {
		out = pngChunk(out, "PLTE", k.palette)
	}
	if k.tRNS != nil {
		out = pngChunk(out, "tRNS", k.tRNS)
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	for _, pass := range k.passes() {
		for y := pass.y; y < h; y += pass.dy {
			var row bitRow
			for x := pass.x; x < w; x += pass.dx {
				for _, s := range samples(x, y) {
					row.add(s, k.depth)
				}
			}
			if len(row.bytes) == 0 {
				continue
			}
			if _, err := z.Write(append([]byte{0}, row.bytes...)); err != nil { // filter: none
				tb.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	out = pngChunk(out, "IDAT", packed.Bytes())
	return pngChunk(out, "IEND", nil)
}

func pngChunk(out []byte, kind string, body []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
	start := len(out)
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
}

type pngPass struct{ x, y, dx, dy int }

// passes are those of Adam7, or the one of all pixels.
func (k pngKind) passes() []pngPass {
	if !k.interlaced {
		return []pngPass{{0, 0, 1, 1}}
	}
	return []pngPass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
}

// bitRow packs samples, the first in the highest bits.
type bitRow struct {
	bytes []byte
	used  byte // bits of the last byte
}

func (r *bitRow) add(v uint16, depth byte) {
	switch depth {
	case 16:
		r.bytes = append(r.bytes, byte(v>>8), byte(v))
	case 8:
		r.bytes = append(r.bytes, byte(v))
	default:
		if r.used == 0 {
			r.bytes = append(r.bytes, 0)
		}
		r.bytes[len(r.bytes)-1] |= byte(v) << (8 - depth - r.used)
		r.used = (r.used + depth) % 8
	}
}
