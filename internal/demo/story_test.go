package demo_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mimeo/internal/demo"
	"mimeo/internal/demo/parts"
)

// TestStory tells the whole story about a few own images: HTTP, a real
// server, real training.
func TestStory(t *testing.T) {
	t.Parallel()
	images := ownImages(t)
	var told, log bytes.Buffer
	var report demo.Report
	err := demo.Serve(t.Context(), filepath.Join(t.TempDir(), "data"), slog.New(slog.NewTextHandler(&log, nil)), func(ctx context.Context, s demo.Server) (err error) {
		report, err = demo.Run(ctx, demo.Config{Server: s, Dir: t.TempDir(), Images: images, Seed: 1, Out: &told})
		return err
	})
	if err != nil {
		t.Fatalf("%v\nthe story so far:\n%s\nthe server's log:\n%s", err, told.String(), log.String())
	}
	switch {
	case !report.IdenticalPredictions || report.TestImages != 6:
		t.Errorf("identical %v on %d images, want true on 6", report.IdenticalPredictions, report.TestImages)
	case report.AccuracyCopy != report.AccuracySource:
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
		if !strings.Contains(told.String(), want) {
			t.Errorf("the story does not tell %q:\n%s", want, told.String())
		}
	}
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
