package proof_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/proof"
	"mimeo/internal/record"
)

const summary = `{"Version":1}`

// A folder has two records, of a copy and of its copy, and the summary of
// each beside it.
type folder struct {
	t    *testing.T
	dir  string
	key  record.PrivateKey
	one  record.Copy
	two  record.Copy
	also []string // more records to verify
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	key, err := record.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	here := arn.Namespace{Partition: "aws", Region: "us-east-1", Account: "555555555555"}
	from := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "us-east-1", Account: "111122223333"}, Name: "parts", Stamp: "1"}
	into := arn.Project{Namespace: here, Name: "copies", Stamp: "2"}
	sealing := arn.Key{Namespace: here, ID: "k"}
	f := &folder{t: t, dir: t.TempDir(), key: key}
	f.one = record.Copy{
		Source:      record.Source{Version: from.Version("v1", "3"), Project: from, KeyDigest: digest.Of([]byte("key"))},
		Destination: record.Destination{Version: into.Version("c1", "4"), Project: into, Key: sealing},
		Mode:        record.Share,
		Artifacts: []record.Artifact{
			{Role: customlabels.EvaluationSummary, Plain: digest.Of([]byte(summary))},
			{Role: customlabels.ManifestSummary, Plain: digest.Of([]byte("{}"))},
			{Role: customlabels.Weights, Plain: digest.Of([]byte("weights"))},
		},
		CompletedAt: time.UnixMilli(1_700_000_000_000),
	}
	f.two = f.one
	f.two.Source = record.Source{Version: f.one.Destination.Version, Project: into, Key: sealing}
	f.two.Destination.Version = into.Version("c2", "5")
	return f
}

func (f *folder) file(c record.Copy, role customlabels.Role) string {
	return filepath.Join(f.dir, customlabels.ResultFile(role, c.Destination.Version))
}

