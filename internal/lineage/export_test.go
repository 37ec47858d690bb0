package lineage

// Reissue reads a token and writes it again.
func Reissue(token string) (string, error) {
	p, err := parseToken(token)
	return p.token(), err
}
