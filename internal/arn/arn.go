// Package arn parses, prints and compares Amazon Resource Names.
//
// Each kind of resource has its own type, so that a project can never be
// passed where a version is expected. All types are comparable values whose
// text form is the ARN; they marshal to that text.
package arn

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMalformed is wrapped by every parse error of this package.
var ErrMalformed = errors.New("malformed ARN")

// maxLength is the longest ARN that AWS's models accept, in bytes.
const maxLength = 2048

// ARN is any Amazon Resource Name, split at its first five colons.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// Parse splits s. It checks the form only, not whether service, region or
// account exist.
func Parse(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(s) > maxLength || len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, fmt.Errorf("%w: %.100q", ErrMalformed, s)
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, nil
}

func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// A Namespace is where a resource lives. Names are unique within one.
type Namespace struct {
	Partition, Region, Account string
}

func (n Namespace) arn(service, resource string) ARN {
	return ARN{Partition: n.Partition, Service: service, Region: n.Region, Account: n.Account, Resource: resource}
}

func (a ARN) namespace() Namespace {
	return Namespace{Partition: a.Partition, Region: a.Region, Account: a.Account}
}

// SameRegion reports whether both namespaces are in one region of one
// partition, whatever their accounts.
func (n Namespace) SameRegion(other Namespace) bool {
	return n.Partition == other.Partition && n.Region == other.Region
}

// PartitionOf returns the partition that a region belongs to.
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// ServiceHost returns the name of a service in a region, as kms:ViaService has
// it: "s3.us-east-1.amazonaws.com".
func ServiceHost(service, region string) string {
	host := service + "." + region + ".amazonaws.com"
	if PartitionOf(region) == "aws-cn" {
		host += ".cn"
	}
	return host
}

// ServiceAccount owns the keys of our own services. Nobody signs for it.
const ServiceAccount = "000000000000"

// IsAccount reports whether s is an account id: twelve ASCII digits.
func IsAccount(s string) bool { return len(s) == 12 && isDigits(s) }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
