package pixel

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	markerAPP1        = 0xe1
	markerAPP14       = 0xee
	markerStartOfScan = 0xda
	markerEnd         = 0xd9
)

// segments yields the marker segments of a JPEG and what they hold, passing
// over compressed pixels. It ends where the file does, or stops to make sense.
func segments(file []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		rest := file[min(2, len(file)):] // after the start of the image
		for len(rest) >= 4 {
			marker := rest[1]
			switch {
			case rest[0] != 0xff, marker == 0, marker == 0xff, marker >= 0xd0 && marker < 0xd8:
				// Compressed pixels and their restart markers, or fill bytes.
				next := bytes.IndexByte(rest[1:], 0xff)
				if next < 0 {
					return
				}
				rest = rest[1+next:]
				continue
			case marker == markerEnd:
				return
			}
			size := int(binary.BigEndian.Uint16(rest[2:]))
			if size < 2 || len(rest) < 2+size || !yield(marker, rest[4:2+size]) {
				return
			}
			rest = rest[2+size:]
		}
	}
}

// jpegOrientation finds the orientation in the first EXIF segment.
func jpegOrientation(file []byte) Orientation {
	for marker, body := range segments(file) {
		if marker == markerStartOfScan {
			break
		}
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == markerAPP1 {
			return tiffOrientation(tiff)
		}
	}
	return Upright
}

// maxScans is many times what encoders make of a progressive JPEG. Each scan
// costs time for all pixels, yet can be a few bytes long.
const maxScans = 64

func tooManyScans(file []byte) bool {
	scans := 0
	for marker := range segments(file) {
		if marker == markerStartOfScan {
			scans++
		}
	}
	return scans > maxScans
}

// adobe is Adobe's marker segment (Technical Note 5116) with the transform 0:
// colours are stored as they are.
var adobe = []byte{0xff, markerAPP14, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}

// withAdobe returns the file, and where it has four components and does not
// say which, as Adobe says CMYK. Image libraries and browsers read such files
// so: inverted, as Photoshop writes them.
func withAdobe(file []byte) io.Reader {
	four := false
	for marker, body := range segments(file) {
		switch {
		case marker == markerStartOfScan && four:
			return io.MultiReader(bytes.NewReader(file[:2]), bytes.NewReader(adobe), bytes.NewReader(file[2:]))
		case marker == markerStartOfScan, marker == markerAPP14 && bytes.HasPrefix(body, []byte("Adobe")):
			return bytes.NewReader(file)
		case isStartOfFrame(marker):
			four = len(body) > 5 && body[5] == 4
		}
	}
	return bytes.NewReader(file)
}

// isStartOfFrame knows the three kinds that can be decoded: baseline, extended
// and progressive.
func isStartOfFrame(marker byte) bool { return marker >= 0xc0 && marker <= 0xc2 }
