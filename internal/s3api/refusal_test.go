package s3api_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mimeo/internal/bucket"
	"mimeo/internal/sigv4/sigv4test"
)

// A call is a request that a test writes by hand. Its headers are name and
// value in turn.
type call struct {
	method, target string
	headers        []string
	body           string
}

// send signs a call as an account's root, and returns status and body.
func (s *server) send(t *testing.T, account string, c call) (*http.Response, string) {
	t.Helper()
	return s.sendSigned(t, account, c.request(s.Listener.Addr().String()))
}

// sendCut is send of a body that ends before its announced length.
func (s *server) sendCut(t *testing.T, c call) (*http.Response, string) {
	t.Helper()
	q := c.request(s.Listener.Addr().String())
	q.CutShort = true
	return s.sendSigned(t, mine, q)
}

func (s *server) sendSigned(t *testing.T, account string, q *sigv4test.Request) (*http.Response, string) {
	t.Helper()
	k := s.keys[account]
	q.Sign(sigv4test.Key{ID: k.ID, Secret: k.Secret.Reveal()}, time.Now())
	resp, body, err := q.Send(s.Listener.Addr().String())
	if err != nil {
		t.Fatalf("%s %s: %v", q.Method, q.Target, err)
	}
	return resp, string(body)
}

func (c call) request(host string) *sigv4test.Request {
	q := &sigv4test.Request{Method: c.method, Target: c.target, Body: []byte(c.body)}
	q.Set("Host", host)
	q.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	q.Set("Content-Length", strconv.Itoa(len(c.body)))
	signed := []string{"host", "x-amz-content-sha256", "x-amz-date"}
	for i := 0; i < len(c.headers); i += 2 {
		name := c.headers[i]
		if name == "-" {
			q.Del(c.headers[i+1])
			continue
		}
		q.Headers = append(q.Headers, sigv4test.Header{Name: name, Value: c.headers[i+1]})
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			signed = append(signed, lower)
		}
	}
	slices.Sort(signed)
	q.Set("Authorization", "AWS4-HMAC-SHA256 Credential=X/20260101/us-east-1/s3/aws4_request, SignedHeaders="+strings.Join(signed, ";")+", Signature=0")
	return q
}

