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

// turned returns the size of the stored image from that of the upright one, or
// the other way round.
func (o Orientation) turned(w, h int) (int, int) {
	if o.Turned() {
		return h, w
	}
	return w, h
}

// walk tells where the pixels of row y of the upright image lie in the stored
// one, whose size is w×h: the first, and how far the next is from each.
func (o Orientation) walk(y, w, h int) (first, step int) {
	switch o {
	case MirrorHorizontally:
		return y*w + w - 1, -1
	case Rotate180:
		return (h-1-y)*w + w - 1, -1
	case MirrorVertically:
		return (h - 1 - y) * w, 1
	case Transpose:
		return y, w
	case Rotate90:
		return (h-1)*w + y, -w
	case Transverse:
		return (h-1)*w + w - 1 - y, -w
	case Rotate270:
		return w - 1 - y, w
	}
	return y * w, 1
}

// StoredPoint returns where a point of the upright image lies in the stored
// one, whose size is w×h in the same unit: pixels, or 1×1 for ratios.
func (o Orientation) StoredPoint(p Point, w, h float64) Point {
	switch o {
	case MirrorHorizontally:
		return Point{w - p.X, p.Y}
	case Rotate180:
		return Point{w - p.X, h - p.Y}
	case MirrorVertically:
		return Point{p.X, h - p.Y}
	case Transpose:
		return Point{p.Y, p.X}
	case Rotate90:
		return Point{p.Y, h - p.X}
	case Transverse:
		return Point{w - p.Y, h - p.X}
	case Rotate270:
		return Point{w - p.Y, p.X}
	}
	return p
}

// UprightPoint is the inverse of StoredPoint: it returns where a point of the
// stored image, whose size is w×h, lies in the upright one.
func (o Orientation) UprightPoint(p Point, w, h float64) Point {
	if o.Turned() {
		w, h = h, w
	}
	return o.inverse().StoredPoint(p, w, h)
}

// StoredRect is StoredPoint for a rectangle, such as a detection that is told
// in terms of the image as it is stored.
func (o Orientation) StoredRect(r Rect, w, h float64) Rect {
	return spanned(o.StoredPoint(Point{r.Left, r.Top}, w, h), o.StoredPoint(Point{r.Right(), r.Bottom()}, w, h))
}

// UprightRect is UprightPoint for a rectangle, such as a box of a manifest that
// a model must see upright.
func (o Orientation) UprightRect(r Rect, w, h float64) Rect {
	return spanned(o.UprightPoint(Point{r.Left, r.Top}, w, h), o.UprightPoint(Point{r.Right(), r.Bottom()}, w, h))
}

func (o Orientation) inverse() Orientation {
	switch o {
	case Rotate90:
		return Rotate270
	case Rotate270:
		return Rotate90
	}
	return o
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
