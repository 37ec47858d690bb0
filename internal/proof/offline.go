package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/record"
)

// VerifyFiles verifies copy records that lie in files, without any server: the
// signatures by the keys that are trusted, the result files that lie beside
// each record, and the chain from record to record as far as they are given.
func VerifyFiles(ctx context.Context, names []string, trusted []record.PublicKey) (*Report, error) {
	r := &Report{}
	var all []*record.Record
	for _, name := range names {
		raw, err := readRecord(name)
		if err != nil {
			return nil, err
		}
		signed := r.verified(ctx, name+": copy record", raw, trusted)
		if signed == nil {
			continue
		}
		r.good(fmt.Sprintf("%s is a copy (%s) of %s, completed %s", signed.Destination.Version, signed.Mode, signed.Source.Version, moment(signed.CompletedAt)))
		if err := r.beside(filepath.Dir(name), signed); err != nil {
			return nil, err
		}
		all = append(all, signed)
	}
	for _, signed := range all {
		r.source(signed, all)
	}
	return r, nil
}

// readRecord reads no more than a record can have. Editors end a file with a
// new line, which is no part of it.
func readRecord(name string) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the copy record: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(f, record.MaxSize+2))
	return bytes.TrimSuffix(raw, []byte("\n")), err
}

// beside compares the result files in the folder of a record with it.
func (r *Report) beside(folder string, signed *record.Record) error {
	for _, a := range signed.Artifacts {
		if !a.Role.IsResult() {
			r.unchecked(fmt.Sprintf("%s of %s", a.Role, signed.Destination.Version), "no file of it leaves the server; its digest is "+a.Plain.String())
			continue
		}
		name := customlabels.ResultFile(a.Role, signed.Destination.Version)
		what := filepath.Join(folder, name)
		got, err := digestOf(os.DirFS(folder), name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.unchecked(what, "there is no such file; its digest is "+a.Plain.String())
		case err != nil:
			return fmt.Errorf("read the result file: %w", err)
		default:
			check(r, what, got, a.Plain)
		}
	}
	return nil
}

func digestOf(folder fs.FS, name string) (_ digest.Digest, err error) {
	f, err := folder.Open(name)
	if err != nil {
		return digest.Digest{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	hashed := digest.NewWriter(io.Discard)
	_, err = io.Copy(hashed, f)
	return hashed.Digest(), err
}

// source checks a record against that of the version that was copied, where it
// is among those that are given.
func (r *Report) source(copied *record.Record, all []*record.Record) {
	from := copied.Source
	if (from.Record == digest.Digest{}) {
		r.good(fmt.Sprintf("%s was copied from %s, which was trained", copied.Destination.Version, from.Version))
		return
	}
	at := slices.IndexFunc(all, func(s *record.Record) bool { return s.Digest == from.Record })
	if at < 0 { // another record of that version is not the one that is meant
		at = slices.IndexFunc(all, func(s *record.Record) bool { return s.Destination.Version == from.Version })
	}
	if at < 0 {
		r.unchecked(recordOf(from.Version), "it is not among the files; its digest is "+from.Record.String())
		return
	}
	r.link(all[at], copied)
}