const (
	oneDelete   = `<Delete><Object><Key>k</Key></Object></Delete>`
	onePart     = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>`
	ssec        = "x-amz-server-side-encryption-customer-algorithm"
	crc32Hello  = "NhCmhg==" // of "hello"
	md5Hello    = "XUFAKrxLKna5cZ2REBfFkg=="
	sdkNames    = "x-amz-sdk-checksum-algorithm"
	reservedCtx = "eyJhd3M6czM6YXJuIjoiYXJuOmF3czpzMzo6OngifQ==" // {"aws:s3:arn":"arn:aws:s3:::x"}
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "bkt")
	put(t, c, "bkt", "k", []byte("hello"))
	for name, test := range map[string]struct {
		call
		want string
	}{
		"no bucket":                {call{"GET", "/none/k", nil, ""}, "404 NoSuchBucket"},
		"no key":                   {call{"GET", "/bkt/none", nil, ""}, "404 NoSuchKey"},
		"no version":               {call{"GET", "/bkt/k?versionId=abc", nil, ""}, "404 NoSuchVersion"},
		"no such version":          {call{"GET", "/bkt/k?versionId=0b1e7a44-3a4a-4f6e-9d5a-3b0a3c1c2d4e", nil, ""}, "404 NoSuchVersion"},
		"version of no name":       {call{"GET", "/bkt/k?versionId=", nil, ""}, "400 InvalidArgument"},
		"deletion of no version":   {call{"DELETE", "/bkt/k?versionId=abc", nil, ""}, "404 NoSuchVersion"},
		"version without a key":    {call{"GET", "/bkt?versions&version-id-marker=null", nil, ""}, "400 InvalidArgument"},
		"versions of an object":    {call{"GET", "/bkt/k?versions", nil, ""}, "501 NotImplemented"},
		"deletion of versioning":   {call{"DELETE", "/bkt?versioning", nil, ""}, "501 NotImplemented"},
		"versioning of an object":  {call{"PUT", "/bkt/k?versioning", nil, versioningOf("Enabled", "")}, "501 NotImplemented"},
		"versioning of no bucket":  {call{"PUT", "/none?versioning", nil, versioningOf("Enabled", "")}, "404 NoSuchBucket"},
		"versioning without XML":   {call{"PUT", "/bkt?versioning", nil, ""}, "400 MalformedXML"},
		"versioning as it was":     {call{"PUT", "/bkt?versioning", nil, versioningOf("Disabled", "")}, "400 MalformedXML"},
		"versioning without word":  {call{"PUT", "/bkt?versioning", nil, versioningOf("", "")}, "400 MalformedXML"},
		"versioning with MFA":      {call{"PUT", "/bkt?versioning", nil, versioningOf("Enabled", "<MfaDelete>Enabled</MfaDelete>")}, "501 NotImplemented"},
		"bad bucket name":          {call{"PUT", "/Bad_Name", nil, ""}, "400 InvalidBucketName"},
		"short bucket name":        {call{"PUT", "/ab", nil, ""}, "400 InvalidBucketName"},
		"address as bucket name":   {call{"PUT", "/192.168.0.1", nil, ""}, "400 InvalidBucketName"},
		"reserved bucket name":     {call{"PUT", "/abc--x-s3", nil, ""}, "400 InvalidBucketName"},
		"dotted bucket name":       {call{"PUT", "/a..b", nil, ""}, "400 InvalidBucketName"},
		"prefix of 1025 bytes":     {call{"GET", "/bkt?list-type=2&prefix=" + strings.Repeat("k", 1025), nil, ""}, "400 KeyTooLongError"},
		"delimiter of 1025 bytes":  {call{"GET", "/bkt?list-type=2&delimiter=" + strings.Repeat("k", 1025), nil, ""}, "400 KeyTooLongError"},
		"key of 1025 bytes":        {call{"PUT", "/bkt/" + strings.Repeat("k", 1025), nil, ""}, "400 KeyTooLongError"},
		"key that is no UTF-8":     {call{"PUT", "/bkt/%FF", nil, ""}, "400 InvalidArgument"},
		"parameter given twice":    {call{"GET", "/bkt?list-type=2&prefix=a&prefix=b", nil, ""}, "400 InvalidArgument"},
		"method that is not":       {call{"PATCH", "/bkt/k", nil, ""}, "405 MethodNotAllowed"},
		"post of a form":           {call{"POST", "/bkt", nil, "x"}, "501 NotImplemented"},
		"post of an object":        {call{"POST", "/bkt/k", nil, "x"}, "501 NotImplemented"},
		"unknown parameter":        {call{"PUT", "/bkt/k?made-up", nil, "x"}, "501 NotImplemented"},
		"part without its upload":  {call{"PUT", "/bkt/k?partNumber=1", nil, "x"}, "501 NotImplemented"},
		"list type":                {call{"GET", "/bkt?list-type=3", nil, ""}, "400 InvalidArgument"},
		"token":                    {call{"GET", "/bkt?list-type=2&continuation-token=x", nil, ""}, "400 InvalidArgument"},
		"max-keys":                 {call{"GET", "/bkt?list-type=2&max-keys=-1", nil, ""}, "400 InvalidArgument"},
		"encoding type of uploads": {call{"GET", "/bkt?uploads&encoding-type=x", nil, ""}, "400 InvalidArgument"},
		"encoding type of parts":   {call{"GET", "/bkt/k?uploadId=x&encoding-type=x", nil, ""}, "400 InvalidArgument"},
		"encoding type":            {call{"GET", "/bkt?list-type=2&encoding-type=x", nil, ""}, "400 InvalidArgument"},
		"full bucket":              {call{"DELETE", "/bkt", nil, ""}, "409 BucketNotEmpty"},

		"tagging header":        {call{"PUT", "/bkt/k", []string{"x-amz-tagging", "a=b"}, ""}, "501 NotImplemented"},
		"customer's key":        {call{"PUT", "/bkt/k", []string{ssec, "AES256"}, ""}, "501 NotImplemented"},
		"object lock":           {call{"PUT", "/bkt/k", []string{"x-amz-object-lock-mode", "COMPLIANCE"}, ""}, "501 NotImplemented"},
		"storage class":         {call{"PUT", "/bkt/k", []string{"x-amz-storage-class", "GLACIER"}, ""}, "501 NotImplemented"},
		"public acl":            {call{"PUT", "/bkt/k", []string{"x-amz-acl", "public-read"}, ""}, "400 AccessControlListNotSupported"},
		"header given twice":    {call{"PUT", "/bkt/k", []string{"x-amz-acl", "private", "x-amz-acl", "private"}, ""}, "400 InvalidArgument"},
		"unheard header":        {call{"PUT", "/bkt/k", []string{"x-amz-made-up", "1"}, ""}, "501 NotImplemented"},
		"dsse":                  {call{"PUT", "/bkt/k", []string{"x-amz-server-side-encryption", "aws:kms:dsse"}, ""}, "501 NotImplemented"},
		"key without its mode":  {call{"PUT", "/bkt/k", []string{"x-amz-server-side-encryption-aws-kms-key-id", "x"}, ""}, "400 InvalidArgument"},
		"no such KMS key":       {call{"PUT", "/bkt/k", []string{"x-amz-server-side-encryption", "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id", "alias/none"}, ""}, "400 KMS.NotFoundException"},
		"context":               {call{"PUT", "/bkt/k", []string{"x-amz-server-side-encryption", "aws:kms", "x-amz-server-side-encryption-context", "e30"}, ""}, "400 InvalidArgument"},
		"context that is ours":  {call{"PUT", "/bkt/k", []string{"x-amz-server-side-encryption", "aws:kms", "x-amz-server-side-encryption-context", reservedCtx}, ""}, "400 InvalidArgument"},
		"owner of a copy":       {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "/bkt/k", "x-amz-expected-bucket-owner", theirs}, ""}, "403 AccessDenied"},
		"owner of a source":     {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "/bkt/k", "x-amz-source-expected-bucket-owner", theirs}, ""}, "403 AccessDenied"},
		"owner":                 {call{"GET", "/bkt/k", []string{"x-amz-expected-bucket-owner", theirs}, ""}, "403 AccessDenied"},
		"metadata of 2 KiB":     {call{"PUT", "/bkt/k", []string{"x-amz-meta-a", strings.Repeat("v", 2048)}, ""}, "400 MetadataTooLarge"},
		"none match of a write": {call{"PUT", "/bkt/k", []string{"If-None-Match", "x"}, ""}, "501 NotImplemented"},

		"wrong MD5":              {call{"PUT", "/bkt/n", []string{"Content-MD5", md5Hello}, "hullo"}, "400 BadDigest"},
		"no MD5":                 {call{"PUT", "/bkt/n", []string{"Content-MD5", "x"}, "hello"}, "400 InvalidDigest"},
		"wrong CRC32":            {call{"PUT", "/bkt/n", []string{"x-amz-checksum-crc32", crc32Hello}, "hullo"}, "400 BadDigest"},
		"no CRC32":               {call{"PUT", "/bkt/n", []string{"x-amz-checksum-crc32", "AAAA"}, "hello"}, "400 InvalidRequest"},
		"two checksums":          {call{"PUT", "/bkt/n", []string{"x-amz-checksum-crc32", crc32Hello, "x-amz-checksum-sha1", "x"}, "hello"}, "400 InvalidRequest"},
		"checksum twice":         {call{"PUT", "/bkt/n", []string{"x-amz-checksum-crc32", crc32Hello, "x-amz-trailer", "x-amz-checksum-crc32"}, "hello"}, "400 InvalidRequest"},
		"checksum named only":    {call{"PUT", "/bkt/n", []string{sdkNames, "CRC32"}, "hello"}, "400 InvalidRequest"},
		"checksum of other name": {call{"PUT", "/bkt/n", []string{sdkNames, "SHA1", "x-amz-checksum-crc32", crc32Hello}, "hello"}, "400 InvalidRequest"},
		"checksum of no name":    {call{"PUT", "/bkt/n", []string{sdkNames, "MD4"}, "hello"}, "400 InvalidRequest"},
		"no length":              {call{"PUT", "/bkt/n", []string{"-", "Content-Length", "Transfer-Encoding", "chunked"}, "5\r\nhello\r\n0\r\n\r\n"}, "411 MissingContentLength"},
		"more than 5 GiB":        {call{"PUT", "/bkt/n", []string{"-", "Content-Length", "Content-Length", "5368709121"}, ""}, "400 EntityTooLarge"},

		"delete without checksum":   {call{"POST", "/bkt?delete", nil, oneDelete}, "400 InvalidRequest"},
		"delete with a wrong one":   {call{"POST", "/bkt?delete", []string{"Content-MD5", md5Hello}, oneDelete}, "400 BadDigest"},
		"complete of no upload":     {call{"POST", "/bkt/k?uploadId=x", nil, onePart}, "404 NoSuchUpload"},
		"part of no upload":         {call{"PUT", "/bkt/k?uploadId=x&partNumber=1", nil, "x"}, "404 NoSuchUpload"},
		"abort of no upload":        {call{"DELETE", "/bkt/k?uploadId=x", nil, ""}, "404 NoSuchUpload"},
		"parts of no upload":        {call{"GET", "/bkt/k?uploadId=x", nil, ""}, "404 NoSuchUpload"},
		"part 0":                    {call{"PUT", "/bkt/k?uploadId=x&partNumber=0", nil, "x"}, "400 InvalidArgument"},
		"part 10001":                {call{"PUT", "/bkt/k?uploadId=x&partNumber=10001", nil, "x"}, "400 InvalidArgument"},
		"get part 2 of 1":           {call{"GET", "/bkt/k?partNumber=2", nil, ""}, "416 InvalidPartNumber"},
		"get part and range":        {call{"GET", "/bkt/k?partNumber=1", []string{"Range", "bytes=0-1"}, ""}, "400 InvalidRequest"},
		"complete of nothing":       {call{"POST", "/bkt/k?uploadId=x", nil, ""}, "400 MalformedXML"},
		"upload of no algorithm":    {call{"POST", "/bkt/k?uploads", []string{"x-amz-checksum-algorithm", "MD5"}, ""}, "400 InvalidRequest"},
		"upload of impossible type": {call{"POST", "/bkt/k?uploads", []string{"x-amz-checksum-algorithm", "SHA1", "x-amz-checksum-type", "FULL_OBJECT"}, ""}, "400 InvalidRequest"},
		"upload of a type alone":    {call{"POST", "/bkt/k?uploads", []string{"x-amz-checksum-type", "FULL_OBJECT"}, ""}, "400 InvalidRequest"},

		"copy of nothing":      {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "bkt"}, ""}, "400 InvalidArgument"},
		"copy of no key":       {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "bkt/none"}, ""}, "404 NoSuchKey"},
		"copy of no bucket":    {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "none/k"}, ""}, "404 NoSuchBucket"},
		"copy of a bad escape": {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "bkt/%zz"}, ""}, "400 InvalidArgument"},
		"copy of an ARN":       {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "arn:aws:s3:us-east-1:1:accesspoint/x/object/k"}, ""}, "400 InvalidArgument"},
		"copy onto itself":     {call{"PUT", "/bkt/k", []string{"x-amz-copy-source", "/bkt/k"}, ""}, "400 InvalidRequest"},
		"copy of another":      {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "bkt/k", "x-amz-copy-source-if-match", "x"}, ""}, "412 PreconditionFailed"},
		"copy unless the same": {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "bkt/k", "x-amz-copy-source-if-none-match", "*"}, ""}, "412 PreconditionFailed"},
		"copy with directive":  {call{"PUT", "/bkt/c", []string{"x-amz-copy-source", "bkt/k", "x-amz-metadata-directive", "MERGE"}, ""}, "501 NotImplemented"},
		"part copy's range":    {call{"PUT", "/bkt/k?uploadId=x&partNumber=1", []string{"x-amz-copy-source", "bkt/k", "x-amz-copy-source-range", "1-2"}, ""}, "400 InvalidArgument"},

		"location of us-east-1":   {call{"PUT", "/new-bkt", nil, location("us-east-1")}, "400 InvalidLocationConstraint"},
		"location in China":       {call{"PUT", "/new-bkt", nil, location("cn-north-1")}, "400 InvalidLocationConstraint"},
		"location that is none":   {call{"PUT", "/new-bkt", nil, location("../x")}, "400 InvalidLocationConstraint"},
		"location with a DOCTYPE": {call{"PUT", "/new-bkt", nil, `<!DOCTYPE x [<!ENTITY e "eu-west-1">]>` + location("&e;")}, "400 MalformedXML"},
		"location in other XML":   {call{"PUT", "/new-bkt", nil, `<x/>`}, "400 MalformedXML"},
		"bucket with tags":        {call{"PUT", "/new-bkt", nil, `<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>`}, "501 NotImplemented"},
		"body where none is":      {call{"GET", "/bkt/k", nil, strings.Repeat("x", 70_000)}, "400 EntityTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := s.send(t, mine, test.call)
			if got := strconv.Itoa(resp.StatusCode) + " " + between(body, "<Code>", "</Code>"); got != test.want {
				t.Errorf("%s %.100s: %s, want %s\n%s", test.method, test.target, got, test.want, body)
			}
			if id := resp.Header.Get("x-amz-request-id"); id == "" || !strings.Contains(body, "<RequestId>"+id+"</RequestId>") {
				t.Errorf("%s %.100s: request id %q is not in %s", test.method, test.target, id, body)
			}
		})
	}
	t.Cleanup(func() {
		if there, err := s.buckets.HeadObject(context.WithoutCancel(t.Context()), root(mine), getOf("bkt", "n")); !errors.Is(err, bucket.NoSuchKey) {
			t.Errorf("a refused object is there: %+v, %v", there, err)
		}
	})
}

func location(region string) string {
	return `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + region + `</LocationConstraint></CreateBucketConfiguration>`
}

