//go:build purego || !amd64

package kernel

// Sets returns the kernels that this processor can run, the fastest first.
func Sets() []*Set { return []*Set{Portable} }
