"""Finds genotypes of one key among columns, without making one of them."""

import itertools
from collections.abc import Sequence

import numpy as np

from search_space.genotype.columns import GenotypeColumns
from search_space.genotype.encoder_dag import IDENTITY, MAX_INNER_NODES, Edge


def edge_parts(operators: Sequence[str]) -> tuple[Edge | None, ...]:
    """Return the edges that columns number where their operators are these, sorted: node by node, all operators."""
    return (None, *itertools.product(range(MAX_INNER_NODES), operators))


def identities(genotypes: GenotypeColumns) -> list[bytes]:
    """Return what is equal for two genotypes of these columns exactly where their keys are.

    Equal parts must have equal numbers, and edges those of `edge_parts`. What `Genotype.canonical` identifies beyond
    that is identified here: the views are put in order, and behind an identity at node 1 who reads node 1 reads
    node 0.
    """
    width = max(genotypes.aug1.shape[1], genotypes.aug2.shape[1])
    first, second = (np.pad(aug, ((0, 0), (0, width - aug.shape[1]))) for aug in (genotypes.aug1, genotypes.aug2))
    swapped = np.zeros(len(genotypes), dtype=bool)
    for place in reversed(range(width)):
        differ = first[:, place] != second[:, place]
        swapped = np.where(differ, first[:, place] > second[:, place], swapped)
    edges, known = genotypes.edges, genotypes.parts.edges
    n_names = len(known) // MAX_INNER_NODES
    identity = known.index((0, IDENTITY)) if (0, IDENTITY) in known else 0
    reads_node_1 = (edges > n_names) & (edges <= 2 * n_names)
    shortcut = (edges[:, :1] == identity) & (identity > 0)
    edges = np.where(shortcut & reads_node_1, edges - edges.dtype.type(n_names), edges)
    sums = np.sort(edges[:, 1:].reshape(len(edges), -1, 2), axis=2).reshape(len(edges), -1)
    views = [np.where(swapped[:, None], *pair) for pair in ((second, first), (first, second))]
    rows = np.concatenate([*views, edges[:, :1], sums, genotypes.cells], axis=1)
    return rows.view(f"V{rows.shape[1] * rows.itemsize}")[:, 0].tolist()  # type: ignore[no-any-return]
