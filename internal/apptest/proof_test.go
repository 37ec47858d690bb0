package apptest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
	"mimeo/internal/proof"
)

// scrubbed is the output of Mimeo.ScrubVersion.
type scrubbed struct {
	Artifacts []struct {
		Role, Digest string
		Verified     bool
		VerifiedAt   float64
	}
}

func (a *side) scrub(version string) (out scrubbed) {
	a.t.Helper()
	if err := a.Mimeo(a.t.Context(), "ScrubVersion", map[string]string{"ProjectVersionArn": version}, &out); err != nil {
		a.t.Fatalf("ScrubVersion: %v", err)
	}
	return out
}

// verify is what "mimeo verify" does.
func verify(t *testing.T, dir, version string) *proof.Report {
	t.Helper()
	operator, err := app.OpenOperator(t.Context(), app.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	report, err := operator.Verify(t.Context(), version, "")
	if err != nil {
		t.Fatalf("verify %s: %v", version, err)
	}
	if err := operator.Close(); err != nil {
		t.Fatal(err)
	}
	return report
}

// blobFile is the file of a blob in a data directory.
func blobFile(t *testing.T, dir, digest string) (file string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, digest) {
			file = path
		}
		return err
	})
	if err != nil || file == "" {
		t.Fatalf("blob %s is in no file (%v)", digest, err)
	}
	return file
}

// flip changes the last byte of a file, and changes it back when called again.
func flip(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamageIsFoundNamedAndMended flips a bit of the weights on the disk.
func TestDamageIsFoundNamedAndMended(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	copied := b.copied("c1", "copies", a, source, b.newKey())
	for what, version := range map[string]string{"training": source, "copy": copied} {
		if r := verify(t, s.DataDir, version); !r.Sound() || !r.Unchanged() {
			t.Fatalf("a sound %s is found %+v", what, r.Findings)
		}
	}
	var file string
	for _, x := range a.scrub(source).Artifacts {
		if !x.Verified || x.VerifiedAt == 0 {
			t.Errorf("%s of a sound version is not verified", x.Role)
		}
		if x.Role == "weights" {
			file = blobFile(t, s.DataDir, x.Digest)
		}
	}
	wantCode(t, "another account's scrub", b.Mimeo(t.Context(), "ScrubVersion", map[string]string{"ProjectVersionArn": source}, &scrubbed{}), "AccessDeniedException")

	flip(t, file)
	if r := verify(t, s.DataDir, copied); r.Sound() || !wrong(r, "blob of weights") {
		t.Errorf("with damaged weights the copy is found %+v", r.Findings)
	}
	if _, err := a.Rekognition.StartProjectVersion(t.Context(), &rekognition.StartProjectVersionInput{ProjectVersionArn: &source, MinInferenceUnits: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	a.await("the start to fail", func() (bool, string) {
		v := a.version("v1")
		if v.Status == types.ProjectVersionStatusRunning {
			t.Fatal("damaged weights are running")
		}
		return v.Status == types.ProjectVersionStatusFailed && strings.Contains(aws.ToString(v.StatusMessage), "artifact weights"), string(v.Status)
	})
	_, err := b.copyInto("c2", "copies", a, source, "") // the start has marked the blob
	wantCode(t, "copying what is damaged", err, "InvalidParameterException")
	if err == nil || !strings.Contains(err.Error(), "artifact weights") {
		t.Errorf("the refusal is %v, which does not name the weights", err)
	}
	for _, x := range b.scrub(copied).Artifacts {
		if x.Verified != (x.Role != "weights") {
			t.Errorf("%s of the copy, which shares the blobs, is verified: %v", x.Role, x.Verified)
		}
	}

	flip(t, file) // restored
	b.scrub(copied)
	last := b.copied("c3", "copies", a, source, "")
	b.put("copies/ManifestSummary-production-c3.json", []byte("{}"))
	if r := verify(t, s.DataDir, last); !r.Sound() || r.Unchanged() {
		t.Errorf("a copy of which a result file was replaced is found %+v", r.Findings)
	}
	s.Stop()
	if r := verify(t, s.DataDir, copied); !r.Sound() || !r.Unchanged() {
		t.Errorf("without a server the copy is found %+v", r.Findings)
	}
}

func wrong(r *proof.Report, what string) bool {
	for _, f := range r.Findings {
		if f.Problem != "" && f.What == what {
			return true
		}
	}
	return false
}
