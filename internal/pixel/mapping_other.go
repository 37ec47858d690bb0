//go:build !(linux || darwin || freebsd)

package pixel

import (
	"errors"
	"os"
)

// mapFile says that files are read instead.
func mapFile(*os.File, int64) ([]uint8, error) { return nil, errors.ErrUnsupported }

func unmapFile([]uint8) error { return nil }