func versioningOf(status, more string) string {
	return `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>` + status + `</Status>` + more + `</VersioningConfiguration>`
}

func between(s, after, before string) string {
	_, rest, _ := strings.Cut(s, after)
	out, _, _ := strings.Cut(rest, before)
	return out
}

// subresources are those of S3 that are not here.
var subresources = []string{
	"abac", "accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold",
	"lifecycle", "logging", "metadataConfiguration", "metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics",
	"notification", "object-lock", "ownershipControls", "policyStatus", "publicAccessBlock", "renameObject", "replication",
	"requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "website",
}

// TestSubresourcesFallThroughNowhere asks for everything that S3 has and this
// server has not, in every method, and looks that nothing has happened.
func TestSubresourcesFallThroughNowhere(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "bkt")
	put(t, c, "bkt", "k", []byte("hello"))
	for _, sub := range subresources {
		for _, method := range []string{"GET", "PUT", "DELETE", "POST", "HEAD"} {
			for _, path := range []string{"/bkt", "/bkt/", "/bkt/k", "/other-bkt"} {
				for _, query := range []string{"?" + sub, "?" + sub + "=", "?x-id=PutObject&" + sub + "=1"} {
					if resp, body := s.send(t, mine, call{method, path + query, nil, ""}); resp.StatusCode != 501 {
						t.Errorf("%s %s: %d %s, want 501", method, path+query, resp.StatusCode, body)
					}
				}
			}
		}
	}
	if got, _ := get(t, c, in("bkt", "k")); got != "hello" {
		t.Errorf("the object is now %q", got)
	}
	all, err := s.buckets.ListBuckets(t.Context(), root(mine))
	if err != nil || len(all) != 1 {
		t.Errorf("the buckets are now %v, %v", all, err)
	}
}

