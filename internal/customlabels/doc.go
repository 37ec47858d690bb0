// Package customlabels is the domain: projects, datasets, versions and their
// rules, and the exceptions of Amazon Rekognition Custom Labels. It is pure:
// no storage, no wire, no clock.
//
// API reference: https://docs.aws.amazon.com/rekognition/latest/APIReference/
package customlabels
