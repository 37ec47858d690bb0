// Package nn trains convolutional networks and asks them: a graph of layers,
// its losses, optimisers and schedules, on the kernels of package kernel.
//
// A batch is worked on in shards of a fixed number of images, each by one
// worker; batch normalisation is over a shard (ghost batch normalisation,
// Hoffer et al. 2017, arXiv:1705.08741), and gradients are summed in the order
// of the shards. So the weights that come out depend on the seed, the data and
// the kind of processor, not on the number of workers. A trained network gives
// the same bits on every amd64 processor with AVX2.
package nn
