"""Genotypes as columns of small whole numbers: hundreds of thousands in one array.

A row is a genotype and each number names one of few parts: an augmentation, an
edge, a cell. What reads many genotypes reads the numbers and looks at each
distinct part once; a `Genotype` is made only for those that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from search_space.genotype.cells import Choice, EmbedCell, EncoderCell, LossCell, PairCell, TrainCell
from search_space.genotype.encoder_dag import Edge
from search_space.genotype.genotype import Genotype

_Part = TypeVar("_Part")
Codes = NDArray[np.integer[Any]]
CELL_COLUMNS = ("embed", "pair", "loss", "encoder", "readout", "train")


@dataclass(frozen=True)
class Parts:
    """What the numbers of the columns mean: each is an index into one of these.

    Args:
        choices: Augmentations; the first entry is None, where a chain has ended.
        edges: Edges of an encoder; the first entry is None, where a graph has ended.
        embed: Embed cells.
        pair: Pair cells.
        loss: Loss cells.
        encoder: What `EncoderCell.between` gives.
        readout: Readouts.
        train: Train cells.
    """

    choices: Sequence[Choice | None]
    edges: Sequence[Edge | None]
    embed: Sequence[EmbedCell]
    pair: Sequence[PairCell]
    loss: Sequence[LossCell]
    encoder: Sequence[tuple[Any, ...]]
    readout: Sequence[str]
    train: Sequence[TrainCell]

    @property
    def number_type(self) -> np.dtype[Any]:
        """The smallest type that numbers all of them."""
        return np.min_scalar_type(max(len(getattr(self, field.name)) for field in fields(self)))


def _listed(parts: Sequence[_Part | None], codes: Sequence[int]) -> tuple[_Part, ...]:
    """Return the parts of a chain or graph, without what stands behind its end."""
    return tuple([part for code in codes if (part := parts[code]) is not None])


@dataclass(frozen=True, eq=False)
class GenotypeColumns(Sequence[Genotype]):
    """Many genotypes in normal form, as a sequence of `Genotype` that holds numbers.

    Args:
        parts: What the numbers mean.
        aug1: The chain of the first view, 0 behind its end, (n, longest chain).
        aug2: The chain of the second view, (n, longest chain).
        edges: The edges of the encoder in their order, 0 behind the last, (n, most edges).
        cells: One column for each of `CELL_COLUMNS`, (n, 6).
    """

    parts: Parts
    aug1: Codes
    aug2: Codes
    edges: Codes
    cells: Codes

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Genotype]:
        parts = self.parts
        columns = (codes.tolist() for codes in (self.aug1, self.aug2, self.edges, self.cells))
        for aug1, aug2, edges, (embed, pair, loss, encoder, readout, train) in zip(*columns, strict=True):
            yield Genotype(
                aug1=_listed(parts.choices, aug1),
                aug2=_listed(parts.choices, aug2),
                embed=parts.embed[embed],
                pair=parts.pair[pair],
                loss=parts.loss[loss],
                encoder=EncoderCell.of(_listed(parts.edges, edges), parts.encoder[encoder], parts.readout[readout]),
                train=parts.train[train],
            )

    @overload
    def __getitem__(self, at: int) -> Genotype: ...
    @overload
    def __getitem__(self, at: slice) -> GenotypeColumns: ...
    def __getitem__(self, at: int | slice) -> Genotype | GenotypeColumns:
        if isinstance(at, slice):
            return self.take(at)
        return next(iter(self.take(np.array([at]))))

    def take(self, index: slice | NDArray[Any]) -> GenotypeColumns:
        """Return the genotypes at `index`: a slice, positions or a mask."""
        return GenotypeColumns(self.parts, self.aug1[index], self.aug2[index], self.edges[index], self.cells[index])

    def cell(self, name: str) -> Codes:
        """Return one of `CELL_COLUMNS`, (n,)."""
        return self.cells[:, CELL_COLUMNS.index(name)]


def joined(blocks: Sequence[GenotypeColumns]) -> GenotypeColumns:
    """Return blocks that share their parts as one; at least one block."""
    names = ("aug1", "aug2", "edges", "cells")
    return GenotypeColumns(blocks[0].parts, *(np.concatenate([getattr(b, name) for b in blocks]) for name in names))


def as_columns(genotypes: Sequence[Genotype]) -> GenotypeColumns:
    """Return genotypes of any origin as columns, in the same order; at least one genotype."""
    if isinstance(genotypes, GenotypeColumns):
        return genotypes
    choices: dict[Any, int] = {None: 0}
    edges: dict[Any, int] = {None: 0}
    known: list[dict[Any, int]] = [{} for _ in CELL_COLUMNS]
    rows = []
    for genotype in genotypes:
        encoder = genotype.encoder
        cells = (genotype.embed, genotype.pair, genotype.loss, encoder.between, encoder.readout, genotype.train)
        coded = [(choices, genotype.aug1), (choices, genotype.aug2), (edges, encoder.edges)]
        row = [[codes.setdefault(part, len(codes)) for part in chain] for codes, chain in coded]
        row.append([codes.setdefault(cell, len(codes)) for codes, cell in zip(known, cells, strict=True)])
        rows.append(row)
    parts = Parts(tuple(choices), tuple(edges), *map(tuple, known))
    return GenotypeColumns(parts, *map(_padded, zip(*rows, strict=True)))


def _padded(rows: Sequence[Sequence[int]]) -> Codes:
    """Return rows of different lengths with zeros behind their ends, (rows, longest)."""
    padded = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = row
    return padded
