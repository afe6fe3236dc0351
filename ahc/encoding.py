"""Genotypes as one graph batch, fast: the vectorised form of `geno_to_graph`.

A vertex's features depend on a small part of the genotype - one `Choice`, one
operator name, one cell - so each distinct part is encoded once and referred to
by its row. Twenty thousand genotypes take about a second on one core.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain

import numpy as np
import torch

from ahc import vertices
from ahc.graph import GraphBatch, pad_structures
from ahc.vertices import Entries
from ahc.vocabulary import Vocabulary
from search_space.genotype import Choice, EmbedCell, EncoderCell, Genotype, LossCell, PairCell, TrainCell

_Shape = tuple[int, int, tuple[int, ...]]


class _Table:
    """Rows of distinct vertices; row 0 is the padding."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.rows = [np.zeros(len(vocabulary), dtype=np.float32)]
        self.input = self._add(vertices.INPUT_ENTRIES)
        self._known: dict[Hashable, int] = {}

    def _add(self, entries: Entries) -> int:
        self.rows.append(vertices.feature_row(entries, vocabulary=self.vocabulary))
        return len(self.rows) - 1

    def hyperparameters(self, encoder: EncoderCell, train: TrainCell) -> int:
        # Everything of the encoder that the global vertex shows, but not its edges.
        shown = (encoder.blocks, encoder.hidden, encoder.output, encoder.dropout, encoder.normalization)
        key = ("global", shown, encoder.channels, train)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = self._add(vertices.global_entries(encoder, train=train))
        return at

    def augmentation(self, choice: Choice) -> int:
        key = ("augmentation", choice)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = self._add(vertices.augmentation_entries(choice))
        return at

    def operator(self, name: str) -> int:
        at = self._known.get(name)
        if at is None:
            at = self._known[name] = self._add(vertices.operator_entries(name))
        return at

    def embed(self, cell: EmbedCell) -> int:
        at = self._known.get(cell)
        if at is None:
            at = self._known[cell] = self._add(vertices.embed_entries(cell))
        return at

    def pair(self, cell: PairCell) -> int:
        at = self._known.get(cell)
        if at is None:
            at = self._known[cell] = self._add(vertices.pair_entries(cell))
        return at

    def loss(self, cell: LossCell) -> int:
        at = self._known.get(cell)
        if at is None:
            at = self._known[cell] = self._add(vertices.loss_entries(cell))
        return at

    def output(self, readout: str) -> int:
        key = ("output", readout)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = self._add(vertices.output_entries(readout))
        return at

    def rows_of(self, genotype: Genotype) -> list[int]:
        """Return the row of every vertex, in vertex order."""
        encoder = genotype.encoder
        return [
            self.hyperparameters(encoder, genotype.train),
            self.input,
            *map(self.augmentation, genotype.aug1),
            *map(self.augmentation, genotype.aug2),
            *[self.operator(name) for _, name in encoder.edges],
            self.embed(genotype.embed),
            self.pair(genotype.pair),
            self.loss(genotype.loss),
            self.output(encoder.readout),
        ]


def encode_genotypes(genotypes: Sequence[Genotype], *, vocabulary: Vocabulary) -> GraphBatch:
    """Return the graphs of all genotypes as one padded batch.

    Args:
        genotypes: At least one genotype.
        vocabulary: Gives each name its column.

    Returns:
        The same graphs as `batch_graphs` of `geno_to_graph`, with shared tables.

    Raises:
        ValueError: If there is no genotype.
        VocabularyError: If the vocabulary lacks an option of a genotype.
    """
    if not genotypes:
        raise ValueError("encode_genotypes: at least one genotype is needed, got none")
    table = _Table(vocabulary)
    rows = [table.rows_of(genotype) for genotype in genotypes]
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    mask = np.arange(lengths.max()) < lengths[:, None]
    references = np.zeros(mask.shape, dtype=np.int64)
    references[mask] = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=int(lengths.sum()))

    known: dict[_Shape, int] = {}
    shapes = np.empty(len(genotypes), dtype=np.int64)
    for at, genotype in enumerate(genotypes):
        sources = tuple([source for source, _ in genotype.encoder.edges])
        shapes[at] = known.setdefault((len(genotype.aug1), len(genotype.aug2), sources), len(known))
    structures = [vertices.structure(*shape) for shape in known]
    return GraphBatch(
        table=torch.from_numpy(np.stack(table.rows)),
        vertices=torch.from_numpy(references),
        mask=torch.from_numpy(mask),
        structures=torch.from_numpy(pad_structures(structures, n_vertices=mask.shape[1])),
        structure=torch.from_numpy(shapes),
    )
