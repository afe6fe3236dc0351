"""Greedy selection of a few members from all that was tried, by what they said of cases that they had not seen.

Ensemble selection with replacement (Caruana et al. 2004, doi:10.1145/1015330.1015432). Deliberate differences: it
begins with members that the prior names instead of nobody, and a member is added only where the losses of the cases
fall by more than their noise, as few cases tell many candidates apart by luck.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Losses = Callable[[Floats], Floats]
"""What was said of each case held out, (n, outputs) -> a smooth loss of each, (n,)."""

ADDITIONS = 8
MARGIN = 1.5
"""Standard errors by which losses must fall: one is enough among eight candidates, among seventy some fall by luck."""
MOST_MEMBERS = 4
N_FOLDS = 5


@dataclass(frozen=True)
class Selection:
    """The members of a combination.

    Args:
        weights: Name -> what it counts, the heaviest first; they add up to 1.
        said: What the combination says of each case held out, (n, outputs).
        nested: The same, but of each case by members that were selected on other cases, (n, outputs).
    """

    weights: dict[str, float]
    said: Floats
    nested: Floats


def select(
    said: Mapping[str, Floats],
    losses: Losses,
    *,
    prior: Sequence[str],
    most: int = MOST_MEMBERS,
    additions: int = ADDITIONS,
    rng: np.random.Generator,
) -> Selection:
    """Select members.

    Args:
        said: Name -> what a candidate says of each case held out, (n, outputs).
        losses: Of what is said of the cases.
        prior: Names to begin with, the surest first; at most `most` of them are taken.
        most: Most different members.
        additions: Most steps; 0 leaves it at the prior.
        rng: Draws the folds of the nested estimate.

    Raises:
        ValueError: If the prior names nobody.
    """
    begin = [name for name in prior if name in said][:most]
    if not begin:
        raise ValueError("select: the prior must name at least one candidate")
    # candidates in an order of their own: of equals, which is taken does not depend on how they came
    table = {name: np.asarray(said[name], dtype=np.float64) for name in sorted(said)}
    n = len(table[begin[0]])
    everyone = np.arange(n)
    grown = partial(_grown, table, losses, begin=begin, most=most, additions=additions)
    counts = grown(cases=everyone)
    total = sum(counts.values())
    weights = {name: count / total for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}
    folds, nested = rng.permutation(n) % min(N_FOLDS, n), np.empty_like(table[begin[0]])
    for fold in range(int(folds.max()) + 1):
        held_out = folds == fold
        known = everyone[~held_out] if n > 1 else everyone
        nested[held_out] = _mean(table, grown(cases=known))[held_out]
    return Selection(weights, _mean(table, counts), nested)


def _grown(
    table: Mapping[str, Floats],
    losses: Losses,
    *,
    begin: Iterable[str],
    most: int,
    additions: int,
    cases: NDArray[np.int64],
) -> Counter[str]:
    """Return how often each member was taken, by the losses of some cases."""
    counts = Counter(begin)
    total = counts.total() * _mean(table, counts)
    now = losses(total / counts.total())[cases]
    for _ in range(additions):
        open_to = [name for name in table if name in counts or len(counts) < most]
        tried = {name: losses((total + table[name]) / (counts.total() + 1))[cases] for name in open_to}
        best = min(tried, key=lambda name: float(tried[name].mean()))
        gains = now - tried[best]
        if not gains.mean() > MARGIN * np.std(gains) / np.sqrt(len(gains)):
            break
        counts[best] += 1
        total, now = total + table[best], tried[best]
    return counts


def _mean(table: Mapping[str, Floats], counts: Counter[str]) -> Floats:
    mean: Floats = np.asarray(sum(counts[name] * table[name] for name in counts) / counts.total())
    return mean
