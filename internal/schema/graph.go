package schema

import "fmt"

// measureGraph estimates, for every schema that an evaluation can reach, how
// many schemas apply to one and the same value in its wake, and finds the ones
// that would apply to it for ever.
//
// References and combinations do not consume the value, properties and items
// do: so the first kind of edge must form no cycle, and the number of its
// paths, not of its nodes, is what an evaluation pays. It is computed once per
// node, from the leaves up.
func (b *builder) measureGraph(root *node) {
	g := &graph{b: b, seen: map[*node]*visit{}}
	queue := []*node{root}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if g.seen[n] != nil {
			continue
		}
		g.cost(n)
		for _, m := range g.fresh {
			m.consuming(func(c *node) { queue = append(queue, c) })
		}
		g.fresh = g.fresh[:0]
	}
	if g.worst != nil {
		b.report(g.worst, "", OverBudget,
			fmt.Sprintf("applies more than %d schemas to one value", MaxInPlace))
	}
}

type graph struct {
	b     *builder
	seen  map[*node]*visit
	fresh []*node // measured since the caller last looked
	worst *node   // first node, leaves first, that is over budget
}

type visit struct {
	open bool // on the way from the start to where we are
	cost int
}

// cost measures a node and what it applies in place. Its recursion is as deep
// as the longest chain of references, MaxSubschemas at most.
func (g *graph) cost(n *node) int {
	v := &visit{open: true}
	g.seen[n] = v
	total := 1
	for _, m := range inPlaceOf(n) {
		switch s := g.seen[m]; {
		case s == nil:
			total += g.cost(m)
		case !s.open:
			total += s.cost
		case n.dynamic != nil && m != n.ref:
			// Perhaps a loop, perhaps not: that depends on where the evaluation
			// came from. Its depth is bounded there.
		default:
			g.b.report(n, "", Recursive, "applies to the same value for ever, by way of "+where(m))
		}
	}
	if total > MaxInPlace {
		total = MaxInPlace + 1
		if g.worst == nil {
			g.worst = n
		}
	}
	v.open, v.cost = false, total
	g.fresh = append(g.fresh, n)
	return total
}

func where(n *node) string {
	if n.parent == nil {
		return "the root"
	}
	return n.pointer()
}
