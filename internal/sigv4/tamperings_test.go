package sigv4_test

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"mimeo/internal/sigv4"
	"mimeo/internal/sigv4/sigv4test"
)

func itoa(n int) string { return strconv.Itoa(n) }

// tamperings is the table: what is changed in which request, and the refusal.
func tamperings() []tampering {
	type changes = []func(*sigv4test.Request)
	old := "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg="
	var table []tampering
	table = append(table,
		tampering{"json", "no Authorization", changes{func(q *sigv4test.Request) { q.Del("Authorization") }}, sigv4.MissingToken, "Request is missing Authentication Token"},
		tampering{"json", "body byte", changes{inBody("7", "8")}, sigv4.Mismatch, "The request signature we calculated does not match"},
		tampering{"json", "body byte of a hashed body", changes{set("X-Amz-Content-Sha256", strings.Repeat("0", 64))}, sigv4.ContentMismatch, ""},
		tampering{"json", "unsigned payload", changes{set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), resign(sessionKey, signedAt)}, sigv4.ContentMismatch, ""},
		tampering{"json", "method", changes{func(q *sigv4test.Request) { q.Method = "PUT" }}, sigv4.Mismatch, ""},
		tampering{"json", "path", changes{inTarget("/", "//")}, sigv4.Mismatch, ""},
		tampering{"json", "path encoding", changes{inTarget("/", "/%2F")}, sigv4.Mismatch, ""},
		tampering{"json", "query added", changes{inTarget("/", "/?Action=x")}, sigv4.Mismatch, ""},
		tampering{"json", "host", changes{set("Host", "127.0.0.1:4578")}, sigv4.Mismatch, ""},
		tampering{"json", "host without its port", changes{set("Host", "127.0.0.1")}, sigv4.Mismatch, ""},
		tampering{"json", "target", changes{set("X-Amz-Target", "RekognitionService.DeleteProject")}, sigv4.Mismatch, ""},
		tampering{"json", "unsigned x-amz header", changes{add("X-Amz-Acl", "public-read")}, sigv4.Unsigned, "'x-amz-acl' must be a 'SignedHeader'"},
		tampering{"json", "host not signed", changes{swap("host;", ""), resign(sessionKey, signedAt)}, sigv4.Unsigned, "'Host'"},
		tampering{"json", "signed header that did not come", changes{swap("content-type", "content-sort"), resign(sessionKey, signedAt)}, sigv4.Mismatch, ""},
		tampering{"json", "signed headers in upper case", changes{swap("host", "Host")}, sigv4.Incomplete, "SignedHeaders"},
		tampering{"json", "signed header left out of the list", changes{swap("user-agent;", "")}, sigv4.Mismatch, ""},
		tampering{"json", "token of nobody", changes{set("X-Amz-Security-Token", "another")}, sigv4.UnknownKey, "The security token included in the request is invalid."},
		tampering{"json", "expired token", changes{resign(sigv4test.Key{ID: expiredKey.ID, Secret: "x"}, signedAt)}, sigv4.ExpiredToken, "expired"},
		tampering{"json", "key id of nobody", changes{resign(sigv4test.Key{ID: "AKIANOBODY", Secret: "x"}, signedAt)}, sigv4.UnknownKey, ""},
		tampering{"json", "wrong secret", changes{resign(sigv4test.Key{ID: sessionKey.ID, Secret: "wrong"}, signedAt)}, sigv4.Mismatch, ""},
		tampering{"json", "six minutes old", changes{resign(sessionKey, signedAt.Add(-6*time.Minute))}, sigv4.Skewed,
			"Signature expired: 20261120T085400Z is now earlier than 20261120T085500Z (20261120T090000Z - 5 min.)"},
		tampering{"json", "six minutes ahead", changes{resign(sessionKey, signedAt.Add(6*time.Minute))}, sigv4.Skewed,
			"Signature not yet current: 20261120T090600Z is still later than 20261120T090500Z (20261120T090000Z + 5 min.)"},
		tampering{"json", "date moved within the window", changes{set("X-Amz-Date", "20261120T090001Z")}, sigv4.Mismatch, ""},
		tampering{"json", "date of another form", changes{set("X-Amz-Date", "2026-11-20T09:00:00Z")}, sigv4.Incomplete, "ISO-8601"},
		tampering{"json", "no date", changes{func(q *sigv4test.Request) { q.Del("X-Amz-Date") }}, sigv4.Incomplete, "X-Amz-Date"},
		tampering{"json", "two dates", changes{add("X-Amz-Date", "20261120T090000Z")}, sigv4.Incomplete, ""},
		tampering{"json", "scope: date", changes{swap("/20261120/", "/20261119/")}, sigv4.WrongScope, "Date in Credential scope does not match"},
		tampering{"json", "scope: region", changes{swap("/us-east-1/", "/us-east-2/")}, sigv4.Mismatch, ""},
		tampering{"json", "scope: no region", changes{swap("/us-east-1/", "/earth/")}, sigv4.WrongScope, "valid region"},
		tampering{"json", "scope: service", changes{swap("/rekognition/", "/kms/")}, sigv4.Mismatch, ""},
		tampering{"json", "scope: routed to another service", changes{add("Test-Route", "kms")}, sigv4.WrongScope, "Credential should be scoped to correct service: 'kms'."},
		tampering{"json", "scope: terminator", changes{swap("aws4_request", "aws5_request")}, sigv4.WrongScope, "valid terminator"},
		tampering{"json", "scope: too short", changes{swap("/us-east-1", "")}, sigv4.Incomplete, "Credential must have the form"},
		tampering{"json", "signature", changes{swap("Signature=", "Signature=0")}, sigv4.Incomplete, ""},
		tampering{"json", "signature of another request", changes{func(q *sigv4test.Request) {
			_, now, _ := strings.Cut(q.Get("Authorization"), "Signature=")
			swap(now, strings.Repeat("0", 64))(q)
		}}, sigv4.Mismatch, ""},
		tampering{"json", "no signature", changes{swap(", Signature", ", Sign")}, sigv4.Incomplete, "requires 'Signature' parameter"},
		tampering{"json", "no signed headers", changes{swap("SignedHeaders", "Signed")}, sigv4.Incomplete, "requires 'SignedHeaders' parameter"},
		tampering{"json", "no credential", changes{swap("Credential", "C")}, sigv4.Incomplete, "requires 'Credential' parameter"},
		tampering{"json", "algorithm", changes{swap("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")}, sigv4.Incomplete, "Unsupported Authorization algorithm"},
		tampering{"json", "two Authorization headers", changes{add("Authorization", "AWS4-HMAC-SHA256 Credential=x")}, sigv4.Incomplete, "Only one"},
		tampering{"json", "header and query signature", changes{inTarget("/", "/?X-Amz-Signature=x")}, sigv4.Incomplete, "Only one"},
		tampering{"json", "malformed query", changes{inTarget("/", "/?a=%zz")}, sigv4.Incomplete, "query"},
		tampering{"json", "more than 8 MiB", changes{func(q *sigv4test.Request) {
			q.Body = bytes.Repeat([]byte{' '}, 8<<20+1)
			q.Set("Content-Length", itoa(len(q.Body)))
			q.Sign(sessionKey, signedAt)
		}}, sigv4.TooLarge, ""},
		tampering{"json", "body cut short", changes{func(q *sigv4test.Request) { q.Body, q.CutShort = q.Body[:5], true }}, sigv4.IncompleteBody, "Content-Length"},
		tampering{"sts", "form value", changes{inBody("2011", "2012")}, sigv4.Mismatch, ""},
		tampering{"sts", "form value in the query", changes{inTarget("/", "/?Action=AssumeRole")}, sigv4.Mismatch, ""},
		tampering{"presigned sts", "form value", changes{inBody("2011", "2012")}, sigv4.Mismatch, ""},
		tampering{"presigned sts", "expired", changes{inTarget("X-Amz-Expires=60", "X-Amz-Expires=0")}, sigv4.IncompleteQuery, "between 1 and 604800"},

		tampering{"put", "body byte", changes{inBody("h", "H")}, sigv4.ContentMismatch, "x-amz-content-sha256"},
		tampering{"put", "body byte and its hash", changes{inBody("h", "H"), func(q *sigv4test.Request) {
			c := q.Clone()
			c.Sign(rootKey, signedAt)
			q.Set("X-Amz-Content-Sha256", c.Get("X-Amz-Content-Sha256"))
		}}, sigv4.Mismatch, ""},
		tampering{"put", "body longer", changes{recut(func(b []byte) []byte { return append(b, 'x') })}, sigv4.ContentMismatch, ""},
		tampering{"put", "body cut short", changes{func(q *sigv4test.Request) { q.Body, q.CutShort = q.Body[:5], true }}, sigv4.IncompleteBody, ""},
		tampering{"put", "no content hash", changes{func(q *sigv4test.Request) { q.Del("X-Amz-Content-Sha256") }}, sigv4.InvalidContentHash, "Missing required header"},
		tampering{"put", "content hash of no form", changes{set("X-Amz-Content-Sha256", "sha")}, sigv4.InvalidContentHash, "must be UNSIGNED-PAYLOAD"},
		tampering{"put", "hash made unsigned", changes{set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")}, sigv4.Mismatch, ""},
		tampering{"put", "path encoding decoded", changes{inTarget("%2B", "+x")}, sigv4.Mismatch, ""},
		tampering{"put", "path", changes{inTarget("/dir/", "/dir//")}, sigv4.Mismatch, ""},
		tampering{"put", "path with dots", changes{inTarget("/dir/", "/dir/../dir/")}, sigv4.Mismatch, ""},
		tampering{"put", "query value", changes{inTarget("PutObject", "DeleteObject")}, sigv4.Mismatch, ""},
		tampering{"put", "query subresource added", changes{inTarget("?", "?acl&")}, sigv4.Mismatch, ""},
		tampering{"put", "query key removed", changes{inTarget("empty=&", "")}, sigv4.Mismatch, ""},
		tampering{"put", "repeated query key removed", changes{inTarget("&two=2", "")}, sigv4.Mismatch, ""},
		tampering{"put", "order of header values", changes{func(q *sigv4test.Request) {
			for i := range q.Headers {
				if q.Headers[i].Value == "one" {
					q.Headers[i], q.Headers[i+1] = q.Headers[i+1], q.Headers[i]
					return
				}
			}
		}}, sigv4.Mismatch, ""},
		tampering{"put", "sixteen minutes old", changes{resign(rootKey, signedAt.Add(-16*time.Minute))}, sigv4.Skewed, "- 15 min.)"},
		tampering{"put", "Signature Version 2", changes{set("Authorization", old)}, sigv4.OldVersion, "s3v4"},

		tampering{"presigned", "expired", changes{func(q *sigv4test.Request) {
			q.Target = "/bucket/key"
			q.Headers = append(q.Headers, sigv4test.Header{Name: "Authorization", Value: "Credential=x/x/us-east-1/s3/aws4_request, SignedHeaders=host"})
			q.Presign(rootKey, signedAt.Add(-2*time.Hour), time.Hour)
		}}, sigv4.Expired, "Request has expired"},
		tampering{"presigned", "not yet valid", changes{func(q *sigv4test.Request) {
			q.Target = "/bucket/key"
			q.Headers = append(q.Headers, sigv4test.Header{Name: "Authorization", Value: "Credential=x/x/us-east-1/s3/aws4_request, SignedHeaders=host"})
			q.Presign(rootKey, signedAt.Add(time.Hour), time.Hour)
		}}, sigv4.Expired, "not yet valid"},
		tampering{"presigned", "longer life", changes{inTarget("Expires=7200", "Expires=7201")}, sigv4.Mismatch, ""},
		tampering{"presigned", "life over a week", changes{inTarget("Expires=7200", "Expires=604801")}, sigv4.IncompleteQuery, "604800"},
		tampering{"presigned", "life that is no number", changes{inTarget("Expires=7200", "Expires=x")}, sigv4.IncompleteQuery, "number"},
		tampering{"presigned", "no life", changes{inTarget("X-Amz-Expires=7200&", "")}, sigv4.IncompleteQuery, "X-Amz-Expires"},
		tampering{"presigned", "key", changes{inTarget("/key", "/kez")}, sigv4.Mismatch, ""},
		tampering{"presigned", "parameter", changes{inTarget("versionId=1", "versionId=2")}, sigv4.Mismatch, ""},
		tampering{"presigned", "parameter added", changes{inTarget("?", "?response-content-type=text/html&")}, sigv4.Mismatch, ""},
		tampering{"presigned", "parameter twice", changes{inTarget("?", "?X-Amz-Expires=1&")}, sigv4.IncompleteQuery, "more than once"},
		tampering{"presigned", "token removed", changes{inTarget("X-Amz-Security-Token=a+token%2B%2F%3D&", "")}, sigv4.UnknownKey, ""},
		tampering{"presigned", "method", changes{func(q *sigv4test.Request) { q.Method = "DELETE" }}, sigv4.Mismatch, ""},
		tampering{"presigned", "unsigned x-amz header", changes{add("X-Amz-Server-Side-Encryption", "aws:kms")}, sigv4.Unsigned, ""},
		tampering{"presigned", "algorithm", changes{inTarget("HMAC-SHA256", "ECDSA-P256-SHA256")}, sigv4.IncompleteQuery, "X-Amz-Algorithm"},
		tampering{"presigned", "no signature", changes{inTarget("X-Amz-Signature", "X-Amz-Sig")}, sigv4.IncompleteQuery, "X-Amz-Signature"},
		tampering{"presigned", "Signature Version 2", changes{func(q *sigv4test.Request) {
			q.Target = "/bucket/key?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x%3D&Expires=1795165200"
		}}, sigv4.OldVersion, "s3v4"},
	)
	return append(table, streamTamperings()...)
}

// streamTamperings are those of aws-chunked bodies.
func streamTamperings() []tampering {
	type changes = []func(*sigv4test.Request)
	// move swaps the first two chunks of ten bytes.
	move := recut(func(b []byte) []byte {
		parts := bytes.SplitAfter(b, []byte("\r\n"))
		parts[0], parts[1], parts[2], parts[3] = parts[2], parts[3], parts[0], parts[1]
		return bytes.Join(parts, nil)
	})
	drop := func(from, to int) func(*sigv4test.Request) {
		return recut(func(b []byte) []byte {
			parts := bytes.SplitAfter(b, []byte("\r\n"))
			return bytes.Join(append(parts[:from:from], parts[to:]...), nil)
		})
	}
	return []tampering{
		{"stream", "data byte", changes{inBody("twenty", "Twenty")}, sigv4.Mismatch, ""},
		{"stream", "chunk signature", changes{func(q *sigv4test.Request) { q.Body[len("a;chunk-signature=")] ^= 1 }}, sigv4.Mismatch, ""},
		{"stream", "last chunk's signature", changes{func(q *sigv4test.Request) { q.Body[len(q.Body)-6] ^= 1 }}, sigv4.Mismatch, ""},
		{"stream", "chunk order", changes{move}, sigv4.Mismatch, ""},
		{"stream", "chunk missing", changes{drop(0, 2)}, sigv4.Mismatch, ""},
		{"stream", "last data chunk missing", changes{drop(4, 6)}, sigv4.Mismatch, ""},
		{"stream", "final chunk missing", changes{drop(6, 8)}, sigv4.IncompleteBody, "ends before its last chunk"},
		{"stream", "body cut short", changes{func(q *sigv4test.Request) { q.Body, q.CutShort = q.Body[:100], true }}, sigv4.IncompleteBody, ""},
		{"stream", "more after the end", changes{recut(func(b []byte) []byte { return append(b, "more\r\n"...) })}, sigv4.MalformedTrailer, ""},
		{"stream", "trailer without announcement", changes{recut(func(b []byte) []byte { return append(b, "x-amz-checksum-crc32:AAAAAA==\r\n"...) })}, sigv4.MalformedTrailer, ""},
		{"stream", "chunk size", changes{inBody("a;chunk", "8;chunk")}, sigv4.MalformedChunk, "longer than its size"},
		{"stream", "chunk size negative", changes{inBody("a;chunk", "-a;chunk")}, sigv4.MalformedChunk, ""},
		{"stream", "chunk size huge", changes{inBody("a;chunk", "fffffffffffffffa;chunk")}, sigv4.MalformedChunk, ""},
		{"stream", "chunk larger than announced", changes{inBody("a;chunk", "aaaa;chunk")}, sigv4.IncompleteBody, "longer than x-amz-decoded-content-length"},
		{"stream", "endless chunk header", changes{recut(func(b []byte) []byte { return append(bytes.Repeat([]byte{'0'}, 1<<20), b...) })}, sigv4.MalformedChunk, "too long"},
		{"stream", "unsigned chunks", changes{recut(func(b []byte) []byte {
			return []byte("19\r\n" + string(content) + "\r\n0\r\n\r\n")
		})}, sigv4.MalformedChunk, "no chunk-signature"},
		{"stream", "plain body", changes{recut(func([]byte) []byte { return content })}, sigv4.IncompleteBody, ""},
		{"stream", "decoded length missing", changes{func(q *sigv4test.Request) {
			q.Del("X-Amz-Decoded-Content-Length")
			swap(";x-amz-decoded-content-length", "")(q)
			q.Sign(rootKey, signedAt)
		}}, sigv4.MissingLength, ""},
		{"stream", "decoded length too long", changes{set("X-Amz-Decoded-Content-Length", "26"), resign(rootKey, signedAt), func(q *sigv4test.Request) {
			q.Stream(rootKey, content, 10)
		}}, sigv4.IncompleteBody, "shorter than x-amz-decoded-content-length"},
		{"stream", "decoded length over 5 GiB", changes{set("X-Amz-Decoded-Content-Length", "5368709121"), resign(rootKey, signedAt)}, sigv4.TooLarge, ""},
		{"stream", "form changed to unsigned", changes{set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")}, sigv4.Mismatch, ""},
		{"trailer", "checksum", changes{inBody("AAAAAA==", "BAAAAA==")}, sigv4.Mismatch, ""},
		{"trailer", "trailer's name", changes{inBody("crc32:", "crc64:")}, sigv4.MalformedTrailer, "not announced"},
		{"trailer", "trailer missing", changes{drop(7, 8)}, sigv4.Mismatch, ""},
		{"trailer", "trailer signature missing", changes{drop(8, 9)}, sigv4.Mismatch, ""},
		{"trailer", "trailer and its signature missing", changes{drop(7, 9)}, sigv4.Mismatch, ""},
		{"trailer", "trailer signature", changes{func(q *sigv4test.Request) { q.Body[len(q.Body)-6] ^= 1 }}, sigv4.Mismatch, ""},
		{"trailer", "announcement", changes{set("X-Amz-Trailer", "x-amz-checksum-sha1")}, sigv4.Mismatch, ""},
		{"trailer", "too many trailers", changes{recut(func(b []byte) []byte {
			return append(b, strings.Repeat("\r\n", 40)...)
		})}, sigv4.MalformedTrailer, "too many"},
		{"unsigned", "trailer missing", changes{inBody("2f", "10"), inBody("x-amz-checksum-crc32:7YH59g==\r\n", "")}, sigv4.MalformedTrailer, "did not come"},
		{"unsigned", "data longer than announced", changes{inBody("2f\r\n6\r\nhello ", "30\r\n7\r\nhello  ")}, sigv4.IncompleteBody, "longer"},
		{"unsigned", "data shorter than announced", changes{inBody("2f\r\n6\r\nhello ", "2e\r\n5\r\nhello")}, sigv4.IncompleteBody, "shorter"},
		{"unsigned", "chunk extension", changes{inBody("2f\r\n6\r\nhello ", "31\r\n6;x\r\nhello ")}, sigv4.MalformedChunk, "extension"},
		{"unsigned", "signature in the seed", changes{set("X-Amz-Decoded-Content-Length", "5")}, sigv4.Mismatch, ""},
		{"unsigned", "body cut short", changes{func(q *sigv4test.Request) { q.Body, q.CutShort = q.Body[:8], true }}, sigv4.IncompleteBody, ""},
	}
}
