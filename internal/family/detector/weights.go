package detector

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
)

// The layout of docs/formats/detector.md. The version also stands for how the
// network is built and computed: weights fit only the graph that they were
// trained in.
const (
	magic          = "mimeo detector"
	formatVersion  = 1
	maxLabels      = 1000
	maxLabelLength = 1024     // bytes
	maxHead        = 8 << 20  // bytes
	maxWeights     = 64 << 20 // bytes
)

// A model is a trained detector.
type model struct {
	labels  []string
	design  Design
	weights *nn.Weights // until it is written
	network *nn.Model   // once it is loaded
	eye     network.Eye // then too
}

// Labels implements family.Model.
func (m *model) Labels() []string { return slices.Clone(m.labels) }

// head is what weights begin with, as JSON.
type head struct {
	Labels []string
	Design
}

// write writes the weights and their checksum.
func (m *model) write(w io.Writer) error {
	text, err := json.Marshal(head{m.labels, m.design})
	if err != nil {
		return fmt.Errorf("encode weights: %w", err)
	}
	b := append([]byte(magic), formatVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	b = append(b, text...)
	b = nn.AppendFloats(b, m.weights.Parameters)
	b = nn.AppendFloats(b, m.weights.Statistics)
	return family.WriteWeights(w, b)
}

// Load implements family.Family.
func (d *Detector) Load(ctx context.Context, r io.Reader) (family.Model, error) {
	body, err := family.ReadWeights(ctx, r, magic, maxWeights)
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
	const fixed = 1 + 4
	if len(body) < fixed {
		return nil, errors.New("they break off")
	}
	if v := body[0]; v != formatVersion {
		return nil, fmt.Errorf("version %d, this program reads %d", v, formatVersion)
	}
	size, body := binary.LittleEndian.Uint32(body[1:]), body[fixed:]
	if size > maxHead || int64(size) > int64(len(body)) {
		return nil, errors.New("they break off")
	}
	var h head
	if err := json.Unmarshal(body[:size], &h); err != nil {
		return nil, fmt.Errorf("their head: %w", err)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h.model(body[size:])
}

// check refuses a head that no training writes, before memory is taken for
// it.
func (h head) check() error {
	if len(h.Labels) == 0 || len(h.Labels) > maxLabels {
		return fmt.Errorf("%d labels", len(h.Labels))
	}
	for i, name := range h.Labels {
		if len(name) > maxLabelLength || !utf8.ValidString(name) || slices.Contains(h.Labels[:i], name) {
			return fmt.Errorf("the label %.300q is too long, no text, or repeated", name)
		}
	}
	for _, side := range []int{h.Width, h.Height} {
		if side < inputStep || side > maxInput || side%inputStep != 0 {
			return fmt.Errorf("an input of %d×%d pixels", h.Width, h.Height)
		}
	}
	if h.Stride != 4 && h.Stride != 8 || h.Channels != 16 {
		return fmt.Errorf("a stride of %d and %d channels", h.Stride, h.Channels)
	}
	return nil
}

// model reads the numbers.
func (h head) model(numbers []byte) (*model, error) {
	g, outputs := h.graph(len(h.Labels))
	if want := 4 * (g.Parameters() + g.Statistics()); len(numbers) != want {
		return nil, fmt.Errorf("%d bytes of numbers, want %d", len(numbers), want)
	}
	w := &nn.Weights{Parameters: make([]float32, g.Parameters()), Statistics: make([]float32, g.Statistics())}
	nn.CutFloats(nn.CutFloats(numbers, w.Parameters), w.Statistics)
	if err := g.Check(w); err != nil {
		return nil, err
	}
	return &model{
		labels: h.Labels, design: h.Design, network: nn.NewModel(g, w, nil, outputs...), eye: network.Eye{Width: h.Width, Height: h.Height},
	}, nil
}