// TestUnsignedAndWronglySigned has what sigv4 refuses in the form of S3.
func TestUnsignedAndWronglySigned(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	create(t, s.client(mine), "bkt")
	k := sigv4test.Key{ID: s.keys[mine].ID, Secret: s.keys[mine].Secret.Reveal()}
	address := s.Listener.Addr().String()
	now := time.Now()
	for name, test := range map[string]struct {
		change func(q *sigv4test.Request)
		want   string
	}{
		"nothing":     {func(q *sigv4test.Request) { q.Sign(k, now) }, "200 "},
		"anonymous":   {func(q *sigv4test.Request) { q.Del("Authorization") }, "403 AccessDenied"},
		"old clock":   {func(q *sigv4test.Request) { q.Sign(k, now.Add(-16*time.Minute)) }, "403 RequestTimeTooSkewed"},
		"slow clock":  {func(q *sigv4test.Request) { q.Sign(k, now.Add(-14*time.Minute)) }, "200 "},
		"unknown key": {func(q *sigv4test.Request) { q.Sign(sigv4test.Key{ID: "AKIANOBODY", Secret: "x"}, now) }, "403 InvalidAccessKeyId"},
		"wrong key":   {func(q *sigv4test.Request) { q.Sign(sigv4test.Key{ID: k.ID, Secret: "x"}, now) }, "403 SignatureDoesNotMatch"},
		"other path":  {func(q *sigv4test.Request) { q.Sign(k, now); q.Target = "/bkt?prefix=a" }, "403 SignatureDoesNotMatch"},
		"more headers": {func(q *sigv4test.Request) {
			q.Sign(k, now)
			q.Set("x-amz-acl", "private")
		}, "403 AccessDenied"},
		"half a header": {func(q *sigv4test.Request) { q.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }, "400 AuthorizationHeaderMalformed"},
		"expired":       {func(q *sigv4test.Request) { q.Presign(k, now.Add(-time.Hour), time.Minute) }, "403 AccessDenied"},
		"presigned":     {func(q *sigv4test.Request) { q.Presign(k, now, time.Minute) }, "200 "},
		"version 2": {func(q *sigv4test.Request) {
			q.Del("Authorization")
			q.Target += "?" + url.Values{"AWSAccessKeyId": {k.ID}, "Signature": {"x"}, "Expires": {"9999999999"}}.Encode()
		}, "400 InvalidRequest"},
	} {
		q := call{"GET", "/bkt", nil, ""}.request(address)
		test.change(q)
		resp, body, err := q.Send(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := strconv.Itoa(resp.StatusCode) + " " + between(string(body), "<Code>", "</Code>"); got != test.want {
			t.Errorf("%s: %s, want %s\n%s", name, got, test.want, body)
		}
		if name == "version 2" && !strings.Contains(string(body), "s3v4") {
			t.Errorf("%s: %s does not name s3v4", name, body)
		}
	}
}

func TestVirtualHosts(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "my.images")
	put(t, c, "my.images", "dir/k", []byte("hello"))
	for _, test := range []struct{ host, target, want string }{
		{"my.images.localhost:4577", "/dir/k", "200 hello"},
		{"my.images.localhost", "/dir/k", "200 hello"},
		{"localhost", "/my.images/dir/k", "200 hello"},
		{"other.localhost", "/dir/k", "404 "},
		{"my.images.localhost", "/my.images/dir/k", "404 "},
	} {
		q := call{"GET", test.target, nil, ""}.request(test.host)
		if resp, body := s.sendSigned(t, mine, q); !strings.HasPrefix(strconv.Itoa(resp.StatusCode)+" "+body, test.want) {
			t.Errorf("%s %s: %d %s, want %s", test.host, test.target, resp.StatusCode, body, test.want)
		}
	}
}

