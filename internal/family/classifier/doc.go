// Package classifier is the model family for image-level labels. Its models have
// one part or two. The first are Fisher vectors of dense gradient and colour descriptors
// over a vocabulary that is fitted to the training images, and a closed-form kernel
// ridge regression on them, its penalty chosen by exact leave-one-out. The
// second, where there is enough data, is a committee of small residual networks that are
// trained from scratch, each on all examples but a fold. Outputs for examples that neither
// part has seen decide on the share of each, and calibrate what comes out to
// probabilities.
//
// The options below were chosen by left-out predictions on training images
// only. The layout of the weights is docs/formats/classifier.md.
package classifier
