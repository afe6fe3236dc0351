"""The cross entropy that the softmax losses share."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from contrastive.checks import above_zero
from contrastive.losses._base import AnchorPairs, PairLoss


class SoftmaxLoss(PairLoss):
    """Cross entropy of picking a positive among itself and the negatives.

    For an anchor with positives P, negatives N and similarities s the loss is
    the mean over p in P of -log( e^(s_p/tau) / (e^(s_p/tau) + sum_{n in N} e^(s_n/tau)) ):
    the other positives are no rivals.

    Args:
        temperature: The paper's tau; divides every similarity, unitless, > 0.

    Raises:
        ValueError: If `temperature` is not greater than 0.
    """

    def __init__(self, *, temperature: float) -> None:
        self.temperature = above_zero(f"{type(self).__name__}.temperature", temperature)

    def _rows(self, similarities: Tensor, *, pairs: AnchorPairs) -> Tensor:
        scaled = similarities / self.temperature
        if pairs.positive_index.shape[1] == 1:
            return _single_positive(scaled, pairs=pairs)
        rivals = _log_sum_exp(_mask(scaled, kept=pairs.negatives))  # (G, A, 1)
        return (functional.softplus(rivals - pairs.positives_of(scaled)) * pairs.positive_weight).sum(dim=-1)


def _single_positive(scaled: Tensor, *, pairs: AnchorPairs) -> Tensor:
    """Return the same with one fused softmax, several times faster; shape (G, A) from (G, A, N)."""
    kept = pairs.negatives.scatter(1, pairs.positive_index, True)
    log_share = _mask(scaled, kept=kept).log_softmax(dim=-1)
    return -(pairs.positives_of(log_share) * pairs.positive_weight).squeeze(-1)


def _mask(scaled: Tensor, *, kept: Tensor) -> Tensor:
    # A finite floor instead of -inf: a row without negatives then has loss and gradient 0, not NaN.
    return scaled.masked_fill(~kept, torch.finfo(scaled.dtype).min / 2)


def _log_sum_exp(values: Tensor) -> Tensor:
    """Return log(sum(exp(values))) over the last axis, kept as an axis of 1."""
    largest = values.detach().amax(dim=-1, keepdim=True)
    # e^-80 is nothing beside the largest term, but smaller ones become subnormal numbers, ten times slower.
    return (values - largest).clamp(min=-80.0).exp().sum(dim=-1, keepdim=True).log() + largest
