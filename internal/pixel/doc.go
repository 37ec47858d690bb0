// Package pixel is the one path of images, for training and for inference.
// [Decode] reads JPEG and PNG by content, bounded in bytes and pixels before any
// pixel is decoded. An [Image] stands upright as EXIF says; [Header] maps boxes
// between the upright image, which models see, and the stored one, of which
// manifests and answers speak.
//
// An Image keeps what the decoder made of the file (for a JPEG its planes of
// luma and chroma) and is converted only where it is scaled: 12 megapixels
// become a thumbnail without ever being 12 megapixels of RGB. A [Renderer] scales
// by area, to bytes or to the normalised planes of a [Tensor], the image as a
// whole or a [View] of it.
//
// For training there are a [Cache] of decoded images, mapped into memory, and
// [Augmenting], which draws random changes from a stream that has a place for
// every image of every step.
package pixel
