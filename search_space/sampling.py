"""Draws genotypes: fresh ones, unique sets of them, and variations of known ones.

Each genotype is made from one row of uniform numbers. That is fast, and it
makes the first candidates the same however many are asked for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from search_space.choices import SearchSpace
from search_space.drawing import Draw, SamplingError, plan_of
from search_space.genotype import Genotype
from search_space.mutation import mutate
from search_space.space import default_space

__all__ = ["SamplingError", "crossover", "mutate", "sample_arch", "sample_candidates"]

_BATCH = 256
_PATIENCE = 20_000


def draws(rng: np.random.Generator, *, row: int) -> Iterator[Draw]:
    """Yield rows of that many uniform numbers without end."""
    while True:
        for uniforms in rng.random((_BATCH, row)).tolist():
            yield Draw(uniforms)


def sample_arch(rng: np.random.Generator, space: SearchSpace | None = None) -> dict[str, Any]:
    """Draw one genotype in the dict form, uniform over each choice in turn.

    Args:
        rng: Source of randomness.
        space: Where to draw from; the default space if None.
    """
    plan = plan_of(space or default_space())
    return plan.genotype(Draw(rng.random(plan.row).tolist())).to_dict()


def sample_candidates(
    n: int,
    rng: np.random.Generator,
    space: SearchSpace | None = None,
    exclude: Collection[str] = (),
    *,
    accept: Callable[[Genotype], bool] | None = None,
) -> list[Genotype]:
    """Draw genotypes with different keys.

    Args:
        n: How many.
        rng: Source of randomness.
        space: Where to draw from; the default space if None.
        exclude: Keys that must not appear, for example those already trained.
        accept: Says of a genotype that is new whether it may appear; None accepts
            all. What is accepted comes in the order of the same draws.

    Raises:
        SamplingError: If the space holds fewer, nothing new turns up any more, or
            hardly anything is accepted.
    """
    space = space or default_space()
    available = space.canonical_size()["total"]
    if n > available:
        raise SamplingError(f"n: the space holds {available} different genotypes, got {n}")
    plan = plan_of(space)
    seen = set(exclude)
    found: list[Genotype] = []
    fruitless = refused = 0
    for draw in draws(rng, row=plan.row) if n > 0 else ():
        genotype = plan.genotype(draw)
        if genotype.key in seen:
            fruitless += 1
            if fruitless > _PATIENCE:
                raise SamplingError(
                    f"n: no new genotype in {_PATIENCE} draws after {len(found)} "
                    f"(the space holds {available}, {len(set(exclude))} are excluded), got {n}"
                )
            continue
        fruitless = 0
        seen.add(genotype.key)
        if accept is not None and not accept(genotype):
            refused += 1
            if refused > _PATIENCE * (len(found) + 1):
                raise SamplingError(
                    f"n: only {len(found)} of {len(found) + refused} different genotypes were accepted, got {n}; "
                    "the limits leave too little of the space"
                )
            continue
        found.append(genotype)
        if len(found) == n:
            break
    return found


def crossover(a: Genotype, b: Genotype, rng: np.random.Generator) -> Genotype:
    """Return a child that has each cell from either parent; no rule spans two cells."""
    from_a = rng.random(len(dataclasses.fields(Genotype))) < 0.5
    cells = {
        field.name: getattr(a if chosen else b, field.name)
        for field, chosen in zip(dataclasses.fields(Genotype), from_a, strict=True)
    }
    return Genotype(**cells)
