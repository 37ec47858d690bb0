package manifest_test

import (
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/manifest"
)

// standard is what AWS allows.
var standard = manifest.Limits{Size: 1 << 30, Lines: 250_000, Labels: 250, LabelsPerImage: 50, BoxesPerImage: 50, TestImagesPerLabel: 1000}

// read returns what a reader yields: a line's text, or why it is none.
func read(r io.Reader) (got []string, err error) {
	lines := manifest.NewReader(r, standard)
	for {
		raw, err := lines.Next()
		if err != nil {
			return got, err
		}
		if raw.Number != len(got)+1 {
			return got, errors.New("line has number " + strconv.Itoa(raw.Number))
		}
		if raw.Refused != "" {
			got = append(got, string(raw.Refused))
		} else {
			got = append(got, string(raw.Text))
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	longest, wide := strings.Repeat("x", 100_000), strings.Repeat("é", 100_000)
	cases := map[string]struct {
		text string
		want []string
	}{
		"empty":           {"", nil},
		"lines":           {"a\nb\n", []string{"a", "b"}},
		"no last newline": {"a\nb", []string{"a", "b"}},
		"CR LF":           {"a\r\nb\r\n", []string{"a", "b"}},
		"byte order mark": {"\ufeffa\nb", []string{"a", "b"}},
		"blank at end":    {"a\n\n \n\r\n", []string{"a"}},
		"blank between":   {"\na\n\n\nb", []string{"BLANK_LINE", "a", "BLANK_LINE", "BLANK_LINE", "b"}},
		"longest":         {longest + "\nb", []string{longest, "b"}},
		"longest, wide":   {wide + "\nb", []string{wide, "b"}},
		"too long":        {longest + "x\nb", []string{"LINE_TOO_LONG", "b"}},
		"far too long":    {strings.Repeat("x", 5_000_000) + "\nb", []string{"LINE_TOO_LONG", "b"}},
		"too long at end": {strings.Repeat("x", 5_000_000), []string{"LINE_TOO_LONG"}},
	}
	for name, c := range cases {
		for how, r := range map[string]io.Reader{"whole": strings.NewReader(c.text), "halves": iotest.HalfReader(strings.NewReader(c.text))} {
			got, err := read(r)
			if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(err, io.EOF) {
				t.Errorf("%s, read in %s: %v (-want +got):\n%.2000s", name, how, err, diff)
			}
		}
	}
}

func TestReaderLimits(t *testing.T) {
	t.Parallel()
	if got, err := read(strings.NewReader(strings.Repeat("x\n", standard.Lines))); len(got) != standard.Lines || !errors.Is(err, io.EOF) {
		t.Errorf("%d lines: got %d, %v", standard.Lines, len(got), err)
	}
	for name, text := range map[string]string{
		"lines":           strings.Repeat("x\n", standard.Lines+1),
		"with blank ones": strings.Repeat("\n", standard.Lines) + "x",
		"only blank ones": strings.Repeat("\n", standard.Lines+5),
	} {
		if _, err := read(strings.NewReader(text)); !errors.Is(err, manifest.TooManyRows) {
			t.Errorf("too many %s: %v, want TooManyRows", name, err)
		}
	}
	endless := iotest.ErrReader(errors.New("disk on fire"))
	if got, err := read(io.MultiReader(strings.NewReader("a\nb"), endless)); err == nil || errors.Is(err, io.EOF) || len(got) != 1 {
		t.Errorf("a reader that fails: %q, %v", got, err)
	}
	if _, err := read(&bytesOf{left: standard.Size + 1}); !errors.Is(err, manifest.TooLarge) {
		t.Errorf("more than a gigabyte: %v, want TooLarge", err)
	}
}

// bytesOf is a very long line that is never in memory.
type bytesOf struct{ left int64 }

func (b *bytesOf) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), b.left)
	b.left -= n
	return int(n), nil
}

// data yields the real manifests of a folder of MIMEO_DATA.
func data(t *testing.T) iter.Seq2[string, []byte] {
	t.Helper()
	dir := os.Getenv("MIMEO_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.manifest"))
	if err != nil || len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no manifests below %s: set MIMEO_DATA", dir)
		}
		t.Skipf("no manifests below %s: set MIMEO_DATA", dir)
	}
	return func(yield func(string, []byte) bool) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !yield(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), text) {
				return
			}
		}
	}
}

func TestRealManifests(t *testing.T) {
	t.Parallel()
	for name, text := range data(t) {
		got, err := read(strings.NewReader(string(text)))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("%s: %v", name, err)
		}
		for i, raw := range got {
			l, err := manifest.Parse([]byte(raw), standard)
			native := strings.Contains(name, "sagemaker")
			if err != nil || (len(l.Entry.Labels) > 0) == native || (len(l.Entry.Errors) > 0) != native {
				t.Errorf("%s, line %d: %+v, %v", name, i+1, l.Entry, err)
			}
		}
	}
}
