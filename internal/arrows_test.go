package internal_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The rings of the house, from the inside out. An arrow may only point to a
// package that the importing package's line names.
var (
	values    = []string{"arn", "digest", "fault"}
	domain    = []string{"customlabels", "policy", "manifest", "record"}
	vision    = []string{"pixel", "descriptor", "ridge", "nn", "nn/kernel"}
	contracts = []string{"blob", "envelope", "objects", "job", "live", "cores", "family"}
	services  = []string{"quota", "events", "identity", "iam", "kms", "bucket", "vault", "proof", "results", "registry", "copier", "training", "serving", "lineage"}
	edges     = []string{"sigv4", "reqlog", "awsjson", "awsquery", "rekapi", "mimeoapi", "kmsapi", "stsapi", "iamapi", "s3api"}
)

// arrows maps every package to the packages of ours that it may import,
// test files aside. A new package is a new line here, with its reason to be
// in ARCHITECTURE.md.
var arrows = map[string][]string{
	"arn":    nil,
	"digest": nil,
	"fault":  nil,

	"customlabels": values,
	"policy":       {"arn"},
	"manifest":     {"customlabels"},

	"pixel":         nil,
	"descriptor":    {"pixel"},
	"ridge":         nil,
	"nn":            {"nn/kernel"},
	"nn/kernel":     nil,
	"nn/kernel/gen": nil,

	"blob":     {"digest"},
	"envelope": {"arn", "digest"},
	"objects":  {"arn", "fault", "policy"},
	"job":      nil,
	"live":     {"arn"},
	"cores":    nil,
	"family":   {"customlabels", "pixel"},

	"quota":    {"arn", "customlabels", "fault", "manifest"},
	"events":   {"arn", "customlabels", "envelope", "fault", "job", "quota"},
	"identity": {"arn", "envelope", "fault", "policy"},
	"iam":      {"arn", "fault", "identity", "policy"},
	"kms":      {"arn", "envelope", "fault", "policy"},
	"bucket":   {"arn", "blob", "digest", "envelope", "fault", "kms", "objects", "policy"},
	"registry": {"arn", "blob", "customlabels", "digest", "fault", "job", "kms", "manifest", "objects", "pixel", "policy", "quota"},
	"vault":    {"arn", "blob", "customlabels", "digest", "envelope", "fault", "kms", "policy"},
	"record":   {"arn", "customlabels", "digest"},
	"proof":    {"arn", "blob", "customlabels", "digest", "envelope", "fault", "kms", "lineage", "objects", "record", "results", "vault"},
	"results":  {"arn", "customlabels", "fault", "objects", "policy"},
	"copier":   {"arn", "blob", "customlabels", "digest", "envelope", "fault", "job", "live", "objects", "policy", "quota", "record", "results", "vault"},
	"training": {"arn", "blob", "cores", "customlabels", "digest", "envelope", "family", "fault", "job", "live", "manifest", "objects", "pixel", "policy", "quota", "registry", "results", "vault"},
	"serving":  {"arn", "blob", "cores", "customlabels", "digest", "envelope", "family", "fault", "job", "kms", "objects", "pixel", "policy", "quota", "registry", "vault"},

	"lineage": {"arn", "customlabels", "digest", "fault"},

	"sigv4":    {"arn", "fault"},
	"reqlog":   {"arn", "fault"},
	"awsjson":  {"arn", "fault", "reqlog", "sigv4"},
	"awsquery": {"arn", "fault", "reqlog", "sigv4"},
	"rekapi":   {"arn", "awsjson", "copier", "customlabels", "fault", "objects", "registry", "serving", "training"},
	"mimeoapi": {"arn", "awsjson", "copier", "customlabels", "digest", "events", "fault", "lineage", "objects", "proof", "registry", "rekapi", "serving", "training"},
	"kmsapi":   {"arn", "awsjson", "fault", "kms"},
	"stsapi":   {"arn", "awsquery", "fault", "identity"},
	"iamapi":   {"arn", "awsquery", "fault", "iam", "identity"},
	"s3api":    {"arn", "bucket", "fault", "reqlog", "sigv4"},

	"sqlite":            nil,
	"sqlstore":          concat(values, []string{"customlabels", "job", "record", "sqlite"}, services),
	"webhook":           {"events"},
	"blob/disk":         {"blob", "digest"},
	"blob/mem":          {"blob", "digest"},
	"family/classifier": concat([]string{"family", "family/network", "customlabels", "nn"}, vision),

	"faults":            {"sqlite"},
	"sigv4/sigv4test":   nil,
	"blob/blobtest":     {"blob", "digest"},
	"job/jobtest":       {"job"},
	"family/detector":   {"family", "family/network", "nn", "pixel"},
	"family/network":    {"family", "nn", "pixel"},
	"family/familytest": {"family", "customlabels", "pixel"},

	"sqlstore/sqlstoretest": {"sqlstore"},

	"app":        concat(values, domain, contracts, services, edges, []string{"sqlstore", "webhook", "blob/disk", "family/classifier", "family/detector"}),
	"demo/parts": nil,
	"demo":       {"app", "demo/parts"},
	"apptest":    {"app", "family", "faults", "pixel"},
}

func concat(lists ...[]string) []string { return slices.Concat(lists...) }

const module = "mimeo/internal/"

func TestArrows(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name, ok := strings.CutPrefix(fields[0], module)
		if !ok {
			continue // this package: it holds only this test
		}
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %s has no line in arrows: say what it may import", name)
			continue
		}
		for _, path := range fields[1:] {
			if imported, ours := strings.CutPrefix(path, module); ours && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s: the arrow runs the wrong way (see ARCHITECTURE.md)", name, imported)
			}
		}
	}
}
