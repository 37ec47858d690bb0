package classifier

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"mimeo/internal/descriptor"
	"mimeo/internal/family"
	"mimeo/internal/ridge"
)

// The layout of docs/formats/classifier.md. The version also stands for the
// options in describe.go: weights fit only the descriptors they were made of.
const (
	magic          = "mimeo classifier"
	formatVersion  = 1
	maxLabels      = 1000
	maxLabelLength = 1024 // bytes
)

// maxWeights is more than any weights take.
func maxWeights() int64 {
	perLabel := 4*featureDim() + maxLabelLength + 64
	return int64(maxLabels*perLabel) + 4<<20
}

// write writes the weights and their checksum.
func (m *model) write(w io.Writer) error {
	b := append([]byte(magic), formatVersion, flag(m.head.multi))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.labels)))
	for _, name := range m.labels {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
	}
	b = appendVocabulary(b, m.vocabulary)
	b = appendFloats(b, m.head.bias)
	b = appendFloats(b, m.head.weights)
	if m.head.multi {
		for _, s := range m.head.sigmoids {
			b = appendDouble(appendDouble(b, s.Slope), s.Offset)
		}
	} else {
		b = appendDouble(b, m.head.softmax.Slope)
	}
	sum := sha256.Sum256(b)
	if _, err := w.Write(append(b, sum[:]...)); err != nil {
		return fmt.Errorf("write weights: %w", err)
	}
	return nil
}

func appendVocabulary(b []byte, v *vocabulary) []byte {
	for _, words := range v {
		for _, values := range [][]float32{
			words.pca.Mean, words.pca.Basis, words.gmm.Weight, words.gmm.Mean, words.gmm.Variance,
		} {
			b = appendFloats(b, values)
		}
	}
	return b
}

func appendFloats(b []byte, values []float32) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func appendDouble(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Load implements family.Family.
func (c *Classifier) Load(ctx context.Context, r io.Reader) (family.Model, error) {
	limit := maxWeights()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read weights: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", family.ErrWeights, limit)
	}
	m, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	return m, nil
}

func parse(data []byte) (*model, error) {
	if len(data) < len(magic)+sha256.Size || string(data[:len(magic)]) != magic {
		return nil, errors.New("they do not begin as such")
	}
	body := data[:len(data)-sha256.Size]
	if sha256.Sum256(body) != [sha256.Size]byte(data[len(body):]) {
		return nil, errors.New("the checksum does not match")
	}
	d := &decoder{rest: body[len(magic):]}
	if v := d.byte(); v != formatVersion {
		return nil, fmt.Errorf("version %d, this program reads %d", v, formatVersion)
	}
	h := &head{multi: d.byte() == 1}
	labels := d.labels()
	v := d.vocabulary()
	h.bias = d.floats(len(labels))
	h.weights = d.floats(len(labels) * featureDim())
	if h.multi {
		h.sigmoids = make([]ridge.Sigmoid, len(labels))
		for i := range h.sigmoids {
			h.sigmoids[i] = ridge.Sigmoid{Slope: d.double(), Offset: d.double()}
		}
	} else {
		h.softmax.Slope = d.double()
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes follow the end")
	}
	if d.err != nil {
		return nil, d.err
	}
	return &model{labels, v, h}, nil
}

// A decoder takes values off a buffer; after the first error it gives zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(why string) {
	if d.err == nil {
		d.err = errors.New(why)
	}
	d.rest = nil
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.fail("they end too early")
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) count(most int) int {
	b := d.take(4)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	if int64(n) > int64(most) {
		d.fail("a count is too large")
		return 0
	}
	return int(n)
}

func (d *decoder) labels() []string {
	n := d.count(maxLabels)
	if n == 0 {
		d.fail("no labels")
	}
	labels := make([]string, n)
	for i := range labels {
		name := d.take(d.count(maxLabelLength))
		if !utf8.Valid(name) {
			d.fail("a label is not UTF-8")
		}
		labels[i] = string(name)
	}
	return labels
}

// floats takes n finite values.
func (d *decoder) floats(n int) []float32 {
	b := d.take(4 * n)
	if b == nil {
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		if v := float64(out[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			d.fail("a value is not a number")
			return nil
		}
	}
	return out
}

func (d *decoder) double() float64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		d.fail("a value is not a number")
	}
	return v
}

func (d *decoder) vocabulary() *vocabulary {
	var v vocabulary
	for i, c := range channels {
		pca := &descriptor.PCA{In: c.dim, Out: c.components, Mean: d.floats(c.dim), Basis: d.floats(c.dim * c.components)}
		gmm := &descriptor.GMM{Dim: c.wordDim(), Weight: d.floats(gaussians)}
		gmm.Mean, gmm.Variance = d.floats(gaussians*gmm.Dim), d.floats(gaussians*gmm.Dim)
		for _, positive := range [][]float32{gmm.Weight, gmm.Variance} {
			for _, p := range positive {
				if p <= 0 {
					d.fail("a weight or variance is not positive")
				}
			}
		}
		if d.err != nil {
			return nil
		}
		v[i] = newWords(pca, gmm)
	}
	return &v
}
