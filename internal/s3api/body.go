package s3api

import (
	"io"
	"net/http"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

// body reads what the headers say about the body.
func (r *request) body() (bucket.Body, error) {
	if r.ContentLength < 0 {
		return bucket.Body{}, fault.New(missingLength, "You must provide the Content-Length HTTP header.")
	}
	b := bucket.Body{Reader: r.Body, Size: r.ContentLength, MD5: r.Header.Get("Content-MD5")}
	sum, err := headerChecksum(r.Header)
	if err != nil {
		return b, err
	}
	trailing, err := trailerChecksum(r.Header)
	if err != nil {
		return b, err
	}
	switch {
	case sum.Algorithm != "" && trailing != "":
		return b, severalChecksums()
	case trailing != "":
		b.Algorithm = trailing
		b.Checksum = func() (string, error) { return r.trailer.Get(trailing.Header()), nil }
	case sum.Algorithm != "":
		b.Algorithm = sum.Algorithm
		b.Checksum = func() (string, error) { return sum.Value, nil }
	}
	return b, checkNamed(r.Header, b.Algorithm)
}

// checkNamed compares the algorithm that the SDK's header names with that of
// the checksum.
func checkNamed(h http.Header, used bucket.Algorithm) error {
	name := h.Get("x-amz-sdk-checksum-algorithm")
	if name == "" {
		return nil
	}
	named, err := bucket.ParseAlgorithm(strings.ToUpper(name))
	switch {
	case err != nil:
		return err
	case used == "":
		return fault.New(bucket.InvalidRequest, "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case named != used:
		return fault.New(bucket.InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid.")
	}
	return nil
}

func severalChecksums() error {
	return fault.New(bucket.InvalidRequest, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

// headerChecksum returns the checksum that a header tells, or none.
func headerChecksum(h http.Header) (bucket.Checksum, error) {
	var sum bucket.Checksum
	for _, a := range bucket.Algorithms {
		value := h.Get(a.Header())
		switch {
		case value == "":
		case sum.Algorithm != "":
			return sum, severalChecksums()
		default:
			sum = bucket.Checksum{Algorithm: a, Value: value}
		}
	}
	return sum, nil
}

// trailerChecksum returns the algorithm whose checksum follows the body, or
// none.
func trailerChecksum(h http.Header) (bucket.Algorithm, error) {
	var found bucket.Algorithm
	for name := range strings.SplitSeq(h.Get("x-amz-trailer"), ",") {
		for _, a := range bucket.Algorithms {
			switch {
			case !strings.EqualFold(strings.TrimSpace(name), a.Header()):
			case found != "":
				return "", severalChecksums()
			default:
				found = a
			}
		}
	}
	return found, nil
}

// maxXML bounds XML documents: ten thousand parts with a checksum each fit.
const maxXML = 4 << 20

// text reads an XML body, and checks it against what the headers say. An
// object's checksum in the headers of CompleteMultipartUpload is none of it.
func (r *request) text() ([]byte, error) {
	b, err := r.body()
	if err != nil {
		return nil, err
	}
	text, err := r.readText()
	if err != nil {
		return nil, err
	}
	b.Size = int64(len(text))
	return text, bucket.CheckBytes(text, b)
}

func (r *request) readText() ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxXML+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxXML {
		return nil, fault.New(messageTooLong, "Your request was too big.")
	}
	return text, nil
}

// answerChecksum tells an object's or a part's checksum.
func answerChecksum(h http.Header, sum bucket.Checksum) {
	if sum.Algorithm != "" && sum.Value != "" {
		h.Set(sum.Algorithm.Header(), sum.Value)
		h.Set("x-amz-checksum-type", sum.Type())
	}
}
