"""The contrastive strategy: views -> encoder -> alignment -> embedding transformation -> pairs x loss (+ auxiliary)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from contrastive.alignment import common_steps, in_time_order
from contrastive.auxiliaries._base import Auxiliary, Encode
from contrastive.embedding import EmbeddingTransformation
from contrastive.hierarchy import build_scales, contrast
from contrastive.views import View, draw_core, observed_span, whole_window
from contrastive.weightings._base import Rows, Weighting
from search_space import registry

if TYPE_CHECKING:
    from contrastive.augmentations._base import Augmentation
    from contrastive.losses._base import Loss
    from contrastive.pairs._base import Pair
    from contrastive.similarities._base import Similarity
    from contrastive.weightings._base import AnchorWeights
    from search_space.genotype import Choice, Genotype

MOST_ROWS = 64
"""Rows (window x stream) that one loss contrasts; of more, a random subset takes part."""


class Strategy(nn.Module):
    """The five contrastive cells of a genotype, ready to turn a batch into a loss.

    Its weights are those of its auxiliary loss, of the map that the Embed cell may have
    and of maps that its weighting may have, its buffers what its weighting remembers. Values that are not finite pass
    through, so that whoever trains can see a divergence.

    Args:
        genotype: Its Aug, Embed, Pair and Loss cells are read.
        features: Number of features D of the encoder.
        width: Variates of a stream: 1 with independent channels, else all.
        whole_windows: Windows are encoded to a single row each: there are no steps to align.

    Raises:
        ValueError: If an option or a parameter is not valid.
    """

    def __init__(self, genotype: Genotype, *, features: int, width: int, whole_windows: bool = False) -> None:
        super().__init__()
        self.features, self._whole_windows = features, whole_windows
        self.embedding = EmbeddingTransformation(**vars(genotype.embed), features=features)
        self._chains = (_chain(genotype.aug1), _chain(genotype.aug2))
        choices = (*genotype.aug1, *genotype.aug2)
        self._moves_time = any(registry.get("augmentation", choice.name).moves_time for choice in choices)
        self._shortens = any(augmentation.shortens for chain in self._chains for augmentation in chain)
        self._pairs: tuple[Pair, ...] = tuple(registry.build("pair", kind) for kind in genotype.pair.kinds)
        self._pool, self._kernel = genotype.pair.pool, genotype.pair.kernel
        cell = genotype.loss
        self._loss: Loss | None = _beside("loss", cell.loss if cell.contrasts else None)
        compares = cell.contrasts and registry.get("loss", cell.loss.name).compares
        self._similarity: Similarity | None = registry.build("similarity", cell.similarity) if compares else None
        self._weighting: Weighting | None = _beside("weighting", cell.weighting)
        if self._weighting is not None:
            self._weighting.expect_features(genotype.embed.head or features)
        self.auxiliary: Auxiliary | None = _beside("auxiliary", cell.auxiliary, features, width=width)
        self.iteration = 0
        """Losses so far, as a weighting counts them; whoever goes on with a training sets it."""
        self.n_windows = 0
        """Training windows that `loss` may be told the places of; `expect_windows` sets it."""

    def expect_windows(self, n_windows: int) -> None:
        """Make room for what a weighting remembers of so many training windows."""
        self.n_windows = n_windows
        if self._weighting is not None:
            self._weighting.expect_windows(n_windows)

    def views(self, x: Tensor, *, generator: torch.Generator) -> tuple[View, View]:
        """Draw two views of every window.

        Args:
            x: Windows, NaN is missing, shape (B, T, V).
            generator: Source of all chance, on the device of `x`.
        """
        window = whole_window(x, core=self._core(x, generator=generator) if self._moves_time else None)
        views = []
        for chain in self._chains:
            view = window
            for augmentation in chain:
                view = augmentation(view, generator=generator)
            views.append(view)
        return views[0], views[1]

    def loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator, windows: Tensor | None = None) -> Tensor:
        """Return the contrastive loss of a batch plus the auxiliary one, a scalar; either alone where that is all.

        An auxiliary loss with steps of its own is not added (`own_loss`).
        Every call is an iteration to a weighting of anchors.

        Every stream of a window counts as an instance. Of more than `MOST_ROWS`
        instances a random subset, the same in both views, is contrasted: instance
        pairs cost the square of their number.

        Args:
            x: Windows, NaN is missing, shape (B, T, V).
            encode: Maps (B, T, V) to (B, S, T, D). Views of equal length are
                encoded in one call, as a batch of 2B.
            generator: Source of all chance, on the device of `x`.
            windows: Place of every window among the training windows, for weightings
                that remember them, shape (B,).
        """
        losses = [] if self._loss is None else [self._contrast(x, encode, generator=generator, windows=windows)]
        self.iteration += 1
        if self.auxiliary is not None and not self.auxiliary.own_steps:
            losses.append(self.auxiliary(x, encode, generator=generator))
        return losses[0] if len(losses) == 1 else losses[0] + losses[1]

    def own_loss(self, x: Tensor, encode: Encode, *, generator: torch.Generator) -> Tensor | None:
        """Return the auxiliary loss where it has a step of its own before the next call of `loss`, else None.

        Args:
            x: As of `loss`, and so are the others.
            encode: Maps (B, T, V) to (B, S, T, D).
            generator: Source of all chance.
        """
        own, now = self.auxiliary, self.iteration
        if own is None or own.n_own_steps(now + 1) == own.n_own_steps(now):
            return None
        loss: Tensor = own(x, encode, generator=generator)
        return loss

    def _contrast(self, x: Tensor, encode: Encode, *, generator: torch.Generator, windows: Tensor | None) -> Tensor:
        first, second = self.views(x, generator=generator)
        z1, z2 = _encode_both(first.values, second.values, encode=encode)  # (B, S, T1, D), (B, S, T2, D)
        steps = None
        if not self._whole_windows:
            steps = common_steps(first.times_in_order(), second.times_in_order(), observed=observed_span(x))
            z1, z2 = in_time_order(z1, view=first), in_time_order(z2, view=second)
        streams = z1.shape[1]
        z1, z2 = z1.flatten(0, 1), z2.flatten(0, 1)  # (B * S, T, D)
        every = torch.arange(len(z1), device=z1.device)
        window, stream = every // streams, every % streams
        if len(z1) > MOST_ROWS:
            rows = torch.randperm(len(z1), generator=generator, device=z1.device)[:MOST_ROWS]
            z1, z2, window, stream = z1[rows], z2[rows], window[rows], stream[rows]
        if steps is not None:
            z1, z2 = steps.take(z1, z2, window=window)
        z1, z2 = self.embedding(torch.cat([z1, z2]), generator=generator).chunk(2)
        if self._weighting is None:
            return self._compare(z1, z2, None)
        known = Rows(z1.detach(), stream, None if windows is None else windows[window], self.n_windows)
        return self._weighting.compared(z1, z2, self._compare, iteration=self.iteration, rows=known)

    def _compare(self, z1: Tensor, z2: Tensor, weighting: AnchorWeights | None) -> Tensor:
        """Return the loss of aligned and transformed views, shape (R, T, D) each."""
        assert self._loss is not None, "what has no contrast compares nothing"
        return contrast(
            build_scales(z1, z2, pool=self._pool, kernel=self._kernel),
            pairs=self._pairs,
            loss=self._loss,
            similarity=self._similarity,
            weighting=weighting,
            hierarchical=self._kernel > 0,
        )

    def _core(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return what both views must show: a stretch to crop around, or else the observed middle; shape (B, 2)."""
        span = observed_span(x)
        if self._shortens:
            return draw_core(span, steps=x.shape[1], generator=generator)
        return span.mean(dim=1, keepdim=True).expand(-1, 2)


def _chain(choices: Sequence[Choice]) -> tuple[Augmentation, ...]:
    return tuple(registry.build("augmentation", choice.name, **choice.params) for choice in choices)


def _beside(kind: str, choice: Choice | None, *args: Any, **facts: Any) -> Any:
    """Return what stands beside the loss, None if nothing does."""
    return None if choice is None else registry.build(kind, choice.name, *args, **facts, **choice.params)


def _encode_both(x1: Tensor, x2: Tensor, *, encode: Encode) -> tuple[Tensor, Tensor]:
    if x1.shape != x2.shape:
        return encode(x1), encode(x2)
    z1, z2 = encode(torch.cat([x1, x2])).chunk(2)
    return z1, z2
