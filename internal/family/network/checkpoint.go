package network

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
)

// A checkpoint is where a course stands. Its file is the course's key, the
// number of the attempt, the losses of the pass so far, the trainer's state,
// and a CRC-32C of it all.
type checkpoint struct {
	attempt int     // from 0, how often the course was begun again
	sum     float64 // of the losses of this pass
	counted int     // how many those are
	state   []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c checkpoint) encode(key [32]byte) []byte {
	b := make([]byte, 0, len(key)+24+len(c.state)+4)
	b = append(b, key[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.attempt))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c.sum))
	b = binary.LittleEndian.AppendUint64(b, uint64(c.counted))
	b = append(b, c.state...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeCheckpoint reports whether b is a checkpoint of the course.
func decodeCheckpoint(b []byte, key [32]byte) (c checkpoint, ok bool) {
	const fixed = 32 + 24 + 4
	if len(b) < fixed || !bytes.Equal(b[:32], key[:]) {
		return c, false
	}
	body, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return c, false
	}
	body = body[32:]
	c.attempt, body = int(binary.LittleEndian.Uint64(body)), body[8:]
	c.sum, body = math.Float64frombits(binary.LittleEndian.Uint64(body)), body[8:]
	c.counted, c.state = int(binary.LittleEndian.Uint64(body)), body[8:]
	return c, true
}

// save replaces a checkpoint as a whole: a process that is killed leaves the
// old one or the new one. After a power cut it may be damaged, and the course is
// begun anew.
func (c checkpoint) save(path string, key [32]byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, c.encode(key), 0o600); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	return nil
}
