"""Genotypes as one graph batch, fast: the vectorised form of `geno_to_graph`.

A vertex's features depend on a small part of the genotype - one `Choice`, one
edge, one cell - so each distinct part is encoded once and referred to by its
row. From columns that takes two microseconds a genotype on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.graphs import vertices
from ahc.graphs.graph import GraphBatch, pad_structures
from ahc.graphs.vertices import Entries
from ahc.graphs.vocabulary import Vocabulary
from search_space.columns import Codes, GenotypeColumns, Parts, as_columns
from search_space.genotype import EncoderCell, Genotype


class _Table:
    """Rows of distinct vertices; row 0 is the padding."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.rows = [np.zeros(len(vocabulary), dtype=np.float32)]

    def add(self, entries: Entries) -> int:
        """Append a vertex and return its row."""
        self.rows.append(vertices.feature_row(entries, vocabulary=self.vocabulary))
        return len(self.rows) - 1

    def rows_of(self, codes: Codes, entries: Callable[[int], Entries | None]) -> NDArray[np.int64]:
        """Return the row of every vertex that is given by a number, adding each distinct one once.

        Args:
            codes: Which vertex stands there, any shape.
            entries: What the vertex of a number says, None where there is no vertex.
        """
        distinct, place = np.unique(codes, return_inverse=True)
        said = [entries(code) for code in distinct.tolist()]
        rows = np.array([0 if one is None else self.add(one) for one in said], dtype=np.int64)
        return rows[place.reshape(codes.shape)]


def encode_genotypes(genotypes: Sequence[Genotype], *, vocabulary: Vocabulary) -> GraphBatch:
    """Return the graphs of all genotypes as one padded batch.

    Args:
        genotypes: At least one genotype; fastest as `GenotypeColumns`.
        vocabulary: Gives each name its column.

    Returns:
        The same graphs as `batch_graphs` of `geno_to_graph`, with shared tables.

    Raises:
        ValueError: If there is no genotype.
        VocabularyError: If the vocabulary lacks an option of a genotype.
    """
    if len(genotypes) == 0:
        raise ValueError("encode_genotypes: at least one genotype is needed, got none")
    columns = as_columns(genotypes)
    table = _Table(vocabulary)
    places = _vertex_rows(columns, table)  # (n, most vertices of each kind together)
    exists = places > 0
    mask = np.arange(exists.sum(axis=1).max()) < exists.sum(axis=1)[:, None]
    references = np.zeros(mask.shape, dtype=np.int64)
    references[mask] = places[exists]  # the vertices of a genotype stay in order and close up
    structures, shapes = _structures(columns)
    return GraphBatch(
        table=torch.from_numpy(np.stack(table.rows)),
        vertices=torch.from_numpy(references),
        mask=torch.from_numpy(mask),
        structures=torch.from_numpy(pad_structures(structures, n_vertices=mask.shape[1])),
        structure=torch.from_numpy(shapes),
    )


def _vertex_rows(columns: GenotypeColumns, table: _Table) -> NDArray[np.int64]:
    """Return the table's row of every vertex in vertex order, 0 where a chain or graph has ended."""
    parts, n = columns.parts, len(columns)
    hyperparameters, trains = columns.cell("encoder").astype(np.int64), len(parts.train)

    def global_vertex(code: int) -> Entries:
        encoder, train = divmod(code, trains)
        return vertices.global_entries(EncoderCell(*((), *parts.encoder[encoder], "")), train=parts.train[train])

    return np.column_stack(
        [
            table.rows_of(hyperparameters * trains + columns.cell("train"), global_vertex),
            np.full(n, table.add(vertices.INPUT_ENTRIES)),
            table.rows_of(np.concatenate([columns.aug1, columns.aug2], axis=1), lambda at: _augmentation(parts, at)),
            table.rows_of(columns.edges, lambda at: _operator(parts, at)),
            table.rows_of(columns.cell("embed"), lambda at: vertices.embed_entries(parts.embed[at])),
            table.rows_of(columns.cell("pair"), lambda at: vertices.pair_entries(parts.pair[at])),
            table.rows_of(columns.cell("loss"), lambda at: vertices.loss_entries(parts.loss[at])),
            table.rows_of(columns.cell("readout"), lambda at: vertices.output_entries(parts.readout[at])),
        ]
    )


def _augmentation(parts: Parts, code: int) -> Entries | None:
    choice = parts.choices[code]
    return None if choice is None else vertices.augmentation_entries(choice)


def _operator(parts: Parts, code: int) -> Entries | None:
    edge = parts.edges[code]
    return None if edge is None else vertices.operator_entries(edge[1])


def _structures(columns: GenotypeColumns) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Return the distinct shapes' adjacencies, and which of them each genotype has, (n,)."""
    ends = columns.parts.edges
    sources = np.array([0 if edge is None else 1 + edge[0] for edge in ends], dtype=np.int64)  # 0: no edge
    lengths = [(aug > 0).sum(axis=1) for aug in (columns.aug1, columns.aug2)]
    shown = np.column_stack([*lengths, sources[columns.edges]])
    name = np.zeros(len(columns), dtype=np.int64)
    for column in shown.T:
        name = name * (int(column.max()) + 1) + column
    _, first, shape = np.unique(name, return_index=True, return_inverse=True)
    rows: list[list[int]] = shown[first].tolist()
    return [vertices.structure(a, b, tuple(s - 1 for s in of_edges if s)) for a, b, *of_edges in rows], shape
