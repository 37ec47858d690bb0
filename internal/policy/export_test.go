package policy

// Glob compiles a pattern and matches a text with it.
func Glob(pattern, s string) bool { return glob(wildcards.Replace(pattern), s) }
