package lineage

import (
	"context"
	"errors"
	"slices"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// A tree is a lineage while it is read.
type tree struct {
	*Service
	caller    arn.Caller
	limit     int
	nodes     []Node
	truncated bool
	seen      map[arn.ProjectVersion]bool
	open      map[arn.Project]bool // whether the caller may describe its versions
}

// climb adds the ancestors of a version.
func (t *tree) climb(ctx context.Context, n Node) error {
	for left := t.limit; n.Source != (arn.ProjectVersion{}) && !t.seen[n.Source]; left-- {
		if left == 0 {
			t.truncated = true
			return nil
		}
		source, err := t.Store.Node(ctx, n.Source)
		if errors.Is(err, customlabels.ResourceNotFound) {
			source, err = Node{Version: n.Source}, nil // deleted before there were tombstones
		}
		if err != nil {
			return err
		}
		if err := t.add(ctx, source); err != nil {
			return err
		}
		n = source
	}
	return nil
}

// descend adds what was copied from a version, and what the caller's own
// account copied from that.
func (t *tree) descend(ctx context.Context, start Node) error {
	left := t.limit
	for parents := []arn.ProjectVersion{start.Version}; len(parents) > 0; {
		batch := parents[:min(len(parents), parentsAtATime)]
		copies, err := t.Store.Copies(ctx, batch, left+1)
		if err != nil {
			return err
		}
		parents = parents[len(batch):]
		for _, n := range copies {
			if t.seen[n.Version] {
				continue
			}
			if left--; left < 0 {
				t.truncated = true
				return nil
			}
			if err := t.add(ctx, n); err != nil {
				return err
			}
			if t.caller.Owns(n.Version.Namespace) {
				parents = append(parents, n.Version)
			}
		}
	}
	return nil
}

// parentsAtATime bounds the parameters of one look-up.
const parentsAtATime = 500

// add adds a node with as much of it as the caller may see.
func (t *tree) add(ctx context.Context, n Node) error {
	visible, err := t.mayDescribe(ctx, n)
	if err != nil {
		return err
	}
	if !visible {
		n = Node{Version: n.Version, Source: n.Source, CreatedAt: n.CreatedAt, Abridged: true, Digests: justWeights(n.Digests)}
	}
	t.seen[n.Version] = true
	t.nodes = append(t.nodes, n)
	return nil
}

// justWeights leaves of the digests that of the plain model.
func justWeights(all map[customlabels.Role]Digests) map[customlabels.Role]Digests {
	if d, ok := all[customlabels.Weights]; ok {
		return map[customlabels.Role]Digests{customlabels.Weights: {Plain: d.Plain}}
	}
	return nil
}

// mayDescribe reports whether the caller may see all of a node.
func (t *tree) mayDescribe(ctx context.Context, n Node) (bool, error) {
	if !t.caller.Owns(n.Version.Namespace) || n.Project == (arn.Project{}) {
		return false, nil
	}
	if allowed, asked := t.open[n.Project]; asked {
		return allowed, nil
	}
	err := t.Registry.Authorize(ctx, t.caller, action, n.Project, n.Project.Namespace)
	if err != nil && !errors.Is(err, customlabels.AccessDenied) {
		return false, err
	}
	t.open[n.Project] = err == nil
	return err == nil, nil
}

// page cuts the nodes that come after a position.
func (t *tree) page(after position, size int) Lineage {
	slices.SortFunc(t.nodes, func(a, b Node) int { return positionOf(a).compare(positionOf(b)) })
	from, _ := slices.BinarySearchFunc(t.nodes, after, func(n Node, p position) int {
		if positionOf(n).compare(p) <= 0 {
			return -1
		}
		return 1
	})
	if size <= 0 || size > maxPage {
		size = maxPage
	}
	l := Lineage{Nodes: t.nodes[from:], Truncated: t.truncated}
	if len(l.Nodes) > size {
		l.Nodes = l.Nodes[:size]
		l.NextToken = positionOf(l.Nodes[size-1]).token()
	}
	for _, n := range l.Nodes {
		if t.seen[n.Source] {
			l.Edges = append(l.Edges, Edge{Source: n.Source, Copy: n.Version, CreatedAt: n.CreatedAt})
		}
	}
	return l
}

// maxPage is how many nodes a page has at most.
const maxPage = 100
