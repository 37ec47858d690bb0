package policy

import "sync"

// A Cache parses texts and remembers the documents of those that it parsed
// last. Documents do not change, so nothing else is to be remembered of them.
type Cache struct {
	parse func(text string) (*Document, error)
	mu    sync.RWMutex
	known map[string]*Document
	bytes int
}

// maxCached bounds the texts that a Cache remembers, in bytes.
const maxCached = 4 << 20

// NewCache returns an empty Cache of what parse returns.
func NewCache(parse func(text string) (*Document, error)) *Cache {
	return &Cache{parse: parse, known: map[string]*Document{}}
}

// Parse returns the document of a text. Errors are not remembered.
func (c *Cache) Parse(text string) (*Document, error) {
	c.mu.RLock()
	doc, ok := c.known[text]
	c.mu.RUnlock()
	if ok {
		return doc, nil
	}
	doc, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes += len(text); c.bytes > maxCached {
		clear(c.known)
		c.bytes = len(text)
	}
	c.known[text] = doc
	return doc, nil
}
