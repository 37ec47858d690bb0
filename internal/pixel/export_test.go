package pixel

// Unmap makes a cache read its file as where files cannot be mapped.
func (c *Cache) Unmap() error {
	err := unmapFile(c.mapped)
	c.mapped = nil
	return err
}
