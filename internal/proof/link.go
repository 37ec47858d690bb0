package proof

import (
	"context"
	"slices"

	"mimeo/internal/arn"
	"mimeo/internal/digest"
	"mimeo/internal/record"
)

// What can be told of records alone, on a server and without.

// verified parses a record and checks its signature; it returns nil where that
// is not as it should be.
func (r *Report) verified(ctx context.Context, what string, raw []byte, trusted []record.PublicKey) *record.Record {
	signed, err := record.Parse(raw)
	if err == nil {
		err = signed.Verify(ctx, trusted)
	}
	if err != nil {
		r.bad(what, "%v", err)
		return nil
	}
	r.good(what + " " + signed.Digest.String() + ", signed with " + signed.KeyID())
	return signed
}

// recordOf names the record of the version that was copied.
func recordOf(source arn.ProjectVersion) string {
	return "copy record of the source " + source.String()
}

// link checks the record of a source against that of its copy.
func (r *Report) link(source, copied *record.Record) {
	from, at := copied.Source, source.Destination
	what := recordOf(from.Version)
	check(r, "digest of the "+what, source.Digest, from.Record)
	check(r, "destination of the "+what, at.Version, from.Version)
	check(r, "project named by the "+what, at.Project, from.Project)
	if (from.Key == arn.Key{}) {
		check(r, "digest of the key named by the "+what, digest.Of([]byte(at.Key.String())), from.KeyDigest)
	} else {
		check(r, "key named by the "+what, at.Key, from.Key)
	}
	check(r, "provenance named by the "+what, source.Provenance, copied.Provenance)
	if !slices.Equal(plain(source), plain(copied)) {
		r.bad("plain bytes named by the "+what, "its copy has other ones")
		return
	}
	r.good("plain bytes named by the " + what)
}

// plain are the artifacts of a copy as every copy of it has them.
func plain(r *record.Record) (all []record.Artifact) {
	for _, a := range r.Artifacts {
		all = append(all, record.Artifact{Role: a.Role, Plain: a.Plain})
	}
	return all
}
