// Package lineage tells where a version comes from and what was copied from
// it. A version that is deleted leaves a tombstone where it has a place in a
// lineage, so that no chain is cut by a deletion.
package lineage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
)

// A Node is one version of a lineage, as it stands or as it was when it was
// deleted.
type Node struct {
	Version   arn.ProjectVersion
	Project   arn.Project
	Source    arn.ProjectVersion // zero where it was trained
	CreatedAt time.Time
	DeletedAt time.Time           // zero while it exists
	Status    customlabels.Status // empty when it was deleted
	KMSKey    arn.Key             // zero where the service-owned key seals it
	// Abridged is set where the caller may know nothing of the version but its
	// name, source, time and model's digest.
	Abridged bool
	// Digests are those of the stored artifacts; there are none until a
	// training or a copy is finished.
	Digests map[customlabels.Role]Digests
}

// Digests name the bytes of an artifact: the sealed ones, which are stored,
// and the plain ones, which every true copy shares.
type Digests struct {
	Sealed digest.Digest `json:"sealed,omitzero"`
	Plain  digest.Digest `json:"plain,omitzero"`
}

// An Edge is one copy.
type Edge struct {
	Source, Copy arn.ProjectVersion
	CreatedAt    time.Time // when the copy was asked for
}

// A Store remembers versions and, of those that were deleted, tombstones.
type Store interface {
	// Node returns a version, living or deleted, or ResourceNotFound.
	Node(ctx context.Context, v arn.ProjectVersion) (Node, error)
	// Copies returns up to limit finished copies of versions, living and
	// deleted.
	Copies(ctx context.Context, of []arn.ProjectVersion, limit int) ([]Node, error)
}

// A Registry knows who may do what.
type Registry interface {
	Authorize(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error
}

// Service serves DescribeLineage.
type Service struct {
	Store    Store
	Registry Registry
	// MaxVersions is how many ancestors, and how many descendants, are looked
	// at for one answer; 0: 10,000.
	MaxVersions int
}

// A Request is the input of DescribeLineage.
type Request struct {
	Version    arn.ProjectVersion
	MaxResults int // 0: as many as a page has
	NextToken  string
}

// A Lineage is a page of the versions that one descends from, itself, and
// those that descend from it, the oldest first: a source comes before its
// copies. The edges are those that lead to the nodes of the page.
type Lineage struct {
	Nodes []Node
	Edges []Edge
	// Truncated is set where there are more versions than are looked at. The
	// lineage of one of the last shows more.
	Truncated bool
	NextToken string
}

// maxVersions is what an account can have of living versions, with AWS's
// quotas of 100 projects and 100 models in each.
const maxVersions = 10_000

// DescribeLineage tells the lineage of a version of the caller's account,
// also of one that was deleted.
//
// All ancestors are told, and the descendants up to those that other accounts
// made: what is copied on from there is their business. Of a version that the
// caller may not describe nothing is told but name, time and digest.
func (s *Service) DescribeLineage(ctx context.Context, caller arn.Caller, req Request) (Lineage, error) {
	after, err := parseToken(req.NextToken)
	if err != nil {
		return Lineage{}, err
	}
	start, err := s.find(ctx, caller, req.Version)
	if err != nil {
		return Lineage{}, err
	}
	t := &tree{
		Service: s, caller: caller, limit: cmp.Or(s.MaxVersions, maxVersions), nodes: []Node{start},
		seen: map[arn.ProjectVersion]bool{start.Version: true}, open: map[arn.Project]bool{start.Project: true},
	}
	if err := t.climb(ctx, start); err != nil {
		return Lineage{}, fmt.Errorf("read the ancestors of %s: %w", start.Version, err)
	}
	if err := t.descend(ctx, start); err != nil {
		return Lineage{}, fmt.Errorf("read the copies of %s: %w", start.Version, err)
	}
	return t.page(after, req.MaxResults), nil
}

// find returns the version that a request names, if the caller may describe
// the versions of its project. The denial is the same whether or not there is
// such a version.
func (s *Service) find(ctx context.Context, caller arn.Caller, v arn.ProjectVersion) (Node, error) {
	if !caller.Owns(v.Namespace) {
		err := s.Registry.Authorize(ctx, caller, action, v, v.Namespace)
		return Node{}, cmp.Or(err, error(customlabels.Denied(caller.Principal, action, v.String(), "")))
	}
	n, missing := s.Store.Node(ctx, v)
	if missing != nil {
		if !errors.Is(missing, customlabels.ResourceNotFound) {
			return Node{}, fmt.Errorf("read version %s: %w", v, missing)
		}
		n.Project = arn.Project{Namespace: v.Namespace, Name: v.ProjectName, Stamp: "0"}
	}
	err := s.Registry.Authorize(ctx, caller, action, n.Project, v.Namespace)
	switch {
	case errors.Is(err, customlabels.AccessDenied):
		return Node{}, customlabels.Denied(caller.Principal, action, v.String(), "").Because(err)
	case err != nil:
		return Node{}, err
	case !v.SameRegion(caller.Namespace()):
		return Node{}, customlabels.Invalid("The project version %s is not in the Region %s that the request was sent to.", v, caller.Region)
	case missing != nil:
		return Node{}, customlabels.NotFound(v)
	}
	return n, nil
}

// action is what a caller needs on the project of a version.
const action = "rekognition:DescribeProjectVersions"
