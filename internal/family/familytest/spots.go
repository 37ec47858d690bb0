package familytest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// Spots is a family for Boxes whose models find spots of one colour: what
// tests of everything around a detector need. It learns the mean colour of
// each label's boxes, without what is grey, and works on a grid of the image.
type Spots struct{}

// Name is "spots".
func (Spots) Name() string { return "spots" }

// Learns reports whether t is Boxes.
func (Spots) Learns(t family.Task) bool { return t == family.Boxes }

// palette is a model, and the checkpoint of one.
type palette struct {
	Names  []string
	Sum    [][3]float64 // of the colours that a label's boxes have
	Cells  []float64    // how many there are
	Images int          // how many examples were looked at
	Of     [sha256.Size]byte
}

// Train looks at one example after the other, and at one more in every slice.
func (Spots) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	if err := req.Validate(); err != nil || req.Task != family.Boxes {
		return fmt.Errorf("train spots for the task %s: %w", req.Task, cmp.Or(err, errors.ErrUnsupported))
	}
	if err := req.PlanMemory(1 << 20); err != nil {
		return err
	}
	text, err := json.Marshal([]any{req.Labels, req.Seed, len(req.Examples)})
	if err != nil {
		return err
	}
	p := &palette{Names: req.Labels, Sum: make([][3]float64, len(req.Labels)), Cells: make([]float64, len(req.Labels)), Of: sha256.Sum256(text)}
	checkpoint := ""
	if req.Scratch != "" {
		checkpoint = filepath.Join(req.Scratch, "palette")
		p = p.orFrom(checkpoint)
	}
	for began := p.Images; p.Images < len(req.Examples); {
		if p.Images > began && checkpoint != "" && !req.Deadline.IsZero() && !time.Now().Before(req.Deadline) {
			return errors.Join(p.save(checkpoint), family.ErrUnfinished)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		end := req.TakeTurn()
		err := p.learn(req.Examples[p.Images])
		end()
		if err != nil {
			return &family.ExampleError{Index: p.Images, Err: err}
		}
		p.Images++
		if req.Progress != nil {
			req.Progress(family.Progress{Done: p.Images, Total: len(req.Examples), Phase: "mixing colours", Epoch: 1, Epochs: 1})
		}
	}
	weights, err := p.encode()
	if err != nil {
		return err
	}
	_, err = w.Write(weights)
	return err
}

// encode returns a checksum and what it is of.
func (p *palette) encode() ([]byte, error) {
	body, err := json.Marshal(p)
	sum := sha256.Sum256(body)
	return append(sum[:], body...), err
}

func decodePalette(data []byte) (*palette, error) {
	if len(data) < sha256.Size || sha256.Sum256(data[sha256.Size:]) != [sha256.Size]byte(data[:sha256.Size]) {
		return nil, errors.New("the checksum does not match")
	}
	p := &palette{}
	return p, json.Unmarshal(data[sha256.Size:], p)
}

func (p *palette) save(path string) error {
	data, err := p.encode()
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// orFrom returns what a checkpoint of the same training holds, else p.
func (p *palette) orFrom(path string) *palette {
	data, err := os.ReadFile(path)
	if err != nil {
		return p
	}
	saved, err := decodePalette(data)
	if err != nil || saved.Of != p.Of {
		return p
	}
	return saved
}

// grid is how many cells an image has along its longer side at most.
const grid = 96

// cells scales an image to its grid.
func cells(m *pixel.Image) *pixel.RGB {
	w, h := m.Size()
	if longest := max(w, h); longest > grid {
		w, h = max(1, w*grid/longest), max(1, h*grid/longest)
	}
	return m.Scale(w, h)
}

// chroma returns the colour of a cell without its brightness, and whether it
// has any.
func chroma(m *pixel.RGB, x, y int) (c [3]float64, coloured bool) {
	r, g, b := m.At(x, y)
	most, least := max(r, g, b), min(r, g, b)
	for i, v := range []uint8{r, g, b} {
		c[i] = float64(v-least) / 255
	}
	return c, most-least > 50
}

func (p *palette) learn(e family.Example) error {
	img, err := decoded(e)
	if err != nil {
		return err
	}
	m := cells(img)
	for _, b := range e.Boxes {
		for y := int(b.Top * float64(m.Height)); y < m.Height && float64(y) < (b.Top+b.Height)*float64(m.Height); y++ {
			for x := int(b.Left * float64(m.Width)); x < m.Width && float64(x) < (b.Left+b.Width)*float64(m.Width); x++ {
				if c, ok := chroma(m, x, y); ok {
					p.Cells[b.Label]++
					for i := range c {
						p.Sum[b.Label][i] += c[i]
					}
				}
			}
		}
	}
	return nil
}

// Load reads the weights of one model.
func (Spots) Load(ctx context.Context, r io.Reader) (family.Model, error) {
	data, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := decodePalette(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	return p, nil
}

// Labels are those of the training.
func (p *palette) Labels() []string { return slices.Clone(p.Names) }

// Predict finds the spots whose colour is nearer to a label's than to any
// other's; the nearer, the surer it is.
func (p *palette) Predict(ctx context.Context, img *pixel.Image) (family.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return family.Prediction{}, err
	}
	m := cells(img)
	near := make([]int, m.Width*m.Height) // the label of each cell, from 1
	for i := range near {
		if c, ok := chroma(m, i%m.Width, i/m.Width); ok {
			l, _ := p.nearest(c)
			near[i] = l + 1
		}
	}
	var found family.Prediction
	for i := range near {
		if near[i] > 0 {
			found.Objects = append(found.Objects, p.spot(m, near, i))
		}
	}
	slices.SortStableFunc(found.Objects, func(a, b family.Object) int { return cmp.Compare(b.Confidence, a.Confidence) })
	found.Objects = found.Objects[:min(len(found.Objects), family.MaxObjects)]
	return found, nil
}

// nearest returns the label whose colour is nearest to c, and how near it is.
func (p *palette) nearest(c [3]float64) (label int, distance float64) {
	distance = math.Inf(1)
	for l, sum := range p.Sum {
		d := 0.0
		for i := range c {
			d += math.Pow(c[i]-sum[i]/max(1, p.Cells[l]), 2)
		}
		if d < distance {
			label, distance = l, d
		}
	}
	return label, distance
}

// spot takes the cells that hang together with one out of near.
func (p *palette) spot(m *pixel.RGB, near []int, at int) family.Object {
	label, mean, count := near[at]-1, [3]float64{}, 0.0
	left, top, right, bottom := m.Width, m.Height, 0, 0
	for open := []int{at}; len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if near[i] != label+1 {
			continue
		}
		near[i] = 0
		x, y := i%m.Width, i/m.Width
		left, top, right, bottom = min(left, x), min(top, y), max(right, x+1), max(bottom, y+1)
		c, _ := chroma(m, x, y)
		for k := range c {
			mean[k] += c[k]
		}
		count++
		for _, d := range [][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			if nx, ny := x+d[0], y+d[1]; nx >= 0 && ny >= 0 && nx < m.Width && ny < m.Height {
				open = append(open, ny*m.Width+nx)
			}
		}
	}
	for k := range mean {
		mean[k] /= count
	}
	_, distance := p.nearest(mean)
	w, h := float64(m.Width), float64(m.Height)
	return family.Object{
		Box:        family.Box{Label: label, Left: float64(left) / w, Top: float64(top) / h, Width: float64(right-left) / w, Height: float64(bottom-top) / h},
		Confidence: math.Exp(-5*distance) * count / (count + 4),
	}
}
