package copier_test

import (
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/bucket"
	"mimeo/internal/customlabels"
	"mimeo/internal/proof"
)

// stranger has nothing to do with the copies.
var stranger = arn.Caller{Principal: arn.Root("aws", "999999999999"), Region: "us-east-1"}

// TestAFileThatItsOwnerChangesIsNoDamage changes the files that a copy has in
// its bucket, as the bucket's owner may.
func TestAFileThatItsOwnerChangesIsNoDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	files := w.version(t, v).Files
	for role, at := range files {
		_, err := w.buckets.PutObject(t.Context(), trusted, bucket.PutRequest{
			Bucket: at.Bucket, NewObject: bucket.NewObject{Key: at.Key, Body: bucket.Body{Reader: strings.NewReader("other"), Size: 5}},
		})
		must(t, err)
		w.wantChanged(t, v, role, at.String()+" was changed since")
		_, err = w.buckets.DeleteObject(t.Context(), trusted, bucket.DeleteRequest{Bucket: at.Bucket, Key: at.Key})
		must(t, err)
		w.wantChanged(t, v, role, at.String()+" was removed since")
	}
	must(t, w.buckets.DeleteBucket(t.Context(), trusted, files[customlabels.CopyRecord].Bucket))
	w.wantChanged(t, v, customlabels.CopyRecord, "was removed since")
}

func (w *world) wantChanged(t *testing.T, v arn.ProjectVersion, role customlabels.Role, how string) {
	t.Helper()
	report, err := w.proof.Verify(t.Context(), v, nil)
	must(t, err)
	f := finding(report, "file "+string(role))
	if !report.Sound() || report.Unchanged() || !strings.Contains(f.Changed, how) {
		t.Errorf("%s: %+v of a version that is sound: %v; want %q", role, f, report.Sound(), how)
	}
}

// finding returns the last finding of a name.
func finding(r *proof.Report, what string) (last proof.Finding) {
	for _, f := range r.Findings {
		if f.What == what {
			last = f
		}
	}
	return last
}

// TestAFileThatCannotBeReadIsUnchecked: verify reads with the rights of the
// version's account, and no others.
func TestAFileThatCannotBeReadIsUnchecked(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]func(t *testing.T, w *world, v customlabels.ProjectVersion){
		"the bucket's policy denies it": func(t *testing.T, w *world, v customlabels.ProjectVersion) {
			t.Helper()
			must(t, w.buckets.PutBucketPolicy(t.Context(), trusted, v.OutputConfig.Bucket, `{"Version":"2012-10-17","Statement":[
				{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::`+v.OutputConfig.Bucket+`/*"}]}`))
		},
		"the bucket is another account's": func(t *testing.T, w *world, v customlabels.ProjectVersion) {
			t.Helper()
			for _, at := range v.Files {
				_, err := w.buckets.DeleteObject(t.Context(), trusted, bucket.DeleteRequest{Bucket: at.Bucket, Key: at.Key})
				must(t, err)
			}
			must(t, w.buckets.DeleteBucket(t.Context(), trusted, v.OutputConfig.Bucket))
			_, err := w.buckets.CreateBucket(t.Context(), stranger, bucket.NewBucket{Name: v.OutputConfig.Bucket})
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a := w.start(t, w.request("c1"))
			w.drain(t)
			v := w.version(t, a)
			forbid(t, w, v)
			report, err := w.proof.Verify(t.Context(), a, nil)
			must(t, err)
			for role := range v.Files {
				if f := finding(report, "file "+string(role)); !strings.Contains(f.Unchecked, "cannot be read: ") {
					t.Errorf("the file of %s: %+v, want it unchecked", role, f)
				}
			}
			if !report.Sound() || !report.Unchanged() {
				t.Errorf("what cannot be read is found %+v", report.Findings)
			}
		})
	}
}

// TestAFlippedBitOfAFileIsDamage: nobody may change the sealed bytes.
func TestAFlippedBitOfAFileIsDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	db := w.raw(t)
	for role, at := range w.version(t, v).Files {
		object := "(SELECT id FROM objects WHERE bucket = '" + at.Bucket + "' AND key = CAST('" + at.Key + "' AS BLOB))"
		look := func(int) { w.wantWrong(t, v, "flipped bit", "file "+string(role)) }
		w.flipEach(t, db, "parts", "sealed", "owner = "+object, 29, look)
		w.flipEach(t, db, "parts", "wrapped_key", "owner = "+object, 29, look)
		w.flipEach(t, db, "objects", "wrapped_key", "id = "+object, 29, look)
	}
	w.wantSound(t, v)
}
