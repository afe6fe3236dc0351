"""The `[node, op]` rule of the encoder's graph, in one place.

Node 0 is the input. Inner node 1 has one edge, from node 0. Inner node n >= 2
has exactly two: one from node n-1 and one from any of 0..n-1. Edges are listed
by their target: 1, 2, 2, 3, 3, ... The value of a node is the equally weighted
sum of its edges and the last node is the output. The rule follows AutoCTS++ (Wu et al. 2023,
arXiv:2311.04552), which calls an edge `[node, op]` as well.
"""

from collections.abc import Sequence

MAX_INNER_NODES = 6
IDENTITY = "identity"

Edge = tuple[int, str]
LabelledEdge = tuple[int, int, str]


def edge_count(n_inner: int) -> int:
    """Return how many edges a graph of `n_inner` inner nodes has."""
    return 2 * n_inner - 1


def inner_nodes(edges: Sequence[object]) -> int:
    """Return the number of inner nodes of a valid edge list."""
    return (len(edges) + 1) // 2


def target_of(index: int) -> int:
    """Return the node that the edge at position `index` of the list leads to."""
    return (index + 1) // 2 + 1


def incoming(edges: Sequence[Edge]) -> tuple[tuple[Edge, ...], ...]:
    """Return the edges of each inner node: entry 0 belongs to node 1, and so on."""
    return (tuple(edges[:1]), *(tuple(edges[i : i + 2]) for i in range(1, len(edges), 2)))


def sorted_edges(edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """Return the edges with the two of each node in order (a sum has none)."""
    return tuple(edge for pair in incoming(edges) for edge in sorted(pair))


def edge_count_problem(n_edges: int) -> str | None:
    """Return the broken rule if no graph has this many edges, otherwise None."""
    if n_edges % 2 == 1 and n_edges <= edge_count(MAX_INNER_NODES):
        return None
    return f"must hold 2n-1 edges for n inner nodes, 1 <= n <= {MAX_INNER_NODES}"


def source_problems(sources: Sequence[int]) -> list[tuple[int, str]]:
    """Check which node each edge reads, for a list of a legal length.

    Returns:
        Pairs of (position in the list, broken rule); empty when all is well.
    """
    problems = []
    for index, source in enumerate(sources):
        target = target_of(index)
        if not 0 <= source < target:
            problems.append((index, f"input node must be in 0..{target - 1} (edges run forward)"))
    if not problems:
        for index in range(1, len(sources), 2):
            target = target_of(index)
            if target - 1 not in sources[index : index + 2]:
                problems.append((index, f"one of the two edges of node {target} must read node {target - 1}"))
    return problems


def canonical_edges(edges: Sequence[Edge]) -> tuple[LabelledEdge, ...]:
    """Return `(target, source, op)` triples that equivalent graphs share.

    The rule leaves little to identify. Each node reads its predecessor, so every
    node reaches the output (there are no dead branches to prune) and only one
    topological order exists (renumbering changes nothing). What remains:

    * The two edges of a node are a sum, so their order is dropped.
    * Node 1 is the only node with a single edge. If that is `identity`, node 1
      equals node 0: the edge is dropped and its readers read node 0. A later
      node always sums two edges, so two identities there double a value and are
      kept.

    The target keeps its own number in the label, because operators depend on
    it: their dilation grows with `depth = block * n_inner + node - 1`. Renaming
    targets would merge networks of different dilation. Only sources are
    renamed, whose value is the same by either name.

    Up to three nodes this identifies exactly the graphs that compute the same.
    From four on a few more coincide (1 in 2,000) where identities over
    identities happen to weigh alike; they keep different keys.
    """
    shortcut = edges[0][1] == IDENTITY
    reads = {1: 0} if shortcut else {}
    labelled = [(target_of(index), reads.get(source, source), op) for index, (source, op) in enumerate(edges)]
    return tuple(sorted(labelled[1:] if shortcut else labelled))
