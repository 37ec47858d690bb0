package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/objects"
	"mimeo/internal/registry"
)

const createdFromManifest = "The dataset was successfully created from the manifest file."

// labeled is a classification line.
func labeled(image string, labels ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"source-ref":"s3://images/%s"`, image)
	for i, l := range labels {
		fmt.Fprintf(&b, `,"l%d":0,"l%d-metadata":{"confidence":1,"class-name":%q,"type":"groundtruth/image-classification","human-annotated":"yes","creation-date":"2026-01-01T00:00:00"}`, i, i, l)
	}
	return b.String() + "}"
}

func lines(all ...string) string { return strings.Join(all, "\n") + "\n" }

// images is n lines of a label.
func images(n int, label string) string {
	var all []string
	for i := range n {
		all = append(all, labeled(fmt.Sprintf("%s/%d.jpg", label, i), label))
	}
	return lines(all...)
}

func TestCreateDatasetFromManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dataset(w.project("parts"), customlabels.Train, images(12, "nut")+images(3, "bolt")+`{"source-ref":"s3://images/new.jpg"}`)
	stats := w.check(d, customlabels.DatasetCreateComplete, createdFromManifest)
	if diff := cmp.Diff(customlabels.DatasetStats{TotalEntries: 16, LabeledEntries: 15, TotalLabels: 2}, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	got := w.entries(d, registry.EntryFilter{})
	if len(got) != 16 || got[15] != `{"source-ref":"s3://images/new.jpg","cl-metadata":{"is_labeled":false}}` || !strings.HasSuffix(got[0], `,"cl-metadata":{"is_labeled":true}}`) {
		t.Errorf("entries: %d, the first %s\nthe last %s", len(got), got[0], got[len(got)-1])
	}
	labels, _, err := w.ListDatasetLabels(t.Context(), w.mine, d, 0, "")
	if diff := cmp.Diff([]registry.LabelCount{{Name: "bolt", Entries: 3}, {Name: "nut", Entries: 12}}, labels); diff != "" || err != nil {
		t.Errorf("labels (-want +got), %v:\n%s", err, diff)
	}
	first, token, err := w.ListDatasetLabels(t.Context(), w.mine, d, 1, "")
	second, last, err2 := w.ListDatasetLabels(t.Context(), w.mine, d, 1, token)
	if err != nil || err2 != nil || len(first) != 1 || len(second) != 1 || second[0].Name != "nut" || last != "" {
		t.Errorf("labels page by page: %v %v %q, %v %v", first, second, last, err, err2)
	}
}

func TestEntryFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := `{"source-ref":"s3://images/bad.jpg","x":1,"x-metadata":{}}`
	d := w.dataset(w.project("parts"), customlabels.Train, lines(
		labeled("a%b.jpg", "nut"), labeled("A.jpg", "nut", "bolt"), labeled("c.jpg", "gear"), bad, `{"source-ref":"s3://images/d.jpg"}`))
	yes, no := true, false
	cases := map[string]struct {
		filter registry.EntryFilter
		want   []string
	}{
		"all":                {registry.EntryFilter{}, []string{"a%b", "A", "c", "bad", "d"}},
		"a label":            {registry.EntryFilter{Labels: []string{"nut"}}, []string{"a%b", "A"}},
		"any of two":         {registry.EntryFilter{Labels: []string{"bolt", "gear"}}, []string{"A", "c"}},
		"labeled":            {registry.EntryFilter{Labeled: &yes}, []string{"a%b", "A", "c"}},
		"not labeled":        {registry.EntryFilter{Labeled: &no}, []string{"bad", "d"}},
		"errors":             {registry.EntryFilter{HasErrors: true}, []string{"bad"}},
		"source-ref":         {registry.EntryFilter{SourceRefContains: "A.jp"}, []string{"A"}},
		"no wildcard":        {registry.EntryFilter{SourceRefContains: "a%"}, []string{"a%b"}},
		"label and no error": {registry.EntryFilter{Labels: []string{"nut"}, SourceRefContains: "images/A"}, []string{"A"}},
		"nothing":            {registry.EntryFilter{Labels: []string{"Nut"}}, nil},
	}
	for name, c := range cases {
		var got []string
		for _, line := range w.entries(d, c.filter) {
			_, rest, _ := strings.Cut(line, "s3://images/")
			image, _, _ := strings.Cut(rest, ".jpg")
			got = append(got, image)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	want := `{"source-ref":"s3://images/bad.jpg","x":1,"x-metadata":{"cl-errors":[{"code":"ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT","message":"The format of the label attribute metadata is invalid."}]},"cl-metadata":{"is_labeled":false},"cl-errors":[{"code":"ERROR_NO_VALID_LABEL_ATTRIBUTES","message":"No valid label attributes found."}]}`
	if got := w.entries(d, registry.EntryFilter{HasErrors: true}); len(got) != 1 || got[0] != want {
		t.Errorf("entry with errors:\n%s\nwant\n%s", got, want)
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var labels []string
	for i := range 251 {
		labels = append(labels, labeled(fmt.Sprintf("%d.jpg", i), fmt.Sprintf("label %d", i)))
	}
	cases := map[string]struct{ manifest, message string }{
		"empty":           {"", "The manifest file is empty."},
		"blank":           {"\n\n \n", "The manifest file is empty."},
		"not JSON":        {"a,b\n1,2\n", "The manifest file extension or contents are invalid. 2 of 2 lines were left out: 2 ERROR_INVALID_JSON_LINE (not a valid JSON object in UTF-8)."},
		"UTF-16":          {"\xff\xfe{\x00}\x00", "The manifest file extension or contents are invalid. 1 of 1 lines were left out: 1 ERROR_INVALID_JSON_LINE (not a valid JSON object in UTF-8)."},
		"several buckets": {images(3, "a") + strings.ReplaceAll(labeled("x.jpg", "a"), "s3://images", "s3://others"), "The manifest file contains images from multiple S3 buckets."},
		"too many labels": {lines(labels...), "The manifest file has too many labels."},
		"too many errors": {images(3, "a") + "{\n", "The manifest file has too many terminal errors. 1 of 4 lines were left out: 1 ERROR_INVALID_JSON_LINE (not a valid JSON object in UTF-8)."},
	}
	for name, c := range cases {
		d := w.dataset(w.project(strings.ReplaceAll(name, " ", "-")), customlabels.Train, c.manifest)
		if stats := w.check(d, customlabels.DatasetCreateFailed, c.message); stats != (customlabels.DatasetStats{}) {
			t.Errorf("%s: stats are %+v", name, stats)
		}
		if got := w.entries(d, registry.EntryFilter{}); len(got) != 0 {
			t.Errorf("%s: left %d entries behind", name, len(got))
		}
	}
}

func TestLinesThatAreLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dataset(w.project("parts"), customlabels.Train, images(40, "a")+lines(
		`{"source-ref":"s3://images/cut`,
		"\xff\xfe",
		`{"x":1}`,
		`{"source-ref":"https://images/a"}`,
		labeled("a/3.jpg", "again"),
		"",
		`{"source-ref":"s3://images/`+strings.Repeat("a", 100_000)+`"}`,
	)+labeled("last.jpg", "b"))
	want := createdFromManifest + " 7 of 48 lines were left out: 1 BLANK_LINE (blank), 2 ERROR_INVALID_JSON_LINE (not a valid JSON object in UTF-8), " +
		"1 ERROR_INVALID_SOURCE_REF_FORMAT (source-ref is not s3://BUCKET/KEY), 1 ERROR_MISSING_SOURCE_REF (no source-ref), " +
		"1 LINE_TOO_LONG (longer than 100000 characters), 1 REPEATED_SOURCE_REF (source-ref repeated)."
	if stats := w.check(d, customlabels.DatasetCreateComplete, want); stats.TotalEntries != 41 || stats.ErrorEntries != 0 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestCreateDatasetRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	source := w.dataset(p, customlabels.Train, images(2, "a"))
	foreignDataset, gone := source, source
	foreignDataset.Account, gone.Stamp = foreign, "1"
	missing, elsewhere, foreignProject := p, p, p
	missing.Stamp, elsewhere.Region, foreignProject.Account = "1", "eu-west-1", foreign
	manifestAt := func(bucket, key string) *registry.DatasetSource {
		return &registry.DatasetSource{Manifest: &objects.Ref{Bucket: bucket, Key: key}}
	}
	cases := map[string]struct {
		project arn.Project
		kind    customlabels.DatasetType
		source  *registry.DatasetSource
		want    error
	}{
		"second of its type": {p, customlabels.Train, nil, customlabels.ResourceAlreadyExists},
		"no project":         {missing, customlabels.Test, nil, customlabels.ResourceNotFound},
		"other region":       {elsewhere, customlabels.Test, nil, customlabels.InvalidParameter},
		"foreign project":    {foreignProject, customlabels.Test, nil, customlabels.AccessDenied},
		"empty source":       {p, customlabels.Test, &registry.DatasetSource{}, customlabels.InvalidParameter},
		"both sources":       {p, customlabels.Test, &registry.DatasetSource{Manifest: &objects.Ref{Bucket: "mine", Key: "TRAIN-parts.manifest"}, Dataset: &source}, customlabels.InvalidParameter},
		"no bucket":          {p, customlabels.Test, manifestAt("", "a"), customlabels.InvalidS3Object},
		"missing bucket":     {p, customlabels.Test, manifestAt("other", "a.manifest"), customlabels.InvalidS3Object},
		"missing object":     {p, customlabels.Test, manifestAt("mine", "a.manifest"), customlabels.InvalidS3Object},
		"foreign dataset":    {p, customlabels.Test, &registry.DatasetSource{Dataset: &foreignDataset}, customlabels.AccessDenied},
		"missing dataset":    {p, customlabels.Test, &registry.DatasetSource{Dataset: &gone}, customlabels.ResourceNotFound},
	}
	for name, c := range cases {
		if _, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: c.project, Type: c.kind, Source: c.source}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	ann := user("ann")
	w.allow(ann, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"rekognition:CreateDataset","Resource":"*"}}`)
	if _, err := w.CreateDataset(t.Context(), ann, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test, Source: &registry.DatasetSource{Dataset: &source}}); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("a copy without ListDatasetEntries on the source: %v, want AccessDenied", err)
	}
	w.bucket.objects["noextension"] = images(2, "a")
	d, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test, Source: manifestAt("mine", "noextension")})
	if err != nil {
		t.Fatal(err)
	}
	w.work()
	w.check(d, customlabels.DatasetCreateFailed, "The manifest file extension or contents are invalid.")
}

// TestManifestThatIsGone: what happens to a manifest between the request and
// its job.
func TestManifestThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, message := range map[string]string{
		"gone":   "The manifest file extension or contents are invalid.",
		"denied": "The S3 bucket permissions are incorrect.",
	} {
		w.bucket.objects[name+".manifest"] = images(2, "nut")
		d, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: w.project(name), Type: customlabels.Train, Source: &registry.DatasetSource{Manifest: &objects.Ref{Bucket: "mine", Key: name + ".manifest"}}})
		w.must(err)
		delete(w.bucket.objects, name+".manifest")
		if name == "denied" {
			w.bucket.objects[name+".manifest"] = "denied"
		}
		w.work()
		w.check(d, customlabels.DatasetCreateFailed, message)
	}
}

func TestCreateDatasetFromDataset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := w.dataset(w.project("parts"), customlabels.Train, images(30, "nut"))
	d, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: w.project("other"), Type: customlabels.Test, Source: &registry.DatasetSource{Dataset: &source}, Tags: customlabels.Tags{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.ListDatasetEntries(t.Context(), w.mine, registry.ListDatasetEntriesRequest{Dataset: d}); !errors.Is(err, customlabels.ResourceNotReady) {
		t.Errorf("listed while it is created: %v, want ResourceNotReady", err)
	}
	if err := w.DeleteDataset(t.Context(), w.mine, d); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("deleted while it is created: %v, want ResourceInUse", err)
	}
	w.work()
	w.check(d, customlabels.DatasetCreateComplete, "The dataset was successfully created from the source dataset.")
	if diff := cmp.Diff(w.entries(source, registry.EntryFilter{}), w.entries(d, registry.EntryFilter{})); diff != "" {
		t.Errorf("entries differ from the source's:\n%s", diff)
	}
}

func TestDamagedManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket.broken = true
	d := w.dataset(w.project("parts"), customlabels.Train, images(3000, "nut"))
	w.check(d, customlabels.DatasetCreateFailed, "Amazon Rekognition experienced a service issue. Try the operation again later.")
	if got := w.entries(d, registry.EntryFilter{}); len(got) != 0 {
		t.Errorf("left %d entries behind", len(got))
	}
}

func TestUpdateDatasetEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.dataset(w.project("parts"), customlabels.Train, images(3, "nut"))
	update := func(text string) {
		t.Helper()
		if err := w.UpdateDatasetEntries(t.Context(), w.mine, d, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.UpdateDatasetEntries(t.Context(), w.mine, d, []byte(text)); !errors.Is(err, customlabels.ResourceInUse) {
			t.Errorf("a second update meanwhile: %v, want ResourceInUse", err)
		}
		w.work()
	}
	// What was listed may be fed back in.
	listed := w.entries(d, registry.EntryFilter{})
	update(lines(listed[2], labeled("nut/1.jpg", "bolt"), labeled("new.jpg", "gear")))
	stats := w.check(d, customlabels.DatasetUpdateComplete, "The dataset was successfully updated.")
	if diff := cmp.Diff(customlabels.DatasetStats{TotalEntries: 4, LabeledEntries: 4, TotalLabels: 3}, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	before := w.entries(d, registry.EntryFilter{})
	if !strings.Contains(before[1], `"bolt"`) || before[2] != listed[2] || !strings.Contains(before[3], "new.jpg") {
		t.Errorf("after the update:\n%s", strings.Join(before, "\n"))
	}

	update(lines(labeled("new.jpg", "gear"), labeled("nut/0.jpg", "nut"), labeled("nut/1.jpg", "bolt"), labeled("nut/2.jpg", "nut"), labeled("nut/2.jpg", "nut")))
	w.check(d, customlabels.DatasetUpdateComplete, "The dataset was successfully updated. 1 of 5 lines were left out: 1 REPEATED_SOURCE_REF (source-ref repeated).")
	update(strings.ReplaceAll(labeled("x.jpg", "a"), "s3://images", "s3://others"))
	w.check(d, customlabels.DatasetUpdateFailed, "The manifest file contains images from multiple S3 buckets.")
	var many []string
	for i := range 248 {
		many = append(many, labeled(fmt.Sprintf("m%d.jpg", i), fmt.Sprintf("label %d", i)))
	}
	update(lines(many...))
	w.check(d, customlabels.DatasetUpdateFailed, "The manifest file has too many labels.")
	update("nonsense")
	if diff := cmp.Diff(before, w.entries(d, registry.EntryFilter{})); diff != "" {
		t.Errorf("failed updates changed entries:\n%s", diff)
	}
	gone := d
	gone.Stamp = "1"
	if err := w.UpdateDatasetEntries(t.Context(), w.mine, gone, nil); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("no dataset: %v, want ResourceNotFound", err)
	}
}

func TestDistributeDatasetEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	train := w.dataset(p, customlabels.Train, images(20, "nut")+images(10, "bolt")+images(2, "gear"))
	test, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test})
	if err != nil {
		t.Fatal(err)
	}
	other := w.dataset(w.project("other"), customlabels.Test, images(2, "nut"))
	for name, pair := range map[string][]arn.Dataset{
		"one":              {train},
		"twice the same":   {train, train},
		"another project":  {train, other},
		"not empty either": {other, train},
	} {
		if err := w.DistributeDatasetEntries(t.Context(), w.mine, pair); !errors.Is(err, customlabels.InvalidParameter) {
			t.Errorf("%s: %v, want InvalidParameter", name, err)
		}
	}
	all := w.entries(train, registry.EntryFilter{})
	if err := w.DistributeDatasetEntries(t.Context(), w.mine, []arn.Dataset{test, train}); err != nil {
		t.Fatal(err)
	}
	if err := w.DistributeDatasetEntries(t.Context(), w.mine, []arn.Dataset{test, train}); !errors.Is(err, customlabels.ResourceNotReady) {
		t.Errorf("a second distribution meanwhile: %v, want ResourceNotReady", err)
	}
	w.work()
	const message = "The dataset was successfully distributed."
	left, moved := w.check(train, customlabels.DatasetUpdateComplete, message), w.check(test, customlabels.DatasetUpdateComplete, message)
	if left.TotalEntries != 25 || moved.TotalEntries != 7 || moved.TotalLabels != 3 || left.TotalLabels != 3 {
		t.Errorf("train has %+v, test has %+v", left, moved)
	}
	got := append(w.entries(train, registry.EntryFilter{}), w.entries(test, registry.EntryFilter{})...)
	slices.Sort(got)
	slices.Sort(all)
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("entries of both, before and after:\n%s", diff)
	}

	few := w.project("few")
	train = w.dataset(few, customlabels.Train, images(5, "nut")+images(1, "bolt"))
	if test, err = w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: few, Type: customlabels.Test}); err != nil {
		t.Fatal(err)
	}
	if err := w.DistributeDatasetEntries(t.Context(), w.mine, []arn.Dataset{train, test}); err != nil {
		t.Fatal(err)
	}
	w.work()
	const insufficient = "The manifest file doesn't have enough labeled images to distribute the dataset."
	w.check(test, customlabels.DatasetUpdateFailed, insufficient)
	w.check(train, customlabels.DatasetUpdateFailed, insufficient)
}

func TestDeletions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	train := w.dataset(p, customlabels.Train, images(2500, "nut"))
	if err := w.DeleteDataset(t.Context(), w.mine, train); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteProject(t.Context(), w.mine, p); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("project with a dataset on its way out: %v, want ResourceInUse", err)
	}
	w.work()
	if _, err := w.DescribeDataset(t.Context(), w.mine, train); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("after the deletion: %v, want ResourceNotFound", err)
	}
	test := w.dataset(p, customlabels.Test, images(2500, "bolt"))
	if err := w.TagResource(t.Context(), w.mine, registry.Resource{Namespace: test.Namespace, ARN: test}, customlabels.Tags{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	if status, err := w.DeleteProject(t.Context(), w.mine, p); err != nil || status != customlabels.ProjectDeleting {
		t.Fatalf("DeleteProject = %v, %v", status, err)
	}
	if _, err := w.DeleteProject(t.Context(), w.mine, p); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("again: %v, want ResourceInUse", err)
	}
	if _, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Train}); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("a dataset in it: %v, want ResourceNotFound", err)
	}
	w.work()
	if all, _, err := w.DescribeProjects(t.Context(), w.mine, registry.DescribeProjectsRequest{}); err != nil || len(all) != 0 {
		t.Errorf("projects after all: %v, %v", all, err)
	}
	if _, err := w.DeleteProject(t.Context(), w.mine, p); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("a project that is gone: %v, want ResourceNotFound", err)
	}
	w.project("parts") // the name is free
}
