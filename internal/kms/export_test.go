package kms

import "mimeo/internal/envelope"

// DecryptWith is Decrypt for a test that has the key's material.
func DecryptWith(material envelope.Key, ciphertext []byte, context EncryptionContext) (keyID string, plain Plaintext, err error) {
	keyID, err = keyOf(ciphertext)
	if err != nil {
		return "", nil, err
	}
	plain, err = decrypt(material, ciphertext, context)
	return keyID, plain, err
}

// EncryptWith is Encrypt for a test that has the key's material.
func EncryptWith(keyID string, material envelope.Key, plain []byte, context EncryptionContext) ([]byte, error) {
	return encrypt(keyID, material, plain, context)
}

// ParseToken reads a grant token.
func ParseToken(token string) (keyID, grantID string, err error) { return parseToken(token) }
