package sigv4test

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

//go:embed testdata/wire
var wire embed.FS

// Recorded returns every recorded request, in the order of their names.
func Recorded() ([]*Request, error) {
	const dir = "testdata/wire"
	files, err := fs.ReadDir(wire, dir)
	if err != nil {
		return nil, err
	}
	var all []*Request
	for _, f := range files {
		raw, err := wire.ReadFile(dir + "/" + f.Name())
		if err != nil {
			return nil, err
		}
		q, err := Parse(strings.TrimSuffix(f.Name(), ".txt"), raw)
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, nil
}

var cut = regexp.MustCompile(`\n\.\.\.\[([0-9]+) bytes cut\]\.\.\.\n`)

// restore fills up a body that was cut. What was cut is one byte repeated,
// which the recorded hash and length must confirm.
func (q *Request) restore(body []byte) ([]byte, error) {
	if mark := cut.FindSubmatchIndex(body); mark != nil {
		missing, err := strconv.Atoi(string(body[mark[2]:mark[3]]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.Name, err)
		}
		head, tail := body[:mark[0]], body[mark[1]:]
		fill := head[len(head)-1:]
		if strings.EqualFold(q.Get("Transfer-Encoding"), "chunked") {
			body = reframe(head, tail, fill, q.Get("X-Amz-Decoded-Content-Length"))
		} else {
			body = bytes.Join([][]byte{head, tail}, bytes.Repeat(fill, missing))
		}
		if len(body) != len(head)+missing+len(tail) || !bytes.HasPrefix(body, head) || !bytes.HasSuffix(body, tail) {
			return nil, fmt.Errorf("%s: the body that was cut is not %d bytes of %q", q.Name, missing, fill)
		}
	}
	if length := q.Get("Content-Length"); length != "" && length != strconv.Itoa(len(body)) {
		return nil, fmt.Errorf("%s: body has %d bytes, Content-Length says %s", q.Name, len(body), length)
	}
	sum := sha256.Sum256(body)
	if want := q.Get("X-Amz-Content-Sha256"); len(want) == 2*sha256.Size && want != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%s: the body is not the one that was hashed", q.Name)
	}
	return body, nil
}

// reframe rebuilds botocore's stream of repeated bytes: aws-chunks of the size
// of the first, a trailer, and all of it in HTTP chunks of the size of the
// first. It returns nil if head or tail are of another form.
func reframe(head, tail, fill []byte, length string) []byte {
	first, rest, _ := bytes.Cut(head, []byte("\r\n"))
	header, _, _ := bytes.Cut(rest, []byte("\r\n"))
	outer, err1 := strconv.ParseInt(string(first), 16, 32)
	inner, err2 := strconv.ParseInt(string(header), 16, 32)
	total, err3 := strconv.ParseInt(length, 10, 32)
	end := bytes.LastIndex(tail, []byte("0\r\nx-amz-"))
	if err1 != nil || err2 != nil || err3 != nil || outer <= 0 || inner <= 0 || end < 0 {
		return nil
	}
	var stream, out bytes.Buffer
	for ; total > 0; total -= inner {
		n := min(inner, total)
		fmt.Fprintf(&stream, "%x\r\n%s\r\n", n, bytes.Repeat(fill, int(n)))
	}
	stream.Write(bytes.TrimSuffix(tail[end:], []byte("\r\n0\r\n\r\n")))
	for stream.Len() > 0 {
		chunk := stream.Next(int(outer))
		fmt.Fprintf(&out, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	out.WriteString("0\r\n\r\n")
	return out.Bytes()
}
