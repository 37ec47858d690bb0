package demo_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/demo"
)

func line(uri string, labels ...string) string {
	text := fmt.Sprintf(`{"source-ref":%q`, uri)
	for i, label := range labels {
		text += fmt.Sprintf(`,"l%d":%d,"l%d-metadata":{"class-name":%q,"confidence":1,"type":"groundtruth/image-classification","human-annotated":"yes","creation-date":"2026-01-01T00:00:00"}`, i, i, i, label)
	}
	return text + "}\n"
}

// write makes a directory with the given files and a manifest beside it.
func write(t *testing.T, files []string, manifest string) demo.UserImages {
	t.Helper()
	top := t.TempDir()
	u := demo.UserImages{Dir: filepath.Join(top, "images"), Manifest: filepath.Join(top, "m.manifest")}
	for _, file := range files {
		path := filepath.Join(u.Dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(u.Manifest, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUserImages(t *testing.T) {
	t.Parallel()
	files := []string{"a.jpg", "cats/a.jpg", "set/cats/a.jpg"}
	cases := []struct {
		name, manifest string
		want           []demo.Found
		wantErr        string
	}{
		{"longest suffix", line("s3://b/far/set/cats/a.jpg", "cat"), []demo.Found{{"set/cats/a.jpg", []string{"cat"}}}, ""},
		{"shorter suffix", line("s3://b/dogs/a.jpg", "dog"), []demo.Found{{"a.jpg", []string{"dog"}}}, ""},
		{"file in the place of a directory", line("s3://b/a.jpg/cats/a.jpg", "cat"), []demo.Found{{"cats/a.jpg", []string{"cat"}}}, ""},
		{"several labels, sorted", line("s3://b/a.jpg", "z", "y", "z"), []demo.Found{{"a.jpg", []string{"y", "z"}}}, ""},
		{"blank lines", "\n" + line("s3://b/a.jpg", "x") + "\n", []demo.Found{{"a.jpg", []string{"x"}}}, ""},
		{"no file", line("s3://b/a.jpg", "x") + line("s3://b/gone.jpg", "x"), nil, "line 2"},
		{"outside of the directory", line("s3://b/../../m.manifest", "x"), nil, "line 1"},
		{"directory", line("s3://b/cats", "x"), nil, "line 1"},
		{"no key", line("s3://b", "x"), nil, "line 1"},
		{"no source-ref", `{"l":0,"l-metadata":{"class-name":"x"}}`, nil, "line 1: there is no source-ref"},
		{"no label", `{"source-ref":"s3://b/a.jpg"}`, nil, "line 1: there is no image-level label"},
		{"no JSON", line("s3://b/a.jpg", "x") + "{", nil, "line 2"},
		{"endless line", strings.Repeat(" ", 2<<20), nil, "line 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := write(t, files, c.manifest)
			u.TestManifest = u.Manifest
			got, _, err := u.Read(1)
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Fatalf("error %v, want one that says %q", err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAFifthOfEveryLabelIsHeldBack(t *testing.T) {
	t.Parallel()
	var files []string
	var manifest strings.Builder
	for label, count := range map[string]int{"a": 10, "b": 6, "c": 2, "d": 1} {
		for i := range count {
			file := fmt.Sprintf("%s-%d.jpg", label, i)
			files = append(files, file)
			manifest.WriteString(line("s3://b/"+file, label))
		}
	}
	u := write(t, files, manifest.String())
	train, test, err := u.Read(1)
	if err != nil {
		t.Fatal(err)
	}
	held := make(map[string]int)
	for _, image := range test {
		held[image.Labels[0]]++
	}
	if diff := cmp.Diff(map[string]int{"a": 2, "b": 1, "c": 1}, held); diff != "" {
		t.Errorf("held back by label (-want +got):\n%s", diff)
	}
	if len(train)+len(test) != len(files) {
		t.Errorf("%d to train on and %d held back, want %d together", len(train), len(test), len(files))
	}
	again, _, err := u.Read(1)
	if diff := cmp.Diff(train, again); err != nil || diff != "" {
		t.Errorf("the same seed holds back other images (%v):\n%s", err, diff)
	}
}

func label(name string, confidence float32) types.CustomLabel {
	return types.CustomLabel{Name: aws.String(name), Confidence: aws.Float32(confidence)}
}

func TestIdentical(t *testing.T) {
	t.Parallel()
	base := []types.CustomLabel{label("a", 60), label("b", 40)}
	cases := []struct {
		name  string
		other []types.CustomLabel
		want  bool
	}{
		{"same", []types.CustomLabel{label("a", 60), label("b", 40)}, true},
		{"last bit", []types.CustomLabel{label("a", math.Nextafter32(60, 61)), label("b", 40)}, false},
		{"name", []types.CustomLabel{label("a", 60), label("c", 40)}, false},
		{"order", []types.CustomLabel{label("b", 40), label("a", 60)}, false},
		{"fewer", []types.CustomLabel{label("a", 60)}, false},
		{"no confidence", []types.CustomLabel{label("a", 60), {Name: aws.String("b")}}, false},
	}
	for _, c := range cases {
		if got := demo.Identical(base, c.other); got != c.want {
			t.Errorf("%s: identical = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRight(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		want []string
		got  []types.CustomLabel
		ok   bool
	}{
		{"most likely", []string{"a"}, []types.CustomLabel{label("b", 30), label("a", 45)}, true},
		{"not the most likely", []string{"a"}, []types.CustomLabel{label("b", 46), label("a", 45)}, false},
		{"nothing", []string{"a"}, nil, false},
		{"several", []string{"a", "b"}, []types.CustomLabel{label("b", 90), label("a", 50), label("c", 49)}, true},
		{"one too many", []string{"a", "b"}, []types.CustomLabel{label("b", 90), label("a", 50), label("c", 51)}, false},
		{"one too few", []string{"a", "b"}, []types.CustomLabel{label("b", 90), label("a", 49)}, false},
	}
	for _, c := range cases {
		if got := demo.Right(c.want, c.got); got != c.ok {
			t.Errorf("%s: right = %v, want %v", c.name, got, c.ok)
		}
	}
}

func TestUserImagesNeedDirectoryAndManifest(t *testing.T) {
	t.Parallel()
	for u, ok := range map[demo.UserImages]bool{
		{}:                            true,
		{Dir: "d", Manifest: "m"}:     true,
		{Dir: "d"}:                    false,
		{Manifest: "m"}:               false,
		{TestManifest: "t"}:           false,
		{Dir: "d", TestManifest: "t"}: false,
	} {
		if err := u.Validate(); (err == nil) != ok {
			t.Errorf("%+v: %v, want valid %v", u, err, ok)
		}
	}
}
