package blobtest

import (
	"bytes"
	"errors"
	"testing"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
)

// stage writes b behind what is kept, and closes.
func stage(t *testing.T, s blob.Store, name digest.Digest, keep int64, b []byte) digest.Digest {
	t.Helper()
	w, err := s.Stage(t.Context(), name, keep)
	if err != nil {
		t.Fatalf("Stage(%d): %v", keep, err)
	}
	if n, err := w.Write(b); err != nil || n != len(b) {
		t.Fatalf("Write = %d, %v", n, err)
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if w.Size() != keep+int64(len(b)) {
		t.Errorf("Size = %d, want %d", w.Size(), keep+int64(len(b)))
	}
	return w.Digest()
}

func stageResumes(t *testing.T, s blob.Store) {
	want, name := sample(1, 300_000), digest.Of([]byte("name"))
	stage(t, s, name, 0, sample(2, 7)) // of a run that is begun anew
	stage(t, s, name, 0, append(bytes.Clone(want[:200_000]), sample(3, 999)...))
	d := stage(t, s, name, 200_000, want[200_000:])
	if d != digest.Of(want) {
		t.Errorf("the staged bytes have the digest %s, want %s", d, digest.Of(want))
	}
	if err := s.Publish(t.Context(), name, d); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, d); !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back as %d others", len(want), len(got))
	}
}

func stageKeepsNoMore(t *testing.T, s blob.Store) {
	name := digest.Of([]byte("name"))
	if _, err := s.Stage(t.Context(), name, 1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Stage of nothing, keeping a byte: %v", err)
	}
	stage(t, s, name, 0, sample(1, 10))
	if _, err := s.Stage(t.Context(), name, 11); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Stage of 10 bytes, keeping 11: %v", err)
	}
}

func publishTwice(t *testing.T, s blob.Store) {
	name := digest.Of([]byte("name"))
	d := stage(t, s, name, 0, sample(1, 10))
	empty(t, s)
	for range 2 {
		if err := s.Publish(t.Context(), name, d); err != nil {
			t.Errorf("Publish: %v", err)
		}
	}
	if got := list(t, s); len(got) != 1 || got[d].Size != 10 {
		t.Errorf("the store holds %v", got)
	}
	if err := s.Publish(t.Context(), digest.Of([]byte("other")), digest.Of([]byte("none"))); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Publish of nothing: %v", err)
	}
}

func stagedIsListed(t *testing.T, s blob.Store) {
	kept, gone := digest.Of([]byte("kept")), digest.Of([]byte("gone"))
	stage(t, s, kept, 0, sample(1, 10))
	stage(t, s, gone, 0, sample(1, 20))
	for range 2 {
		if err := s.Discard(t.Context(), gone); err != nil {
			t.Errorf("Discard: %v", err)
		}
	}
	var names []digest.Digest
	for info, err := range s.Staged(t.Context()) {
		if err != nil || info.Size != 10 || info.StoredAt.IsZero() {
			t.Errorf("Staged yields %+v, %v", info, err)
		}
		names = append(names, info.Digest)
	}
	if len(names) != 1 || names[0] != kept {
		t.Errorf("Staged yields %v, want %s", names, kept)
	}
	empty(t, s)
}
