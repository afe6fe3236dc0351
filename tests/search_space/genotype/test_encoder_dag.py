"""The [node, op] rule, against plain recounts and a symbolic evaluation of the graph."""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from search_space.genotype.encoder_dag import (
    MAX_INNER_NODES,
    Edge,
    canonical_edges,
    edge_count,
    edge_count_problem,
    incoming,
    inner_nodes,
    sorted_edges,
    source_problems,
    target_of,
)
from search_space.space.counting import canonical_graphs, raw_graphs

SMALL = [(1, ("identity", "a", "b")), (2, ("identity", "a", "b")), (3, ("identity", "a", "b")), (3, ("a", "b"))]


def all_graphs(n_inner: int, operators: tuple[str, ...]) -> Iterator[tuple[Edge, ...]]:
    """Yield every encoding: the first edge of a node reads its predecessor."""
    per_node: list[list[tuple[Edge, ...]]] = [[((0, op),) for op in operators]]
    for node in range(2, n_inner + 1):
        ops = itertools.product(operators, repeat=2)
        per_node.append([((node - 1, a), (s, b)) for (a, b), s in itertools.product(ops, range(node))])
    for nodes in itertools.product(*per_node):
        yield tuple(itertools.chain.from_iterable(nodes))


def function_of(edges: tuple[Edge, ...]) -> Any:
    """Evaluate the graph on a symbol: a linear combination of unlike terms.

    An operator applied to a value is a new term that remembers the node it leads
    to (its dilation); identity hands on the value; a node averages its edges.
    """
    values = [frozenset({("x", 1.0)})]
    for node, pair in enumerate(incoming(edges), start=1):
        total: dict[Any, float] = defaultdict(float)
        for source, op in pair:
            terms = values[source] if op == "identity" else {((op, node, values[source]), 1.0)}
            for term, weight in terms:
                total[term] += weight / math.sqrt(len(pair))
        values.append(frozenset((term, round(weight, 9)) for term, weight in total.items()))
    return values[-1]


@pytest.mark.parametrize(("n_inner", "operators"), [*SMALL, (4, ("identity", "a"))])
def test_equal_canonical_edges_compute_the_same(n_inner: int, operators: tuple[str, ...]) -> None:
    functions = defaultdict(set)
    for edges in all_graphs(n_inner, operators):
        functions[canonical_edges(edges)].add(function_of(edges))
    assert all(len(found) == 1 for found in functions.values())


@pytest.mark.parametrize(("n_inner", "operators"), SMALL)
def test_up_to_three_nodes_graphs_that_compute_the_same_are_identified(
    n_inner: int, operators: tuple[str, ...]
) -> None:
    canonical = defaultdict(set)
    for edges in all_graphs(n_inner, operators):
        canonical[function_of(edges)].add(canonical_edges(edges))
    assert all(len(found) == 1 for found in canonical.values())


@pytest.mark.parametrize(("n_inner", "operators"), SMALL)
def test_counts_of_graphs_match_a_full_listing(n_inner: int, operators: tuple[str, ...]) -> None:
    listed = list(all_graphs(n_inner, operators))
    assert raw_graphs([n_inner], len(operators)) == len(listed)
    assert canonical_graphs([n_inner], operators) == len({canonical_edges(edges) for edges in listed})


def test_the_same_graph_one_node_later_is_another_function() -> None:
    # behind an identity at node 1, node 2 computes what node 1 would, but with a larger dilation
    late = canonical_edges(((0, "identity"), (0, "a"), (1, "a")))
    early = canonical_edges(((0, "a"), (0, "identity"), (1, "identity")))
    assert late != early


@pytest.mark.parametrize("n_inner", range(1, MAX_INNER_NODES + 1))
def test_positions_targets_and_counts_fit_together(n_inner: int) -> None:
    targets = [target_of(index) for index in range(edge_count(n_inner))]
    assert targets == [1, *(node for node in range(2, n_inner + 1) for _ in range(2))]
    chain = [(target - 1, "a") for target in targets]
    assert inner_nodes(chain) == n_inner == len(incoming(chain))
    assert edge_count_problem(len(chain)) is None
    assert source_problems([source for source, _ in chain]) == []


@pytest.mark.parametrize("n_edges", [0, 2, 4, 13])
def test_impossible_numbers_of_edges(n_edges: int) -> None:
    assert "2n-1 edges" in str(edge_count_problem(n_edges))


@pytest.mark.parametrize(
    ("sources", "index", "rule"),
    [
        ([1], 0, r"0\.\.0"),
        ([0, -1, 1], 1, r"0\.\.1"),
        ([0, 0, 1, 3, 2], 3, r"0\.\.2 \(edges run forward\)"),
        ([0, 0, 0], 1, "node 2 must read node 1"),
        ([0, 1, 1, 0, 1], 3, "node 3 must read node 2"),
    ],
)
def test_broken_sources_are_found_where_they_are(sources: list[int], index: int, rule: str) -> None:
    ((found, text),) = source_problems(sources)
    assert found == index
    assert re.search(rule, text)


def test_only_the_two_edges_of_a_node_are_sorted() -> None:
    edges = ((0, "b"), (1, "a"), (0, "b"), (2, "a"), (1, "c"))
    assert sorted_edges(edges) == ((0, "b"), (0, "b"), (1, "a"), (1, "c"), (2, "a"))
