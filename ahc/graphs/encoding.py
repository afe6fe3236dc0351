"""Genotypes as one graph batch, fast: the vectorised form of `geno_to_graph`.

A vertex's features depend on a small part of the genotype - one `Choice`, one
edge, one cell - so each distinct part is encoded once and referred to by its
row. From columns that takes two microseconds a genotype on one core.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.graphs.graph import GraphBatch
from ahc.graphs.vocabulary import Vocabulary
from search_space.genotype import EncoderCell, Genotype, TrainCell, graph
from search_space.genotype.columns import CELL_COLUMNS, Codes, GenotypeColumns, as_columns
from search_space.genotype.graph import Vertex

_Part = TypeVar("_Part")


class _Table:
    """Rows of distinct vertices; row 0 is the padding."""

    def __init__(self, vocabulary: Vocabulary, lacking: set[str] | None) -> None:
        self.vocabulary, self._lacking = vocabulary, lacking
        self.rows = [np.zeros(len(vocabulary), dtype=np.float32)]

    def rows_of(
        self, codes: Codes, parts: Sequence[_Part | None], vertex_of: Callable[[_Part], Vertex]
    ) -> NDArray[np.int64]:
        """Return the row of the vertex of every part, 0 where there is none, adding each distinct one once.

        Args:
            codes: Which of the parts stands there, any shape.
            parts: What the codes mean.
            vertex_of: Gives the vertex of a part.
        """
        distinct, place = np.unique(codes, return_inverse=True)
        rows = np.zeros(len(distinct), dtype=np.int64)
        for at, code in enumerate(distinct.tolist()):
            if (part := parts[code]) is not None:
                rows[at] = len(self.rows)
                self.rows.append(self.vocabulary.row(vertex_of(part), self._lacking))
        return rows[place.reshape(codes.shape)]


def encode_genotypes(
    genotypes: Sequence[Genotype], *, vocabulary: Vocabulary, lacking: set[str] | None = None
) -> GraphBatch:
    """Return the graphs of all genotypes as one padded batch.

    Args:
        genotypes: At least one genotype; fastest as `GenotypeColumns`.
        vocabulary: Gives each name its column.
        lacking: Where names that the vocabulary lacks are noted, as `Vocabulary.row` does; an error where None.

    Returns:
        The graphs of `geno_to_graph`, in the same order.

    Raises:
        ValueError: If there is no genotype.
        VocabularyError: If the vocabulary lacks an option of a genotype and `lacking` is None.
    """
    if len(genotypes) == 0:
        raise ValueError("encode_genotypes: at least one genotype is needed, got none")
    columns = as_columns(genotypes)
    table = _Table(vocabulary, lacking)
    places = _vertex_rows(columns, table)  # (n, most vertices of each kind together)
    exists = places > 0
    mask = np.arange(exists.sum(axis=1).max()) < exists.sum(axis=1)[:, None]
    references = np.zeros(mask.shape, dtype=np.int64)
    references[mask] = places[exists]  # the vertices of a genotype stay in order and close up
    structures, structure = _structures(columns, n_vertices=mask.shape[1])
    arrays = np.stack(table.rows), references, mask, structures, structure
    return GraphBatch(*map(torch.from_numpy, arrays))


def vocabulary_of(genotypes: Sequence[Genotype]) -> Vocabulary:
    """Return the vocabulary of what at least one of some genotypes says: a comparator can learn nothing else."""
    parts = as_columns(genotypes).parts
    vertices = [
        *(_global_vertex(both) for both in itertools.product(parts.encoder, parts.train)),
        graph.INPUT,
        *(graph.augmentation_vertex(choice) for choice in parts.choices if choice is not None),
        *(graph.operator_vertex(edge[1]) for edge in parts.edges if edge is not None),
        *map(graph.embed_vertex, parts.embed),
        *map(graph.pair_vertex, parts.pair),
        *map(graph.loss_vertex, parts.loss),
        *map(graph.output_vertex, parts.readout),
    ]
    return Vocabulary.from_registry().said_by(vertices)


def _global_vertex(both: tuple[tuple[Any, ...], TrainCell]) -> Vertex:
    return graph.global_vertex(EncoderCell.of((), both[0], ""), train=both[1])


def _vertex_rows(columns: GenotypeColumns, table: _Table) -> NDArray[np.int64]:
    """Return the table's row of every vertex in vertex order, 0 where a chain or graph has ended."""
    parts = columns.parts
    embed, pair, loss, encoder, readout, train = (columns.cell(name) for name in CELL_COLUMNS)
    n_train = len(parts.train)

    def both(code: int) -> Vertex:
        return _global_vertex((parts.encoder[code // n_train], parts.train[code % n_train]))

    return np.column_stack(
        [
            table.rows_of(encoder.astype(np.int64) * n_train + train, range(len(parts.encoder) * n_train), both),
            table.rows_of(np.zeros_like(embed), (graph.INPUT,), lambda vertex: vertex),
            table.rows_of(np.hstack([columns.aug1, columns.aug2]), parts.choices, graph.augmentation_vertex),
            table.rows_of(columns.edges, parts.edges, lambda edge: graph.operator_vertex(edge[1])),
            table.rows_of(embed, parts.embed, graph.embed_vertex),
            table.rows_of(pair, parts.pair, graph.pair_vertex),
            table.rows_of(loss, parts.loss, graph.loss_vertex),
            table.rows_of(readout, parts.readout, graph.output_vertex),
        ]
    )


def _structures(columns: GenotypeColumns, *, n_vertices: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the distinct adjacencies, (shapes, n_vertices, n_vertices), and which of them each genotype has, (n,)."""
    sources = np.array([0 if edge is None else 1 + edge[0] for edge in columns.parts.edges], dtype=np.int64)
    lengths = [(aug > 0).sum(axis=1) for aug in (columns.aug1, columns.aug2)]
    shown = np.column_stack([*lengths, sources[columns.edges]])  # lengths of the views, sources + 1, 0 for no edge
    name = np.zeros(len(columns), dtype=np.int64)
    for column in shown.T:
        name = name * (int(column.max()) + 1) + column
    _, first, shape = np.unique(name, return_index=True, return_inverse=True)
    structures = np.zeros((len(first), n_vertices, n_vertices), dtype=np.float32)
    for adjacency, (n_first, n_second, *reads) in zip(structures, shown[first].tolist(), strict=True):
        edges = graph.edges_of_shape(n_first, n_second, [source - 1 for source in reads if source])
        adjacency[tuple(zip(*edges, strict=True))] = 1.0
    return structures, shape
