"""What a loss costs on one kind of pairs, at all levels of the hierarchy.

A loss is traced on one and two groups: its counts are affine in the number of groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import torch
from torch import Tensor

from contrastive.groups import PairGroup, TwoViewGroup
from contrastive.hierarchy import build_scales
from contrastive.weightings._base import Weighting
from contrastive.weightings._look_ahead import HELD_OUT
from nas.cost.counting import FLOAT_BYTES, Counts, Trace, Traces, trace, traces
from search_space import registry
from search_space.genotype import Choice, Genotype


@dataclass(frozen=True)
class _Group:
    """A pair group in miniature: what decides the cost of a loss on it.

    Equal are those of the same sizes: the masks have as many shapes as the groups have, so the first of a shape
    stands for all.
    """

    anchors: int
    candidates: int
    positives: int
    with_themselves: bool
    n: int = field(compare=False)
    masks: tuple[Tensor, Tensor, Tensor] = field(compare=False)


@lru_cache(maxsize=10_000)
def _groups(kind: str, pool: str, kernel: int, rows: int, steps: int) -> list[_Group]:
    """Return the groups of a pair kind at all of its levels."""
    pair = registry.build("pair", kind)
    z = torch.zeros(rows, steps, 1)
    scales = build_scales(z, z, pool=pool, kernel=kernel)
    levels = range(len(scales)) if kernel > 0 else [1 if pair.uses_whole_window else 0]
    groups = [group for level in levels if (group := pair(scales, level)) is not None]
    return [
        _Group(
            anchors=group.anchors.shape[1],
            candidates=group.candidates.shape[1],
            positives=int((group.positives & ~group.excluded).sum(dim=1).max()),
            with_themselves=group.anchors is group.candidates,
            n=len(group.anchors),
            masks=(group.positives, group.excluded, group.same_view),
        )
        for group in groups
    ]


def pair_kind_counts(kind: str, genotype: Genotype, *, rows: int, steps: int, width: int) -> Counts:
    """Return the counts of the loss on one pair kind at all levels, and of making its groups, in an iteration.

    A weighting may compare the views under several maps, or anew every so often. A weighted loss is computed once
    without a gradient before it is with one, so the difference to the plain one is a pass without.
    """
    choice = genotype.loss.weighting
    if choice is None:
        return _compared(kind, genotype, None, rows=rows, steps=steps, width=width)

    def passes(n: int) -> tuple[Counts, Counts]:
        """Return a weighted comparison of n rows, and a plain one."""
        names = (choice.name, None)
        weighted, plain = (_compared(kind, genotype, name, rows=n, steps=steps, width=width) for name in names)
        return weighted, plain

    weighted, plain = passes(rows)
    option = built_weighting(choice)
    if option.heads > 1:  # what is assigned to each map follows from weighted losses that need no gradient
        return (weighted + _without_gradient(weighted, plain) * 2.0) * option.heads
    if option.looks_ahead_every:
        held = max(1, rows // HELD_OUT)
        looking = passes(held)[1] + _without_gradient(*passes(max(1, rows - held))) * 4.0  # there and back
        share = looking * (1 / option.looks_ahead_every)
        return weighted + replace(share, multiply_adds=0.0, kept_bytes=0.0)  # no part of an iteration's own passes
    return weighted


def _without_gradient(weighted: Counts, plain: Counts) -> Counts:
    return replace(weighted - plain, kept_bytes=0.0)


@lru_cache(maxsize=1_000)
def built_weighting(choice: Choice) -> Weighting:
    """Return the weighting of a choice; torch's generator stays where it is."""
    with torch.random.fork_rng(devices=[]):
        built: Weighting = registry.build("weighting", choice.name, **choice.params)
        return built


def _compared(kind: str, genotype: Genotype, weighting: str | None, *, rows: int, steps: int, width: int) -> Counts:
    """Return the counts of comparing the views once."""
    cell = genotype.loss
    total = Counts()
    for group in _groups(kind, "max", genotype.pair.kernel, rows, steps):
        loss = _loss(cell.loss.name, cell.similarity, weighting, width, group)
        numbers = group.n * width * (group.anchors + (0 if group.with_themselves else group.candidates))
        total = total + loss.at(group.n) + kept_input(loss.low, numbers)
        # rows are put side by side, and their gradients are added to those of the other kinds
        total = total + Counts(moved_bytes=FLOAT_BYTES * numbers * 5.0, kernels=6.0)
    return total


@lru_cache(maxsize=50_000)
def _loss(loss: str, similarity: str, weighting: str | None, width: int, group: _Group) -> Traces:
    """Trace a loss on a few groups."""
    built = registry.build("loss", loss, **first_values("loss", loss))
    compared = None if similarity == "none" else registry.build("similarity", similarity)
    weights = None
    if weighting is not None:
        first = Choice(weighting, tuple(first_values("weighting", weighting).items()))
        weights = partial(built_weighting(first), iteration=0)

    def run(groups: int) -> Trace:
        generator = torch.Generator().manual_seed(0)
        anchors = torch.randn(groups, group.anchors, width, generator=generator).requires_grad_()
        candidates = torch.randn(groups, group.candidates, width, generator=generator).requires_grad_()
        inputs = [anchors] if group.with_themselves else [anchors, candidates]

        def go(given: Sequence[Tensor]) -> Tensor:
            pairs = TwoViewGroup(given[0]) if group.with_themselves else PairGroup(given[0], given[-1], *group.masks)
            return built(pairs, compared, weighting=weights)  # type: ignore[no-any-return]

        return trace(go, inputs)

    return traces(run, size=1)


def first_values(kind: str, name: str) -> dict[str, float]:
    """Return the first registered value of every parameter: the others cost the same."""
    return {parameter: values[0] for parameter, values in registry.get(kind, name).choices.items()}


def kept_input(piece: Trace, numbers: float) -> Counts:
    """Return the bytes of an input of so many numbers where the backward pass needs it."""
    return Counts(kept_bytes=FLOAT_BYTES * numbers if piece.keeps_input else 0.0)
