package bucket

import (
	"crypto/sha1" //nolint:gosec // a checksum that S3 offers, not a signature
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"strconv"

	"github.com/minio/crc64nvme"
)

// An Algorithm is a checksum that S3 keeps with an object:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
type Algorithm string

// The algorithms, as requests name them.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
)

// Algorithms are all algorithms, in the order in which S3 lists them.
var Algorithms = [...]Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256}

// A Checksum is kept with an object and returned with it. Value is base64;
// that of a composite checksum is the checksum of the parts' checksums, with
// "-" and the number of parts behind it.
type Checksum struct {
	Algorithm Algorithm
	Value     string
	Composite bool
}

// newHash returns a hash, or nil for an algorithm that there is not.
func (a Algorithm) newHash() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case CRC64NVME:
		return crc64nvme.New()
	case SHA1:
		return sha1.New() //nolint:gosec // see the import
	case SHA256:
		return sha256.New()
	}
	return nil
}

// polynomial returns the reversed polynomial of a CRC and its width in bits;
// zero for an algorithm that is none.
func (a Algorithm) polynomial() (poly uint64, width int) {
	switch a {
	case CRC32:
		return crc32.IEEE, 32
	case CRC32C:
		return crc32.Castagnoli, 32
	case CRC64NVME:
		return 0x9a6c9329ac4bc9b5, 64
	}
	return 0, 0
}

// Valid reports whether a is an algorithm.
func (a Algorithm) Valid() bool { return a.newHash() != nil }

// isCRC reports whether the checksum of a whole can be told from those of its
// parts.
func (a Algorithm) isCRC() bool { _, width := a.polynomial(); return width != 0 }

// checkValue refuses what cannot be a checksum's text.
func (a Algorithm) checkValue(value string) error {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) != a.newHash().Size() {
		return invalidRequest("Value for %s header is invalid.", a.Header())
	}
	return nil
}

// Header returns the name of the header that carries the checksum.
func (a Algorithm) Header() string {
	switch a {
	case CRC32:
		return "x-amz-checksum-crc32"
	case CRC32C:
		return "x-amz-checksum-crc32c"
	case CRC64NVME:
		return "x-amz-checksum-crc64nvme"
	case SHA1:
		return "x-amz-checksum-sha1"
	}
	return "x-amz-checksum-sha256"
}

// composite returns the checksum of the parts' checksums.
func (a Algorithm) composite(parts []Part) Checksum {
	h := a.newHash()
	for _, p := range parts {
		_, _ = h.Write(p.Checksums[a]) // a hash never fails
	}
	text := base64.StdEncoding.EncodeToString(h.Sum(nil))
	return Checksum{Algorithm: a, Value: text + "-" + strconv.Itoa(len(parts)), Composite: true}
}

// whole returns the checksum of the parts' bytes, which only a CRC can.
func (a Algorithm) whole(parts []Part) Checksum {
	poly, width := a.polynomial()
	var crc uint64
	for _, p := range parts {
		var of uint64
		for _, b := range p.Checksums[a] {
			of = of<<8 | uint64(b)
		}
		crc = combine(poly, width, crc, of, p.Size)
	}
	raw := make([]byte, width/8)
	for i := range raw {
		raw[i] = byte(crc >> (width - 8*(i+1)))
	}
	return Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(raw)}
}

// combine returns the CRC of a text followed by another of size bytes from
// the CRCs of both: a(x)·x^(8·size) + b(x) modulo the polynomial. The CRCs
// begin and end with all bits inverted, which cancels out. The idea is that of
// zlib's crc32_combine; polynomials are bit-reversed, so the highest bit is
// the coefficient of x^0.
func combine(poly uint64, width int, a, b uint64, size int64) uint64 {
	power := uint64(1) << (width - 1) // x^0
	square := power >> 8              // x^8: one byte
	for n := size; n > 0; n >>= 1 {
		if n&1 == 1 {
			power = multiply(poly, width, power, square)
		}
		square = multiply(poly, width, square, square)
	}
	return multiply(poly, width, power, a) ^ b
}

// multiply multiplies two bit-reversed polynomials modulo a third.
func multiply(poly uint64, width int, a, b uint64) uint64 {
	var product uint64
	for bit := uint64(1) << (width - 1); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		b = b>>1 ^ poly&-(b&1) // b times x
	}
	return product
}
