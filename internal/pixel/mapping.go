//go:build linux || darwin || freebsd

package pixel

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file into memory, to be read. What is written to the file
// afterwards is seen there: these systems keep one copy of a file's pages.
func mapFile(f *os.File, size int64) ([]uint8, error) {
	if size > math.MaxInt {
		return nil, unix.ENOMEM
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(mapped []uint8) error { return unix.Munmap(mapped) }
