// Package descriptor turns a picture into vectors of fixed length: dense local
// descriptors of gradients and colour over several scales, their principal
// components, a Gaussian mixture over these, and the Fisher vector that pools
// all descriptors of a picture.
//
// Everything here is a pure function of its arguments. Fitting uses several
// goroutines and gives the same bits with any number of them: partial sums are
// over fixed chunks and are added in the order of the chunks.
package descriptor
