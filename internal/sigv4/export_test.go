package sigv4

// SigningKeyForTest returns a signing key, to see how it prints.
func SigningKeyForTest(secret string) any { return newSigningKey(secret, Scope{}) }
