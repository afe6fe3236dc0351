"""The members of a combination of encoders: what they are, what they weigh, what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from encoders.encoder import Encoder
from nas.cost.counting import count_kernels
from search_space.genotype import EncoderCell, Genotype


@dataclass(frozen=True)
class Member:
    """One encoder of a combination.

    Args:
        genotype: What it was built and trained from.
        weight: Its part in the answer as the search had it; the representation is not scaled by it; finite, >= 0.
        iterations: It was trained for, >= 0.

    Raises:
        ValueError: If a number is not as stated.
    """

    genotype: Genotype
    weight: float
    iterations: int

    def __post_init__(self) -> None:
        """Check the numbers."""
        number = isinstance(self.weight, int | float) and not isinstance(self.weight, bool)
        if not (number and math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"weight of a member must be a finite number >= 0, got {self.weight!r}")
        if not (type(self.iterations) is int and 0 <= self.iterations < 2**63):
            raise ValueError(f"iterations of a member must be a whole number >= 0, got {self.iterations!r}")


@dataclass(frozen=True)
class Size:
    """What representing windows takes; a combination takes the sum of its members.

    Args:
        parameters: Trainable numbers.
        features: Of a window, all streams together.
        multiply_adds: For one window, readout included.
    """

    parameters: int
    features: int
    multiply_adds: int

    def __add__(self, other: Size) -> Size:
        return Size(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))

    def __str__(self) -> str:
        return (
            f"{self.parameters:,} parameters, {self.features:,} features, "
            f"{self.multiply_adds:,} multiply-adds per window"
        )


@lru_cache(maxsize=1_000)
def size_of(cell: EncoderCell, *, variates: int, steps: int) -> Size:
    """Return the size of an encoder, its multiply-adds as they are computed for a window of noise.

    Args:
        cell: The encoder's genes.
        variates: Variates of a window.
        steps: Its length.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        encoder = Encoder(cell, variates=variates).eval()
        x = torch.randn(1, steps, variates, generator=torch.Generator().manual_seed(0))
        counts = count_kernels(lambda: encoder.represent(x))
    return Size(
        parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        features=encoder.streams * encoder.representation_features,
        multiply_adds=round(counts.training_multiply_adds),
    )


def members_text(
    members: Sequence[Member], *, variates: int, steps: int, names: Sequence[str] | None = None
) -> list[str]:
    """Return lines that say what the members of a combination are, their weights and their sizes.

    Args:
        members: At least one.
        variates: Variates of a window.
        steps: Its length.
        names: What they are called; by default by their keys.
    """
    sizes = [size_of(member.genotype.encoder, variates=variates, steps=steps) for member in members]
    lines = [f"{len(members)} encoders side by side: {sum(sizes[1:], start=sizes[0])}"]
    names = [member.genotype.key for member in members] if names is None else names
    for member, size, name in zip(members, sizes, names, strict=True):
        encoder = next(line for line in member.genotype.describe().splitlines() if line.startswith("Encoder: "))
        lines += [
            f"  weight {member.weight:.2f}: {name}, {_trained(member.iterations)}, {size}",
            f"    {encoder}",
        ]
    return lines


def _trained(iterations: int) -> str:
    return f"{iterations:,} iterations" if iterations else "untrained"
