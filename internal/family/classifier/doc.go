// Package classifier is the model family for image-level labels: Fisher vectors
// of dense gradient and colour descriptors over a vocabulary that is fitted to
// the training images, and a closed-form kernel ridge regression on them, its
// penalty chosen by exact leave-one-out and its outputs calibrated to
// probabilities. There is no iteration over the images and nothing to tune;
// the options below were chosen by leave-one-out on training images only.
//
// The layout of the weights is docs/formats/classifier.md.
package classifier