// TestTargetsOfOtherForms sends a signed request with a target in a form that
// no client uses: what is answered is what was signed, or nothing.
func TestTargetsOfOtherForms(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "images")
	put(t, c, "images", "open", []byte("hello"))
	put(t, c, "images", "urn:closed", []byte("secret"))
	address, k := s.Listener.Addr().String(), s.keys[mine]
	for target, want := range map[string]string{
		"/open":                        "200 hello",
		"http://images.localhost/open": "200 hello",
		"http://other.localhost/open":  "403 SignatureDoesNotMatch",
		"urn:closed":                   "403 SignatureDoesNotMatch",
		"urn:closed?://x/open":         "403 SignatureDoesNotMatch",
		"urn:closed?x-a=://x/open":     "403 SignatureDoesNotMatch",
		"/urn:closed?x-a=://x/open":    "403 SignatureDoesNotMatch",
		"urn:closed://x/open":          "200 hello",
	} {
		q := call{"GET", "/open", nil, ""}.request("images.localhost")
		q.Sign(sigv4test.Key{ID: k.ID, Secret: k.Secret.Reveal()}, time.Now())
		q.Target = target
		resp, body, err := q.Send(address)
		if err != nil {
			t.Fatal(err)
		}
		text := string(body)
		if resp.StatusCode != http.StatusOK {
			text = between(text, "<Code>", "</Code>")
		}
		if got := strconv.Itoa(resp.StatusCode) + " " + text; got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestIfRange(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "bkt")
	etag := *put(t, c, "bkt", "k", []byte("hello")).ETag
	for condition, want := range map[string]string{etag: "206 el", `"other"`: "200 hello"} {
		resp, body := s.send(t, mine, call{"GET", "/bkt/k", []string{"Range", "bytes=1-2", "If-Range", condition}, ""})
		if got := strconv.Itoa(resp.StatusCode) + " " + body; got != want {
			t.Errorf("if %s: %s, want %s", condition, got, want)
		}
	}
	resp, _ := s.send(t, mine, call{"GET", "/bkt/k", []string{"Range", "bytes=5-"}, ""})
	if got := resp.Header.Get("Content-Range"); got != "bytes */5" {
		t.Errorf("Content-Range of a refusal: %q", got)
	}
}
