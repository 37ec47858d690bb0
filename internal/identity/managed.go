package identity

import (
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"mimeo/internal/arn"
)

// An AWSPolicy is a managed policy that every account has, under AWS's name:
// equivalent to AWS's for the operations that are served here.
type AWSPolicy struct {
	ID, Name, Description string
	ARN                   arn.ARN
	Version               int
	Created, Updated      time.Time
	Document              string
}

//go:embed managed
var managedFiles embed.FS

// awsAccount stands for AWS in the ARNs of its policies.
const awsAccount = "aws"

// IsAWSManaged reports whether an ARN is that of a policy of AWS, known or
// not.
func IsAWSManaged(name string) bool {
	a, err := arn.Parse(name)
	return err == nil && a.Service == "iam" && a.Account == awsAccount
}

// AWSManaged returns a policy of AWS by its ARN.
func AWSManaged(name string) (AWSPolicy, bool) {
	a, err := arn.Parse(name)
	if err != nil {
		return AWSPolicy{}, false
	}
	p, ok := managedPolicies()[strings.TrimPrefix(a.Resource, "policy/")]
	p = p.in(a.Partition)
	return p, ok && p.ARN == a
}

// AWSManagedPolicies returns the policies of AWS in a partition, by name.
func AWSManagedPolicies(partition string) []AWSPolicy {
	var all []AWSPolicy
	for _, p := range managedPolicies() {
		all = append(all, p.in(partition))
	}
	slices.SortFunc(all, func(a, b AWSPolicy) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// in returns the policy as a partition has it.
func (p AWSPolicy) in(partition string) AWSPolicy {
	p.ARN = arn.ARN{Partition: partition, Service: "iam", Account: awsAccount, Resource: "policy/" + p.Name}
	p.Document = strings.ReplaceAll(p.Document, `"arn:aws:`, `"arn:`+partition+`:`)
	return p
}

// managedPolicies reads the files once: each is named after its policy.
var managedPolicies = sync.OnceValue(func() map[string]AWSPolicy {
	files, err := managedFiles.ReadDir("managed")
	if err != nil {
		panic("cannot happen: the embedded policies are missing: " + err.Error())
	}
	all := map[string]AWSPolicy{}
	for _, f := range files {
		text, err := managedFiles.ReadFile("managed/" + f.Name())
		p := AWSPolicy{Name: strings.TrimSuffix(f.Name(), path.Ext(f.Name()))}
		file := struct {
			*AWSPolicy
			Document json.RawMessage
		}{AWSPolicy: &p}
		if err == nil {
			err = json.Unmarshal(text, &file)
		}
		if err != nil {
			panic("cannot happen: the embedded policy " + p.Name + " cannot be read: " + err.Error())
		}
		name := sha256.Sum256([]byte(p.Name))
		p.ID, p.Document = "ANPA"+base32.StdEncoding.EncodeToString(name[:10]), string(file.Document)
		all[p.Name] = p
	}
	return all
})