func (f *folder) write(name string, content []byte) {
	f.t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// sign writes the record of a copy and returns its digest.
func (f *folder) sign(c record.Copy, key record.PrivateKey) digest.Digest {
	f.t.Helper()
	raw, err := record.Sign(f.t.Context(), c, key)
	if err != nil {
		f.t.Fatal(err)
	}
	f.write(f.file(c, customlabels.CopyRecord), raw)
	return digest.Of(raw)
}

// fill writes what a folder has; each record names the one before.
func (f *folder) fill() {
	f.t.Helper()
	f.two.Source.Record = f.sign(f.one, f.key)
	f.sign(f.two, f.key)
	for _, c := range []record.Copy{f.one, f.two} {
		f.write(f.file(c, customlabels.EvaluationSummary), []byte(summary))
	}
}

func (f *folder) verify() *proof.Report {
	f.t.Helper()
	records := append([]string{f.file(f.two, customlabels.CopyRecord)}, f.also...)
	report, err := proof.VerifyFiles(f.t.Context(), records, []record.PublicKey{f.key.Public()})
	if err != nil {
		f.t.Fatal(err)
	}
	return report
}

// TestFilesAreVerifiedWithWhatIsThere: what is not there is said to be
// unchecked, and is no damage.
func TestFilesAreVerifiedWithWhatIsThere(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.fill()
	alone := f.verify()
	f.also = []string{f.file(f.one, customlabels.CopyRecord)}
	both := f.verify()
	const source = "copy record of the source arn:aws:rekognition:us-east-1:555555555555:project/copies/version/c1/4"
	for name, c := range map[string]struct {
		report    *proof.Report
		unchecked []string
	}{
		"one record":   {alone, []string{f.file(f.two, customlabels.ManifestSummary), "weights of " + f.two.Destination.Version.String(), source}},
		"both records": {both, []string{f.file(f.two, customlabels.ManifestSummary), f.file(f.one, customlabels.ManifestSummary), "weights of " + f.one.Destination.Version.String()}},
	} {
		if !c.report.Sound() {
			t.Errorf("%s: %+v", name, c.report.Findings)
		}
		for _, what := range c.unchecked {
			if found := named(c.report, what); found.Unchecked == "" {
				t.Errorf("%s: %s is found %+v, want it unchecked", name, what, found)
			}
		}
		if found := named(c.report, f.file(f.two, customlabels.EvaluationSummary)); found.What == "" || found.Unchecked != "" {
			t.Errorf("%s: the summary is found %+v", name, found)
		}
	}
	if found := named(both, "digest of the "+source); found.What == "" {
		t.Errorf("the chain between the records was not followed: %+v", both.Findings)
	}
}

func named(r *proof.Report, what string) proof.Finding {
	for _, f := range r.Findings {
		if strings.HasPrefix(f.What, what) {
			return f
		}
	}
	return proof.Finding{}
}

// TestWhatDiffersInFilesIsNamed changes one thing at a time.
func TestWhatDiffersInFilesIsNamed(t *testing.T) {
	t.Parallel()
	const source = "copy record of the source arn:aws:rekognition:us-east-1:555555555555:project/copies/version/c1/4"
	other := digest.Of([]byte("other"))
	for name, c := range map[string]struct {
		change func(f *folder) // before the folder is filled
		spoil  func(f *folder) // and after
		named  func(f *folder) string
	}{
		"a bit of a result file": {
			spoil: func(f *folder) { f.flip(f.file(f.two, customlabels.EvaluationSummary)) },
			named: func(f *folder) string { return f.file(f.two, customlabels.EvaluationSummary) },
		},
		"a bit of a result file of the source": {
			spoil: func(f *folder) { f.flip(f.file(f.one, customlabels.EvaluationSummary)) },
			named: func(f *folder) string { return f.file(f.one, customlabels.EvaluationSummary) },
		},
		"a bit of the record": {
			spoil: func(f *folder) { f.flip(f.file(f.two, customlabels.CopyRecord)) },
			named: func(f *folder) string { return f.file(f.two, customlabels.CopyRecord) + ": copy record" },
		},
		"another record of the source": {
			spoil: func(f *folder) { f.one.Mode = "RESEAL"; f.sign(f.one, f.key) },
			named: func(*folder) string { return "digest of the " + source },
		},
		"another signer": {
			spoil: func(f *folder) { f.sign(f.one, newFolder(f.t).key) },
			named: func(f *folder) string { return f.file(f.one, customlabels.CopyRecord) + ": copy record" },
		},
		"the source's key": {
			change: func(f *folder) { f.two.Source.Key.ID = "another" },
			named:  func(*folder) string { return "key named by the " + source },
		},
		"the digest of the source's key": {
			change: func(f *folder) { f.two.Source.Key, f.two.Source.KeyDigest = arn.Key{}, other },
			named:  func(*folder) string { return "digest of the key named by the " + source },
		},
		"the source's project": {
			change: func(f *folder) { f.two.Source.Project.Stamp = "9" },
			named:  func(*folder) string { return "project named by the " + source },
		},
		"the provenance": {
			change: func(f *folder) { f.two.Provenance.F1Score = 1 },
			named:  func(*folder) string { return "provenance named by the " + source },
		},
		"the plain bytes": {
			change: func(f *folder) {
				f.two.Artifacts = append([]record.Artifact{}, f.two.Artifacts...)
				f.two.Artifacts[2].Plain = other
			},
			named: func(*folder) string { return "plain bytes named by the " + source },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			f.also = []string{f.file(f.one, customlabels.CopyRecord)}
			if c.change != nil {
				c.change(f)
			}
			f.fill()
			if c.spoil != nil {
				c.spoil(f)
			}
			report := f.verify()
			if found := named(report, c.named(f)); found.Problem == "" || report.Sound() {
				t.Errorf("%s is found %+v: %+v", c.named(f), found, report.Findings)
			}
		})
	}
}

// flip flips a bit in the middle of a file.
func (f *folder) flip(name string) {
	f.t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		f.t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	f.write(name, content)
}
