// Package customlabels is the domain: projects, datasets, versions and their
// rules, and the exceptions of Amazon Rekognition Custom Labels. It is pure:
// no storage, no wire, no clock.
//
// API reference: https://docs.aws.amazon.com/rekognition/latest/APIReference/
package customlabels

import "mimeo/internal/arn"

// Principal is who the service is when it uses a caller's key, under a grant.
var Principal = arn.Service("rekognition.amazonaws.com")
