package classifier

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"mimeo/internal/family"
	"mimeo/internal/nn"
)

// The layout of docs/formats/classifier.md. The version also stands for the
// options in describe.go: weights fit only the descriptors they were made of.
const (
	magic          = "mimeo classifier"
	formatVersion  = 2
	oldVersion     = 1 // without networks
	maxLabels      = 1000
	maxLabelLength = 1024 // bytes
	maxMembers     = 5
	// direct is the algorithm of the convolutions: another one gives other bits.
	direct = 1
)

// maxWeights is more than any weights take.
func maxWeights() int64 {
	perLabel := 4*featureDim() + maxLabelLength + 64
	graph, _ := architecture{mostNetworkSide, mostWidth, mostStages}.graph(maxLabels)
	return int64(maxLabels*perLabel) + maxMembers*4*int64(graph.Parameters()+graph.Statistics()) + 4<<20
}

// write writes the weights and their checksum.
func (m *model) write(w io.Writer) error {
	b := append([]byte(magic), formatVersion, flag(m.calibration.multi))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.labels)))
	for _, name := range m.labels {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(name)))
		b = append(b, name...)
	}
	b = appendDouble(b, m.share)
	if m.head != nil {
		b = appendVocabulary(b, m.vocabulary)
		b = appendHead(b, m.head)
	}
	if m.committee != nil {
		b = appendCommittee(b, m.committee)
	}
	b = appendCalibration(b, m.calibration)
	return family.WriteWeights(w, b)
}

func appendHead(b []byte, h *head) []byte {
	return nn.AppendFloats(nn.AppendFloats(b, h.bias), h.weights)
}

func appendCommittee(b []byte, c *committee) []byte {
	b = append(b, direct, byte(len(c.members)), byte(c.stages), byte(c.width))
	b = binary.LittleEndian.AppendUint32(b, uint32(c.side))
	for _, w := range c.weights {
		b = nn.AppendFloats(nn.AppendFloats(b, w.Parameters), w.Statistics)
	}
	return b
}

func appendCalibration(b []byte, c calibration) []byte {
	if !c.multi {
		return appendDouble(b, c.softmax.Slope)
	}
	for _, s := range c.sigmoids {
		b = appendDouble(appendDouble(b, s.Slope), s.Offset)
	}
	return b
}

func appendVocabulary(b []byte, v *vocabulary) []byte {
	for _, words := range v {
		for _, values := range [][]float32{
			words.pca.Mean, words.pca.Basis, words.gmm.Weight, words.gmm.Mean, words.gmm.Variance,
		} {
			b = nn.AppendFloats(b, values)
		}
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
	body, err := family.ReadWeights(ctx, r, magic, maxWeights())
	if err != nil {
		return nil, err
	}
	m, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	return m, nil
}

func parse(body []byte) (*model, error) {
	d := &decoder{rest: body}
	version := d.byte()
	if version != formatVersion && version != oldVersion {
		return nil, fmt.Errorf("version %d, this program reads %d and %d", version, oldVersion, formatVersion)
	}
	multi := d.byte() == 1
	m := &model{labels: d.labels()}
	if version != oldVersion {
		m.share = d.share()
	}
	if m.share < 1 {
		m.vocabulary = d.vocabulary()
		m.head = d.head(len(m.labels))
	}
	if m.share > 0 {
		m.committee = d.committee(len(m.labels))
	}
	m.calibration = d.calibration(len(m.labels), multi)
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes follow the end")
	}
	if d.err != nil {
		return nil, d.err
	}
	return m, nil
}
