"""MTS-Mixers: time mixed in interleaved parts, features through a narrow layer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.operators._mixing import StreamMixing, TimeFilter
from encoders.operators._operator import Operator, within_span
from search_space.registry import register

PARTS = 2
"""Interleaved parts of a window: steps i, i + 2, i + 4, ... belong to part i."""

NARROWING = 4
"""Times that the layer between features is narrower than the latent."""


@register("operator", "factorized_mixer", source="MTS-Mixers, Li et al. 2023, arXiv:2302.04501, factorised MLP")
class FactorizedMixer(Operator):
    """Mix every second step with a network of its own, then the features through a layer a quarter as wide.

    Both are added to the latent. A part's network is two linear maps over its
    steps with a GELU between them, so a step sees 252 steps to either side.

    Deliberate differences: the weights of a map over time belong to lags, not to
    places in a window of fixed length (`mixer`), and there is one between the
    two maps where the source has many; other variates are read as their mean;
    a layer norm per step before either mixing.
    """

    def __init__(self, hidden: int, *, depth: int, dropout: float) -> None:
        super().__init__(hidden, depth=depth, dropout=dropout)
        self.time_norm = nn.LayerNorm(hidden)
        self.first = nn.ModuleList(TimeFilter() for _ in range(PARTS))
        self.second = nn.ModuleList(TimeFilter() for _ in range(PARTS))
        self.feature_norm = nn.LayerNorm(hidden)
        self.over_features = StreamMixing(hidden, max(1, hidden // NARROWING), dropout=dropout)

    def forward(self, x: Tensor, span: Tensor | None = None) -> Tensor:
        """Mix time, then features; (batch, streams, time, hidden)."""
        read = within_span(self.time_norm(x), span)  # the norm's bias must not enter from beyond the end
        inner = within_span(F.gelu(_by_part(self.first, read)), span)
        x = x + self.dropout(_by_part(self.second, inner))
        return x + self.dropout(self.over_features(self.feature_norm(x)))  # type: ignore[no-any-return]


def _by_part(maps: nn.ModuleList, x: Tensor) -> Tensor:
    """Send each interleaved part of (batch, streams, time, hidden) through its own map."""
    time = x.shape[2]
    result = torch.empty_like(x)
    for part in range(min(PARTS, time)):
        result[:, :, part::PARTS] = maps[part](x[:, :, part::PARTS])
    return result
