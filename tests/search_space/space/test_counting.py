"""Exact sizes, each against a full listing of a small cell."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest

from search_space.genotype import PairCell
from search_space.space import counting

Cell = dict[str, tuple[Any, ...]]


def cell(lengths: tuple[int, ...], **strengths: tuple[float, ...]) -> Cell:
    return {
        "lengths": lengths,
        "options": tuple(strengths),
        **{f"{name}.s": values for name, values in strengths.items()},
    }


def listed_chains(given: Cell) -> list[tuple[tuple[str, float], ...]]:
    return [
        tuple(zip(names, point, strict=True))
        for length in given["lengths"]
        for names in itertools.permutations(given["options"], length)
        for point in itertools.product(*(given[f"{name}.s"] for name in names))
    ]


def acting(chain: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    return tuple((name, strength) for name, strength in chain if strength)


CELLS = [
    cell((0, 1, 2), a=(0.1, 0.2), b=(0.1,), c=(0.3, 0.4, 0.5)),
    cell((2,), a=(0.0, 0.2), b=(0.1,), c=(0.0, 0.4)),
    cell((3,), a=(0.0, 0.2), b=(0.0, 0.1), c=(0.3, 0.4)),
    cell((1, 3), a=(0.0, 0.2), b=(0.0,), d=(0.0, 0.4)),
    cell((0, 4), a=(0.5,)),
]


@pytest.mark.parametrize("given", CELLS)
def test_raw_chains(given: Cell) -> None:
    assert counting.raw_chains(given) == len(listed_chains(given))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(CELLS, CELLS)))
def test_canonical_chains_and_views(first: Cell, second: Cell) -> None:
    ones = {acting(chain) for chain in listed_chains(first)}
    others = {acting(chain) for chain in listed_chains(second)}
    assert counting.common_canonical_chains(first, second) == len(ones & others)
    views = {tuple(sorted(pair)) for pair in itertools.product(ones, others)}
    assert counting.canonical_views(first, second) == len(views)


@pytest.mark.parametrize("kinds", [("temporal",), ("cross_scale", "temporal"), ("instance", "neighbor", "temporal")])
@pytest.mark.parametrize("kernels", [(0,), (0, 3), (2, 3)])
def test_pairs(kinds: tuple[str, ...], kernels: tuple[int, ...]) -> None:
    given = {"kinds": kinds, "pool": ("avg", "max"), "kernel": kernels}
    subsets = [s for size in range(len(kinds) + 1) for s in itertools.combinations(kinds, size)]
    cells = [PairCell(s, pool, kernel) for s in subsets for pool in ("avg", "max") for kernel in kernels]
    valid = [pair for pair in cells if pair.is_valid]
    assert Counter(counting.pair_cells(given)) == Counter(valid)


def test_losses_count_only_their_own_parameters() -> None:
    off = {"weighting": ("none",), "auxiliary": ("none",)}
    given = {"loss": ("a", "b"), "similarity": ("x", "y"), "a.t": (1, 2, 3), "b.m": (1, 2), "b.n": (1, 2), **off}
    assert counting.raw_losses(given) == counting.canonical_losses(given) == 2 * (3 + 2 * 2)


def test_what_stands_beside_a_loss_multiplies_it() -> None:
    given = {"loss": ("a",), "similarity": ("x",), "weighting": ("none", "w"), "auxiliary": ("none", "u", "v")}
    given |= {"w.p": (1, 2), "u.weight": (1, 2, 3)}
    assert counting.raw_losses(given) == counting.canonical_losses(given) == 3 * 5
