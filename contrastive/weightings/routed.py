"""Windows routed to the heads that suit them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrastive.checks import checked
from contrastive.weightings._base import Compare, Origin, Rows, Weighting, means_by
from contrastive.weightings._look_ahead import Notes
from search_space.genotype.rules import POSITIVE, Range
from search_space.registry import register

_HEADS = Range(2.0)
_ROUNDS = 20
_FLOOR = 1e-8


@register(
    "weighting",
    "routed",
    choices={"heads": (2.0, 3.0, 4.0), "softness": (0.1, 1.0)},
    source="TRA, Lin et al. 2021 (KDD), arXiv:2106.12950 (assignment by optimal transport); "
    "Sinkhorn: Cuturi 2013, arXiv:1306.0895",
)
class Routed(Weighting):
    """Compare views under several linear maps, each window's row weighted under a map by what is assigned to it.

    The assignment moves the rows' mean losses at least cost (entropic optimal transport)
    such that every map gets an equal part of the rows, so none starves; the loss is the mean
    over maps of the weighted one. The maps train with the encoder, and as projection heads they
    are thrown away with the strategy.

    It weights anchors and is no width of the Embed cell's head, as the maps differ in how
    much every row counts under them, which is all that a loss can be told. Deliberate
    differences: the assignment of the batch is used as it is, with no router that predicts
    it from earlier losses, as nothing is predicted with the maps; losses are differences from
    a row's mean over maps, in standard deviations of these.

    Args:
        heads: Number of maps, whole, >= 2.
        softness: Weight of the entropy; small ones assign each row to one map, > 0.

    Raises:
        ValueError: If a parameter is out of its range.
    """

    maps: nn.Parameter | None

    def __init__(self, *, heads: float, softness: float) -> None:
        super().__init__()
        if checked("routed.heads", heads, _HEADS) % 1:
            raise ValueError(f"routed.heads: must be a whole number, got {heads!r}")
        self.heads = int(heads)
        self.softness = checked("routed.softness", softness, POSITIVE)
        self.register_parameter("maps", None)

    def expect_features(self, features: int) -> None:
        """Draw maps of representations of so many features, around the identity."""
        noise = torch.randn(self.heads, features, features) * (0.5 / features**0.5)
        self.maps = nn.Parameter(torch.eye(features) + noise)

    def compared(self, z1: Tensor, z2: Tensor, compare: Compare, *, iteration: int, rows: Rows) -> Tensor:
        """Return the mean over the maps of the loss with the weights of what is assigned to each."""
        assert self.maps is not None, "maps are drawn by `expect_features`"
        mapped = [(z1 @ one, z2 @ one) for one in self.maps]
        with torch.no_grad():
            losses = [_row_losses(first.detach(), second.detach(), compare, rows=rows) for first, second in mapped]
            shares = assignment(torch.stack(losses, dim=1).float(), softness=self.softness)
        terms = [
            compare(first, second, _Shares(of_map)) for (first, second), of_map in zip(mapped, shares.T, strict=True)
        ]
        return torch.stack(terms).mean()

    def _weights(self, losses: Tensor, *, iteration: int, origin: Origin | None) -> Tensor:
        return torch.ones_like(losses)  # under one map alone


def assignment(losses: Tensor, *, softness: float) -> Tensor:
    """Return the share of every row that each map gets, by Sinkhorn's iterations on logarithms.

    Args:
        losses: Of R rows under K maps, shape (R, K).
        softness: Weight of the entropy, in standard deviations of the losses around a row's mean.

    Returns:
        Rows add up to 1, columns to R / K; shape (R, K).
    """
    cost = losses - losses.mean(dim=1, keepdim=True)
    shares = -cost / (softness * (cost.square().mean() + _FLOOR).sqrt())
    for _ in range(_ROUNDS):
        shares = shares - shares.logsumexp(dim=0, keepdim=True)
        shares = shares - shares.logsumexp(dim=1, keepdim=True)
    return shares.exp()


def _row_losses(z1: Tensor, z2: Tensor, compare: Compare, *, rows: Rows) -> Tensor:
    """Return the mean over calls of every row's mean loss, 0 where it never has one, shape (R,)."""
    notes = Notes(rows)
    compare(z1, z2, notes)
    means = [means_by(origin.instances, losses, n=len(z1)) for losses, origin in notes.calls if origin is not None]
    return torch.stack(means).nanmean(dim=0).nan_to_num(0.0) if means else z1.new_zeros(len(z1))


class _Shares:
    """Weights in proportion to the shares of the anchors' rows.

    Args:
        shares: Of every row, shape (R,).
    """

    def __init__(self, shares: Tensor) -> None:
        self._shares = shares

    def __call__(self, losses: Tensor, *, counts: Tensor, instances: Tensor | None) -> Tensor:
        weights = torch.ones_like(losses) if instances is None else self._shares[instances].expand_as(losses)
        weights = weights.to(losses.dtype) * counts
        return weights / weights[:, counts].mean() if bool(counts.any()) else weights
