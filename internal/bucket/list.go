package bucket

import (
	"context"
	"encoding/base64"
	"strings"

	"mimeo/internal/arn"
)

// MaxKeys is the longest page of a listing.
const MaxKeys = 1000

// A ListRequest asks for a page of a bucket's keys.
type ListRequest struct {
	Bucket, Prefix, Delimiter string
	StartAfter                string // keys behind it only
	Token                     string // a page's Next; it beats StartAfter
	MaxKeys                   int    // 0 to MaxKeys
}

// A Page is a page of a listing: objects, and what is common to the keys that
// have the delimiter behind the prefix, both in the order of their bytes.
type Page struct {
	Objects   []Object
	Prefixes  []string
	Next      string // the token of the next page
	Truncated bool
}

// Last returns the last key or common prefix of the page.
func (p Page) Last() string {
	var last string
	if n := len(p.Objects); n > 0 {
		last = p.Objects[n-1].Key
	}
	if n := len(p.Prefixes); n > 0 {
		last = max(last, p.Prefixes[n-1])
	}
	return last
}

// ListObjectsV2 returns a page of a bucket's objects.
func (s *Service) ListObjectsV2(ctx context.Context, caller arn.Caller, req ListRequest) (Page, error) {
	for _, part := range []string{req.Prefix, req.Delimiter} {
		if err := checkPartOfKey(part); err != nil {
			return Page{}, err
		}
	}
	b, err := s.open(ctx, caller, access{action: "s3:ListBucket", bucket: req.Bucket, keys: req.keys()})
	if err != nil {
		return Page{}, err
	}
	from := max(req.Prefix, behind(req.StartAfter, req.Delimiter, req.Prefix))
	if req.Token != "" {
		if from, err = decodeToken(req.Token); err != nil {
			return Page{}, err
		}
		from = max(req.Prefix, from)
	}
	l := listing{req: req, from: from}
	for !l.done {
		found, err := s.store.Objects(ctx, b, l.from, successor(req.Prefix), req.MaxKeys+1)
		if err != nil {
			return Page{}, err
		}
		l.take(found)
		l.done = l.done || len(found) <= req.MaxKeys
	}
	return l.page, nil
}

// A listing grows a page.
type listing struct {
	req  ListRequest
	from string // the first key that is not yet seen
	page Page
	done bool
}

// take adds a run of objects to the page. What is in a common prefix that the
// page has is passed over; where the run ends in one, from is behind it.
func (l *listing) take(found []Object) {
	for _, o := range found {
		if o.Key < l.from {
			continue
		}
		if len(l.page.Objects)+len(l.page.Prefixes) == l.req.MaxKeys {
			l.done = true
			if l.req.MaxKeys > 0 {
				l.page.Truncated, l.page.Next = true, encodeToken(l.from)
			}
			return
		}
		prefix, ok := common(o.Key, l.req.Prefix, l.req.Delimiter)
		if !ok {
			l.page.Objects = append(l.page.Objects, o)
			l.from = o.Key + "\x00"
			continue
		}
		l.page.Prefixes = append(l.page.Prefixes, prefix)
		if l.from = successor(prefix); l.from == "" {
			l.done = true
			return
		}
	}
}

// common returns the beginning that a key shares with those that are listed
// as one.
func common(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	at := strings.Index(key[len(prefix):], delimiter)
	if at < 0 {
		return "", false
	}
	return key[:len(prefix)+at+len(delimiter)], true
}

// behind returns the first key that a listing may begin with after the given
// one: inside a common prefix that is behind the prefix as a whole.
func behind(after, delimiter, prefix string) string {
	if after == "" {
		return ""
	}
	if strings.HasPrefix(after, prefix) {
		if p, ok := common(after, prefix, delimiter); ok && p == after {
			return successor(p)
		}
	}
	return after + "\x00"
}

// successor returns the first text behind all that begin with prefix, or
// nothing where there is none.
func successor(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}

// A token is a key, in a form that is no key.
func encodeToken(from string) string { return base64.URLEncoding.EncodeToString([]byte("1" + from)) }

func decodeToken(token string) (string, error) {
	raw, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(raw) < 2 || raw[0] != '1' || len(raw) > maxKeyLength+2 {
		return "", invalidArgument("The continuation token provided is incorrect")
	}
	return string(raw[1:]), nil
}

// An UploadPage is a page of a bucket's unfinished uploads.
type UploadPage struct {
	Uploads   []Object
	Truncated bool
}

// ListMultipartUploads returns up to limit unfinished uploads with keys that
// begin with prefix, in the order of their keys and ids, behind the given ones.
func (s *Service) ListMultipartUploads(ctx context.Context, caller arn.Caller, bucket, prefix, afterKey, afterID string, limit int) (UploadPage, error) {
	b, err := s.open(ctx, caller, access{action: "s3:ListBucketMultipartUploads", bucket: bucket})
	if err != nil {
		return UploadPage{}, err
	}
	found, err := s.store.Uploads(ctx, b, UploadScan{Prefix: prefix, Before: successor(prefix), AfterKey: afterKey, AfterID: afterID}, limit+1)
	if err != nil {
		return UploadPage{}, err
	}
	return UploadPage{Uploads: found[:min(limit, len(found))], Truncated: len(found) > limit}, nil
}
