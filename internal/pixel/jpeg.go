package pixel

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	markerAPP1        = 0xe1
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
