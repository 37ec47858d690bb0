package nn

import (
	"fmt"
	"unsafe"

	"mimeo/internal/nn/kernel"
)

// A Shape is the size of a feature map.
type Shape struct{ Height, Width, Channels int }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.Height, s.Width, s.Channels) }

// A Tensor is the feature maps of several images, each with a border of zeros
// that is one pixel wide: images × (height+2) × (width+2) × depth float32.
type Tensor struct {
	Shape
	images int
	depth  int // channels that are stored: of a layer's output a multiple of 16, those that it has not are zero
	data   []float32
}

// padded is the channels of a layer's output as they are stored.
func padded(channels int) int {
	return (channels + kernel.Channels - 1) / kernel.Channels * kernel.Channels
}

func newTensor(s Shape, images, depth int) *Tensor {
	t := &Tensor{Shape: s, images: images, depth: depth}
	t.data = make([]float32, images*t.area()*depth)
	return t
}

// area is the pixels of one image with its border.
func (t *Tensor) area() int { return (t.Height + 2) * (t.Width + 2) }

// offset is where a pixel lies in data; row and column count from the border.
func (t *Tensor) offset(image, row, column int) int {
	return ((image*(t.Height+2)+row)*(t.Width+2) + column) * t.depth
}

// At returns the channels of a pixel of an image.
func (t *Tensor) At(image, row, column int) []float32 {
	return t.data[t.offset(image, row+1, column+1):][:t.Channels:t.Channels]
}

// SetPlanes fills an image from values that lie channel after channel, each of
// height × width.
func (t *Tensor) SetPlanes(image int, planes []float32) {
	size := t.Height * t.Width
	for row := range t.Height {
		line := t.data[t.offset(image, row+1, 1):][:t.Width*t.depth]
		for c := range t.Channels {
			from := planes[c*size+row*t.Width:][:t.Width]
			for x, v := range from {
				line[x*t.depth+c] = v
			}
		}
	}
}

// pointer is the address of data[offset].
func (t *Tensor) pointer(offset int) unsafe.Pointer { return unsafe.Pointer(&t.data[offset]) }

// bytes are the offset of a pixel as kernels count it.
func (t *Tensor) bytes(image, row, column int) int32 { return int32(4 * t.offset(image, row, column)) }

// A grid are the pixels of one image and 16 channels, as a kernel walks over
// them, every step-th in both directions.
type grid struct {
	at       unsafe.Pointer
	row, col int64
}

// grid returns the pixels of an image from the given one on.
func (t *Tensor) grid(image, block, row, column, step int) grid {
	return grid{
		at:  t.pointer(t.offset(image, row+1, column+1) + block*kernel.Channels),
		row: int64(4 * step * (t.Width + 2) * t.depth), col: int64(4 * step * t.depth),
	}
}

func (t *Tensor) blocks() int { return t.depth / kernel.Channels }
