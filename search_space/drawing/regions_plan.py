"""Draws from several regions: the first number of a row picks one, which spends the others as it does alone."""

import dataclasses
import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_space.drawing.plan import Plan, plan_of
from search_space.drawing.twins import edge_parts
from search_space.genotype.columns import CELL_COLUMNS, Codes, GenotypeColumns, Parts
from search_space.space import Regions, Space


class RegionsPlan:
    """Regions laid out for drawing: the parts of all are numbered together."""

    def __init__(self, space: Regions) -> None:
        plans = [plan_of(product) for product in space.products]
        self.row = 1 + max(plan.row for plan in plans)
        self.parts, numbers = _merged([plan.parts for plan in plans])
        self._drawers = list(zip(plans, numbers, strict=True))
        self._regions = np.repeat(np.arange(len(plans)), [region.share for region in space.regions.values()])

    def genotypes(self, uniforms: NDArray[np.float64]) -> GenotypeColumns:
        """Make the genotypes of rows of uniform numbers, (n, `row`)."""
        region = self._regions[(uniforms[:, 0] * len(self._regions)).astype(np.int64)]
        rows = [np.flatnonzero(region == at) for at in range(len(self._drawers))]
        drawn = [
            _renumbered(plan.genotypes(uniforms[own, 1:]), numbers)
            for (plan, numbers), own in zip(self._drawers, rows, strict=True)
        ]
        merged = []
        for codes in zip(*drawn, strict=True):
            whole = np.zeros((len(uniforms), max(of_region.shape[1] for of_region in codes)), self.parts.number_type)
            for own, of_region in zip(rows, codes, strict=True):
                whole[own, : of_region.shape[1]] = of_region
            merged.append(whole)
        return GenotypeColumns(self.parts, *merged)


def drawing_plan(space: Space) -> Plan | RegionsPlan:
    """Return the plan of a space, made once."""
    return _regions_plan(space) if isinstance(space, Regions) else plan_of(space)


_regions_plan = lru_cache(maxsize=4)(RegionsPlan)


def _merged(several: Sequence[Parts]) -> tuple[Parts, list[dict[str, Codes]]]:
    """Return the parts of all, equal ones once, and for each of them the new numbers of its own."""
    operators = sorted({edge[1] for parts in several for edge in parts.edges if edge is not None})
    merged: dict[str, Any] = {
        field.name: tuple(dict.fromkeys(itertools.chain(*(getattr(parts, field.name) for parts in several))))
        for field in dataclasses.fields(Parts)
    }
    merged["edges"] = edge_parts(operators)
    places = {name: {part: at for at, part in enumerate(whole)} for name, whole in merged.items()}
    numbers = [
        {name: np.array([place[part] for part in getattr(parts, name)]) for name, place in places.items()}
        for parts in several
    ]
    return Parts(**merged), numbers


def _renumbered(columns: GenotypeColumns, numbers: dict[str, Codes]) -> tuple[Codes, Codes, Codes, Codes]:
    """Return the arrays of columns with other numbers."""
    cells = np.stack([numbers[name][columns.cell(name)] for name in CELL_COLUMNS], axis=1)
    chains = numbers["choices"][columns.aug1], numbers["choices"][columns.aug2]
    return *chains, numbers["edges"][columns.edges], cells
