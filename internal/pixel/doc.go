// Package pixel reads images: JPEG and PNG by content, bounded in bytes and
// pixels before any pixel is decoded, turned upright as EXIF says, converted
// to sRGB bytes, and scaled by area.
//
// An [Image] keeps what the decoder made of the file (for a JPEG its planes of
// luma and chroma) and is converted only where it is scaled: 12 megapixels
// become a thumbnail without ever being 12 megapixels of RGB.
package pixel
