"""Draws genotypes: fresh ones, unique sets of them, and variations of known ones.

Each genotype is made from one row of uniform numbers. That is fast, and it
makes the first candidates the same however many are asked for.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from search_space.drawing.plan import SamplingError
from search_space.drawing.regions_plan import drawing_plan
from search_space.drawing.twins import identities
from search_space.genotype import Genotype
from search_space.genotype.columns import GenotypeColumns, joined
from search_space.space import Space, default_space

# Batches that a generator is asked for; what follows a draw depends on them.
_BATCH = 256
_MOST_ROWS = 16 * _BATCH
_PATIENCE = 20_000


def sample_arch(rng: np.random.Generator, space: Space | None = None) -> dict[str, Any]:
    """Draw one genotype in the dict form, uniform over each choice in turn; a region by its share.

    Args:
        rng: Source of randomness.
        space: Where to draw from; the default space if None.
    """
    plan = drawing_plan(space or default_space())
    return plan.genotypes(rng.random((1, plan.row)))[0].to_dict()


def sample_candidates(
    n: int,
    rng: np.random.Generator,
    space: Space | None = None,
    exclude: Collection[str] = (),
    *,
    accept: Callable[[Genotype], bool] | None = None,
) -> list[Genotype]:
    """Draw genotypes with different keys; `sample_columns` as a list of genotypes."""
    return list(sample_columns(n, rng, space, exclude, accept=accept))


def sample_columns(
    n: int,
    rng: np.random.Generator,
    space: Space | None = None,
    exclude: Collection[str] = (),
    *,
    accept: Callable[[Genotype], bool] | None = None,
) -> GenotypeColumns:
    """Draw genotypes with different keys, as columns.

    Without `exclude` and `accept` no genotype is made: some 2 microseconds and 200 bytes each.

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
    plan = drawing_plan(space)
    seen: set[str | bytes] = set(exclude)
    blocks = [plan.genotypes(np.empty((0, plan.row)))]
    n_kept = fruitless = refused = 0
    while n_kept < n:
        # whole batches that are surely needed
        n_rows = min(-(-(n - n_kept) // _BATCH) * _BATCH, _MOST_ROWS)
        drawn = plan.genotypes(rng.random((n_rows, plan.row)))
        genotypes = list(drawn) if exclude or accept is not None else []
        names: Sequence[str | bytes] = [g.key for g in genotypes] if exclude else identities(drawn)
        kept: list[int] = []
        for at, name in enumerate(names):
            if name in seen:
                fruitless += 1
                if fruitless > _PATIENCE:
                    raise SamplingError(
                        f"n: no new genotype in {_PATIENCE} draws after {n_kept + len(kept)} "
                        f"(the space holds {available}, {len(set(exclude))} are excluded), got {n}"
                    )
                continue
            fruitless = 0
            seen.add(name)
            if accept is not None and not accept(genotypes[at]):
                refused += 1
                n_accepted = n_kept + len(kept)
                if refused > _PATIENCE * (n_accepted + 1):
                    raise SamplingError(
                        f"n: only {n_accepted} of {n_accepted + refused} different genotypes were accepted, got {n}; "
                        "the limits leave too little of the space"
                    )
                continue
            kept.append(at)
            if n_kept + len(kept) == n:
                break
        blocks.append(drawn.take(np.array(kept, dtype=np.int64)))
        n_kept += len(kept)
    return joined(blocks)


def crossover(a: Genotype, b: Genotype, rng: np.random.Generator, *, space: Space | None = None) -> Genotype:
    """Return a child that has each cell from either parent.

    Args:
        a: One parent.
        b: The other one.
        rng: Source of randomness.
        space: Which children of parents in it do not leave: of a cross that it does not hold, as of parents in two
            regions, `a` stays. Any cross may come where None.
    """
    fields = dataclasses.fields(Genotype)
    from_a = rng.random(len(fields)) < 0.5
    child = Genotype(*(getattr(a if own else b, field.name) for field, own in zip(fields, from_a, strict=True)))
    left = space is not None and not space.holds(child) and space.holds(a) and space.holds(b)
    return a if left else child
