package pixel

import (
	"bytes"
	"encoding/binary"
)

// Orientation says how the stored pixels must be turned to stand upright; the
// numbers are those of the EXIF tag 0x0112 (CIPA DC-008, 4.6.5).
type Orientation uint8

// The eight orientations, named after what makes the stored image upright.
const (
	Upright Orientation = iota + 1
	MirrorHorizontally
	Rotate180
	MirrorVertically
	Transpose
	Rotate90 // clockwise
	Transverse
	Rotate270
)

// Turned reports whether width and height change places.
func (o Orientation) Turned() bool { return o >= Transpose && o <= Rotate270 }

// stored returns where the pixel (x, y) of the upright image lies in the
// stored one, whose size is w×h.
func (o Orientation) stored(x, y, w, h int) (int, int) {
	switch o {
	case MirrorHorizontally:
		return w - 1 - x, y
	case Rotate180:
		return w - 1 - x, h - 1 - y
	case MirrorVertically:
		return x, h - 1 - y
	case Transpose:
		return y, x
	case Rotate90:
		return y, h - 1 - x
	case Transverse:
		return w - 1 - y, h - 1 - x
	case Rotate270:
		return w - 1 - y, x
	}
	return x, y
}

// tiffOrientation reads tag 0x0112 of the first directory of a TIFF block.
// Metadata that is absent or damaged means Upright: it never makes an image
// unusable.
func tiffOrientation(tiff []byte) Orientation {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return Upright
	}
	if len(tiff) < 8 {
		return Upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return Upright
	}
	entries := tiff[at+2:]
	const entrySize, tagOrientation, typeShort = 12, 0x0112, 3
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entrySize {
			break
		}
		e := entries[:entrySize]
		if order.Uint16(e) == tagOrientation {
			if o := order.Uint16(e[8:]); order.Uint16(e[2:]) == typeShort && o >= 1 && o <= 8 {
				return Orientation(o)
			}
			break
		}
		entries = entries[entrySize:]
	}
	return Upright
}
