package s3api_test

import (
	"errors"
	"strings"
	"testing"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/s3api"
)

func TestCopySources(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bucket.Source{
		"bkt/k":                   {Bucket: "bkt", Key: "k"},
		"/bkt/k":                  {Bucket: "bkt", Key: "k"},
		"bkt//k/":                 {Bucket: "bkt", Key: "/k/"},
		"bkt/a+b%20c%2B%C3%BC":    {Bucket: "bkt", Key: "a+b c+ü"},
		"bkt/%2520":               {Bucket: "bkt", Key: "%20"},
		"bkt/a%3Fb?versionId=nu":  {Bucket: "bkt", Key: "a?b", Version: "nu"},
		"bkt/..":                  {Bucket: "bkt", Key: ".."},
		"bkt/a b&c=d":             {Bucket: "bkt", Key: "a b&c=d"},
		"bkt":                     {},
		"bkt/":                    {},
		"/":                       {},
		"":                        {},
		"bkt/k?acl":               {},
		"bkt/%":                   {},
		"arn:aws:s3:::bkt/k":      {},
		"bkt/k?versionId=a&acl=1": {Bucket: "bkt", Key: "k", Version: "a&acl=1"},
	} {
		got, err := s3api.ParseCopySource(text)
		if got != want || (err == nil) != (want != bucket.Source{}) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

// documents are what the parsers must refuse, whatever their root.
var documents = []string{
	"", " ", "x", "<", "<Delete>", "<Delete/>", "</Delete>", "<Delete/><Delete/>", "<Other/>", "<Delete>&x;</Delete>",
	`<!DOCTYPE Delete><Delete><Object><Key>k</Key></Object></Delete>`,
	`<!DOCTYPE d [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>`,
	`<Delete><Object><Key>k</Key><Key>l</Key></Object></Delete>`,
	`<Delete><Object><Key></Key></Object></Delete>`,
	`<Delete><Object><Key>k</Key><More/></Object></Delete>`,
	`<Delete><Object><Key>k</Key></Object><More/></Delete>`,
	`<Delete xmlns="urn:other"><Object><Key>k</Key></Object></Delete>`,
	`<Delete><Object><Key><b>k</b></Key></Object></Delete>`,
	`<Delete><Object><Key>k</Key></Object></Delete>trailing`,
	`<?xml version="1.0" encoding="UTF-16"?><Delete><Object><Key>k</Key></Object></Delete>`,
	strings.Repeat("<Delete>", 100) + strings.Repeat("</Delete>", 100),
	"<CompleteMultipartUpload/>",
	"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
	"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
	"<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
	"<CompleteMultipartUpload><Part><PartNumber>10001</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
	"<CompleteMultipartUpload><Part><ETag>e</ETag></Part></CompleteMultipartUpload>",
	"<CompleteMultipartUpload><Port><PartNumber>1</PartNumber><ETag>e</ETag></Port></CompleteMultipartUpload>",
	"<CompleteMultipartUpload>" + strings.Repeat("<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>", 10001) + "</CompleteMultipartUpload>",
	"<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>",
}

// isMalformed reports whether an error is one that a sender may see.
func isMalformed(err error) bool {
	var refused *fault.Error
	return errors.As(err, &refused) && (refused.Code == "MalformedXML" || refused.Code == "NotImplemented")
}

func TestMalformedDocuments(t *testing.T) {
	t.Parallel()
	for _, text := range documents {
		if n, err := s3api.ParseDelete([]byte(text)); !isMalformed(err) {
			t.Errorf("delete %.100q: %d objects, %v", text, n, err)
		}
		if parts, err := s3api.ParseComplete([]byte(text)); !isMalformed(err) {
			t.Errorf("complete %.100q: %d parts, %v", text, len(parts), err)
		}
		if place, err := s3api.ParseLocation([]byte(text)); !isMalformed(err) {
			t.Errorf("location %.100q: %q, %v", text, place, err)
		}
		if v, err := s3api.ParseVersioning([]byte(text)); !isMalformed(err) {
			t.Errorf("versioning %.100q: %q, %v", text, v, err)
		}
	}
}

// FuzzXML looks that the parsers end, refuse in the form of S3, and keep their
// bounds.
func FuzzXML(f *testing.F) {
	for _, text := range append(documents, oneDelete, onePart, location("eu-west-1"), versioningOf("Enabled", "")) {
		if len(text) < 2000 {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := s3api.ParseDelete(text); err == nil && (n < 1 || n > 1000) || err != nil && !isMalformed(err) {
			t.Errorf("delete: %d objects, %v", n, err)
		}
		parts, err := s3api.ParseComplete(text)
		if err == nil && (len(parts) < 1 || len(parts) > 10_000) || err != nil && !isMalformed(err) {
			t.Errorf("complete: %d parts, %v", len(parts), err)
		}
		for _, p := range parts {
			if p.Number < 1 || p.Number > 10_000 || p.ETag == "" {
				t.Errorf("complete: part %+v", p)
			}
		}
		if _, err := s3api.ParseLocation(text); err != nil && !isMalformed(err) {
			t.Errorf("location: %v", err)
		}
		if v, err := s3api.ParseVersioning(text); err == nil && v != bucket.Enabled && v != bucket.Suspended || err != nil && !isMalformed(err) {
			t.Errorf("versioning: %q, %v", v, err)
		}
	})
}

// FuzzCopySource looks that what is accepted names a bucket and a key.
func FuzzCopySource(f *testing.F) {
	for _, text := range []string{"bkt/k", "/bkt/k?versionId=x", "bkt/%20", "%", "//", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		src, err := s3api.ParseCopySource(text)
		if err == nil && (src.Bucket == "" || src.Key == "" || strings.Contains(src.Bucket, "/")) {
			t.Errorf("%q: %+v", text, src)
		}
	})
}
