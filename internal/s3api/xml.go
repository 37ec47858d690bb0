package s3api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimeo/internal/fault"
)

// namespace is that of all documents of S3. Requests may leave it out.
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

func malformed() error {
	return fault.New(malformedXML, "The XML you provided was not well-formed or did not validate against our published schema")
}

// An element is an XML element without its attributes, which mean nothing in
// the requests of S3.
type element struct {
	name     string
	text     []byte
	children []element
}

// maxDepth bounds how deep elements may lie in each other.
const maxDepth = 8

// parseXML reads a document whose root is named root. It takes no more of XML
// than S3 needs: a document type, an entity of one's own, or a foreign
// namespace is malformed.
func parseXML(text []byte, root string) (element, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	var path []element
	var done *element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return element{}, malformed()
		}
		switch token := token.(type) {
		case xml.StartElement:
			foreign := token.Name.Space != "" && token.Name.Space != namespace
			if done != nil || foreign || len(path) == maxDepth || len(path) == 0 && token.Name.Local != root {
				return element{}, malformed()
			}
			path = append(path, element{name: token.Name.Local})
		case xml.EndElement:
			last := path[len(path)-1]
			path = path[:len(path)-1]
			if len(path) == 0 {
				done = &last
				continue
			}
			path[len(path)-1].children = append(path[len(path)-1].children, last)
		case xml.CharData:
			if len(path) > 0 {
				path[len(path)-1].text = append(path[len(path)-1].text, token...)
			} else if len(bytes.TrimSpace(token)) > 0 {
				return element{}, malformed()
			}
		case xml.Directive:
			return element{}, malformed()
		}
	}
	if done == nil {
		return element{}, malformed()
	}
	return *done, nil
}

// fields returns the texts of an element's children, which must be of the
// given names, without children of their own, and each there once at most.
func (e element) fields(names ...string) (map[string]string, error) {
	found := make(map[string]string, len(e.children))
	for _, child := range e.children {
		if _, twice := found[child.name]; twice || !slices.Contains(names, child.name) || len(child.children) > 0 {
			return nil, malformed()
		}
		found[child.name] = string(child.text)
	}
	return found, nil
}

// number reads a number that an element holds.
func number(text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, malformed()
	}
	return n, nil
}

// answerXML sends a document.
func answerXML(w http.ResponseWriter, document any) error {
	text, err := xml.Marshal(document)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(xml.Header)+len(text)))
	w.WriteHeader(http.StatusOK)
	if _, err = io.WriteString(w, xml.Header); err == nil {
		_, err = w.Write(text)
	}
	return err
}

// timestamp is the form of times in documents.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quoted(etag string) string { return `"` + etag + `"` }
