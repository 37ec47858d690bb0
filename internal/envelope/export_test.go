package envelope

// SealWith is Seal with a source of the nonce, for the vectors.
var SealWith = seal
