package mem_test

import (
	"testing"

	"mimeo/internal/blob"
	"mimeo/internal/blob/blobtest"
	"mimeo/internal/blob/mem"
)

func TestContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(*testing.T) blob.Store { return mem.New() })
}
