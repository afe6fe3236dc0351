"""Turns rows of uniform numbers into genotypes of a search space, quickly."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from search_space.cells import Chain, Choice, EmbedCell, EncoderCell, LossCell, PairCell, TrainCell
from search_space.choices import SearchSpace
from search_space.counting import Cell, option_parameters, pair_combinations
from search_space.encoder_dag import MAX_INNER_NODES, Edge
from search_space.genotype import Genotype
from search_space.rules import MAX_CHAIN, NONE

# Numbers that one genotype spends at most: two chains, embed, pair, loss, graph, hyperparameters, training.
_ROW = 2 * (1 + 2 * MAX_CHAIN) + 3 + 1 + 3 + (1 + 3 * MAX_INNER_NODES) + 7 + 3
_ROW_BESIDE_LOSS = 4

_Item = TypeVar("_Item")


class SamplingError(ValueError):
    """A space that does not hold what was asked for."""


class Draw:
    """A row of uniform numbers in [0, 1), spent one by one."""

    def __init__(self, uniforms: Sequence[float]) -> None:
        self._next = iter(uniforms).__next__

    def below(self, n: int) -> int:
        """Return a whole number in 0..n-1."""
        return int(self._next() * n)

    def pick(self, items: Sequence[_Item]) -> _Item:
        """Return one of the items."""
        return items[int(self._next() * len(items))]


class Plan:
    """A search space laid out for drawing: whole options and cells are made once and shared."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.chains = [chain_plan(space["AugCell1"]), chain_plan(space["AugCell2"])]
        self.pairs = [
            PairCell(kinds, pool, kernel)
            for kinds, kernel in pair_combinations(space["PairCell"])
            for pool in space["PairCell"]["pool"]
        ]
        self.losses = [points(space["LossCell"], name) for name in space["LossCell"]["loss"]]
        self.similarities = space["LossCell"]["similarity"]
        self.weightings = optional_points(space["LossCell"], "weighting")
        self.auxiliaries = optional_points(space["LossCell"], "auxiliary")
        # A space without them spends no numbers on them, so what it draws does not depend on their existence.
        self.has_beside_loss = any(
            len(points) > 1 or len(points[0]) > 1 for points in (self.weightings, self.auxiliaries)
        )
        self.row = _ROW + _ROW_BESIDE_LOSS * self.has_beside_loss
        self.operators = space["EncoderCell"]["operators"]
        self.nodes = space["EncoderCell"]["nodes"]
        self.embed = _columns(space, EmbedCell)
        self.encoder = _columns(space, EncoderCell)
        self.train = _columns(space, TrainCell)

    def genotype(self, draw: Draw) -> Genotype:
        """Make the genotype of one row of uniform numbers."""
        pick = draw.pick
        return Genotype(
            aug1=draw_chain(self.chains[0], draw),
            aug2=draw_chain(self.chains[1], draw),
            embed=EmbedCell(*[pick(values) for values in self.embed]),
            pair=pick(self.pairs),
            loss=self.loss(draw),
            encoder=EncoderCell(self.edges(draw), *[pick(values) for values in self.encoder]),
            train=TrainCell(*[pick(values) for values in self.train]),
        )

    def loss(self, draw: Draw) -> LossCell:
        """Make a loss with its similarity and what stands beside it."""
        loss, similarity = draw.pick(draw.pick(self.losses)), draw.pick(self.similarities)
        if not self.has_beside_loss:
            return LossCell(loss, similarity, weighting=self.weightings[0][0], auxiliary=self.auxiliaries[0][0])
        weighting, auxiliary = draw.pick(draw.pick(self.weightings)), draw.pick(draw.pick(self.auxiliaries))
        return LossCell(loss, similarity, weighting=weighting, auxiliary=auxiliary)

    def edges(self, draw: Draw) -> tuple[Edge, ...]:
        """Make a graph: its size, then node by node the second source and two operators."""
        operators, pick = self.operators, draw.pick
        edges: list[Edge] = []
        for node in range(1, pick(self.nodes) + 1):
            edges.append((node - 1, pick(operators)))
            if node > 1:
                edges.append((draw.below(node), pick(operators)))
        return tuple(edges)


ChainPlan = tuple[list[int], list[list[Choice]]]


def _columns(space: SearchSpace, cell: type[EmbedCell] | type[EncoderCell] | type[TrainCell]) -> list[tuple[Any, ...]]:
    """Return the choices of a cell's fields in the order of its constructor, the graph aside."""
    fields = space[cell.__name__]
    return [fields[field.name] for field in dataclasses.fields(cell) if field.name != "edges"]


def points(cell: Cell, option: str) -> list[Choice]:
    """Return an option with every combination of its parameters' choices."""
    parameters = option_parameters(cell, option)
    grid = itertools.product(*parameters.values())
    return [Choice(option, tuple(zip(parameters, point, strict=True))) for point in grid]


def optional_points(cell: Cell, field: str) -> list[list[Choice | None]]:
    """Return the options of a field as `points` does, with a lone None for `none`."""
    return [[None] if name == NONE else [*points(cell, name)] for name in cell[field]]


def chain_plan(cell: Cell) -> ChainPlan:
    """Return the possible lengths of a chain and the points of each option."""
    options = [points(cell, option) for option in cell["options"]]
    return [length for length in cell["lengths"] if length <= len(options)], options


def draw_chain(plan: ChainPlan, draw: Draw) -> Chain:
    """Make an ordered chain of different options."""
    lengths, options = plan
    left = list(options)
    return tuple(draw.pick(left.pop(draw.below(len(left)))) for _ in range(draw.pick(lengths)))


@lru_cache(maxsize=16)
def plan_of(space: SearchSpace) -> Plan:
    """Return the plan of a space, made once."""
    return Plan(space)
