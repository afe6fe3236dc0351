"""Turns rows of uniform numbers into genotypes of a product of choices, many rows at once.

Each row is spent from left to right, and how much of it depends on what it drew,
so every step reads at a place of its own per row.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from compute.user_error import USAGE, UserError
from search_space.drawing.twins import edge_parts
from search_space.genotype import Choice, EmbedCell, EncoderCell, LossCell, TrainCell
from search_space.genotype.cells import BETWEEN, without_usual
from search_space.genotype.columns import Codes, GenotypeColumns, Parts
from search_space.genotype.encoder_dag import MAX_INNER_NODES, edge_count
from search_space.genotype.rules import NONE, USUAL
from search_space.registry import losses_without_similarity
from search_space.space import SearchSpace
from search_space.space.counting import Cell, pair_cells, points, standing_alone

# Numbers that one genotype spends at most: two chains, embed, pair, loss, graph, hyperparameters, training.
# What a generator draws depends on the row's width, so it grows only for spaces that need more.
_USUAL_CHAIN = 4
_ROW = 2 * (1 + 2 * _USUAL_CHAIN) + 3 + 1 + 3 + (1 + 3 * MAX_INNER_NODES) + 7 + 3
_ROW_BESIDE_LOSS = 4

_Item = TypeVar("_Item")


class SamplingError(UserError, ValueError):
    """A space that does not hold what was asked for."""

    exit_status = USAGE


class NothingToDraw(Exception):
    """There is nothing to pick from."""


class Draw:
    """A row of uniform numbers in [0, 1), spent one by one."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self._next = iter(uniforms).__next__

    def below(self, n: int) -> int:
        """Return a whole number in 0..n-1."""
        return int(self._next() * n)

    def pick(self, items: Sequence[_Item]) -> _Item:
        """Return one of the items; raises `NothingToDraw` where there is none."""
        if not items:
            raise NothingToDraw
        return items[int(self._next() * len(items))]


class Draws:
    """Rows of uniform numbers in [0, 1), each spent one by one, (n, row)."""

    def __init__(self, uniforms: NDArray[np.float64]) -> None:
        self._uniforms = uniforms
        self._rows = np.arange(len(uniforms))
        self._spent = np.zeros(len(uniforms), dtype=np.int64)

    def below(self, n: int | Codes, *, where: NDArray[np.bool_] | bool = True) -> NDArray[np.int64]:
        """Return a whole number in 0..n-1 per row, (n,); rows outside `where` spend nothing and mean nothing."""
        drawn = self._uniforms[self._rows, self._spent]
        self._spent += where
        below: NDArray[np.int64] = (drawn * n).astype(np.int64)
        return below


