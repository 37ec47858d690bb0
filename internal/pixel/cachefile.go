package pixel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// The file of a cache is a head (magic, key, images, side, bytes, checksum), an
// index of one record an image, and a place of 3×side×side bytes for each image:
// red, green and blue samples, row by row. Numbers are little-endian, checksums
// CRC-32C.
const (
	cacheMagic = "mimeo image cache 1\n"
	headSize   = len(cacheMagic) + 32 + 4 + 4 + 8 + 4
	recordSize = 4*4 + 2 + 4 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An entry is what the index tells of an image.
type entry struct {
	state         state
	width, height int
	checksum      uint32 // of the samples
	original      Header
}

type state uint8

const (
	missing state = iota
	reserved
	written
)

func (e entry) bytes() int64 { return 3 * int64(e.width) * int64(e.height) }

// formats are what the index numbers; what was drawn has none.
var formats = [...]Format{"", JPEG, PNG}

func (e entry) encode() []byte {
	b := make([]byte, 0, recordSize)
	for _, v := range []int{e.width, e.height, e.original.Width, e.original.Height} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	var format byte
	for i, f := range formats {
		if f == e.original.Format {
			format = byte(i)
		}
	}
	b = append(b, byte(e.original.Orientation), format)
	b = binary.LittleEndian.AppendUint32(b, e.checksum)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeEntry reads the record of image i; if it is empty, torn or nonsense,
// the image is missing.
func decodeEntry(b []byte, i int, c CacheConfig) entry {
	sum := len(b) - 4
	number := func(at int) int { return int(binary.LittleEndian.Uint32(b[at:])) }
	if crc32.Checksum(b[:sum], castagnoli) != uint32(number(sum)) {
		return entry{}
	}
	e := entry{
		state: written,
		width: number(0), height: number(4),
		original: Header{Width: number(8), Height: number(12), Orientation: Orientation(b[16])},
		checksum: uint32(number(18)),
	}
	format, most := int(b[17]), c.place()
	if e.width < 1 || e.height < 1 || int64(e.width) > most || int64(e.height) > most || e.bytes() > most ||
		format >= len(formats) || !c.keeps(i) {
		return entry{}
	}
	e.original.Format = formats[format]
	return e
}

// start is where the places of images begin.
func (c CacheConfig) start() int64 { return c.indexOf(c.Images) }

// indexOf is where the record of an image lies.
func (c CacheConfig) indexOf(i int) int64 { return int64(headSize) + int64(i)*int64(recordSize) }

// place is the size of an image's place, placeOf where it lies, and keeps tells
// whether it is within the limit.
func (c CacheConfig) place() int64        { return 3 * int64(c.Side) * int64(c.Side) }
func (c CacheConfig) placeOf(i int) int64 { return c.start() + int64(i)*c.place() }
func (c CacheConfig) keeps(i int) bool    { return c.placeOf(i+1) <= c.Bytes }

// size is that of the file. It takes no room on the disk before it is written.
func (c CacheConfig) size() int64 {
	kept := max(min((c.Bytes-c.start())/c.place(), int64(c.Images)), 0)
	return c.placeOf(int(kept))
}

// fit is the size in which an image is kept.
func (c CacheConfig) fit(m *Image) (w, h int) {
	w, h = m.Size()
	factor := float64(c.Side) / math.Sqrt(float64(w)*float64(h))
	if factor >= 1 {
		return w, h
	}
	// Rounded down, so that all images fit; a thin one is at most all area long.
	w, h = max(int(float64(w)*factor), 1), max(int(float64(h)*factor), 1)
	return min(w, c.Side*c.Side/h), min(h, c.Side*c.Side/w)
}

// Shrink returns an image as a cache of this configuration keeps it.
func (c CacheConfig) Shrink(m *Image) *Image { return FromRGB(m.Scale(c.fit(m))) }

func (c CacheConfig) head() []byte {
	b := append([]byte(cacheMagic), c.Key[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(c.Images))
	b = binary.LittleEndian.AppendUint32(b, uint32(c.Side))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Bytes))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readIndex returns what a file holds of the images of a cache, or nil if it is
// not the file of this one.
func readIndex(f *os.File, c CacheConfig) ([]entry, error) {
	info, err := f.Stat()
	if err != nil || info.Size() != c.size() {
		return nil, err
	}
	data := make([]byte, c.start())
	if _, err := f.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(data[:headSize], c.head()) {
		return nil, nil
	}
	entries := make([]entry, c.Images)
	for i := range entries {
		at := c.indexOf(i)
		entries[i] = decodeEntry(data[at:at+int64(recordSize)], i, c)
	}
	return entries, nil
}

// writeHead empties the file and begins it anew.
func writeHead(f *os.File, c CacheConfig) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if err := f.Truncate(c.size()); err != nil {
		return err
	}
	_, err := f.WriteAt(c.head(), 0)
	return err
}
