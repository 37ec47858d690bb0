package bucket

// What the tests of this package look at by itself.
var (
	CheckBucketName = checkBucketName
	CheckKey        = checkKey
	ParseSpan       = parseSpan
)

// Whole returns the checksum of parts in a row, from those of the parts.
func (a Algorithm) Whole(parts []Part) Checksum { return a.whole(parts) }
