package training

import (
	"crypto/sha256"
	"encoding/binary"

	"mimeo/internal/arn"
)

// seedOf returns the seed of a version's training: what it draws by chance is
// decided by its ARN, also when it is trained again from a backup. It is no
// larger than a number of JSON is exact, and not zero.
func seedOf(v arn.ProjectVersion) uint64 {
	const exact = 53 // bits
	sum := sha256.Sum256([]byte(v.String()))
	return max(1, binary.BigEndian.Uint64(sum[:])>>(64-exact))
}

// seed is the one that was stored with the training. A server that stored none
// had the same for all.
func (t *training) seed() uint64 { return max(1, t.stored.Seed) }