class Plan:
    """A product of choices laid out for drawing: what can be drawn is numbered once."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.chains = [chain_plan(space["AugCell1"]), chain_plan(space["AugCell2"])]
        pairs = pair_cells(space["PairCell"])
        # A pooling that nothing asks for makes equal cells, and equal cells need one number.
        self._pairs = _first_of_equals(pairs)
        loss = space["LossCell"]
        self.losses = [points(loss, name) for name in loss["loss"]]
        self.similarities = loss["similarity"]
        self.alone = optional_points(standing_alone(loss), "auxiliary")
        self.beside_loss = {field: optional_points(loss, field) for field in ("weighting", "auxiliary")}
        # A space without them spends no numbers on them, so what it draws does not depend on their existence.
        self.has_beside_loss = any(sum(map(len, options)) > 1 for options in self.beside_loss.values())
        longer = [max(max(lengths) - _USUAL_CHAIN, 0) for lengths, _ in self.chains]
        self.may_be_unusual = [
            (cell, name) for cell, genes in USUAL.items() for name in genes if len(space[cell][name]) > 1
        ]
        self.row = _ROW + _ROW_BESIDE_LOSS * self.has_beside_loss + 2 * sum(longer) + len(self.may_be_unusual)
        self.operators = space["EncoderCell"]["operators"]
        self.nodes = space["EncoderCell"]["nodes"]
        self._embed, self._train = (
            {field.name: space[cell.__name__][field.name] for field in dataclasses.fields(cell)}
            for cell in (EmbedCell, TrainCell)
        )
        self._between = {name: space["EncoderCell"][name] for name in BETWEEN}
        between = [EncoderCell.of((), values, "").between for values in itertools.product(*self._between.values())]
        # A part of the readout that the blocks leave no room for makes equal ones, too.
        self._normal = _first_of_equals(between)
        similarities = [[name] for name in self.similarities]
        self._loss_fields = [_Points(o) for o in (self.losses, similarities, *self.beside_loss.values())]
        compares_nothing = losses_without_similarity()
        self._compares = np.array([loss.name not in compares_nothing for loss in self._loss_fields[0].flat])
        self._contrasts = np.array([loss.name != NONE for loss in self._loss_fields[0].flat])
        auxiliaries = self._loss_fields[-1].flat
        self._alone = _Points(self.alone, {point: at for at, point in enumerate(auxiliaries)})
        steps = [choice for _, options in self.chains for choices in options for choice in choices]
        acting = list(dict.fromkeys(step for step in steps if not step.does_nothing))
        number = {step: at for at, step in enumerate(acting, 1)}
        self._steps = [_Points(options, number) for _, options in self.chains]
        # Sorted names, so that the smaller number of a node's two edges is the first in normal form.
        names = sorted(self.operators)
        self._names = np.array([names.index(name) for name in self.operators])
        self.parts = Parts(
            choices=(None, *acting),
            edges=edge_parts(names),
            embed=[EmbedCell(*values) for values in itertools.product(*self._embed.values())],
            pair=pairs,
            loss=[LossCell(*values) for values in itertools.product(*(points.flat for points in self._loss_fields))],
            encoder=between,
            readout=space["EncoderCell"]["readout"],
            train=[TrainCell(*values) for values in itertools.product(*self._train.values())],
        )
        self._type = self.parts.number_type

    def genotypes(self, uniforms: NDArray[np.float64]) -> GenotypeColumns:
        """Make the genotypes of rows of uniform numbers, (n, `row`)."""
        draws = Draws(uniforms)
        aug1, aug2 = (self._chain(view, draws) for view in (0, 1))
        embed = _combination(self._embed, draws, cell="EmbedCell")
        pair = self._pairs[draws.below(len(self._pairs))]
        loss = self._loss(draws)
        edges = self._edges(draws)
        encoder = self._normal[_combination(self._between, draws, cell="EncoderCell")]
        readout = draws.below(len(self.parts.readout))
        train = _combination(self._train, draws, cell="TrainCell")
        cells = np.stack([embed, pair, loss, encoder, readout, train], axis=1)
        return GenotypeColumns(self.parts, *(codes.astype(self._type) for codes in (aug1, aug2, edges, cells)))

    def _chain(self, view: int, draws: Draws) -> Codes:
        """Draw ordered chains of different options, (n, longest chain)."""
        lengths, options = self.chains[view]
        points = self._steps[view]
        length = np.array(lengths)[draws.below(len(lengths))]
        left = np.tile(np.arange(len(options)), (len(length), 1))  # options that are not taken, in order
        steps = np.zeros((len(length), max(lengths)), dtype=np.int64)
        for place in range(max(lengths)):
            drawn = place < length
            at = draws.below(len(options) - place, where=drawn)
            option = np.take_along_axis(left, at[:, None], axis=1)[:, 0]
            steps[:, place] = points.pick_of(option, draws, where=drawn) * drawn
            left = np.where(np.arange(left.shape[1] - 1) < at[:, None], left[:, :-1], left[:, 1:])
        # What does nothing is 0 as well: move it behind what acts.
        closed: Codes = np.take_along_axis(steps, np.argsort(steps == 0, axis=1, kind="stable"), axis=1)
        return closed

    def _loss(self, draws: Draws) -> Codes:
        """Draw losses with their similarity and what stands beside them, (n,)."""
        losses, similarities, *beside = self._loss_fields
        loss, similarity = losses.pick(draws), draws.below(len(similarities.flat))
        off = np.zeros_like(loss)
        contrasts = self._contrasts[loss]
        weighting = auxiliary = off
        if self.has_beside_loss:
            weighting, auxiliary = beside[0].pick(draws), beside[1].pick(draws, where=contrasts)
            if not contrasts.all():
                alone = self._alone.pick(draws, where=~contrasts)
                auxiliary = np.where(contrasts, auxiliary, alone)
        compares = self._compares[loss]  # a loss that compares nothing has neither
        digits = [loss, similarity * compares, weighting * compares, auxiliary]
        return _number(digits, [points.flat for points in self._loss_fields])

    def _edges(self, draws: Draws) -> Codes:
        """Draw graphs: their size, then node by node the second source and two operators, (n, most edges)."""
        n_nodes, n_names = np.array(self.nodes)[draws.below(len(self.nodes))], len(self._names)
        edges = np.zeros((len(n_nodes), edge_count(max(self.nodes))), dtype=np.int64)
        for node in range(1, max(self.nodes) + 1):
            drawn = node <= n_nodes
            first = 1 + (node - 1) * n_names + self._names[draws.below(n_names, where=drawn)]
            if node == 1:
                edges[:, 0] = first
                continue
            source = draws.below(node, where=drawn)
            second = 1 + source * n_names + self._names[draws.below(n_names, where=drawn)]
            edges[:, 2 * node - 3] = np.minimum(first, second) * drawn
            edges[:, 2 * node - 2] = np.maximum(first, second) * drawn
        return edges


class _Points:
    """Options with all their points, numbered through.

    Args:
        options: The points of each option.
        number: The number of a point, 0 where it has none; its place in `flat` where None.
    """

    def __init__(self, options: Sequence[Sequence[Any]], number: Mapping[Any, int] | None = None) -> None:
        self.flat = [point for points in options for point in points]
        self._sizes = np.array([len(points) for points in options], dtype=np.int64)
        self._starts = np.cumsum(self._sizes) - self._sizes
        numbers = range(len(self.flat)) if number is None else [number.get(point, 0) for point in self.flat]
        self._numbers = np.array(numbers, dtype=np.int64)

    def pick(self, draws: Draws, *, where: NDArray[np.bool_] | bool = True) -> NDArray[np.int64]:
        """Draw an option and a point of it, (n,)."""
        return self.pick_of(draws.below(len(self._sizes), where=where), draws, where=where)

    def pick_of(self, option: Codes, draws: Draws, *, where: NDArray[np.bool_] | bool = True) -> NDArray[np.int64]:
        """Draw a point of the options that are given, (n,)."""
        at = self._starts[option] + draws.below(self._sizes[option], where=where)
        return np.take(self._numbers, at)


ChainPlan = tuple[list[int], list[list[Choice]]]


def _first_of_equals(parts: Sequence[Any]) -> Codes:
    """Return for each part where the first that equals it stands, (n,)."""
    first: dict[Any, int] = {}
    return np.array([first.setdefault(part, at) for at, part in enumerate(parts)])


def _combination(fields: Mapping[str, Sequence[Any]], draws: Draws, *, cell: str) -> Codes:
    """Draw a value of each field and return where they stand in the product of the fields, (n,).

    A gene that can only be as usual spends nothing, so that what a space draws does not depend on its existence.
    """
    usual = USUAL.get(cell, {})
    digits = [draws.below(len(values), where=len(values) > 1 or name not in usual) for name, values in fields.items()]
    return _number(digits, [*fields.values()])


def _number(digits: Sequence[Codes], fields: Sequence[Sequence[Any]]) -> Codes:
    """Return where combinations stand in the product of the fields, given as one index per field, (n,)."""
    return np.ravel_multi_index(tuple(digits), [len(values) for values in fields])


def optional_points(cell: Cell, field: str) -> list[list[Choice | None]]:
    """Return the options of a field as `points` does, as a Loss cell keeps them, with a lone None for `none`."""
    return [
        [None] if name == NONE else [without_usual(field, point) for point in points(cell, name)]
        for name in cell[field]
    ]


def chain_plan(cell: Cell) -> ChainPlan:
    """Return the possible lengths of a chain and the points of each option."""
    options = [points(cell, option) for option in cell["options"]]
    return [length for length in cell["lengths"] if length <= len(options)], options


@lru_cache(maxsize=16)
def plan_of(space: SearchSpace) -> Plan:
    """Return the plan of a space, made once."""
    return Plan(space)
