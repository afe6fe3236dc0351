"""What a contrastive strategy costs in training: views, alignment, embedding transformation, losses, auxiliary loss.

Augmentations, the way from representations to scales, and losses are traced
apart and added up.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from contrastive.alignment import CommonSteps
from contrastive.embedding import EmbeddingTransformation
from contrastive.hierarchy import build_scales
from contrastive.strategy import MOST_ROWS
from contrastive.views import draw_core, observed_span, whole_window
from nas.cost.counting import Counts, Trace, Traces, trace, traces
from nas.cost.encoder_cost import only_readouts, read_features, readout_traces
from nas.cost.loss_cost import built_weighting, first_values, kept_input, pair_kind_counts
from search_space import registry
from search_space.genotype import Choice, Genotype
from search_space.genotype.cells import EmbedCell

_DRAWS = 32
_SOME = 0.1
"""Any strength above 0 costs the same."""


class StrategyCost(NamedTuple):
    """What a strategy takes.

    Attributes:
        counts: Of everything but the encoder and the auxiliary loss; nothing where nothing is contrasted.
        share: Part of the steps that an average view still has.
        unlike: Whether the views have different lengths, so that the encoder runs twice.
        auxiliary: Of the auxiliary loss, without the encoder.
        more_windows: Windows per window of the batch that it encodes besides both views.
    """

    counts: Counts
    share: float
    unlike: bool
    auxiliary: Counts
    more_windows: int


def strategy_cost(genotype: Genotype, *, batch: int, variates: int, steps: int) -> StrategyCost:
    """Return what a strategy takes in one iteration.

    Args:
        genotype: Its Aug, Embed, Pair and Loss cells are read, and its encoder's width.
        batch: Windows of the batch.
        variates: Variates of a window that reach the encoder in one batch.
        steps: Steps of a window.
    """
    beside, more = _beside(genotype, batch, variates, steps)
    if not genotype.loss.contrasts:
        return StrategyCost(Counts(), share=1.0, unlike=False, auxiliary=beside, more_windows=more)
    chains = (genotype.aug1, genotype.aug2)
    shares = [math.prod(_step_share(choice, steps) for choice in chain) for chain in chains]
    names = [choice.name for choice in (*genotype.aug1, *genotype.aug2)]
    total = sum((_augmentation(name, variates, steps).at(batch) for name in names), Counts())
    streams = variates if genotype.encoder.channels == "independent" else 1
    rows = min(batch * streams, MOST_ROWS)
    # in eighths of the window, so that few lengths have to be traced
    common = max(1, round(min(shares) * 8) * steps // 8)
    pair, embed = genotype.pair, genotype.embed
    width, seen = genotype.encoder.features, common
    if genotype.contrasts_readouts:
        width, seen = read_features(genotype.encoder), 1
        total = total + readout_traces(only_readouts(genotype.encoder), common).at(2 * batch * streams)
    features = embed.head or width
    moves_time = any(registry.get("augmentation", name).moves_time for name in names)
    acts = replace(embed, jitter=_SOME * (embed.jitter > 0), mask=_SOME * (embed.mask > 0))
    way = _embedding(moves_time and seen > 1, acts, seen, width)
    total = total + way.at(rows) + kept_input(way.low, batch * streams * (steps if seen > 1 else 1) * width * 2)
    pooling = _pooling(pair.pool, pair.kernel, seen, features).at(rows)
    heads = 1 if genotype.loss.weighting is None else built_weighting(genotype.loss.weighting).heads
    if heads > 1:
        total = total + (_map(seen, features).at(rows) + pooling) * heads
    total = total + pooling
    total = total + sum(
        (pair_kind_counts(kind, genotype, rows=rows, steps=seen, width=features) for kind in pair.kinds), Counts()
    )
    unlike = any(share < 1 for share in shares)
    return StrategyCost(total, share=sum(shares) / 2, unlike=unlike, auxiliary=beside, more_windows=more)


def _beside(genotype: Genotype, batch: int, variates: int, steps: int) -> tuple[Counts, int]:
    """Return the counts of an auxiliary loss on a batch, and how many windows it encodes for each."""
    choice, width = genotype.loss.auxiliary, genotype.encoder.features
    if choice is None:
        return Counts(), 0
    streams = variates if genotype.encoder.channels == "independent" else 1
    found, windows = _auxiliary(choice.name, variates, steps, variates // streams, width)
    return found.at(batch) + kept_input(found.low, batch * streams * steps * width * windows), windows


@lru_cache(maxsize=10_000)
def _step_share(choice: Choice, steps: int) -> float:
    """Return the mean share of the steps that an augmentation leaves."""
    augmentation = registry.build("augmentation", choice.name, **choice.params)
    if not augmentation.shortens:
        return 1.0
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(2, steps, 1)
    n_steps = 0
    for _ in range(_DRAWS):
        core = draw_core(observed_span(x), steps=steps, generator=generator)
        n_steps += int(augmentation(whole_window(x, core=core), generator=generator).values.shape[1])
    return n_steps / (_DRAWS * steps)


@lru_cache(maxsize=10_000)
def _augmentation(name: str, variates: int, steps: int) -> Traces:
    augmentation = registry.build("augmentation", name, **first_values("augmentation", name))

    def run(windows: int) -> Trace:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(windows, steps, variates, generator=generator)
        core = draw_core(observed_span(x), steps=steps, generator=generator)

        return trace(lambda given: augmentation(whole_window(given[0], core=core), generator=generator).values, [x])

    return traces(run)


@lru_cache(maxsize=10_000)
def _embedding(moves_time: bool, acts: EmbedCell, steps: int, width: int) -> Traces:
    """Trace alignment and embedding transformation, for rows of representations in both views."""

    def run(rows: int) -> Trace:
        generator = torch.Generator().manual_seed(0)
        with torch.random.fork_rng(devices=[]):
            embedding = EmbeddingTransformation(**vars(acts), features=width)
        places = torch.rand(rows, steps, generator=generator).sort(dim=1).values * (steps - 1)

        def transformed(views: Sequence[Tensor]) -> Tensor:
            z1, z2 = views
            if moves_time:
                z1, z2 = CommonSteps(places, places).take(z1, z2, window=torch.arange(rows))
            return embedding(torch.cat([z1, z2]), generator=generator)  # type: ignore[no-any-return]

        return trace(transformed, _two_views(rows, steps, width), parameters=[*embedding.parameters()])

    return traces(run)


@lru_cache(maxsize=10_000)
def _map(steps: int, width: int) -> Traces:
    """Trace one of the linear maps under which a weighting compares both views."""
    square = torch.eye(width).requires_grad_()

    def mapped(views: Sequence[Tensor]) -> Tensor:
        return torch.cat([view @ square for view in views])

    return traces(lambda rows: trace(mapped, _two_views(rows, steps, width), parameters=[square]))


@lru_cache(maxsize=10_000)
def _pooling(pool: str, kernel: int, steps: int, width: int) -> Traces:
    """Trace the scales of both views."""

    def pooled(views: Sequence[Tensor]) -> Tensor:
        scales = build_scales(views[0], views[1], pool=pool, kernel=kernel)
        return torch.stack([scale.z1.sum() + scale.z2.sum() for scale in scales]).sum()

    return traces(lambda rows: trace(pooled, _two_views(rows, steps, width)))


def _two_views(rows: int, steps: int, width: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(rows, steps, width, generator=generator).requires_grad_() for _ in range(2)]


@lru_cache(maxsize=1_000)
def _auxiliary(name: str, variates: int, steps: int, per_stream: int, width: int) -> tuple[Traces, int]:
    """Trace an auxiliary loss beside an encoder that costs nothing, and count the windows that it encodes for each."""
    streams = variates // per_stream
    with torch.random.fork_rng(devices=[]):
        auxiliary = registry.build("auxiliary", name, width, width=per_stream, **first_values("auxiliary", name))
    encoded: list[int] = []

    def run(windows: int) -> Trace:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(windows, steps, variates, generator=generator)
        z = torch.randn(windows, streams, steps, width, generator=generator).requires_grad_()

        def encode(shown: Tensor) -> Tensor:
            encoded.append(len(shown) // windows)
            return z

        return trace(lambda _: auxiliary(x, encode, generator=generator), [z], parameters=[*auxiliary.parameters()])

    return traces(run), sum(encoded) // 2
