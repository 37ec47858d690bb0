package mimeoapi

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/lineage"
	"mimeo/internal/rekapi"
)

// A DescribeLineageInput names a version, also one that was deleted.
type DescribeLineageInput struct {
	ProjectVersionArn *string
	MaxResults        *int32
	NextToken         *string
}

// A DescribeLineageOutput is a page of a lineage, the oldest version first.
type DescribeLineageOutput struct {
	Nodes     []LineageNode
	Edges     []LineageEdge
	Truncated bool
	NextToken string
}

// A LineageNode is one version. What the caller may not see is left out.
type LineageNode struct {
	ProjectVersionArn string
	AccountId         string
	CreationTimestamp *time.Time
	DeletionTimestamp *time.Time
	Status            string
	KmsKeyId          string
	ModelDigest       string
	Artifacts         []LineageArtifact
}

// A LineageArtifact is one file of a version, by the digests of its bytes as
// they are stored and of its plain bytes.
type LineageArtifact struct{ Role, SealedDigest, PlainDigest string }

// A LineageEdge is one copy.
type LineageEdge struct {
	SourceProjectVersionArn string
	ProjectVersionArn       string
	CreationTimestamp       *time.Time
}

func (a *API) describeLineage(ctx context.Context, caller arn.Caller, in *DescribeLineageInput) (*DescribeLineageOutput, error) {
	v, err := rekapi.ProjectVersion("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	l, err := a.Lineage.DescribeLineage(ctx, caller, lineage.Request{
		Version: v, MaxResults: int(aws.ToInt32(in.MaxResults)), NextToken: aws.ToString(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	out := &DescribeLineageOutput{Nodes: []LineageNode{}, Edges: []LineageEdge{}, Truncated: l.Truncated, NextToken: l.NextToken}
	for _, n := range l.Nodes {
		out.Nodes = append(out.Nodes, lineageNode(n))
	}
	for _, e := range l.Edges {
		out.Edges = append(out.Edges, LineageEdge{e.Source.String(), e.Copy.String(), unlessZero(e.CreatedAt)})
	}
	return out, nil
}

func lineageNode(n lineage.Node) LineageNode {
	node := LineageNode{
		ProjectVersionArn: n.Version.String(), AccountId: n.Version.Account,
		CreationTimestamp: unlessZero(n.CreatedAt), DeletionTimestamp: unlessZero(n.DeletedAt), Status: string(n.Status),
	}
	if !n.DeletedAt.IsZero() {
		node.Status = deleted
	}
	if n.KMSKey != (arn.Key{}) {
		node.KmsKeyId = n.KMSKey.String()
	}
	node.ModelDigest = digestText(n.Digests[customlabels.Weights].Plain)
	if !n.Abridged {
		for _, role := range slices.Sorted(maps.Keys(n.Digests)) {
			d := n.Digests[role]
			node.Artifacts = append(node.Artifacts, LineageArtifact{string(role), digestText(d.Sealed), digestText(d.Plain)})
		}
	}
	return node
}

// digestText is a digest that is absent rather than zero.
func digestText(d digest.Digest) string {
	if d == (digest.Digest{}) {
		return ""
	}
	return d.String()
}

// deleted is the status of a version of which a tombstone is left. It is none
// of AWS's words.
const deleted = "DELETED"

// unlessZero is a time that is absent rather than zero.
func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
