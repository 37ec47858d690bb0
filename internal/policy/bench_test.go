package policy_test

import (
	"strings"
	"testing"

	"mimeo/internal/policy"
)

// BenchmarkParse parses a project policy of several statements.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.ParseProjectPolicy(good); err != nil {
			b.Fatal(err)
		}
	}
}

// A hard question is one about a long text, to a document that is as long as
// it may be.
type hard struct {
	name           string
	size           int // of the document
	action, before string
	text           int    // how long what follows in the resource is, or the value of the key
	key            string // a condition key, where it has the long text
}

var hardest = []hard{
	{"project policy", 2000, "rekognition:CopyProjectVersion", "arn:aws:rekognition:us-east-1:111122223333:project/", 512, ""},
	{"managed policy", 6144, "s3:GetObject", "arn:aws:s3:::bucket/", 1024, ""},
	{"bucket policy", 20 << 10, "s3:GetObject", "arn:aws:s3:::bucket/", 1024, ""},
	{"key policy with an encryption context", 32 << 10, "kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k", 8 << 10, "kms:encryptioncontext:a"},
}

// document has a pattern as often as there is room.
func (h hard) document(pattern string) string {
	element := func(patterns string) string {
		if h.key == "" {
			return statement(`"Effect":"Allow","Action":"*","Resource":[` + patterns + `]`)
		}
		return statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"` + h.key + `":[` + patterns + `]}}`)
	}
	if h.key == "" {
		pattern = h.before + pattern
	}
	quoted := `"` + pattern + `"`
	return element(strings.Repeat(quoted+",", (h.size-len(element(quoted)))/(len(quoted)+1)) + quoted)
}

func (h hard) request() policy.Request {
	long := strings.Repeat("a", h.text)
	if h.key == "" {
		return policy.Request{Action: h.action, Resource: h.before + long}
	}
	return policy.Request{Action: h.action, Resource: h.before, Keys: policy.Keys{h.key: {long}}}
}

// BenchmarkHardest decides by the longest documents, of patterns that match
// almost to their end wherever they begin, about the longest texts. None of
// them matches, so all are tried. docs/benchmarks.md has the worst.
func BenchmarkHardest(b *testing.B) {
	for _, h := range hardest {
		half := min(h.text, h.size-500) / 2
		for name, pattern := range map[string]string{
			"long":         "*" + strings.Repeat("a", half) + "b*",
			"long with ?":  "*" + strings.Repeat("a?", half/2) + "b*",
			"short":        "*ab*",
			"short with ?": "*a?b*",
		} {
			b.Run(h.name+"/"+name, func(b *testing.B) {
				document := h.document(pattern)
				if len(document) > h.size {
					b.Fatalf("the document has %d bytes", len(document))
				}
				who, req := subject(ann, []policy.Policy{{Name: "hard", Document: parse(b, document)}}), h.request()
				b.ReportAllocs()
				for b.Loop() {
					if d := policy.Authorize(who, req, owner, nil); d.Allowed() {
						b.Fatal("a pattern matches")
					}
				}
			})
		}
	}
}
