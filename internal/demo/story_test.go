package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mimeo/internal/app"
	"mimeo/internal/demo"
	"mimeo/internal/demo/parts"
	"mimeo/internal/family"
	"mimeo/internal/family/familytest"
)

// TestStory tells the whole story about a few own images: HTTP, a real
// server, real training.
func TestStory(t *testing.T) {
	t.Parallel()
	images := ownImages(t)
	report, told := tell(t, app.Extras{}, demo.Config{Images: images, Seed: 1})
	switch {
	case !report.IdenticalPredictions || report.TestImages != 6:
		t.Errorf("identical %v on %d images, want true on 6", report.IdenticalPredictions, report.TestImages)
	case report.AccuracyCopy == nil || *report.AccuracyCopy != *report.AccuracySource:
		t.Errorf("the copy names %v of the images rightly, the source %v", report.AccuracyCopy, report.AccuracySource)
	case report.DeniedWithoutPolicy.Code != "AccessDeniedException" || report.DeniedWithoutPolicy.Message == "":
		t.Errorf("the copy without a policy was refused with %+v", report.DeniedWithoutPolicy)
	case len(report.CopiedResults) != 7:
		t.Errorf("copied results: %v, want six result files and the record", report.CopiedResults)
	case report.CopyMilliseconds <= 0 || report.TrainSeconds <= 0:
		t.Errorf("copied in %v ms, trained in %v s: want both measured", report.CopyMilliseconds, report.TrainSeconds)
	case !strings.Contains(report.ProjectVersionARN.Source, ":"+demo.Trusting+":") || !strings.Contains(report.ProjectVersionARN.Copy, ":"+demo.Trusted+":"):
		t.Errorf("the versions are %+v", report.ProjectVersionARN)
	}
	for _, want := range []string{
		"rekognition copy-project-version --source-project-arn arn:aws:rekognition:us-east-1:111122223333:project/my-images/",
		"--profile trusted kms create-key", "Proved: ", report.DeniedWithoutPolicy.Message,
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not tell %q:\n%s", want, told)
		}
	}
}

// tell tells a story on a server with families of its own.
func tell(t *testing.T, extras app.Extras, config demo.Config) (report demo.Report, told string) {
	t.Helper()
	var out, log bytes.Buffer
	config.Dir, config.Out = t.TempDir(), &out
	logger := slog.New(slog.NewTextHandler(&log, nil))
	err := demo.ServeWith(t.Context(), filepath.Join(t.TempDir(), "data"), logger, extras, func(ctx context.Context, s demo.Server) (err error) {
		config.Server = s
		report, err = demo.Run(ctx, config)
		return err
	})
	if err != nil {
		t.Fatalf("%v\nthe story so far:\n%s\nthe server's log:\n%s", err, out.String(), log.String())
	}
	return report, out.String()
}

// TestStoryOfBoxes tells the story of a detector about a few own images: all of
// it is real but the family, which learns in no time.
func TestStoryOfBoxes(t *testing.T) {
	t.Parallel()
	pictures := filepath.Join(t.TempDir(), "made", "here")
	report, told := tell(t, app.Extras{Families: []family.Family{familytest.Spots{}}}, demo.Config{
		Images: ownScenes(t), Detect: true, Pictures: pictures, Seed: 1,
	})
	switch {
	case !report.IdenticalPredictions || report.TestImages != 4:
		t.Errorf("identical %v on %d images, want true on 4", report.IdenticalPredictions, report.TestImages)
	case report.AccuracyCopy != nil || report.AccuracySource != nil:
		t.Errorf("a detector has the accuracies %v and %v", report.AccuracySource, report.AccuracyCopy)
	case report.AveragePrecisionCopy == nil || report.AveragePrecisionSource == nil ||
		*report.AveragePrecisionCopy != *report.AveragePrecisionSource || *report.AveragePrecisionCopy < 0.9:
		t.Errorf("the mAP of the copy is %v, the source's %v, want at least 0.9", report.AveragePrecisionCopy, report.AveragePrecisionSource)
	case report.Pictures != pictures:
		t.Errorf("the pictures are in %q, want %q", report.Pictures, pictures)
	}
	files, err := filepath.Glob(filepath.Join(pictures, "photos", "*.png.png"))
	if err != nil || len(files) != report.TestImages {
		t.Errorf("the pictures are %v, want one of each held-back image (%v)", files, err)
	}
	for _, want := range []string{"mAP@0.5 ", "every confidence and box", "dashed: the ground truth", pictures} {
		if !strings.Contains(told, want) {
			t.Errorf("the story does not tell %q:\n%s", want, told)
		}
	}
}

// ownScenes draws the family suite's scenes as a user's own photographs.
func ownScenes(t *testing.T) demo.UserImages {
	t.Helper()
	var files []string
	var manifest strings.Builder
	content := make(map[string][]byte)
	for n := range 20 {
		scene, boxes := familytest.Scene(uint64(n), 1+n%5)
		file := fmt.Sprintf("photos/%d.png", n)
		files = append(files, file)
		content[file] = scene
		var truth [][5]int
		for _, b := range boxes {
			at := func(ratio float64, of int) int { return int(math.Round(ratio * float64(of))) }
			truth = append(truth, [5]int{b.Label, at(b.Left, familytest.SceneWidth), at(b.Top, familytest.SceneHeight), at(b.Width, familytest.SceneWidth), at(b.Height, familytest.SceneHeight)})
		}
		manifest.WriteString(sceneLine("s3://elsewhere/"+file, familytest.SceneWidth, familytest.SceneHeight, familytest.Labels(), truth))
	}
	u := write(t, files, manifest.String())
	for file, data := range content {
		if err := os.WriteFile(filepath.Join(u.Dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// ownImages draws three kinds of parts as a user's own photographs. Those of
// springs are larger than a request may be.
func ownImages(t *testing.T) demo.UserImages {
	t.Helper()
	var files []string
	var manifest strings.Builder
	content := make(map[string][]byte)
	for _, kind := range []parts.Kind{parts.Bolt, parts.Gear, parts.Spring} {
		for n := range 12 {
			p, err := parts.Draw(1, kind, n)
			if err != nil {
				t.Fatal(err)
			}
			file := "photos/" + p.Name
			files = append(files, file)
			content[file] = p.JPEG
			if kind == parts.Spring {
				content[file] = append(p.JPEG, make([]byte, 4<<20)...) // decoders stop at the end marker
			}
			manifest.WriteString(line("s3://elsewhere/2026/"+file, string(kind)))
		}
	}
	u := write(t, files, manifest.String())
	for file, jpeg := range content {
		if err := os.WriteFile(filepath.Join(u.Dir, file), jpeg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return u
}
