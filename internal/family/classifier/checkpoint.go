package classifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"mimeo/internal/family"
	"mimeo/internal/nn"
)

// A fingerprint tells trainings apart: checkpoints of another one are thrown
// away.
type fingerprint [32]byte

func fingerprintOf(req family.TrainRequest) fingerprint {
	labels := make([][]int, len(req.Examples))
	for i, e := range req.Examples {
		labels[i] = e.Labels
	}
	text, err := json.Marshal([]any{formatVersion, req.Labels, req.Task, req.Seed, labels})
	if err != nil {
		panic(err) // cannot happen: strings and numbers
	}
	return sha256.Sum256(text)
}

// A rowLog keeps the finished rows of a stage: the fingerprint, then records of
// position, values and a checksum. What a crash cut short is dropped.
type rowLog struct {
	mu   sync.Mutex
	file *os.File // nil without scratch
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openLog opens a stage's log and returns the rows it holds; missing ones are
// nil.
func (t *training) openLog(s stage) (*rowLog, [][]float32, error) {
	rows := make([][]float32, len(s.images))
	if t.Scratch == "" {
		return &rowLog{}, rows, nil
	}
	f, err := os.OpenFile(filepath.Join(t.Scratch, s.log), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open checkpoint: %w", err)
	}
	good, err := readRows(f, t.fingerprint, rows, s.width)
	if err == nil && good == 0 {
		good = int64(len(t.fingerprint))
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt(t.fingerprint[:], 0)
		}
	}
	if err == nil {
		err = f.Truncate(good)
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open checkpoint: %w", err), f.Close())
	}
	return &rowLog{file: f}, rows, nil
}

// readRows fills rows from a log and returns how many bytes of it are good.
func readRows(r io.Reader, want fingerprint, rows [][]float32, width int) (good int64, err error) {
	var head fingerprint
	if _, err := io.ReadFull(r, head[:]); err != nil || head != want {
		return 0, nil // empty, damaged or of another training: begin anew
	}
	good = int64(len(head))
	record := make([]byte, 4+4*width+4)
	for {
		if _, err := io.ReadFull(r, record); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return good, nil
			}
			return good, err
		}
		body := record[:len(record)-4]
		at := binary.LittleEndian.Uint32(body)
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(record[len(body):]) || int64(at) >= int64(len(rows)) {
			return good, nil
		}
		row := make([]float32, width)
		for i := range row {
			row[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4+4*i:]))
		}
		rows[at] = row
		good += int64(len(record))
	}
}

func (l *rowLog) append(position int, row []float32) error {
	if l.file == nil {
		return nil
	}
	record := make([]byte, 0, 4+4*len(row)+4)
	record = binary.LittleEndian.AppendUint32(record, uint32(position))
	record = nn.AppendFloats(record, row)
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(record, castagnoli))
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.file.Write(record)
	return err
}

func (l *rowLog) close() {
	if l.file != nil {
		_ = l.file.Close() // what was not written is computed again
	}
}

// kept returns what was kept under a name, or nil where there is nothing, or
// nothing whole of this training.
func (t *training) kept(name string) *decoder {
	if t.Scratch == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(t.Scratch, name))
	if err != nil {
		return nil
	}
	body, ok := bytes.CutPrefix(data, t.fingerprint[:])
	if !ok || len(body) < 4 {
		return nil
	}
	sum := binary.LittleEndian.Uint32(body[len(body)-4:])
	body = body[:len(body)-4]
	if crc32.Checksum(body, castagnoli) != sum {
		return nil
	}
	return &decoder{rest: body}
}

func (t *training) keep(name string, body []byte) error {
	if t.Scratch == "" {
		return nil
	}
	data := append(t.fingerprint[:], body...)
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(body, castagnoli))
	if err := os.WriteFile(filepath.Join(t.Scratch, name), data, fs.FileMode(0o600)); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	return nil
}

// The checkpoints that are written at once.
const vocabularyFile, regressionFile = "vocabulary", "regression"

// loadVocabulary returns the checkpointed vocabulary, or nil where there is
// none.
func (t *training) loadVocabulary() *vocabulary {
	d := t.kept(vocabularyFile)
	if d == nil {
		return nil
	}
	v := d.vocabulary()
	if !d.isDone() {
		return nil
	}
	return v
}

func (t *training) saveVocabulary(v *vocabulary) error {
	return t.keep(vocabularyFile, appendVocabulary(nil, v))
}

// loadRegression returns the checkpointed regression, or nil where there is none.
func (t *training) loadRegression() *regression {
	d := t.kept(regressionFile)
	if d == nil {
		return nil
	}
	r := &regression{head: d.head(len(t.Labels))}
	r.leftOut, r.foldOut = d.rows(len(t.Examples), len(t.Labels)), d.rows(len(t.Examples), len(t.Labels))
	if !d.isDone() {
		return nil
	}
	return r
}

func (t *training) saveRegression(r *regression) error {
	b := appendHead(nil, r.head)
	for _, row := range slices.Concat(r.leftOut, r.foldOut) {
		for _, v := range row {
			b = appendDouble(b, v)
		}
	}
	return t.keep(regressionFile, b)
}
